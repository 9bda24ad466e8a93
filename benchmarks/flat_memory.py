"""Whether memory stays flat: over many connections that are made and lost, and over many timers.

    python benchmarks/flat_memory.py [--connections COUNT] [--timers COUNT]

A server in this process takes 100,000 connections (or what `--connections` says), 50 at a time, from a client in a process
of its own; each sends a message, gets it back and ends. Then a million timers are set, 10,000 at a time; of each ten, nine are
cancelled and one fires. Printed is what the process has in memory at the first tenth of each and at the end. The exit status is
1 if either grew by more than 4 MB.
"""

from __future__ import annotations

import argparse
import re
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from plait import Factory, Protocol, inlineCallbacks, reactor
from plait.task import deferLater

AT_ONCE = 50
TIMERS_AT_ONCE = 10_000
LIMIT = 4.0
"""Megabytes: what the allocator may add in a run without a leak; 100 bytes for each connection would be 9."""


def connect(port: int, count: int) -> None:
    """Make `count` connections, some at a time, and end each in one of three ways."""
    for first in range(0, count, AT_ONCE):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(min(AT_ONCE, count - first))]
        for client in clients:
            client.sendall(b"x" * 64)
        for number, client in enumerate(clients):
            client.recv(64, socket.MSG_WAITALL)
            # the end of data, a close, and (for the others, whose port is free again at once) a reset
            if number == 0:
                client.shutdown(socket.SHUT_WR)
                client.recv(1)
            elif number > 1:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()


def memory() -> float:
    """The megabytes in memory that are this process's own, and no file's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "memory is read from /proc, which Linux has"
    return int(found[1]) / 1024


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Counting(Factory):
    """Notes the memory at a tenth of the connections."""

    protocol = Echo

    def __init__(self, count: int) -> None:
        self.before = 0.0
        self._made = 0
        self._tenth = count // 10

    def buildProtocol(self, addr: Any) -> Any:
        self._made += 1
        if self._made == self._tenth:
            self.before = memory()
        return super().buildProtocol(addr)


@inlineCallbacks
def connections(count: int) -> Generator[Any, Any, float]:
    """Growth in megabytes over `count` connections."""
    factory = Counting(count)
    port = reactor.listenTCP(0, factory, interface="127.0.0.1", backlog=AT_ONCE)
    address: Any = port.getHost()
    argv = [sys.executable, __file__, "--connect", str(address.port), "--connections", str(count)]
    with subprocess.Popen(argv) as client:
        while client.poll() is None:
            yield deferLater(reactor, 0.05)
    if client.returncode:
        sys.exit("the client has failed")
    yield port.stopListening()
    after = memory()
    print(f"{count:,} connections: {factory.before:.1f} MB at the first tenth, {after:.1f} MB at the end")
    return after - factory.before


@inlineCallbacks
def timers(count: int) -> Generator[Any, Any, float]:
    """Growth in megabytes over `count` timers."""
    before = 0.0
    for first in range(0, count, TIMERS_AT_ONCE):
        if first <= count // 10:
            before = memory()
        calls = [reactor.callLater(0.001 if number % 10 == 0 else 60, int) for number in range(TIMERS_AT_ONCE)]
        for number, call in enumerate(calls):
            if number % 10:
                call.cancel()
        del calls
        yield deferLater(reactor, 0.002)
    after = memory()
    print(f"{count:,} timers: {before:.1f} MB at the first tenth, {after:.1f} MB at the end")
    return after - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--connections", type=int, default=100_000, help="100,000 if not given")
    parser.add_argument("--timers", type=int, default=1_000_000, help="a million if not given")
    parser.add_argument("--connect", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.connect:
        connect(options.connect, options.connections)
        return 0
    grown: list[float] = []

    @inlineCallbacks
    def work() -> Generator[Any, Any, None]:
        grown.append((yield connections(options.connections)))
        grown.append((yield timers(options.timers)))

    def end(failure: Any) -> None:
        if failure is not None:
            failure.printTraceback()
        reactor.stop()

    reactor.callWhenRunning(lambda: work().addBoth(end))
    reactor.run()
    return 0 if len(grown) == 2 and max(grown) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
