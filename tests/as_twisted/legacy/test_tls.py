"""TLS as a protocol in front of a protocol."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from plait import ClientFactory, Deferred, Factory, reactor
from plait.as_twisted.legacy.tls import TLSMemoryBIOFactory
from plait.errors import ConnectionDone, ConnectionLost, SSLError
from plait.failure import Failure
from plait.interfaces import IHandshakeListener, INegotiated, implementer
from plait.protocol import Protocol
from plait.task import Clock
from plait.testing import StringTransportWithDisconnection
from plait.transport.tls import ClientContextFactory, DefaultOpenSSLContextFactory, verifiedClientContextFactory
from tests.certificates import make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@implementer(IHandshakeListener)
class Noting(Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.secured = False
        self.reason: Failure | None = None
        self.lost: Deferred[Any] = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(b"hello")

    def handshakeCompleted(self) -> None:
        self.secured = True

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure) -> None:
        self.reason = reason
        self.lost.callback(reason.value)


class Ends:
    """A client and a server under TLS over transports in memory."""

    def __init__(self, server_context: Any, client_context: Any) -> None:
        self.clock = Clock()
        self.wires = []
        for context, client in ((client_context, True), (server_context, False)):
            factory = TLSMemoryBIOFactory(context, client, Factory.forProtocol(Noting), self.clock)
            wrapper = factory.buildProtocol(None)
            wire = StringTransportWithDisconnection()
            wire.protocol = wrapper
            wrapper.makeConnection(wire)
            self.wires.append((wrapper, wire))
        (self.client, _), (self.server, _) = self.wires
        self.near, self.far = self.client.wrappedProtocol, self.server.wrappedProtocol

    def pump(self) -> None:
        """Carry what has been written, until there is nothing."""
        moved = True
        while moved:
            moved = False
            for (_, wire), (other, there) in (self.wires, self.wires[::-1]):
                data = wire.value()
                wire.clear()
                if data and there.connected:
                    other.dataReceived(data)
                    moved = True
            self.clock.advance(0)


def test_both_ways(certificate: tuple[Path, Path]) -> None:
    trust = verifiedClientContextFactory("localhost", ssl.create_default_context(cafile=certificate[1]))
    ends = Ends(DefaultOpenSSLContextFactory(*certificate), trust)
    assert INegotiated.providedBy(ends.near.transport)
    ends.pump()
    assert (ends.near.data, ends.far.data) == (b"hello", b"hello")
    assert ends.near.secured and ends.far.secured
    assert ends.client.getPeerCertificate()["subjectAltName"] == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))
    ends.near.transport.writeSequence([b", ", b"world"])
    ends.pump()
    assert ends.far.data == b"hello, world"
    ends.near.transport.loseConnection()
    ends.pump()
    assert ends.near.reason.check(ConnectionDone) and ends.far.reason.check(ConnectionDone)


def test_who_is_not_believed(certificate: tuple[Path, Path]) -> None:
    ends = Ends(DefaultOpenSSLContextFactory(*certificate), verifiedClientContextFactory("localhost"))
    ends.pump()
    assert ends.near.reason.check(SSLError) and "not accepted" in str(ends.near.reason.value)
    assert ends.far.data == b"" and not ends.near.secured


def test_an_end_without_a_word(certificate: tuple[Path, Path]) -> None:
    ends = Ends(DefaultOpenSSLContextFactory(*certificate), ClientContextFactory())
    ends.pump()
    ends.wires[0][1].loseConnection()
    assert ends.near.reason.check(ConnectionLost)


def test_a_handshake_that_takes_too_long(certificate: tuple[Path, Path]) -> None:
    ends = Ends(DefaultOpenSSLContextFactory(*certificate), ClientContextFactory())
    ends.clock.advance(61)
    assert ends.near.reason.check(SSLError) and "took longer" in str(ends.near.reason.value)


def test_what_is_no_context_is_refused_at_once() -> None:
    class Odd:
        def getContext(self) -> str:
            return "odd"

    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        TLSMemoryBIOFactory(Odd(), True, Factory())


async def test_over_sockets(certificate: tuple[Path, Path]) -> None:
    server_factory = Factory.forProtocol(Noting)
    server_factory.noisy = False
    wrapped = TLSMemoryBIOFactory(DefaultOpenSSLContextFactory(*certificate), False, server_factory)
    port = reactor.listenTCP(0, wrapped, interface="127.0.0.1")
    made: list[Noting] = []

    class Client(ClientFactory):
        noisy = False

        def buildProtocol(self, addr: Any) -> Noting:
            made.append(Noting())
            return made[-1]

    reactor.connectSSL("127.0.0.1", port.getHost().port, client := Client(), ClientContextFactory())
    gone: Deferred[Any] = Deferred()
    client.clientConnectionLost = lambda connector, reason: gone.callback(reason.value)
    secured: Deferred[Any] = Deferred()
    original = Noting.dataReceived

    def noted(self: Noting, data: bytes) -> None:
        original(self, data)
        if self.data == b"hello" and made and self is made[0] and not secured.called:
            secured.callback(None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Noting, "dataReceived", noted)
        await secured
    made[0].transport.loseConnection()
    assert isinstance(await gone, ConnectionDone)
    await port.stopListening()
