"""Let another program sort lines, and see how it ends."""

import sys

from plait import reactor
from plait.engine import getProcessOutputAndValue
from plait.protocol import ProcessProtocol

# what the child runs; any program does
SORT = "import sys; sys.stdout.writelines(sorted(sys.stdin))"


class Sorting(ProcessProtocol):
    def connectionMade(self):
        self.lines = b""
        self.transport.write(b"pear\napple\n")
        self.transport.write(b"fig\n")
        self.transport.closeStdin()  # the child has all of it

    def outReceived(self, data):
        self.lines += data  # in pieces of any length

    def processEnded(self, reason):
        print("sorted:", self.lines.split())
        print("the exit code is", reason.value.exitCode)
        once_more()


def once_more():
    d = getProcessOutputAndValue(sys.executable, ["-c", SORT], stdinBytes=b"plum\nkiwi\n")
    d.addCallback(lambda result: print("in one call:", *result))
    d.addBoth(lambda _: reactor.stop())


reactor.spawnProcess(Sorting(), sys.executable, [sys.executable, "-c", SORT], env=None)
reactor.run()
