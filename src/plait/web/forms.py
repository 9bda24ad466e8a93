"""The arguments of a request: of its query, and of a form in its body."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from plait.web.request import Request

MAX_FIELDS = 10_000
"""Arguments that are looked at; a request with more has none of the others."""


def parse_qs(qs: bytes, keep_blank_values: bool = True, strict_parsing: bool = False) -> dict[bytes, list[bytes]]:
    """The names and values of a query (``a=1&b=2``), decoded.

    :param keep_blank_values: whether names without a value are kept.
    :param strict_parsing: whether a part without "=" is a ValueError.
    """
    found: dict[bytes, list[bytes]] = {}
    for part in qs.split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        name, equals, value = part.partition(b"=")
        if not equals:
            if strict_parsing:
                raise ValueError(f"bad query field: {part!r}")
            if not (keep_blank_values and name):
                continue
        if value or keep_blank_values:
            key = unquote_to_bytes(name.replace(b"+", b" "))
            found.setdefault(key, []).append(unquote_to_bytes(value.replace(b"+", b" ")))
    return found


def arguments(request: Request, query: bytes) -> dict[bytes, list[bytes]]:
    """The arguments of a query, and behind them those of a form in the body."""
    args = parse_qs(query) if query else {}
    if request.method != b"POST":
        return args
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        content = request.content
        at = content.tell()
        content.seek(0)
        body = content.read()
        content.seek(at)  # whoever reads it as well is not disturbed
        for name, values in parse_qs(body).items():
            args.setdefault(name, []).extend(values)
    return args
