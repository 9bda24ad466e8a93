"""The bytes of a request (RFC 9112, sections 2 and 3), and a check of everything that is put into them.

Whatever came from the caller (a method, a target, a header) must stay within its place in the message: a line break in a
value would begin a header, or a request, that nobody meant to send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["Header", "HeaderDict", "build", "clean_headers", "to_bytes"]

Header = bytes | str
HeaderDict = Mapping[Header, "Header | Iterable[Header]"]

# token in RFC 9110, 5.6.2
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# field-value in RFC 9110, 5.5, before the whitespace round it is taken off: no control character but a tab
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(rb"[\x21-\x7e]+")


def to_bytes(value: Header, what: str) -> bytes:
    """`value` as it goes on the wire; `what` names it in the error.

    :raises ValueError: a str has a character that is not in Latin-1, the character set of old of HTTP's headers.
    """
    if isinstance(value, bytes):
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} {value!r} has a character outside Latin-1; give it as bytes.") from error


def clean_headers(headers: HeaderDict | None) -> dict[bytes, list[bytes]]:
    """A caller's headers by lower-case name, with the list of their values. A single value may be given without a list.

    :raises ValueError: a name or value cannot go into a request, or would change how the request is framed.
    """
    clean: dict[bytes, list[bytes]] = {}
    for key, given in (headers or {}).items():
        name = to_bytes(key, "The header name").lower()
        if _TOKEN.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not a header name.")
        if name == b"transfer-encoding":
            raise ValueError("Transfer-Encoding cannot be set; the body goes out with its length.")
        if name == b"connection":
            continue  # always "close" here: one page for each connection
        values = [given] if isinstance(given, (bytes, str)) else list(given)
        clean.setdefault(name, []).extend(_check_value(name, to_bytes(value, "The header value")) for value in values)
    return clean


def _check_value(name: bytes, value: bytes) -> bytes:
    if _VALUE.fullmatch(value) is None:
        raise ValueError(f"The value of {name!r} has a control character (a line break, perhaps): {value!r}.")
    return value.strip(b" \t")


def build(
    method: bytes, target: bytes, host: bytes, headers: Mapping[bytes, Iterable[bytes]], body: bytes | None
) -> bytes:
    """One HTTP/1.1 request that asks for the connection to be closed after the answer.

    :param target: the path with its query, or for a proxy the whole URL.
    :param host: the Host header, where `headers` has none.
    :param headers: from `clean_headers`.
    :raises ValueError: a part cannot go into a request.
    """
    if _TOKEN.fullmatch(method) is None:
        raise ValueError(f"{method!r} is not an HTTP method.")
    if _TARGET.fullmatch(target) is None:
        raise ValueError(f"{target!r} cannot be a request target; percent-encode what is not printable ASCII.")
    fields = {name: list(values) for name, values in headers.items()}
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    for value in fields.pop(b"host", [host])[:1]:
        lines.append(b"Host: " + _check_value(b"host", value))
    length = fields.pop(b"content-length", None)
    if body is not None:
        if length is not None and length != [b"%d" % len(body)]:
            raise ValueError(f"Content-Length is {length!r}, but the body has {len(body)} bytes; leave it out.")
        lines.append(b"Content-Length: %d" % len(body))
    elif length not in (None, [b"0"]):
        raise ValueError(f"Content-Length is {length!r}, but there is no body; leave it out.")
    for name, values in fields.items():
        lines += [b"%b: %b" % (name.title(), _check_value(name, value)) for value in values]
    lines += [b"Connection: close", b"", b""]
    return b"\r\n".join(lines) + (body or b"")
