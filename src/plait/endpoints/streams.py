"""A connection for coroutines: bytes to read and to write, with ``await``.

Backpressure goes both ways. What the program does not read stays with the peer once `READ_AHEAD` bytes are here; and
`Stream.write` waits while the peer takes nothing.
"""

from __future__ import annotations

from asyncio import IncompleteReadError
from collections.abc import AsyncIterator
from typing import Any

from plait import current
from plait.deferred import Deferred
from plait.errors import ConnectionClosed, ConnectionDone
from plait.failure import Failure
from plait.interfaces import IAddress, IHalfCloseableProtocol, IHandshakeListener, implementer
from plait.protocol import Protocol
from plait.transport import SecureConnection

READ_AHEAD = 64 * 1024
"""How much is read before the program asks for it, in bytes: as much as the loop reads at once."""

MAX_LINE = 64 * 1024
"""How long a line may be, in bytes: longer than any that the usual protocols allow."""

MAX_ALL = 16 * 1024 * 1024
"""How much `Stream.readAll` takes, in bytes, unless told otherwise."""

CLOSE_WAIT = 30.0
"""How long `Stream.close` waits for a peer that does not take what was written, in seconds."""


class StreamLimitError(ValueError):
    """The peer sends more than we are ready to keep: a line that does not end, or a body. Attribute: `limit`, in bytes."""

    def __init__(self, what: str, limit: int, remedy: str) -> None:
        super().__init__(f"{what} is longer than {limit} bytes; if that is right, {remedy}")
        self.limit = limit


