"""Three services in one process: an echo, a reverser, and a web page that shows them at work.

    plait run -n -y examples/demo_app.py

What is typed into ``nc 127.0.0.1 5001`` comes back, what is typed into ``nc 127.0.0.1 2323`` comes back
reversed, and http://127.0.0.1:8080/ counts connections and bytes while it happens. The environment can say
otherwise: DEMO_HOST, DEMO_ECHO_PORT, DEMO_REVERSE_PORT and DEMO_WEB_PORT (0 is any free port).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from plait import (
    Application,
    Factory,
    Failure,
    LineReceiver,
    Logger,
    MultiService,
    Service,
    TCPServer,
    reactor,
)
from plait.transport import IPv4Address, IPv6Address

PAGE = Path(__file__).with_name("demo_page.html").read_bytes()
HOST = os.environ.get("DEMO_HOST", "127.0.0.1")

log = Logger(namespace="demo")


def port_of(name: str, default: int) -> int:
    """The port for a service: the variable of that name if it is set."""
    text = os.environ.get(name, str(default))
    if not (text.isdecimal() and int(text) < 65536):
        raise ValueError(f"{name}={text!r}: give a port from 0 to 65535")
    return int(text)


@dataclass
class Meter:
    """What one service has done so far; this is what the page shows."""

    name: str
    port: int
    purpose: str
    connections: int = 0
    accepted: int = 0
    received: int = 0
    sent: int = 0


class MeteredLines(LineReceiver):
    """A line protocol that counts in its `meter` what passes in both directions."""

    delimiter = b"\n"  # telnet and browsers end a line with CR LF, nc with LF alone; either will do
    meter: Meter

    def connectionMade(self) -> None:
        self.meter.connections += 1
        self.meter.accepted += 1
        peer = self.transport.getPeer()
        where = f"{peer.host} port {peer.port}" if isinstance(peer, IPv4Address | IPv6Address) else "elsewhere"
        log.info("{service}: connection from {where}", service=self.meter.name, where=where)
        # As a producer of its own answers, a LineReceiver is paused while the peer does not read them: a peer
        # that only sends cannot fill our memory.
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self.meter.received += len(data)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        self.heard(line.removesuffix(b"\r"))

    def heard(self, line: bytes) -> None:
        """A line has come; this is its text."""
        raise NotImplementedError

    def sendLine(self, line: bytes) -> None:
        self.send(line + b"\r\n")

    def send(self, data: bytes) -> None:
        self.meter.sent += len(data)
        self.transport.write(data)

    def close(self) -> None:
        """Close the connection when all that was sent is out."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def lineLengthExceeded(self, line: bytes) -> None:
        log.warn("{service}: line too long, connection closed", service=self.meter.name)
        self.close()

    def connectionLost(self, reason: Failure) -> None:
        self.meter.connections -= 1
        log.info("{service}: {reason}", service=self.meter.name, reason=reason.getErrorMessage())


class Echo(MeteredLines):
    """Says what it was told, until it is told to quit."""

    def heard(self, line: bytes) -> None:
        if line == b"quit":
            self.sendLine(b"Goodbye.")
            self.close()
        else:
            self.sendLine(b"You said: " + line)


class Reverser(MeteredLines):
    """Says it backwards."""

    def heard(self, line: bytes) -> None:
        if line == b"quit":
            self.close()
        else:
            self.sendLine(line[::-1])


