"""Dates, and the lines of access logs, of ``twisted.web.http``."""

from __future__ import annotations

import calendar
import re
import time
from email.utils import formatdate
from typing import Any

from plait.as_twisted.legacy.webinterfaces import IAccessLogFormatter
from plait.interfaces import directlyProvides

__all__ = [
    "combinedLogFormatter",
    "datetimeToLogString",
    "datetimeToString",
    "proxiedLogFormatter",
    "stringToDatetime",
    "timegm",
]

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

# RFC 9110, section 5.6.7: the three forms, with what senders leave out of them.
_DATES = (
    re.compile(
        r"(?:\w+,? )?(?P<day>\d{1,2})[ -](?P<month>\w{3})[ -](?P<year>\d{2,4}) (?P<time>\d\d:\d\d:\d\d)(?: GMT)?"
    ),
    re.compile(r"(?:\w{3} )?(?P<month>\w{3}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{4})"),
)


def timegm(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Seconds since the epoch of a date in UTC.

    :raises ValueError: for a year before 1970 or a month that there is not.
    """
    if year < 1970 or not 1 <= month <= 12:
        raise ValueError("There is no such date.")
    return calendar.timegm((year, month, day, hour, minute, second))


def stringToDatetime(dateString: bytes) -> int:
    """Seconds since the epoch of a date as HTTP has it, in any of its three forms. ValueError if it is none."""
    text = " ".join(dateString.decode("ascii").split())
    for pattern in _DATES:
        found = pattern.fullmatch(text)
        if found is None or found["month"].capitalize() not in _MONTHS:
            continue
        year = int(found["year"])
        if year < 100:
            # Of the last century if that is less than fifty years ahead of us.
            this = time.gmtime().tm_year
            year += this - this % 100
            year -= 100 * (year > this + 50)
        hour, minute, second = map(int, found["time"].split(":"))
        return timegm(year, _MONTHS.index(found["month"].capitalize()) + 1, int(found["day"]), hour, minute, second)
    raise ValueError(f"Unknown date: {dateString!r}")


def datetimeToString(msSinceEpoch: float | None = None) -> bytes:
    """A date as HTTP writes it; of now if none is given."""
    return formatdate(msSinceEpoch, usegmt=True).encode("ascii")


def datetimeToLogString(msSinceEpoch: float | None = None) -> str:
    """A date as access logs write it, in brackets; of now if none is given."""
    t = time.gmtime(msSinceEpoch)
    return f"[{t.tm_mday:02d}/{_MONTHS[t.tm_mon - 1]}/{t.tm_year}:{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000]"


def _escape(value: Any) -> str:
    """Bytes that cannot forge another field or line."""
    text = value if isinstance(value, str) else bytes(value).decode("latin-1")
    return "".join(f"\\{c}" if c in '"\\' else c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in text)


def _line(timestamp: str, request: Any, address: Any) -> str:
    referrer = _escape(request.getHeader(b"referer") or b"-")
    agent = _escape(request.getHeader(b"user-agent") or b"-")
    first = " ".join(_escape(part) for part in (request.method, request.uri, request.clientproto))
    return f'"{_escape(address)}" - - {timestamp} "{first}" {request.code} {request.sentLength or "-"} "{referrer}" "{agent}"'


def combinedLogFormatter(timestamp: str, request: Any) -> str:
    """A line of an access log in combined form."""
    return _line(timestamp, request, getattr(request.getClientAddress(), "host", None) or "-")


def proxiedLogFormatter(timestamp: str, request: Any) -> str:
    """The same, with the client that a proxy before us names (X-Forwarded-For): only behind one that can be trusted."""
    forwarded = request.getHeader(b"x-forwarded-for")
    if not forwarded:
        return combinedLogFormatter(timestamp, request)
    return _line(timestamp, request, forwarded.split(b",")[0].strip())


directlyProvides(combinedLogFormatter, IAccessLogFormatter)
directlyProvides(proxiedLogFormatter, IAccessLogFormatter)
