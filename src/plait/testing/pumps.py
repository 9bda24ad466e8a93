"""Two protocols joined without a network: what one writes is carried to the other when you pump.

client, server, pump = connectedServerAndClient(MyServer, MyClient)
client.ask()
pump.flush()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from plait.errors import ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.interfaces import IAddress, ITCPTransport, implementer
from plait.testing.transports import StringTransport
from plait.transport import IPv4Address

# Turns of `flush` after which two ends that never fall silent are taken for a mistake.
_TURNS = 1000


@implementer(ITCPTransport)
class FakeTransport(StringTransport):
    """One end of a connection that an `IOPump` carries. `disconnected` says that it is over, with `disconnectReason`."""

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

    def write(self, data: bytes) -> None:
        """Keep `data` for the pump; not, once the connection is over, or being closed with no producer to finish."""
        if not self.disconnected and (not self.disconnecting or self.producer is not None):
            super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Keep all parts for the pump."""
        self.write(b"".join(iovec))

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
        return self.disconnecting and (self.aborting or (not self.value() and self.producer is None))

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

    def pump(self, debug: bool = False) -> bool:
        """Carry what both ends have written, and then the end of the connection. Returns whether anything moved.

        With `debug`, here or when the pump was made, what is carried is printed.
        """
        if self.clock is not None:
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
        return self._close() or moved

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

    def flush(self, debug: bool = False) -> bool:
        """Pump until nothing moves. Returns whether anything did. RuntimeError if the two never fall silent."""
        for turn in range(_TURNS):
            if not self.pump(debug):
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
