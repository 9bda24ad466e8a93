"""Bodies as ``twisted.web.http`` has them read: in chunks (RFC 9112, section 7.1), of a known length, or until the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from plait.as_twisted.legacy.abnf import decimal, hexadecimal

__all__ = [
    "ChunkedTransferDecoder",
    "DataLoss",
    "IdentityTransferDecoder",
    "MalformedChunkedDataError",
    "PotentialDataLoss",
    "fromChunk",
    "maxChunkSizeLineLength",
    "parseContentRange",
    "toChunk",
]

maxChunkSizeLineLength = 1024
"""Bytes of the line before a chunk."""

# What a chunk's extensions may be made of: quoted strings' backslashes have been a way to smuggle requests.
_EXTENSIONS = re.compile(rb"[\t !-\[\]-~\x80-\xff]*")


class DataLoss(Exception):
    """The end of a body is missing."""


class PotentialDataLoss(Exception):
    """A body ended with the connection: whether it was complete cannot be told."""


class MalformedChunkedDataError(ValueError):
    """A body in chunks breaks the grammar."""


def toChunk(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The pieces that make a chunk."""
    return b"%x\r\n" % len(data), data, b"\r\n"


def fromChunk(data: bytes) -> tuple[bytes, bytes]:
    """The content of the first chunk, and what is behind it. ValueError if it is not complete or breaks the grammar."""
    prefix, end, rest = data.partition(b"\r\n")
    if not end:
        raise ValueError("The chunk is not complete.")
    length = hexadecimal(prefix)
    if rest[length : length + 2] != b"\r\n":
        raise ValueError("The chunk does not end where it should.")
    return rest[:length], rest[length + 2 :]


def parseContentRange(header: bytes) -> tuple[int, int, int | None]:
    """Start, end and whole size that a Content-Range tells (RFC 9110, section 14.4); None if the size is not known.

    :raises ValueError: if it is of another unit, or broken.
    """
    kind, _, other = header.strip().partition(b" ")
    if kind.lower() != b"bytes":
        raise ValueError("A range of that type is not supported.")
    span, _, size = other.partition(b"/")
    start, _, end = span.partition(b"-")
    return decimal(start), decimal(end), None if size == b"*" else decimal(size)


class IdentityTransferDecoder:
    """Counts a body's bytes.

    :param contentLength: how many it will be; None: until the connection ends.
    :param dataCallback: called with each piece.
    :param finishCallback: called at the end, with what is behind it.
    """

    def __init__(self, contentLength: int | None, dataCallback: Any, finishCallback: Any) -> None:
        self.contentLength = contentLength
        self.dataCallback: Callable[[bytes], object] | None = dataCallback
        self.finishCallback: Callable[[bytes], object] | None = finishCallback

    def dataReceived(self, data: bytes) -> None:
        """A piece. RuntimeError after the end."""
        if self.dataCallback is None or self.finishCallback is None:
            raise RuntimeError("_IdentityTransferDecoder cannot decode data after finishing")
        if self.contentLength is None:
            self.dataCallback(data)
        elif len(data) < self.contentLength:
            self.contentLength -= len(data)
            self.dataCallback(data)
        else:
            take, finish = self.dataCallback, self.finishCallback
            self.dataCallback = self.finishCallback = None
            data, rest = data[: self.contentLength], data[self.contentLength :]
            self.contentLength = 0
            take(data)
            finish(rest)

    def noMoreData(self) -> None:
        """The connection has ended.

        :raises PotentialDataLoss: the length was not known.
        :raises DataLoss: something is missing.
        """
        finish = self.finishCallback
        self.dataCallback = self.finishCallback = None
        if self.contentLength is None:
            if finish is not None:
                finish(b"")
            raise PotentialDataLoss
        if self.contentLength:
            raise DataLoss


class ChunkedTransferDecoder:
    """Takes a body in chunks apart.

    :param dataCallback: called with each piece.
    :param finishCallback: called at the end, with what is behind it.
    """

    state = "CHUNK_LENGTH"

    def __init__(self, dataCallback: Any, finishCallback: Any) -> None:
        self.dataCallback = dataCallback
        self.finishCallback = finishCallback
        self._buffer = bytearray()
        self._left = 0
        self._trailerHeaders: list[bytes] = []
        self._trailer_size = 0
        self._maxTrailerHeadersSize = 2**16

    def dataReceived(self, data: bytes) -> None:
        """A piece as it came.

        :raises RuntimeError: after the end.
        :raises MalformedChunkedDataError: it breaks the grammar, or a line is too long.
        """
        if self.state == "FINISHED":
            if not data:
                return
            raise RuntimeError("_ChunkedTransferDecoder.dataReceived called in a terminal state.")
        self._buffer += data
        while getattr(self, f"_in_{self.state}")():
            pass

    def _line(self, limit: int) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end > limit or (end < 0 and len(self._buffer) > limit):
            raise MalformedChunkedDataError(f"A line of chunked data is longer than {limit} bytes.")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _in_CHUNK_LENGTH(self) -> bool:
        line = self._line(maxChunkSizeLineLength)
        if line is None:
            return False
        size, _, extensions = line.partition(b";")
        if not _EXTENSIONS.fullmatch(extensions):
            raise MalformedChunkedDataError(f"Invalid characters in chunk extensions: {extensions!r}.")
        try:
            self._left = hexadecimal(size)
        except ValueError:
            raise MalformedChunkedDataError(f"{size!r} is no size of a chunk.") from None
        self.state = "BODY" if self._left else "TRAILER"
        return True

    def _in_BODY(self) -> bool:
        if not self._buffer:
            return False
        data = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._left -= len(data)
        if not self._left:
            self.state = "CRLF"
        self.dataCallback(data)
        return True

    def _in_CRLF(self) -> bool:
        if not b"\r\n".startswith(bytes(self._buffer[:2])):
            raise MalformedChunkedDataError("A chunk does not end where it should.")
        if len(self._buffer) < 2:
            return False
        del self._buffer[:2]
        self.state = "CHUNK_LENGTH"
        return True

    def _in_TRAILER(self) -> bool:
        left = self._maxTrailerHeadersSize - self._trailer_size
        end = self._buffer.find(b"\r\n")
        if (end if end >= 0 else len(self._buffer)) >= left:
            raise MalformedChunkedDataError("Trailer headers data is too long.")
        if end < 0:
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        if line:
            self._trailer_size += end + 2
            self._trailerHeaders.append(line)
            return True
        rest = bytes(self._buffer)
        self._buffer.clear()
        self.state = "FINISHED"
        self.finishCallback(rest)
        return False

    def noMoreData(self) -> None:
        """The connection has ended. DataLoss if that is too early."""
        if self.state != "FINISHED":
            raise DataLoss(
                f"Chunked decoder in {self.state!r} state, still expecting more data to get to 'FINISHED' state."
            )
