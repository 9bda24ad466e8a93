"""Comparing secrets, in a time that says nothing of them."""

from __future__ import annotations

import hmac

Text = str | bytes
"""A name or a password: bytes as a protocol has them, or str, which stands for its UTF-8."""


def to_bytes(text: Text) -> bytes:
    """The bytes that a name or a password stands for."""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def same(one: Text, other: Text) -> bool:
    """Whether two secrets are the same. How long that takes does not depend on where they differ."""
    return hmac.compare_digest(to_bytes(one), to_bytes(other))
