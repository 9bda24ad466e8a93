"""The fields of an answer to a digest challenge: a list of ``name=value`` and ``name="value"`` (RFC 9110, 11.2 and 5.6)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from plait.auth.errors import LoginFailed

# RFC 7616 knows 12 fields; a browser's answer has some 300 bytes, and long addresses are the one thing that makes it longer.
_MAX_FIELDS = 32
_MAX_LENGTH = 8192

_FIELD = re.compile(
    rb"[\s,]*"
    rb"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*"
    # Without quotes RFC 9110 allows a token alone. Addresses, base64 and realms are sent like that too, and cannot be mistaken.
    rb'(?:"(?P<quoted>(?:[^"\\]|\\.)*+)"|(?P<plain>[^",]*+))'
    rb"[ \t\r\n]*(?=,|\Z)",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def parse_fields(response: bytes) -> dict[str, bytes]:
    """The fields, by name in lower case. ``username*`` is read as `username` (RFC 7616, 3.4).

    :raises plait.auth.errors.LoginFailed: if that is no such list, has a field twice, or is longer than any could be.
    """
    if len(response) > _MAX_LENGTH:
        raise LoginFailed("Invalid response, it is too long")
    fields: dict[str, bytes] = {}
    rest = response.rstrip(b" \t\r\n,")
    place = 0
    while place < len(rest):
        match = _FIELD.match(rest, place)
        if match is None:
            raise LoginFailed("Invalid response, it is no list of fields")
        place = match.end()
        name = match["name"].decode("ascii").lower()
        quoted = match["quoted"]
        value = match["plain"].strip() if quoted is None else _ESCAPED.sub(rb"\1", quoted)
        if name == "username*":
            name, value = "username", _extended(value)
        if name in fields or len(fields) == _MAX_FIELDS:
            raise LoginFailed(f"Invalid response, too many fields, or {name} twice")
        fields[name] = value
    if fields.get("userhash", b"false").lower() != b"false":
        raise LoginFailed("Invalid response, the name is hashed, which was not offered")
    return fields


def _extended(value: bytes) -> bytes:
    """A value in the form of RFC 8187, 3.2: ``UTF-8'language'percent-encoded``."""
    charset, _, rest = value.partition(b"'")
    if charset.lower() != b"utf-8" or b"'" not in rest:
        raise LoginFailed("Invalid response, username* is not in UTF-8")
    return unquote_to_bytes(rest.partition(b"'")[2])
