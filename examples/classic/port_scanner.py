from twisted.internet import defer, reactor
from deferred_connect import probe
import sys


class Progress(object):
    def __init__(self, total):
        self.total = total
        self.done = 0

    def tick(self, result):
        before = 100 * self.done // self.total
        self.done += 1
        percent = 100 * self.done // self.total
        if percent != before and sys.stderr.isatty():
            sys.stderr.write("\r[%-50s] %3d%%" % ("#" * (percent // 2), percent))
            if percent == 100:
                sys.stderr.write("\n")
            sys.stderr.flush()
        return result


def handleAllResults(results, ports):
    for port, (success, result) in zip(ports, results):
        if success:
            print("Connected to port %i" % port)
    reactor.stop()


if len(sys.argv) != 4 or not (sys.argv[2].isdigit() and sys.argv[3].isdigit()):
    sys.stderr.write("usage: port_scanner.py HOST FIRST LAST\n")
    sys.exit(2)

ports = range(int(sys.argv[2]), int(sys.argv[3]) + 1)
progress = Progress(len(ports))
testers = []
for port in ports:
    tester = probe(sys.argv[1], port)
    tester.addBoth(progress.tick)
    testers.append(tester)
defer.DeferredList(testers, consumeErrors=True).addCallback(handleAllResults, ports)
reactor.run()
