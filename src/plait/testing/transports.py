"""Transports without a network: a protocol is given one, is fed bytes, and what it writes is looked at.

protocol.makeConnection(StringTransport())
protocol.dataReceived(b"ping\\r\\n")
assert protocol.transport.value() == b"pong\\r\\n"
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO, StringIO
from typing import Any

from plait.deferred import Deferred
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.interfaces import IAddress, IProtocol, IPullProducer, IPushProducer, ITCPTransport, implementer
from plait.protocol import Protocol
from plait.transport import IPv4Address


@implementer(ITCPTransport)
class StringTransport:
    """A transport that keeps what is written to it.

    What is asked of it is noted and nothing else happens: `loseConnection` sets `disconnecting`, `abortConnection`
    sets `aborting` and `disconnected` as well, pausing and resuming set `producerState` ("producing", "paused" or "stopped"), and
    `registerProducer` sets `producer` and `streaming`.
    """

    def __init__(self, hostAddress: IAddress | None = None, peerAddress: IAddress | None = None) -> None:
        """The addresses are those of our end and of the peer; made-up ones if not given."""
        self.hostAddr: IAddress = hostAddress if hostAddress is not None else IPv4Address("TCP", "10.0.0.1", 12345)
        self.peerAddr: IAddress = peerAddress if peerAddress is not None else IPv4Address("TCP", "192.168.1.1", 54321)
        self.disconnecting = False
        self.disconnected = False
        self.aborting = False
        self.connected = True
        self.writeConnectionLost = False
        self.producer: IPushProducer | IPullProducer | None = None
        self.streaming: bool | None = None
        self.producerState = "producing"
        self.noDelay = False
        self.keepAlive = False
        self._written = bytearray()

    def value(self) -> bytes:
        """All that was written since it was made or cleared."""
        return bytes(self._written)

    @property
    def io(self) -> BytesIO:
        """The same as a file; Twisted's tests, and those of programs, look there, too."""
        return BytesIO(self.value())

    def clear(self) -> None:
        """Forget what was written."""
        self._written.clear()

    def write(self, data: bytes) -> None:
        """Keep `data`. TypeError if it is not bytes, as on a real transport."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"a transport writes bytes, not {type(data).__name__}: encode it first ({data!r:.60})")
        self._written += data

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Keep all parts."""
        for data in iovec:
            self.write(data)

    def loseConnection(self) -> None:
        """Note that the connection is to be closed."""
        self.disconnecting = True

    def abortConnection(self) -> None:
        """Note that the connection is to be closed at once."""
        self.aborting = True
        self.disconnected = True
        self.loseConnection()

    def loseWriteConnection(self) -> None:
        """Note that our direction is to be closed."""
        self.writeConnectionLost = True

    def getPeer(self) -> IAddress:
        """The address that was given as the peer's."""
        return self.peerAddr

    def getHost(self) -> IAddress:
        """The address that was given as ours."""
        return self.hostAddr

    def registerProducer(self, producer: IPushProducer | IPullProducer, streaming: bool) -> None:
        """Note the producer; RuntimeError if there is one."""
        if self.producer is not None:
            raise RuntimeError("Cannot register two producers")
        self.producer = producer
        self.streaming = streaming

    def unregisterProducer(self) -> None:
        """Forget the producer; RuntimeError if there is none."""
        if self.producer is None:
            raise RuntimeError("Cannot unregister a producer unless one is registered")
        self.producer = None
        self.streaming = None

    def _check_producing(self) -> None:
        if self.disconnecting:
            raise RuntimeError("Cannot pause or resume reading after loseConnection")
        if self.producerState == "stopped":
            raise RuntimeError("Cannot pause or resume reading that has been stopped")

    def pauseProducing(self) -> None:
        """Note that reading is paused; RuntimeError if the connection is being closed or reading has been stopped."""
        self._check_producing()
        self.producerState = "paused"

    def resumeProducing(self) -> None:
        """Note that reading goes on; RuntimeError if the connection is being closed or reading has been stopped."""
        self._check_producing()
        self.producerState = "producing"

    def stopProducing(self) -> None:
        """Note that reading is stopped for good."""
        self.producerState = "stopped"

    def getTcpNoDelay(self) -> bool:
        """What was last set."""
        return self.noDelay

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Note it."""
        self.noDelay = enabled

    def getTcpKeepAlive(self) -> bool:
        """What was last set."""
        return self.keepAlive

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Note it."""
        self.keepAlive = enabled


class StringTransportWithDisconnection(StringTransport):
    """A `StringTransport` that tells its `protocol`, which you set, that the connection is lost, as soon as it closes
    it.
    """

    protocol: IProtocol

    def loseConnection(self) -> None:
        """Call the protocol's `connectionLost` with ConnectionDone, the first time."""
        super().loseConnection()
        if self.connected:
            self.connected = False
            self.disconnected = True
            self.protocol.connectionLost(Failure(ConnectionDone("Bye.")))


class AccumulatingProtocol(Protocol):
    """A protocol that keeps what it gets: `data`, whether it was `made` and `closed` (1 or 0), and the `closedReason`.

    `closedDeferred`, if you set it, fires with None when the connection is lost. If the factory has an attribute
    `protocolConnectionMade` that is a Deferred, that fires with the protocol when the connection is made.
    """

    made = 0
    closed = 0
    closedReason: Failure | None = None
    closedDeferred: Deferred[None] | None = None
    data = b""
    factory: Any = None

    def connectionMade(self) -> None:
        """Note it, and fire the factory's Deferred."""
        self.made = 1
        waiting = getattr(self.factory, "protocolConnectionMade", None)
        if waiting is not None:
            self.factory.protocolConnectionMade = None
            waiting.callback(self)

    def dataReceived(self, data: bytes) -> None:
        """Keep `data`."""
        self.data += data

    def connectionLost(self, reason: Failure) -> None:
        """Note it, and fire `closedDeferred`."""
        self.closed = 1
        self.closedReason = reason
        if self.closedDeferred is not None:
            waiting, self.closedDeferred = self.closedDeferred, None
            waiting.callback(None)


class StringIOWithoutClosing(StringIO):
    """A `StringIO` whose text can still be read after it has been closed."""

    def close(self) -> None:
        """Nothing."""


class FakeDatagramTransport:
    """A datagram transport that keeps what is sent in `written`, as pairs (packet, address)."""

    noAddr = object()
    """Stands for the address of a packet that was sent without one."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, Any]] = []

    def write(self, packet: bytes, addr: Any = noAddr) -> None:
        """Keep the packet."""
        self.written.append((packet, addr))
