"""Two protocols joined without a network: what one writes is carried to the other when you pump.

client, server, pump = connectedServerAndClient(MyServer, MyClient)
client.ask()
pump.flush()
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from plait.deferred import Deferred
from plait.errors import ConnectionDone, ConnectionLost, ConnectionRefusedError
from plait.failure import Failure
from plait.interfaces import (
    IAddress,
    IConnector,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    ITCPTransport,
    implementer,
)
from plait.protocol import ClientFactory, Factory, Protocol
from plait.testing.reactors import MemoryReactor, MemoryReactorClock
from plait.testing.transports import StringTransport
from plait.transport import IPv4Address

# Turns of `flush` after which two ends that never fall silent are taken for a mistake.
_TURNS = 1000

_serials = itertools.count()


@implementer(ITCPTransport)
class FakeTransport(StringTransport):
    """One end of a connection that an `IOPump` carries. `disconnected` says that it is over, with `disconnectReason`.

    `serial` is a number that no other one has.
    """

    def __init__(
        self,
        protocol: Any,
        isServer: bool = False,
        hostAddress: IAddress | None = None,
        peerAddress: IAddress | None = None,
    ) -> None:
        super().__init__(
            hostAddress or IPv4Address("TCP", "127.0.0.1", 80 if isServer else 50000),
            peerAddress or IPv4Address("TCP", "127.0.0.1", 50000 if isServer else 80),
        )
        self.protocol = protocol
        self.isServer = isServer
        self.disconnectReason: Failure | None = None
        self.serial = next(_serials)
        self.tls: Any = None
        self.peer_tls: Any = None
        self._held = bytearray()

    @property
    def stream(self) -> list[bytes]:
        """What waits for the pump, in parts."""
        return [self.value()]

    def abortConnection(self) -> None:
        """Close the connection at once. It is over when the pump has told both ends."""
        self.aborting = True
        self.loseConnection()

    def write(self, data: bytes) -> None:
        """Keep `data` for the pump; not, once the connection is over, or being closed with no producer to finish."""
        if self.disconnected or (self.disconnecting and self.producer is None):
            return
        before = len(self._written)
        super().write(data)
        if self.tls is not None and self.peer_tls is None:
            # It goes when the handshake is over.
            self._held += self._written[before:]
            del self._written[before:]

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Keep all parts for the pump."""
        self.write(b"".join(iovec))

    def startTLS(self, contextFactory: Any, beNormal: bool = True) -> bool:
        """Begin TLS. Nothing is encrypted, but what is written from now on waits until the peer has begun it too.

        If `contextFactory` has a method ``iosimVerify``, that is called with the peer's, and says whether to go on.
        `beNormal` has no meaning here: which end speaks first makes no difference.
        """
        self.tls = contextFactory
        return True

    def getPeerCertificate(self) -> Any:
        """The peer's `contextFactory`, which stands for its certificate; None before both ends have begun TLS."""
        return self.peer_tls

    def handshake(self, peer: FakeTransport) -> None:
        """Both ends have begun TLS: send what waited for that, or cut the connection if the peer is not trusted."""
        self.peer_tls = peer.tls
        verify = getattr(self.tls, "iosimVerify", None)
        if verify is not None and not verify(peer.tls):
            self.abortConnection()
            return
        held, self._held = bytes(self._held), bytearray()
        self._written += held

    def getOutBuffer(self) -> bytes:
        """What was written since this was last asked."""
        data = self.value()
        self.clear()
        return data

    def bufferReceived(self, data: bytes) -> None:
        """Hand to the protocol what has come from the peer."""
        if not self.disconnected:
            self.protocol.dataReceived(data)

    def checkProducer(self) -> None:
        """Ask a pull producer for more, if all is carried away."""
        if self.producer is not None and not self.streaming and not self.value():
            self.producer.resumeProducing()

    @property
    def finished(self) -> bool:
        """Whether it is to be closed and all that was written before has been carried away."""
        return self.disconnecting and (
            self.aborting or (not self._written and not self._held and self.producer is None)
        )

    def reportDisconnect(self) -> None:
        """Tell the protocol, once, that the connection is over."""
        if self.disconnected:
            return
        self.disconnected = True
        self.connected = False
        reason = ConnectionLost() if self.aborting else ConnectionDone()
        self.disconnectReason = Failure(reason)
        self.protocol.connectionLost(self.disconnectReason)


