"""Statuses, and dates as HTTP writes them (RFC 9110, sections 15 and 5.6.7)."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time

# Before 3.13 the standard library has the older names of three.
RESPONSES: dict[int, bytes] = {int(status): status.phrase.encode("ascii") for status in HTTPStatus} | {
    413: b"Content Too Large",
    414: b"URI Too Long",
    416: b"Range Not Satisfiable",
    418: b"I'm a teapot",
    422: b"Unprocessable Content",
}
"""Status -> its reason phrase."""

NO_BODY = frozenset((204, 304))
"""Statuses whose answer has no body, ever; those below 200 neither."""

_LINES = {code: b"HTTP/1.1 %d %b\r\n" % (code, phrase) for code, phrase in RESPONSES.items()}


def statusLine(code: int, message: bytes | None = None) -> bytes:
    """The first line of an answer, its end included. What could end the line in `message` becomes a blank."""
    if message is None:
        line = _LINES.get(code)
        if line is not None:
            return line
        message = b"Unknown Status"
    return b"HTTP/1.1 %d %b\r\n" % (code, b" ".join(message.replace(b"\0", b" ").splitlines()))


@lru_cache(maxsize=256)
def httpDate(seconds: float) -> bytes:
    """A time in seconds since the epoch, as HTTP writes it."""
    return formatdate(seconds, usegmt=True).encode("ascii")


_date = b""
_date_second = 0
_heads: dict[int, bytes] = {}


def dateHeader() -> bytes:
    """The Date line for now, its end included; made once a second."""
    global _date, _date_second
    now = int(time())
    if now != _date_second:
        _date_second = now
        _date = b"Date: %b\r\n" % httpDate(now)
        _heads.clear()
    return _date


def usualHead(code: int) -> bytes:
    """The first line of an answer and its Date line, for a status with its usual phrase."""
    if int(time()) == _date_second:
        head = _heads.get(code)
        if head is not None:
            return head
    date = dateHeader()
    head = _heads[code] = statusLine(code) + date
    return head
