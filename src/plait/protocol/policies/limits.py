"""Limits: how many connections there may be, in all or for each peer, and how many bytes a second they may carry together."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from plait import current
from plait.protocol.base import ServerFactory
from plait.protocol.policies.wrapping import ProtocolWrapper, WrappingFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plait.interfaces import IAddress, IDelayedCall


class ThrottlingProtocol(ProtocolWrapper):
    """Counts the bytes of one connection for its `ThrottlingFactory`, which pauses it when there were too many."""

    producer: Any = None
    _throttled = False
    _held = False  # the wrapped protocol has paused reading itself

    def write(self, data: bytes) -> None:
        """Count and send."""
        self.factory.registerWritten(len(data))
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Count and send."""
        parts = list(iovec)
        self.factory.registerWritten(sum(map(len, parts)))
        super().writeSequence(parts)

    def dataReceived(self, data: bytes) -> Any:
        """Count and hand on."""
        self.factory.registerRead(len(data))
        return super().dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Keep the producer, to pause it."""
        self.producer = producer
        super().registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self.producer = None
        super().unregisterProducer()

    def pauseProducing(self) -> None:
        """The wrapped protocol wants no more for now."""
        self._held = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """The wrapped protocol goes on: at once, or when the throttle lets it."""
        self._held = False
        if not self._throttled:
            self.transport.resumeProducing()

    def throttleReads(self) -> None:
        """Read no more for now. The factory calls this."""
        self._throttled = True
        if not self.transport.disconnecting:
            self.transport.pauseProducing()

    def unthrottleReads(self) -> None:
        """Read again, unless the wrapped protocol has paused. The factory calls this."""
        self._throttled = False
        if not self._held and not self.transport.disconnecting:
            self.transport.resumeProducing()

    def throttleWrites(self) -> None:
        """Let the producer wait, if there is one. The factory calls this."""
        if self.producer is not None:
            self.producer.pauseProducing()

    def unthrottleWrites(self) -> None:
        """Let the producer go on. The factory calls this."""
        if self.producer is not None:
            self.producer.resumeProducing()


class ThrottlingFactory(WrappingFactory):
    """Takes so many connections at a time, and lets all of them together read and write so many bytes a second, on average.

    What has gone beyond a limit within a second is made up for by a pause. Writing is held up by way of producers; what a
    protocol writes without one is counted, and not held up.

    Attributes: `connectionCount`, `maxConnectionCount`, `readLimit` and `writeLimit` (bytes a second; None: no limit),
    `readThisSecond`, `writtenThisSecond`.
    """

    protocol = ThrottlingProtocol

    def __init__(
        self,
        wrappedFactory: Any,
        maxConnectionCount: int = sys.maxsize,
        readLimit: float | None = None,
        writeLimit: float | None = None,
    ) -> None:
        super().__init__(wrappedFactory)
        self.connectionCount = 0
        self.maxConnectionCount = maxConnectionCount
        self.readLimit = readLimit
        self.writeLimit = writeLimit
        self.readThisSecond = 0
        self.writtenThisSecond = 0
        self.unthrottleReadsID: IDelayedCall | None = None
        self.checkReadBandwidthID: IDelayedCall | None = None
        self.unthrottleWritesID: IDelayedCall | None = None
        self.checkWriteBandwidthID: IDelayedCall | None = None

    def callLater(self, period: float, func: Callable[[], object]) -> IDelayedCall:
        """How timers are set: by the reactor. Tests override it with a clock's."""
        call: IDelayedCall = current.getReactor().callLater(period, func)
        return call

    def registerWritten(self, length: int) -> None:
        """Bytes have been written."""
        self.writtenThisSecond += length

    def registerRead(self, length: int) -> None:
        """Bytes have been read."""
        self.readThisSecond += length

    def checkReadBandwidth(self) -> None:
        """Once a second: if too much was read, pause for as long as it would have taken."""
        assert self.readLimit is not None
        if self.readThisSecond > self.readLimit:
            self.throttleReads()
            self.unthrottleReadsID = self.callLater(self.readThisSecond / self.readLimit - 1, self.unthrottleReads)
        self.readThisSecond = 0
        self.checkReadBandwidthID = self.callLater(1, self.checkReadBandwidth)

    def checkWriteBandwidth(self) -> None:
        """Once a second: if too much was written, pause for as long as it would have taken."""
        assert self.writeLimit is not None
        if self.writtenThisSecond > self.writeLimit:
            self.throttleWrites()
            self.unthrottleWritesID = self.callLater(
                self.writtenThisSecond / self.writeLimit - 1, self.unthrottleWrites
            )
        self.writtenThisSecond = 0
        self.checkWriteBandwidthID = self.callLater(1, self.checkWriteBandwidth)

    def throttleReads(self) -> None:
        """Pause reading on all connections."""
        for p in list(self.protocols):
            p.throttleReads()

    def unthrottleReads(self) -> None:
        """Read again on all connections."""
        self.unthrottleReadsID = None
        for p in list(self.protocols):
            p.unthrottleReads()

    def throttleWrites(self) -> None:
        """Pause all producers."""
        for p in list(self.protocols):
            p.throttleWrites()

    def unthrottleWrites(self) -> None:
        """Let all producers go on."""
        self.unthrottleWritesID = None
        for p in list(self.protocols):
            p.unthrottleWrites()

    def buildProtocol(self, addr: IAddress) -> Any:
        """A wrapper; None if there are as many connections as may be."""
        if self.connectionCount >= self.maxConnectionCount:
            self.log.warn(
                "{factory!r} has {count} connections, as many as it takes: {peer} is refused",
                factory=self,
                count=self.connectionCount,
                peer=addr,
            )
            return None
        protocol = super().buildProtocol(addr)
        if protocol is None:
            return None
        if self.connectionCount == 0:
            if self.readLimit is not None:
                self.checkReadBandwidth()
            if self.writeLimit is not None:
                self.checkWriteBandwidth()
        self.connectionCount += 1
        return protocol

    def unregisterProtocol(self, p: Any) -> None:
        """A connection is lost; with the last one the timers end."""
        super().unregisterProtocol(p)
        self.connectionCount -= 1
        if self.connectionCount == 0:
            for timer in ("unthrottleReadsID", "checkReadBandwidthID", "unthrottleWritesID", "checkWriteBandwidthID"):
                call: IDelayedCall | None = getattr(self, timer)
                if call is not None:
                    call.cancel()
                    setattr(self, timer, None)