def makeFakeClient(clientProtocol: Any) -> FakeTransport:
    """The client's end of a connection."""
    return FakeTransport(clientProtocol, isServer=False)


def makeFakeServer(serverProtocol: Any) -> FakeTransport:
    """The server's end of a connection."""
    return FakeTransport(serverProtocol, isServer=True)


class IOPump:
    """Carries bytes between two ends. `clock`, if given, is a `plait.task.Clock` that each `pump` moves by 0 seconds."""

    def __init__(
        self,
        client: Any,
        server: Any,
        clientIO: FakeTransport,
        serverIO: FakeTransport,
        debug: bool = False,
        clock: Any = None,
    ) -> None:
        self.client = client
        self.server = server
        self.clientIO = clientIO
        self.serverIO = serverIO
        self.debug = debug
        self.clock = clock

    def pump(self, debug: bool = False, advanceClock: bool = True) -> bool:
        """Carry what both ends have written, and then the end of the connection. Returns whether anything moved.

        With `debug`, here or when the pump was made, what is carried is printed. Without `advanceClock`, the clock stands.
        """
        if self.clock is not None and advanceClock:
            self.clock.advance(0)
        for end in (self.clientIO, self.serverIO):
            end.checkProducer()
        from_client, from_server = self.clientIO.getOutBuffer(), self.serverIO.getOutBuffer()
        moved = False
        for name, data, end in (("C", from_client, self.serverIO), ("S", from_server, self.clientIO)):
            if data:
                moved = True
                if debug or self.debug:
                    print(f"{name}: {data!r}")
                end.bufferReceived(data)
        return self._shake_hands() or self._close() or moved

    def _shake_hands(self) -> bool:
        """TLS begins when both ends have asked for it, and all that was written before has been carried."""
        ends = (self.clientIO, self.serverIO)
        if any(end.tls is None or end.peer_tls is not None or end.value() for end in ends):
            return False
        self.clientIO.handshake(self.serverIO)
        self.serverIO.handshake(self.clientIO)
        return True

    def _close(self) -> bool:
        ends = (self.clientIO, self.serverIO)
        if not any(end.finished for end in ends) or all(end.disconnected for end in ends):
            return False
        aborted = any(end.aborting for end in ends)
        for end in ends:
            # The peer of an end that was cut off sees it lost, too.
            end.aborting = aborted
            end.reportDisconnect()
        return True

    def flush(self, debug: bool = False, advanceClock: bool = True) -> bool:
        """Pump until nothing moves. Returns whether anything did. RuntimeError if the two never fall silent."""
        for turn in range(_TURNS):
            if not self.pump(debug, advanceClock):
                return turn > 0
        raise RuntimeError(f"both ends still write after {_TURNS} turns")


def connect(
    serverProtocol: Any,
    serverTransport: FakeTransport,
    clientProtocol: Any,
    clientTransport: FakeTransport,
    debug: bool = False,
    greet: bool = True,
    clock: Any = None,
) -> IOPump:
    """Make a connection between two protocols; with `greet`, what they say at once is carried already."""
    serverProtocol.makeConnection(serverTransport)
    clientProtocol.makeConnection(clientTransport)
    pump = IOPump(clientProtocol, serverProtocol, clientTransport, serverTransport, debug, clock)
    if greet:
        pump.flush()
    return pump


def connectedServerAndClient(
    ServerClass: Callable[[], Any],
    ClientClass: Callable[[], Any],
    clientTransportFactory: Callable[[Any], FakeTransport] = makeFakeClient,
    serverTransportFactory: Callable[[Any], FakeTransport] = makeFakeServer,
    debug: bool = False,
    greet: bool = True,
    clock: Any = None,
) -> tuple[Any, Any, IOPump]:
    """Make a server and a client and join them: (client, server, pump)."""
    client, server = ClientClass(), ServerClass()
    client_io, server_io = clientTransportFactory(client), serverTransportFactory(server)
    return client, server, connect(server, server_io, client, client_io, debug, greet, clock)


