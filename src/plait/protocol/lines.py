"""Lines: a stream of bytes cut at a delimiter.

The time is linear in the bytes, however they are split into pieces: a chunk is split once, and what is left of it
is searched only from where the last search ended. ``benchmarks/network.py`` measures it (lines).
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred, ensureDeferred
from plait.protocol.base import Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from plait.failure import Failure


class LineReceiver(Protocol):
    """Calls `lineReceived` for each line, without its delimiter; in raw mode, `rawDataReceived` for all that comes.

    Class attributes to set: `delimiter` (bytes, CR LF), `MAX_LENGTH` (bytes of the longest line that is taken, without the
    delimiter; 16,384). A longer one goes to `lineLengthExceeded`, which closes the connection.

    `lineReceived` may be ``async def``: no further line is handed out, and nothing is read, until it is done.
    """

    delimiter = b"\r\n"
    MAX_LENGTH = 16384
    line_mode: int | bool = 1
    paused = False
    _busy = False
    _send: Callable[[bytes], object] | None = None  # while lines are handed out: the quickest way to write
    _buffer: bytearray | None = None  # what has come and is not yet handed out
    _searched = 0  # no delimiter begins in the buffer before this

    def dataReceived(self, data: bytes) -> None:
        """Cut `data` into lines and hand them out."""
        buffer = self._buffer
        if buffer is None:
            buffer = self._buffer = bytearray()
            # looked at for every line, and quicker to find on the object than on the class
            self.paused, self.line_mode, self.delimiter = self.paused, self.line_mode, self.delimiter
        if self._busy or self.paused:
            # called from within a hook (setLineMode with a rest), or paused with data under way: keep it for later
            buffer += data
            return
        self._busy = True
        hook_write = getattr(self.transport, "hookWrite", None)
        if hook_write is not None:
            self._send = hook_write()
        try:
            self._hand_out(data, buffer)
        finally:
            self._busy = False
            self._send = None

    def _hand_out(self, data: bytes, buffer: bytearray) -> None:
        while True:
            if not self.line_mode:
                if buffer:
                    data = bytes(buffer) + data
                    buffer.clear()
                if not data:
                    return
                self._searched = 0
                self.rawDataReceived(data)
                if not buffer or self.paused:
                    return
                data = b""  # the rest that was handed to setLineMode is in the buffer
                continue
            delimiter = self.delimiter
            limit = self.MAX_LENGTH
            if buffer:
                buffer += data
                if buffer.find(delimiter, self._searched) < 0:
                    self._keep(buffer, limit + len(delimiter))
                    return
                data = bytes(buffer)
                buffer.clear()
            self._searched = 0
            lines = data.split(delimiter)
            rest = lines.pop()
            coming = iter(lines)
            may_be_long = len(data) > limit
            transport: Any = self.transport
            for line in coming:
                if may_be_long and len(line) > limit:
                    self.lineLengthExceeded(delimiter.join([line, *coming, rest]))
                    return
                result = self.lineReceived(line)
                if result is not None and type(result) is CoroutineType:
                    self._wait_for(result)
                if self.paused or not self.line_mode or (transport is not None and transport.disconnecting):
                    break
            else:
                if buffer:  # a hook has put something back
                    data = rest + bytes(buffer)
                    buffer.clear()
                    continue
                if rest:
                    buffer += rest
                    self._keep(buffer, limit + len(delimiter))
                return
            if transport is not None and transport.disconnecting:
                return
            buffer[:0] = delimiter.join([*coming, rest])
            if self.paused:
                return
            data = b""

    def _keep(self, buffer: bytearray, limit: int) -> None:
        """Keep what has no delimiter yet; `limit` is the length that no good line can have."""
        if len(buffer) >= limit:
            line = bytes(buffer)
            buffer.clear()
            self._searched = 0
            self.lineLengthExceeded(line)
        else:
            self._searched = max(0, len(buffer) - len(self.delimiter) + 1)

    def _wait_for(self, coroutine: CoroutineType[Any, Any, Any]) -> None:
        """Hand out nothing more until an ``async def lineReceived`` is done."""
        d: Deferred[None] = ensureDeferred(coroutine)
        if d.called and not d.paused:
            d.addErrback(self._hook_failed)
            return
        self.pauseProducing()

        def resume(_: object) -> None:
            self.resumeProducing()

        d.addCallbacks(resume, self._hook_failed)

    def _hook_failed(self, failure: Failure) -> None:
        self.transport.hookFailed(failure, self.lineReceived)  # type: ignore[attr-defined]

    def clearLineBuffer(self) -> bytes:
        """Take what has come and is not yet a line."""
        if not self._buffer:
            return b""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest

    def setRawMode(self) -> None:
        """From now on `rawDataReceived` gets all that comes, as it comes."""
        self.line_mode = 0

    def setLineMode(self, extra: bytes = b"") -> None:
        """Back to lines; `extra` is what of the raw data already belongs to them."""
        self.line_mode = 1
        if extra:
            self.dataReceived(extra)

    def pauseProducing(self) -> None:
        """Hand out nothing more, and read nothing, until `resumeProducing`."""
        self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on with the lines that are there, and with reading."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def stopProducing(self) -> None:
        """Close the connection."""
        self.paused = True
        self.transport.stopProducing()

    def lineReceived(self, line: bytes) -> Awaitable[None] | None:
        """Called with each line, without its delimiter. Override it."""
        raise NotImplementedError(f"{self.__class__.__name__} must override lineReceived")

    def rawDataReceived(self, data: bytes) -> None:
        """Called in raw mode with whatever comes. Override it where raw mode is used."""
        raise NotImplementedError(f"{self.__class__.__name__} must override rawDataReceived")

    def lineLengthExceeded(self, line: bytes) -> Any:
        """Called with a line that is too long, or its beginning, and what came after it. Closes the connection."""
        return self.transport.loseConnection()

    def sendLine(self, line: bytes) -> None:
        """Send a line; the delimiter is added."""
        send = self._send
        if send is not None:
            send(line + self.delimiter)  # a new object, so that nobody else can change it
        else:
            self.transport.write(line + self.delimiter)


class LineOnlyReceiver(Protocol):
    """As `LineReceiver`, without raw mode and pausing."""

    delimiter = b"\r\n"
    MAX_LENGTH = 16384
    _buffer: bytearray | None = None
    _searched = 0

    def dataReceived(self, data: bytes) -> None:
        """Cut `data` into lines and hand them out."""
        delimiter = self.delimiter
        limit = self.MAX_LENGTH
        buffer = self._buffer
        if buffer:
            buffer += data
            if buffer.find(delimiter, self._searched) < 0:
                self._keep(buffer)
                return
            data = bytes(buffer)
            buffer.clear()
        lines = data.split(delimiter)
        rest = lines.pop()
        transport: Any = self.transport
        for line in lines:
            if transport is not None and transport.disconnecting:
                return
            if len(line) > limit:
                self.lineLengthExceeded(line)
                return
            self.lineReceived(line)
        if rest:
            if buffer is None:
                buffer = self._buffer = bytearray()
            buffer += rest
            self._keep(buffer)

    def _keep(self, buffer: bytearray) -> None:
        if len(buffer) >= self.MAX_LENGTH + len(self.delimiter):
            line = bytes(buffer)
            buffer.clear()
            self._searched = 0
            self.lineLengthExceeded(line)
        else:
            self._searched = max(0, len(buffer) - len(self.delimiter) + 1)

    def lineReceived(self, line: bytes) -> None:
        """Called with each line, without its delimiter. Override it."""
        raise NotImplementedError(f"{self.__class__.__name__} must override lineReceived")

    def sendLine(self, line: bytes) -> None:
        """Send a line; the delimiter is added."""
        self.transport.write(line + self.delimiter)

    def lineLengthExceeded(self, line: bytes) -> Any:
        """Called with a line that is too long. Closes the connection."""
        return self.transport.loseConnection()