class StatusPage(MeteredLines):
    """As much of HTTP/1.1 (RFC 9112) as a page that updates itself needs: GET and HEAD, no bodies."""

    MAX_LENGTH = 8192  # for the request line and for each header, as most servers have it
    MAX_HEADERS = 100
    IDLE_SECONDS = 30  # for a whole request to arrive; a browser that shows the page asks every second

    def connectionMade(self) -> None:
        super().connectionMade()
        self.request = b""
        self.headers = 0
        self.keep = True
        self.closing = False
        self.idle = reactor.callLater(self.IDLE_SECONDS, self.close)

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        if self.idle.active():
            self.idle.cancel()

    def close(self) -> None:
        self.closing = True
        super().close()

    def heard(self, line: bytes) -> None:
        if self.closing:
            return
        if self.request and line:
            self.header_received(line)
        elif self.request:
            self.request_received()
        else:
            self.request = line  # an empty line before a request is to be ignored (section 2.2)
            self.headers = 0
            self.keep = line.endswith(b"HTTP/1.1")

    def header_received(self, line: bytes) -> None:
        self.headers += 1
        name, _, value = line.lower().partition(b":")
        value = value.strip()
        if self.headers > self.MAX_HEADERS:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif name == b"connection" and value == b"close":
            self.keep = False
        elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def request_received(self) -> None:
        self.idle.reset(self.IDLE_SECONDS)
        words, self.request = self.request.split(b" "), b""
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            self.refuse(HTTPStatus.BAD_REQUEST)
            return
        method, target = words[0], words[1].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            self.refuse(HTTPStatus.NOT_IMPLEMENTED)
        elif target == b"/":
            self.reply(HTTPStatus.OK, "text/html; charset=utf-8", PAGE, head=method == b"HEAD")
        elif target == b"/status":
            self.reply(HTTPStatus.OK, "application/json", status(), head=method == b"HEAD")
        else:
            self.reply(HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n", head=method == b"HEAD")

    def lineLengthExceeded(self, line: bytes) -> None:
        if not self.closing:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def refuse(self, code: HTTPStatus) -> None:
        """Answer what cannot be served, and close: where the next request would begin is not known."""
        self.keep = False
        self.reply(code, "text/plain", code.phrase.encode() + b"\n")

    def reply(self, code: HTTPStatus, kind: str, body: bytes, head: bool = False) -> None:
        fields = [
            f"HTTP/1.1 {code.value} {code.phrase}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            f"Connection: {'keep-alive' if self.keep else 'close'}",
        ]
        self.send("\r\n".join([*fields, "", ""]).encode() + (b"" if head else body))
        if not self.keep:
            self.close()


class MeteredFactory(Factory):
    """Makes protocols of one class that share one meter."""

    noisy = False

    def __init__(self, make: type[MeteredLines], meter: Meter) -> None:
        self.make = make
        self.meter = meter

    def buildProtocol(self, address: object) -> MeteredLines:
        protocol = self.make()
        protocol.factory = self
        protocol.meter = self.meter
        return protocol


class Welcome(Service):
    """Says where to look, once everything listens."""

    def startService(self) -> None:
        super().startService()
        self.since = reactor.seconds()
        for meter, server in zip(METERS, SERVERS, strict=True):
            meter.port = server.getHost().port
            log.info("{name}: {host} port {port}", name=meter.name, host=HOST, port=meter.port)
        log.info("Watch them at http://{host}:{port}/ - Ctrl-C ends all.", host=HOST, port=METERS[-1].port)


def status() -> bytes:
    """Everything that the page shows, as JSON."""
    services = [{**vars(meter), "host": HOST} for meter in METERS]
    return json.dumps({"uptime": reactor.seconds() - welcome.since, "services": services}).encode()


METERS = [
    Meter("echo", port_of("DEMO_ECHO_PORT", 5001), "says what it was told"),
    Meter("reverser", port_of("DEMO_REVERSE_PORT", 2323), "says it backwards"),
    Meter("web", port_of("DEMO_WEB_PORT", 8080), "this page"),
]

SERVERS = [
    TCPServer(meter.port, MeteredFactory(make, meter), interface=HOST)
    for make, meter in zip([Echo, Reverser, StatusPage], METERS, strict=True)
]
welcome = Welcome()

application = Application("Demo")
services = MultiService()
services.setServiceParent(application)
for part in [*SERVERS, welcome]:
    part.setServiceParent(services)
