"""Port forwarding: each connection to our port is carried on to a port of another host.

reactor.listenTCP(8080, ProxyFactory("10.0.0.5", 80))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait import current
from plait.protocol.base import Factory, Protocol, connectionDone
from plait.protocol.clients import ClientFactory

if TYPE_CHECKING:
    from collections.abc import Callable

    from plait.failure import Failure
    from plait.interfaces import IAddress, IConnector


class Proxy(Protocol):
    """One of two connections that carry each other's bytes; when one is lost, the other is closed.

    Attribute: `peer` (the other, once there is one).
    """

    noisy = True
    peer: Any = None

    def setPeer(self, peer: Any) -> None:
        """From now on `peer` is the other one."""
        self.peer = peer

    def dataReceived(self, data: bytes) -> None:
        """Carry it over."""
        self.peer.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the other one, when all that was read here has been sent there."""
        self.connected = 0
        peer, self.peer = self.peer, None
        if peer is not None:
            part(peer.transport)
            peer.transport.loseConnection()
        elif self.noisy:
            self._noise(reason)

    def _noise(self, reason: Failure) -> None:
        Factory.log.debug("{protocol!r} lost its connection before it had a peer", protocol=self, reason=reason)


def join(first: Any, second: Any) -> None:
    """Let each of two transports read only as fast as the other can send."""
    first.registerProducer(second, True)
    second.registerProducer(first, True)


def part(transport: Any) -> None:
    """Undo `join` for a transport whose other one is gone, or it would wait for it before it closes."""
    if getattr(transport, "producer", None) is not None:
        transport.unregisterProducer()


class ProxyClient(Proxy):
    """The connection that we make."""

    def connectionMade(self) -> None:
        """Join the two, and let the one that waits go on; unless it has gone meanwhile."""
        if not self.peer.connected:
            self.peer = None
            self.transport.loseConnection()
            return
        self.peer.setPeer(self)
        join(self.transport, self.peer.transport)
        self.peer.transport.resumeProducing()


class ProxyClientFactory(ClientFactory):
    """Makes the connection for one `ProxyServer`."""

    protocol = ProxyClient
    noisy = False
    server: Any = None

    def setServer(self, server: Any) -> None:
        """The connection is made for this one."""
        self.server = server

    def buildProtocol(self, addr: IAddress) -> Any:
        """A protocol whose peer is the server's."""
        protocol = super().buildProtocol(addr)
        protocol.setPeer(self.server)
        return protocol

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """There is nothing to carry on to: close the connection that waits."""
        self.server.transport.loseConnection()


class ProxyServer(Proxy):
    """The connection that is made to us. It is not read before there is another one to carry it on."""

    clientProtocolFactory: Callable[[], Any] = ProxyClientFactory
    reactor: Any = None

    def connectionMade(self) -> None:
        """Wait, and connect to where the factory says."""
        self.transport.pauseProducing()
        client = self.clientProtocolFactory()
        client.setServer(self)
        reactor = self.reactor if self.reactor is not None else current.getReactor()
        reactor.connectTCP(self.factory.host, self.factory.port, client)


class ProxyFactory(Factory):
    """For `reactor.listenTCP`: carries connections on to `host` and `port`."""

    protocol = ProxyServer

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
