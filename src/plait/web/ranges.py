"""Ranges of a file that a client asks for (RFC 9110, section 14), and the answer's bytes around them. No I/O."""

from __future__ import annotations

import itertools
import re
import secrets
from dataclasses import dataclass

_SPEC = re.compile(rb"(?:(\d{1,19})-(\d{0,19})|-(\d{1,19}))")

MOST = 32
"""Ranges that are served in one answer; who asks for more gets the whole (RFC 9110, section 14.2, on attacks)."""


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a file: `size` bytes from `start` on, at least one."""

    start: int
    size: int

    def content_range(self, length: int) -> bytes:
        """The value of a Content-Range header, of a file that has `length` bytes."""
        return b"bytes %d-%d/%d" % (self.start, self.start + self.size - 1, length)


def parseRanges(header: bytes, length: int) -> list[Range] | None:
    """The ranges that a Range header names in a file of `length` bytes; an empty list if it has none of them (416).

    None: the header is to be ignored, and the whole file sent: it is not well formed, its unit is not bytes, it names too many
    ranges, or they overlap (all of which a server may refuse to serve, section 14.2).
    """
    unit, equals, specs = header.partition(b"=")
    if not equals or unit.strip().lower() != b"bytes":
        return None
    ranges: list[Range] = []
    parts = [part.strip(b" \t") for part in specs.split(b",")]
    parts = [part for part in parts if part]  # an empty element is allowed, and says nothing (section 5.6.1)
    if not parts or len(parts) > MOST:
        return None
    for part in parts:
        found = _SPEC.fullmatch(part)
        if found is None:
            return None
        first, last, suffix = found.groups()
        if suffix is not None:
            size = min(int(suffix), length)
            start = length - size
        else:
            start = int(first)
            end = int(last) if last else length - 1
            if end < start and last:
                return None
            size = min(end, length - 1) - start + 1
        if size > 0:
            ranges.append(Range(start, size))
    if any(a.start < b.start + b.size and b.start < a.start + a.size for a, b in _pairs(ranges)):
        return None
    return ranges


def _pairs(ranges: list[Range]) -> list[tuple[Range, Range]]:
    ordered = sorted(ranges, key=lambda part: part.start)
    return list(itertools.pairwise(ordered))


class Multipart:
    """An answer with several ranges (``multipart/byteranges``, section 14.6).

    :param ranges: in the order in which they are sent.
    :param length: of the whole file, in bytes.
    :param contentType: of the file.
    """

    def __init__(self, ranges: list[Range], length: int, contentType: bytes) -> None:
        self.boundary = secrets.token_hex(16).encode()
        self.parts = [(self._head(part, length, contentType), part) for part in ranges]
        """What stands before each range, and the range."""
        self.end = b"\r\n--" + self.boundary + b"--\r\n"

    def _head(self, part: Range, length: int, content_type: bytes) -> bytes:
        content_range = part.content_range(length)
        return b"\r\n--%b\r\nContent-Type: %b\r\nContent-Range: %b\r\n\r\n" % (
            self.boundary,
            content_type,
            content_range,
        )

    @property
    def contentType(self) -> bytes:
        """The answer's own type."""
        return b'multipart/byteranges; boundary="%b"' % self.boundary

    @property
    def size(self) -> int:
        """The bytes of the answer's body."""
        return sum(len(head) + part.size for head, part in self.parts) + len(self.end)