class LimitTotalConnectionsFactory(ServerFactory):
    """Takes `connectionLimit` connections at a time (None: any number); `overflowProtocol` speaks to those beyond.

    `overflowProtocol` is a class, as `protocol` is: it may say why, and must close the connection soon, since it counts too.
    None closes them without a word. `connectionCount` is how many there are.
    """

    connectionCount = 0
    connectionLimit: int | None = None
    overflowProtocol: Callable[[], Any] | None = None

    def buildProtocol(self, addr: IAddress) -> Any:
        """A protocol, an overflow protocol or None, in a wrapper that tells us when it ends."""
        if self.connectionLimit is None or self.connectionCount < self.connectionLimit:
            assert self.protocol is not None, f"{self!r} has no protocol: set it"
            wrapped = self.protocol()
        elif self.overflowProtocol is None:
            return None
        else:
            wrapped = self.overflowProtocol()
        wrapped.factory = self
        self.connectionCount += 1
        return ProtocolWrapper(self, wrapped)

    def registerProtocol(self, p: Any) -> None:
        """Nothing: it was counted when it was built."""

    def unregisterProtocol(self, p: Any) -> None:
        """A connection is lost."""
        self.connectionCount -= 1


class LimitConnectionsByPeer(WrappingFactory):
    """Takes `maxConnectionsPerPeer` connections from one host at a time (5); those beyond are closed.

    `peerConnections` says how many there are, by host.
    """

    maxConnectionsPerPeer = 5

    def __init__(self, wrappedFactory: Any) -> None:
        super().__init__(wrappedFactory)
        self.peerConnections: dict[Any, int] = {}

    def startFactory(self) -> None:
        """Begin with no connections."""
        self.peerConnections = {}

    def buildProtocol(self, addr: IAddress) -> Any:
        """A wrapper; None if there are as many connections from this host as may be."""
        host = _host_of(addr)
        count = self.peerConnections.get(host, 0)
        if count >= self.maxConnectionsPerPeer:
            return None
        protocol = super().buildProtocol(addr)
        if protocol is not None:
            self.peerConnections[host] = count + 1
        return protocol

    def wrap(self, wrapped: Any, addr: IAddress) -> Any:
        """A wrapper that knows its host: a connection that is lost cannot be asked for it any more."""
        wrapper = super().wrap(wrapped, addr)
        wrapper.limitedHost = _host_of(addr)
        return wrapper

    def unregisterProtocol(self, p: Any) -> None:
        """A connection is lost."""
        super().unregisterProtocol(p)
        self.peerConnections[p.limitedHost] -= 1
        if not self.peerConnections[p.limitedHost]:
            del self.peerConnections[p.limitedHost]  # or there would be one for each that ever came


def _host_of(addr: Any) -> Any:
    """What is the same for all connections from one host. All that come over one UNIX socket are of one host."""
    return addr[0] if isinstance(addr, tuple) else getattr(addr, "host", None)