class Stream:
    """One connection. `connect` and `serve` make it.

    One coroutine may read it while another writes. Attributes: `transport`, `maxLine` (how long a line may be, in bytes).

    What is lost in the network is a `plait.errors.ConnectionLost` out of whatever waits, after all that had come before
    has been read.
    """

    transport: Any = None

    def __init__(self, maxLine: int = MAX_LINE) -> None:
        self.maxLine = maxLine
        self._buffer = bytearray()
        self._ended = False  # nothing more will come
        self._closed = False  # the program has said so
        self._reason: BaseException | None = None  # why the connection is gone
        self._reading_paused = False
        self._writing_paused = False
        self._reader: Deferred[None] | None = None
        self._waiting: set[Deferred[None]] = set()  # for room, a handshake or the end
        self._secure = False

    def __repr__(self) -> str:
        where = self.transport.getPeer() if self.transport is not None else "nowhere"
        return f"<Stream to {where}{', gone' if self._reason is not None else ''}>"

    def getPeer(self) -> IAddress:
        """The address of the other side."""
        address: IAddress = self.transport.getPeer()
        return address

    def getHost(self) -> IAddress:
        """Our address."""
        address: IAddress = self.transport.getHost()
        return address

    # -- reading

    async def read(self, n: int = READ_AHEAD) -> bytes:
        """What is there, `n` bytes at most; waits for the first. b"" is the end."""
        if n <= 0:
            return b""
        while not self._buffer:
            if not await self._more():
                return b""
        return self._take(n)

    async def readExactly(self, n: int) -> bytes:
        """`n` bytes.

        :raises asyncio.IncompleteReadError: if the end comes first; its `partial` has what there was.
        """
        while len(self._buffer) < n:
            if not await self._more():
                raise IncompleteReadError(self._take(n), n)
        return self._take(n)

    async def readUntil(self, separator: bytes = b"\n") -> bytes:
        """All up to `separator`, with it.

        :raises StreamLimitError: if it does not come within `maxLine` bytes.
        :raises asyncio.IncompleteReadError: if the end comes first; its `partial` has what there was.
        """
        if not separator:
            raise ValueError("the separator is empty")
        start = 0  # what is before has been looked at
        while (found := self._buffer.find(separator, start, self.maxLine + len(separator))) < 0:
            if len(self._buffer) >= self.maxLine + len(separator):
                raise StreamLimitError("a line", self.maxLine, "give connect() or serve() a larger maxLine")
            start = max(0, len(self._buffer) - len(separator) + 1)
            if not await self._more():
                raise IncompleteReadError(self._take(len(self._buffer)), None)
        return self._take(found + len(separator))

    async def readAll(self, limit: int = MAX_ALL) -> bytes:
        """All up to the end, `limit` bytes at most.

        :raises StreamLimitError: if there is more.
        """
        while len(self._buffer) <= limit:
            if not await self._more():
                return self._take(limit)
        raise StreamLimitError("what comes", limit, "give readAll() a larger limit, or use read()")

    async def lines(self) -> AsyncIterator[bytes]:
        """Each line, without its end (LF, or CR LF), until the end. The last one may lack it.

        :raises StreamLimitError: if one is longer than `maxLine`.
        """
        while True:
            try:
                line = await self.readUntil(b"\n")
            except IncompleteReadError as e:
                if e.partial:
                    yield e.partial
                return
            yield line[:-2] if line.endswith(b"\r\n") else line[:-1]

    def _take(self, n: int) -> bytes:
        data = bytes(self._buffer[:n])
        del self._buffer[:n]
        if self._reading_paused and len(self._buffer) < READ_AHEAD // 2:
            self._resume()
        return data

    async def _more(self) -> bool:
        """Wait until more has come. False: it is the end. Raises if the connection was lost."""
        if self._reader is not None:
            raise RuntimeError("another coroutine is reading this stream: one at a time")
        if self._ended:
            if self._reason is not None and not isinstance(self._reason, ConnectionDone) and not self._closed:
                raise self._reason
            return False
        self._resume()
        self._reader = Deferred()
        try:
            await self._reader
        finally:
            self._reader = None
        return True

    def _resume(self) -> None:
        if self._reading_paused and not self._ended:
            self._reading_paused = False
            self.transport.resumeProducing()

    # -- writing

    async def write(self, data: bytes) -> None:
        """Send `data`. Waits while what was written before is still on its way.

        :raises plait.errors.ConnectionClosed: if the connection is gone, `ConnectionLost` if nobody closed it properly.
        """
        self._check_open()
        self.transport.write(data)
        while self._writing_paused:
            await self._wait()
            self._check_open()

    def _check_open(self) -> None:
        if self._reason is not None:
            raise self._reason
        if self._closed:
            raise ConnectionDone("this stream has been closed")

    async def _wait(self) -> None:
        """Wait until something is different: room, a handshake, the end."""
        change: Deferred[None] = Deferred()
        self._waiting.add(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    def _changed(self) -> None:
        for waiting in list(self._waiting):
            self._waiting.discard(waiting)
            waiting.callback(None)

    def loseWriteConnection(self) -> None:
        """Tell the peer that nothing more comes; reading goes on (half-close)."""
        self.transport.unregisterProducer()
        self.transport.loseWriteConnection()

    # -- TLS

    async def startTLS(self, contextFactory: Any) -> None:
        """Go under TLS (STARTTLS), and wait for the handshake.

        :param contextFactory: an `ssl.SSLContext`, or what `plait.transport.tls` has. The side that has connected is the client.
        :raises RuntimeError: if the peer has sent something in the clear that was not read yet: it would pass for secure.
        :raises plait.errors.SSLError: if the handshake fails.
        """
        self._check_open()
        if self._buffer:
            raise RuntimeError(
                f"{len(self._buffer)} bytes that came in the clear are not read yet: read them before TLS begins"
            )
        self._resume()
        self._secure = False
        self.transport.startTLS(contextFactory)
        await self.secured()

    async def secured(self) -> None:
        """Wait for the TLS handshake, if one is under way; the transport bounds it. `connect` and `serve` have done so.

        :raises plait.errors.SSLError: if it fails.
        """
        while not self._secure:
            if self._reason is not None:
                raise self._reason
            await self._wait()

    # -- the end

    async def close(self) -> None:
        """Close when all that was written is sent, and wait for that (`CLOSE_WAIT` seconds at most)."""
        if not self._closed:
            self._closed = True
            self.transport.unregisterProducer()
            self.transport.loseConnection()
        if self._reason is not None:
            return
        timer = current.getReactor().callLater(CLOSE_WAIT, self.abort)
        try:
            while self._reason is None:
                await self._wait()
        except BaseException:
            self.abort()
            raise
        finally:
            if timer.active():
                timer.cancel()

    def abort(self) -> None:
        """Close now; what was written and is not sent is lost."""
        self._closed = True
        if self._reason is None:
            self.transport.abortConnection()


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class StreamProtocol(Protocol):
    """Feeds a stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._begun = False

    def connectionMade(self) -> None:
        """The connection is there."""
        stream = self.stream
        stream.transport = self.transport
        self.transport.registerProducer(self, True)
        if not isinstance(self.transport, SecureConnection):
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        """TLS is secure, or there is none."""
        self.stream._secure = True
        self.stream._changed()
        if not self._begun:
            self._begun = True
            self.begun()

    def begun(self) -> None:
        """The stream can be used, for the first time. Whoever serves it begins here."""

    def dataReceived(self, data: bytes) -> None:
        """Keep it, and wake whoever reads."""
        stream = self.stream
        stream._buffer += data
        self._wake()
        if len(stream._buffer) >= READ_AHEAD and not stream._reading_paused and stream._reader is None:
            stream._reading_paused = True
            stream.transport.pauseProducing()

    def _wake(self) -> None:
        reader = self.stream._reader
        if reader is not None and not reader.called:
            reader.callback(None)

    def readConnectionLost(self) -> None:
        """The peer sends nothing more."""
        self.stream._ended = True
        self._wake()

    def writeConnectionLost(self) -> None:
        """We send nothing more."""

    def connectionLost(self, reason: Failure) -> None:
        """It is over."""
        stream = self.stream
        stream._ended = True
        error = reason.value
        stream._reason = error if isinstance(error, Exception) else ConnectionClosed(str(error))
        self._wake()
        stream._changed()

    # as the producer of what the program writes

    def pauseProducing(self) -> None:
        """The peer takes nothing."""
        self.stream._writing_paused = True

    def resumeProducing(self) -> None:
        """There is room again."""
        self.stream._writing_paused = False
        self.stream._changed()

    def stopProducing(self) -> None:
        """It is over."""
        self.resumeProducing()
