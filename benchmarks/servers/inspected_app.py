"""The daemon of benchmarks/inspect_load.py: it notes the most CPU time that its loop uses in a turn, and echoes."""

from __future__ import annotations

import time

from plait import reactor
from plait.protocol import Factory, LineReceiver
from plait.service import Application, Service, TCPServer

# Seconds between two looks at the clock.
STEP = 0.001


class Inspected(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        if line == b"begin":
            watch.begin()
            self.sendLine(b"0")
        elif line == b"pause":
            self.sendLine(b"%.6f" % watch.longest)
        elif line == b"echo":
            self.setRawMode()
            self.sendLine(b"go on")

    def rawDataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Watch(Service):
    longest = 0.0
    _on = False

    def startService(self) -> None:
        super().startService()
        with open("port", "w") as file:
            file.write(str(server.getHost().port))

    def begin(self) -> None:
        self.longest, self._last = 0.0, time.thread_time()
        if not self._on:
            self._on = True
            self._look()

    def _look(self) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        reactor.loop.call_later(STEP, self._look)


application = Application("inspected")
server = TCPServer(0, Factory.forProtocol(Inspected), backlog=1000, interface="127.0.0.1")
watch = Watch()
for service in (server, watch):
    service.setServiceParent(application)
