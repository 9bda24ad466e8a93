"""What the tests of TLS for Twisted's programs share: authorities, certificates of hosts, and ends that are joined in memory."""

from __future__ import annotations

import datetime
import ipaddress
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from plait import ClientFactory, Deferred, Factory, ServerFactory, reactor
from plait.as_twisted.legacy.tls import TLSMemoryBIOFactory
from plait.as_twisted.legacy.tlscertificates import Certificate, PrivateCertificate
from plait.failure import Failure
from plait.interfaces import IHandshakeListener, IProtocolNegotiationFactory, implementer
from plait.protocol import Protocol
from plait.task import Clock
from plait.testing import StringTransportWithDisconnection


class Authority:
    """Signs certificates; an intermediate one has another `above` it. `certificate` is its own."""

    def __init__(self, name: str, above: Authority | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        signer = above or self
        self.raw = made.issuer_name(signer.name).sign(signer.key, hashes.SHA256())
        self.certificate: Certificate = Certificate.loadPEM(self.raw.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _builder(name: x509.Name, key: Any) -> x509.CertificateBuilder:
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
        )

    def host(self, *names: str) -> PrivateCertificate:
        """A certificate for hosts, by name or IP address, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a host")])
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        made = self._builder(subject, key).add_extension(alternatives, False).issuer_name(self.name)
        pem = made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        plain = serialization.NoEncryption()
        pem += key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        return PrivateCertificate.loadPEM(pem)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@implementer(IHandshakeListener)
class Noting(Protocol):
    """Notes what comes. `secured` and `lost` are Deferreds; `enough(n)` fires with the data when n bytes have come."""

    greeting = b""

    def __init__(self) -> None:
        self.data = b""
        self.secured: Deferred[Any] = Deferred()
        self.reason: Failure | None = None
        self.lost: Deferred[Any] = Deferred()
        self._wanted: tuple[int, Deferred[bytes]] | None = None

    def connectionMade(self) -> None:
        if self.greeting:
            self.transport.write(self.greeting)

    def handshakeCompleted(self) -> None:
        self.secured.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if self._wanted is not None and len(self.data) >= self._wanted[0]:
            (_, d), self._wanted = self._wanted, None
            d.callback(self.data)

    def enough(self, count: int) -> Deferred[bytes]:
        d: Deferred[bytes] = Deferred()
        if len(self.data) >= count:
            d.callback(self.data)
        else:
            self._wanted = count, d
        return d

    def connectionLost(self, reason: Failure) -> None:
        self.reason = reason
        self.lost.callback(reason.value)


class Pair:
    """A server and a client of TLS over real sockets of the reactor, one connection for each `connect`."""

    def __init__(self, server_options: Any, names: list[bytes] | None = None) -> None:
        self.servers: list[Noting] = []

        @implementer(IProtocolNegotiationFactory)
        class Factory(ServerFactory):
            noisy = False

            def acceptableProtocols(factory) -> list[bytes]:
                return names or []

            def buildProtocol(factory, addr: Any) -> Noting:
                self.servers.append(Noting())
                return self.servers[-1]

        self.port = reactor.listenSSL(0, Factory(), server_options, interface="127.0.0.1")

    async def connect(self, client_options: Any, names: list[bytes] | None = None) -> Noting:
        """A client whose TCP connection is there; the handshake is under way."""
        made: Deferred[Noting] = Deferred()

        class Made(Noting):
            def connectionMade(self) -> None:
                made.callback(self)

        @implementer(IProtocolNegotiationFactory)
        class Factory(ClientFactory):
            noisy = False
            protocol = Made

            def acceptableProtocols(self) -> list[bytes]:
                return names or []

        reactor.connectSSL("127.0.0.1", self.port.getHost().port, Factory(), client_options)
        return await made

    async def close(self) -> None:
        await self.port.stopListening()


class Ends:
    """A client and a server of `twisted.protocols.tls` over transports in memory."""

    def __init__(self, server_options: Any, client_options: Any, protocol: Any = Noting) -> None:
        self.clock = Clock()
        self.wires = []
        for options, client in ((client_options, True), (server_options, False)):
            factory = TLSMemoryBIOFactory(options, client, Factory.forProtocol(protocol), self.clock)
            wrapper = factory.buildProtocol(None)
            wire = StringTransportWithDisconnection()
            wire.protocol = wrapper
            wrapper.makeConnection(wire)
            self.wires.append((wrapper, wire))
        (self.client, self.client_wire), (self.server, self.server_wire) = self.wires
        self.near, self.far = self.client.wrappedProtocol, self.server.wrappedProtocol

    def pump(self) -> None:
        """Carry what has been written, and the end of the connection, until there is nothing."""
        moved = True
        while moved:
            self.clock.advance(0)
            moved = False
            for (_, wire), (other, there) in (self.wires, self.wires[::-1]):
                data = wire.value()
                wire.clear()
                if data and there.connected:
                    other.dataReceived(data)
                    moved = True
                if not wire.connected and there.connected and not data:
                    there.loseConnection()
                    moved = True
