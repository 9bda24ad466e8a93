"""Is what the client has still good? Conditional requests (RFC 9110, section 13). No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from enum import Enum

_TAG = re.compile(rb'[ \t,]*((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)')


class Verdict(Enum):
    """What to answer."""

    proceed = 200
    """As if there were no condition."""
    notModified = 304
    """The client's copy is good."""
    failed = 412
    """The client wanted something done to what is no longer there."""


def parseDate(value: bytes) -> int | None:
    """A date in any of HTTP's three forms (RFC 9110, section 5.6.7), in seconds since the epoch; None if it is none."""
    text = value.decode("latin-1").strip()
    try:
        if text[3:4] not in (",", " ") and "-" in text:  # RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
            text = text.replace("-", " ")
        when = parsedate_to_datetime(text)
        return int(when.timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def parseTags(value: bytes) -> list[bytes]:
    """The entity tags of a list, ``W/`` included; of a list that is not well formed those before the mistake."""
    tags = []
    at = 0
    while found := _TAG.match(value, at):
        tags.append(found[1])
        at = found.end()
    return tags


def evaluate(
    method: bytes, header: Callable[[bytes], bytes | None], tag: bytes | None, modified: int | None
) -> Verdict:
    """What the conditions of a request for something that exists come to (section 13.2.2).

    :param header: gives a header of the request by its lower-case name, or None.
    :param tag: the entity tag of what there is, with its quotes; None if it has none.
    :param modified: when that was changed last, in seconds since the epoch.
    """
    reads = method in (b"GET", b"HEAD")
    wanted = header(b"if-match")
    if wanted is not None:
        if wanted.strip() != b"*" and (tag is None or tag.startswith(b"W/") or tag not in parseTags(wanted)):
            return Verdict.failed
    elif (since := header(b"if-unmodified-since")) is not None:
        date = parseDate(since)
        if date is not None and modified is not None and modified > date:
            return Verdict.failed
    known = header(b"if-none-match")
    if known is not None:
        if known.strip() == b"*" or (tag is not None and _weak(tag) in map(_weak, parseTags(known))):
            return Verdict.notModified if reads else Verdict.failed
    elif reads and (since := header(b"if-modified-since")) is not None:
        date = parseDate(since)
        if date is not None and modified is not None and modified <= date:
            return Verdict.notModified
    return Verdict.proceed


def rangeApplies(header: bytes | None, tag: bytes | None, modified: int | None) -> bool:
    """Whether a Range is to be heeded, by what If-Range says (section 13.1.5); a weak tag is not good enough."""
    if header is None:
        return True
    value = header.strip()
    if value.startswith((b'"', b"W/")):
        return tag is not None and value == tag and not tag.startswith(b"W/")
    date = parseDate(value)
    return date is not None and modified is not None and date == modified


def _weak(tag: bytes) -> bytes:
    return tag.removeprefix(b"W/")
