"""``twisted.web._abnf``: small readers of HTTP's grammar (RFC 9110, section 5.6), which take no more than it allows."""

from __future__ import annotations

import re

__all__ = ["decimal", "hexadecimal", "is_hexadecimal", "is_token"]

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEX = re.compile(rb"[0-9A-Fa-f]+")


def is_token(data: bytes) -> bool:
    """Whether `data` is a token, such as a method or the name of a header."""
    return _TOKEN.fullmatch(data) is not None


def decimal(data: bytes) -> int:
    """The number that `data` is: decimal digits, perhaps with spaces and tabs round them.

    :raises ValueError: it is anything else; no sign, no underscores, no other whitespace.
    """
    digits = data.strip(b" \t")
    if not digits.isdigit():
        raise ValueError(f"{data!r} is not a decimal number.")
    return int(digits)


def is_hexadecimal(data: bytes) -> bool:
    """Whether `data` is one hexadecimal digit or more, and nothing else."""
    return _HEX.fullmatch(data) is not None


def hexadecimal(data: bytes) -> int:
    """The number that the hexadecimal digits of `data` make.

    :raises ValueError: it is anything else.
    """
    if not is_hexadecimal(data):
        raise ValueError(f"{data!r} is not a hexadecimal number.")
    return int(data, 16)
