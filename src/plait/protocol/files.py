"""Files and streams: a file that is sent piece by piece, a file in the place of a transport, streams in that of protocols."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from plait.deferred import Deferred
from plait.interfaces import IConsumer, IProtocol, IPullProducer, ITransport, implementer
from plait.log import Logger
from plait.protocol.base import Protocol, connectionDone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plait.failure import Failure

_log = Logger("plait.protocol")


@implementer(IPullProducer)
class FileSender:
    """Sends a file to a consumer, a piece at a time, as fast as it takes them. `CHUNK_SIZE` is the bytes of a piece."""

    CHUNK_SIZE = 1 << 14  # the consumer holds one piece beyond what it asked for
    lastSent: Any = b""
    deferred: Deferred[Any] | None = None
    file: IO[bytes] | None = None

    def beginFileTransfer(
        self, file: IO[bytes], consumer: Any, transform: Callable[[bytes], bytes] | None = None
    ) -> Deferred[Any]:
        """Send what `file` still has to `consumer` (an `IConsumer`), each piece through `transform` if there is one.

        The Deferred fires with the last byte that was sent (none: ``b""``) when all is handed to the consumer; it fails if
        the consumer stops before that, or the file cannot be read. The file is not closed.
        """
        self.file = file
        self.consumer = consumer
        self.transform = transform
        self.lastSent = b""
        deferred: Deferred[Any] = Deferred()
        self.deferred = deferred
        consumer.registerProducer(self, False)
        return deferred

    def resumeProducing(self) -> None:
        """Send the next piece. The consumer calls this."""
        chunk = b""
        try:
            if self.file is not None:
                chunk = self.file.read(self.CHUNK_SIZE)
            if chunk and self.transform is not None:
                chunk = self.transform(chunk)
        except Exception as e:
            self.consumer.unregisterProducer()
            self._end(e)
            return
        if not chunk:
            self.consumer.unregisterProducer()
            self._end(None)
            return
        self.consumer.write(chunk)
        self.lastSent = chunk[-1:]

    def pauseProducing(self) -> None:
        """Nothing: pieces are sent only when they are asked for."""

    def stopProducing(self) -> None:
        """The consumer takes no more: the Deferred fails. The consumer calls this."""
        self._end(Exception("Consumer asked us to stop producing"))

    def _end(self, error: Exception | None) -> None:
        self.file = None
        if self.deferred is None:
            return
        deferred, self.deferred = self.deferred, None
        if error is None:
            deferred.callback(self.lastSent)
        else:
            deferred.errback(error)


@implementer(ITransport)
class FileWrapper:
    """A file in the place of a transport: what is written goes to it. `closed` and `disconnecting` say that it is closed.

    Old programs test their protocols with it; `plait.testing.StringTransport` does that better.
    """

    closed: int | bool = 0
    disconnecting: int | bool = 0
    disconnected: int | bool = 0
    producer: Any = None
    streamingProducer: int | bool = 0

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: bytes) -> None:
        """Write to the file; an error is logged (`handleException`)."""
        try:
            self.file.write(data)
        except Exception as e:
            _log.warn("Cannot write to {file!r}: {error}", file=self.file, error=e)
            self.handleException()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write all parts."""
        self.write(b"".join(iovec))

    def handleException(self) -> None:
        """Called when the file has raised an error, which is in the log. Nothing more happens, unless you override it."""

    def loseConnection(self) -> None:
        """Close the file."""
        self.closed = self.disconnecting = self.disconnected = 1
        try:
            self.file.close()
        except (OSError, AttributeError):
            self.closed = 1

    def getPeer(self) -> Any:
        """The word "file": there is nobody at the other end."""
        return "file"

    def getHost(self) -> Any:
        """The word "file"."""
        return "file"

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer; a pull producer is asked for its first piece."""
        self.producer = producer
        self.streamingProducer = streaming
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The producer has nothing more to write."""
        self.producer = None

    def pauseProducing(self) -> None:
        """Nothing: a file that is written to is not read."""

    def resumeProducing(self) -> None:
        """Nothing."""

    def stopConsuming(self) -> None:
        """Close the file and forget the producer."""
        self.unregisterProducer()
        self.loseConnection()

    def stopProducing(self) -> None:
        """Close the file."""
        self.loseConnection()


@implementer(IConsumer)
class ProtocolToConsumerAdapter:
    """A protocol in the place of a consumer: what is written to it, the protocol receives."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def write(self, data: bytes) -> None:
        """Let the protocol receive `data`."""
        self.original.dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Nothing: a protocol cannot ask a producer to wait."""

    def unregisterProducer(self) -> None:
        """Nothing."""


@implementer(IProtocol)
class ConsumerToProtocolAdapter(Protocol):
    """A consumer in the place of a protocol: what is received is written to it."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def dataReceived(self, data: bytes) -> None:
        """Write to the consumer."""
        self.original.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nothing: the consumer may outlive the connection."""
