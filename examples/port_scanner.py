"""A DeferredList: many results at once. Finds the open ports of a host.

usage: python port_scanner.py HOST FIRST LAST
"""

import sys

from deferred_connect import testConnection

from plait import DeferredList, reactor


class ProgressBar:
    """Shows how much of the work is done, if a person is looking."""

    width = 50

    def __init__(self, total, file):
        self.total = total
        self.file = file
        self.done = 0
        self.shown = -1

    def advance(self, result):
        """Count one more as done. Hands `result` on, so it can stand in any chain of callbacks."""
        self.done += 1
        percent = 100 * self.done // self.total
        if percent != self.shown and self.file.isatty():
            self.shown = percent
            bar = "#" * (self.width * percent // 100)
            end = "\n" if percent == 100 else ""
            print(f"\r[{bar:<{self.width}}] {percent:3d}%", end=end, file=self.file, flush=True)
        return result


def printResults(results, ports):
    for port, (connected, _) in zip(ports, results, strict=True):
        if connected:
            print("Connected to port", port)


def main():
    try:
        host, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        ports = range(first, last + 1)
        if not ports or first < 1 or last > 65535:
            raise ValueError("no such ports")
    except (IndexError, ValueError):
        print("usage: python port_scanner.py HOST FIRST LAST   (1 to 65535)", file=sys.stderr)
        sys.exit(2)

    bar = ProgressBar(len(ports), sys.stderr)
    testers = [testConnection(host, port).addBoth(bar.advance) for port in ports]
    # A port that is closed is no news here: consumeErrors keeps its failure out of the log.
    finished = DeferredList(testers, consumeErrors=True)
    finished.addCallback(printResults, ports)
    finished.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
