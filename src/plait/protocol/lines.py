"""Lines: a stream of bytes cut at a delimiter.

The time is linear in the bytes, however they are split into pieces: a chunk is split once, what is left of it is searched
only from where the last search ended, and lines that a pause holds back stay cut. ``benchmarks/network.py`` measures it
(lines).
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any

from plait.protocol.base import Protocol
from plait.protocol.framing import PauseableMixin, nowhere

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator


class _Lines(PauseableMixin, Protocol):
    """What both receivers of lines do."""

    delimiter = b"\r\n"
    MAX_LENGTH = 16384
    line_mode: int | bool = 1
    _busy = False
    # What has come and is not yet handed out, in this order: lines that are cut, the beginning of the next one, the rest.
    _coming: Iterator[bytes] | None = None
    _cut_at = b""  # the delimiter of those lines
    _tail = b""  # in the buffer, except while lines are handed out
    _buffer: bytearray | None = None
    _searched = 0  # no delimiter begins in the buffer before this

    def dataReceived(self, data: bytes) -> Any:
        """Cut `data` into lines and hand them out."""
        buffer = self._buffer
        if buffer is None:
            buffer = self._buffer = bytearray()
            # looked at for every line, and quicker to find on the object than on the class
            self.paused, self.line_mode, self.delimiter = self.paused, self.line_mode, self.delimiter
        if self._busy or self.paused:
            # called from within a hook (setLineMode with a rest), or paused with data under way: keep it for later
            buffer += data
            return None
        self._busy = True
        self._send = self._quick_write()
        try:
            return self._hand_out(data, buffer)
        finally:
            self._busy = False
            self._send = None

    def _hand_out(self, data: bytes, buffer: bytearray) -> Any:
        transport: Any = self.transport if self.transport is not None else nowhere
        delimiter = self._cut_at
        may_be_long = True
        coming = self._coming
        if coming is not None:  # a pause is over
            buffer += data
            data = b""
        while True:
            if not self.line_mode:
                if buffer or coming is not None:
                    data = self._take_rest(buffer) + data
                    coming = None
                if not data:
                    return None
                result = self.rawDataReceived(data)
                if result is not None:
                    if type(result) is not CoroutineType:
                        return result
                    self._wait_for(result, self.rawDataReceived)
                if not buffer or self.paused:
                    return None
                data = b""  # the rest that was handed to setLineMode is in the buffer
                continue
            if coming is None or self.delimiter is not delimiter:
                delimiter = self.delimiter
                if coming is not None:
                    data = self._take_rest(buffer)
                elif buffer:
                    buffer += data
                    if buffer.find(delimiter, self._searched) < 0:
                        if self._keep(buffer):
                            return None
                        data = b""
                        continue
                    data = bytes(buffer)
                    buffer.clear()
                    self._searched = 0
                may_be_long = len(data) > self.MAX_LENGTH
                lines = data.split(delimiter)
                self._tail = lines.pop()
                self._cut_at = delimiter
                self._coming = coming = iter(lines)
            for line in coming:
                if may_be_long and len(line) > self.MAX_LENGTH:
                    self.lineLengthExceeded(delimiter.join([line, *coming, self._tail]))
                    self._tail = b""
                    break
                result = self.lineReceived(line)
                if result is not None and type(result) is CoroutineType:
                    self._wait_for(result, self.lineReceived)
                if self.paused or not self.line_mode or self.delimiter is not delimiter or transport.disconnecting:
                    break
            if transport.disconnecting:
                self._take_rest(buffer)
                return None
            if self._tail:
                buffer[:0] = self._tail
                self._tail = b""
                self._searched = 0
            if self.paused:
                return None
            if self.line_mode and self.delimiter is delimiter:
                self._coming = coming = None  # all are handed out
                if not buffer:
                    return None
            data = b""

    def _keep(self, buffer: bytearray) -> bool:
        """Keep what has no delimiter yet; False if it is longer than a good line can be and a hook was told so."""
        if len(buffer) >= self.MAX_LENGTH + len(self.delimiter):
            line = bytes(buffer)
            buffer.clear()
            self._searched = 0
            self.lineLengthExceeded(line)
            return not buffer  # it may have put something back
        self._searched = max(0, len(buffer) - len(self.delimiter) + 1)
        return True

    def _take_rest(self, buffer: bytearray) -> bytes:
        """All that is not handed out yet; it is here no more."""
        rest = self._cut_at.join([*(self._coming or ()), self._tail]) + buffer
        buffer.clear()
        self._coming = None
        self._tail = b""
        self._searched = 0
        return rest

    def lineReceived(self, line: bytes) -> Awaitable[None] | None:
        """Called with each line, without its delimiter. Override it."""
        raise NotImplementedError(f"{self.__class__.__name__} must override lineReceived")

    def rawDataReceived(self, data: bytes) -> Any:
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


class LineReceiver(_Lines):
    """Calls `lineReceived` for each line, without its delimiter; in raw mode, `rawDataReceived` for all that comes.

    Class attributes to set: `delimiter` (bytes, CR LF), `MAX_LENGTH` (bytes of the longest line that is taken, without the
    delimiter; 16,384). A longer one goes to `lineLengthExceeded`, which closes the connection.

    Both hooks may be ``async def``: nothing further is handed out, and nothing is read, until one is done.
    """

    def clearLineBuffer(self) -> bytes:
        """Take what has come and is not yet handed out."""
        return b"" if self._buffer is None else self._take_rest(self._buffer)

    def setRawMode(self) -> None:
        """From now on `rawDataReceived` gets all that comes, as it comes."""
        self.line_mode = 0

    def setLineMode(self, extra: bytes = b"") -> Any:
        """Back to lines; `extra` is what of the raw data already belongs to them."""
        self.line_mode = 1
        return self.dataReceived(extra) if extra else None


class LineOnlyReceiver(_Lines):
    """As `LineReceiver`, for protocols that have nothing but lines: there is no raw mode."""
