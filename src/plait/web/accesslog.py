"""Lines of an access log, for a request that is answered: in combined form, as Apache and nginx write it, or in JSON.

What the client has sent stands in them escaped, so that no request can forge a line, or end a field before its time.
"""

from __future__ import annotations

import json
import time
from typing import Any

__all__ = ["combinedLine", "combinedLogFormatter", "jsonLine", "jsonLogFormatter"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def combinedLine(
    *,
    address: str | None,
    when: str,
    method: bytes,
    uri: bytes,
    protocol: bytes,
    status: int,
    size: int,
    referer: bytes | None = None,
    agent: bytes | None = None,
    user: bytes | None = None,
) -> str:
    """A line in combined form, without its end.

    :param address: the client's; None if it has none.
    :param when: as `logTime` writes it.
    :param size: bytes of the answer's body.
    :param user: who the client says that it is.
    """
    # a blank in the name would shift the fields behind it
    name = "-" if not user else escaped(user).replace(" ", "\\x20")
    return (
        f'"{address or "-"}" - {name} {when} "{escaped(method)} {escaped(uri)} {escaped(protocol)}" {status} '
        f'{size or "-"} "{escaped(referer or b"-")}" "{escaped(agent or b"-")}"'
    )


def jsonLine(
    *,
    address: str | None,
    when: float,
    method: bytes,
    uri: bytes,
    protocol: bytes,
    status: int,
    size: int,
    referer: bytes | None = None,
    agent: bytes | None = None,
    user: bytes | None = None,
    duration: float | None = None,
) -> str:
    """A line of JSON, without its end: an object with these names; what is None is left out.

    :param when: seconds since the epoch; written in UTC as RFC 3339 has it, to the millisecond.
    :param duration: seconds from the request to the end of its answer.

    Bytes are taken for UTF-8; what is none stands as ``\\xff``.
    """
    milliseconds = int(when * 1000)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    fields: dict[str, Any] = {"time": f"{stamp}.{milliseconds % 1000:03d}Z", "client": address}
    for name, value in (
        ("user", user or None),
        ("method", method),
        ("uri", uri),
        ("protocol", protocol),
        ("status", status),
        ("bytes", size),
        ("referer", referer),
        ("agent", agent),
        ("duration", None if duration is None else round(duration, 6)),
    ):
        fields[name] = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    # all but ASCII is escaped by json.dumps, line ends of every kind with it
    return json.dumps({name: value for name, value in fields.items() if value is not None}, separators=(",", ":"))


def combinedLogFormatter(timestamp: str, request: Any) -> str:
    """Makes the lines of `plait.web.site.Site`'s access log unless it is told otherwise.

    :param timestamp: as `logTime` writes it.
    """
    return combinedLine(
        address=request.getClientIP(),
        when=timestamp,
        method=request.method,
        uri=request.uri,
        protocol=request.clientproto,
        status=request.code,
        size=request.sentLength,
        referer=request.getHeader(b"referer"),
        agent=request.getHeader(b"user-agent"),
    )


def jsonLogFormatter(timestamp: str, request: Any) -> str:
    """The same in JSON: ``Site(root, logPath="access.json", logFormatter=jsonLogFormatter)``."""
    return jsonLine(
        address=request.getClientIP(),
        when=time.time(),
        method=request.method,
        uri=request.uri,
        protocol=request.clientproto,
        status=request.code,
        size=request.sentLength,
        referer=request.getHeader(b"referer"),
        agent=request.getHeader(b"user-agent"),
    )


def escaped(value: bytes) -> str:
    """What a client has sent, for a field in quotes: quotes, backslashes and what is no printable UTF-8 are escaped."""
    text = value.decode("utf-8", "surrogateescape")
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(map(_escape, text))


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    # bytes that are no UTF-8 came as surrogates
    raw = character.encode("utf-8", "surrogateescape")
    return "".join(f"\\x{byte:02x}" for byte in raw)


_second = 0
_stamp = ""


def logTime() -> str:
    """Now, as combined form writes it: ``[28/Nov/2026:09:30:00 +0000]``. Made once a second."""
    global _second, _stamp
    now = int(time.time())
    if now != _second:
        _second = now
        t = time.gmtime(now)
        clock = f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"
        _stamp = f"[{t.tm_mday:02d}/{_MONTHS[t.tm_mon - 1]}/{t.tm_year}:{clock} +0000]"
    return _stamp
