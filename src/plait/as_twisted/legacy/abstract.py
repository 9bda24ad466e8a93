"""What `twisted.internet.abstract` is: a transport on a file descriptor, to be finished by a subclass, and what is an address.

New code connects with endpoints, or watches its descriptors with ``reactor.addReader``.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from plait import current
from plait.errors import ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.interfaces import (
    IConsumer,
    IHalfCloseableDescriptor,
    ILoggingContext,
    IPushProducer,
    IReadWriteDescriptor,
    ITransport,
    implementer,
)

__all__ = ["FileDescriptor", "isIPAddress", "isIPv6Address"]


@implementer(IPushProducer, IReadWriteDescriptor, IConsumer, ITransport, IHalfCloseableDescriptor, ILoggingContext)
class FileDescriptor:
    """A transport on a file descriptor. A subclass has `fileno`, `doRead` and `writeSomeData`.

    Attributes: `connected`, `disconnecting`, `disconnected`, `producer`, `streamingProducer`, `producerPaused`.
    """

    connected = 0
    disconnected = 0
    disconnecting = 0
    producer: Any = None
    streamingProducer: Any = False
    producerPaused = False
    SEND_LIMIT = 128 * 1024
    """So many bytes are offered to `writeSomeData` at once."""
    bufferSize = 64 * 1024
    """With more bytes than that to be written, a producer pauses."""
    _writeDisconnecting = False
    _writeDisconnected = False

    def __init__(self, reactor: Any = None) -> None:
        self.reactor: Any = current.getReactor() if reactor is None else reactor
        self._unsent = bytearray()

    # -- for the subclass

    def fileno(self) -> int:
        """The number of the descriptor; here -1, for none."""
        return -1

    def doRead(self) -> Any:
        """Called when there is something to read."""
        raise NotImplementedError(f"{type(self).__qualname__} does not implement doRead")

    def writeSomeData(self, data: bytes) -> Any:
        """Write what can be written of `data` without waiting: how many bytes that was, or the error."""
        raise NotImplementedError(f"{type(self).__qualname__} does not implement writeSomeData")

    def logPrefix(self) -> str:
        """What the log calls it."""
        return "-"

    def getPeer(self) -> Any:
        raise NotImplementedError

    def getHost(self) -> Any:
        raise NotImplementedError

    # -- the ends

    def connectionLost(self, reason: Failure) -> None:
        """It is all over. A subclass calls this, and closes its descriptor."""
        self.disconnected = 1
        self.connected = 0
        if self.producer is not None:
            producer, self.producer = self.producer, None
            producer.stopProducing()
        self.stopReading()
        self.stopWriting()

    def readConnectionLost(self, reason: Failure) -> None:
        """The other side writes nothing more: here that is the end."""
        self.connectionLost(reason)

    def writeConnectionLost(self, reason: Failure) -> None:
        """The other side reads nothing more: here that is the end."""
        self.connectionLost(reason)

    def loseConnection(self, _connDone: Failure | None = None) -> None:
        """Write what is to be written, then end."""
        if not self.connected or self.disconnecting:
            return
        if self._writeDisconnected:
            self.stopReading()
            self.stopWriting()
            reason = Failure(ConnectionDone()) if _connDone is None else _connDone
            self.reactor.callLater(0, self.connectionLost, reason)
        else:
            self.disconnecting = 1
            self.stopReading()
            self.startWriting()

    def loseWriteConnection(self) -> None:
        """Write what is to be written, then end this direction."""
        self._writeDisconnecting = True
        self.startWriting()

    def _postLoseConnection(self) -> Any:
        """All is written after `loseConnection`: what that is as an end."""
        return ConnectionDone()

    def _closeWriteConnection(self) -> None:
        """All is written after `loseWriteConnection`: a subclass closes the direction."""

    # -- writing

    def write(self, data: bytes) -> None:
        """Write `data` when there is room.

        :raises TypeError: if it is text.
        """
        if isinstance(data, str):
            raise TypeError("data to be written must be bytes, not str; encode text first")
        self.writeSequence((data,))

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write several pieces, one after the other."""
        pieces = list(iovec)
        for piece in pieces:
            if isinstance(piece, str):
                raise TypeError("data to be written must be bytes, not str; encode text first")
        if not self.connected or self._writeDisconnected or not any(pieces):
            return
        self._unsent += b"".join(pieces)
        if self.producer is not None and self.streamingProducer and len(self._unsent) > self.bufferSize:
            self.producerPaused = True
            self.producer.pauseProducing()
        self.startWriting()

    def doWrite(self) -> Any:
        """Called when there is room: write what waits, and ask the producer for more."""
        done = self.writeSomeData(bytes(self._unsent[: self.SEND_LIMIT]))
        if isinstance(done, Exception) or done < 0:
            return done if isinstance(done, Exception) else ConnectionLost()
        del self._unsent[:done]
        if self._unsent:
            return None
        self.stopWriting()
        if self.producer is not None and (not self.streamingProducer or self.producerPaused):
            self.producerPaused = False
            self.producer.resumeProducing()
        elif self.disconnecting:
            return self._postLoseConnection()
        elif self._writeDisconnecting:
            self._writeDisconnected = True
            return self._closeWriteConnection()
        return None

    # -- the reactor's part

    def startReading(self) -> None:
        self.reactor.addReader(self)

    def stopReading(self) -> None:
        self.reactor.removeReader(self)

    def startWriting(self) -> None:
        self.reactor.addWriter(self)

    def stopWriting(self) -> None:
        self.reactor.removeWriter(self)

    # -- as a consumer and as a producer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` write, as of any consumer.

        :raises RuntimeError: if there is another one.
        """
        if self.producer is not None:
            raise RuntimeError(f"cannot register producer {producer!r}: {self.producer!r} was never unregistered")
        if self.disconnected:
            producer.stopProducing()
            return
        self.producer = producer
        self.streamingProducer = streaming
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self.producer = None
        if self.connected and self.disconnecting:
            self.startWriting()

    def stopConsuming(self) -> None:
        """The producer is to stop, and this ends."""
        self.unregisterProducer()
        self.loseConnection()

    def resumeProducing(self) -> None:
        """Read again."""
        if self.connected and not self.disconnecting:
            self.startReading()

    def pauseProducing(self) -> None:
        """Read nothing more for now."""
        self.stopReading()

    def stopProducing(self) -> None:
        self.loseConnection()


def isIPAddress(addr: str | bytes, family: int = socket.AF_INET) -> bool:
    """Whether `addr` is an address as text: of IPv4 with four numbers, or of IPv6 with or without a scope.

    :raises ValueError: for another family.
    """
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise ValueError(f"unknown address family {family!r}: it must be AF_INET or AF_INET6")
    try:
        text = addr.decode("ascii") if isinstance(addr, bytes) else addr
        if family == socket.AF_INET6:
            text = text.partition("%")[0]
        text.encode("ascii")
        socket.inet_pton(family, text)
    except (ValueError, OSError):
        return False
    return True


def isIPv6Address(addr: str | bytes) -> bool:
    """Whether `addr` is an IPv6 address as text, with or without a scope (``%eth0``)."""
    return isIPAddress(addr, socket.AF_INET6)
