"""Text made safe for the place that it stands in: nothing that a visitor wrote can end that place and begin markup.

What is escaped is enough for HTML (HTML standard, section 13.2.5) and XML alike.
"""

from __future__ import annotations

import re

__all__ = ["attribute", "cdata", "comment", "name", "text"]

# Ends a comment, or right at its beginning leaves it empty: -->, --!>, and <!--> and <!---> as a whole.
_COMMENT_END = re.compile(r"(--!?|\A-?)>")
# No parser of HTML or XML goes on with a name behind one of these.
_NOT_IN_NAMES = re.compile(rb"""[\x00-\x20<>/='"&]""")
# Names that have been found good. They come from templates and programs, not from visitors; the bound is for errors.
_MAX_KNOWN = 1024
_known: dict[bytes | str, bytes] = {}


def text(data: bytes) -> bytes:
    """`data` as the text between tags."""
    if b"&" in data:
        data = data.replace(b"&", b"&amp;")
    if b"<" in data:
        data = data.replace(b"<", b"&lt;")
    if b">" in data:
        data = data.replace(b">", b"&gt;")
    return data


def attribute(data: bytes) -> bytes:
    """`data` as an attribute's value between double quotation marks."""
    return text(data).replace(b'"', b"&quot;")


def cdata(data: str) -> str:
    """`data` in a CDATA section; the sequence that ends one is divided among two."""
    return data.replace("]]>", "]]]]><![CDATA[>")


def comment(data: str) -> str:
    """`data` in a comment. There is no way to escape in a comment, so that what would end it is changed."""
    data = _COMMENT_END.sub(r"\1&gt;", data)
    return data + " " if data.endswith("-") else data


def name(value: bytes | str) -> bytes:
    """`value` as the name of an element or attribute.

    :raises UnicodeEncodeError: it is not ASCII.
    :raises ValueError: it would end where it stands.
    """
    known = _known.get(value)
    if known is not None:
        return known
    raw = value.encode("ascii") if isinstance(value, str) else value
    if not raw or _NOT_IN_NAMES.search(raw) is not None:
        raise ValueError(f"{value!r} cannot be the name of an element or attribute.")
    if len(_known) < _MAX_KNOWN:
        _known[value] = raw
    return raw