class ConnectionCompleter:
    """Makes, or refuses, the TCP connections that were asked of a `MemoryReactor`, one with each call."""

    def __init__(self, memoryReactor: MemoryReactor) -> None:
        self._reactor = memoryReactor

    def succeedOnce(self, debug: bool = False) -> IOPump | None:
        """Connect the first client for which there is a server, on its port. Returns the pump; None if there is no such.

        If either factory refuses, none is made.
        """
        reactor = self._reactor
        for n, (host, port, client_factory, _, _) in enumerate(reactor.tcpClients):
            for server_port, server_factory, _, interface in reactor.tcpServers:
                if port == server_port and interface in ("", "0.0.0.0", "::", host):
                    del reactor.tcpClients[n], reactor.connectors[n]
                    return self._join(client_factory, server_factory, host, port, debug)
        return None

    def _join(
        self, clients: IProtocolFactory, servers: IProtocolFactory, host: str, port: int, debug: bool
    ) -> IOPump | None:
        client_address, server_address = IPv4Address("TCP", "127.0.0.1", 50000), IPv4Address("TCP", host, port)
        client, server = clients.buildProtocol(server_address), servers.buildProtocol(client_address)
        if client is None or server is None:
            return None
        return connect(
            server,
            FakeTransport(server, True, server_address, client_address),
            client,
            FakeTransport(client, False, client_address, server_address),
            debug,
        )

    def failOnce(self, reason: Failure | None = None) -> None:
        """Let the first attempt fail with `reason`; ConnectionRefusedError if none is given. IndexError without one."""
        _, _, factory, _, _ = self._reactor.tcpClients.pop(0)
        factory.clientConnectionFailed(self._reactor.connectors.pop(0), reason or Failure(ConnectionRefusedError()))


class _Attempt(ClientFactory):
    """The factory of one attempt of an endpoint."""

    noisy = False

    def __init__(self, factory: IProtocolFactory, done: Deferred[IProtocol]) -> None:
        self._factory = factory
        self.done: Deferred[IProtocol] | None = done

    def buildProtocol(self, addr: IAddress) -> Any:
        protocol = self._factory.buildProtocol(addr)
        return None if protocol is None else _Announcing(protocol, self._end)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        self._end(reason)

    def _end(self, result: Any) -> None:
        done, self.done = self.done, None
        if done is not None:
            done.callback(result)


class _Announcing(Protocol):
    """Stands before a protocol, and says when that is connected."""

    def __init__(self, protocol: IProtocol, made: Callable[[IProtocol], None]) -> None:
        self._protocol = protocol
        self._made = made

    def connectionMade(self) -> None:
        assert self.transport is not None
        self._protocol.makeConnection(self.transport)
        self._made(self._protocol)

    def dataReceived(self, data: bytes) -> None:
        self._protocol.dataReceived(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._protocol.connectionLost(reason or Failure(ConnectionDone()))


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """A client's endpoint on a `MemoryReactor`: a `ConnectionCompleter` makes its connections."""

    def __init__(self, reactor: MemoryReactor, host: str, port: int) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Ask for a connection. The Deferred gives the protocol, or why there is none; cancelling it gives up."""

        def give_up(_: Deferred[IProtocol]) -> None:
            attempt.done = None
            connector.stopConnecting()

        done: Deferred[IProtocol] = Deferred(give_up)
        attempt = _Attempt(protocolFactory, done)
        connector = self._reactor.connectTCP(self._host, self._port, attempt)
        return done


def connectableEndpoint(debug: bool = False) -> tuple[MemoryEndpoint, ConnectionCompleter]:
    """An endpoint of a client, and what makes its connections: to a server that says nothing."""
    reactor = MemoryReactorClock()
    server = Factory.forProtocol(Protocol)
    reactor.listenTCP(4321, server)
    return MemoryEndpoint(reactor, "0.0.0.0", 4321), ConnectionCompleter(reactor)
