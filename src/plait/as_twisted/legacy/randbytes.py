"""What `twisted.python.randbytes` is: random bytes. Both functions ask the system, so both are secure."""

from __future__ import annotations

import secrets

__all__ = ["SecureRandomNotAvailable", "insecureRandom", "secureRandom"]


class SecureRandomNotAvailable(RuntimeError):
    """There is no secure source. Never raised: every system that Python runs on has one."""


def secureRandom(nbytes: int, fallback: bool = False) -> bytes:
    """That many bytes that nobody can guess."""
    return secrets.token_bytes(nbytes)


def insecureRandom(nbytes: int) -> bytes:
    """That many random bytes."""
    return secrets.token_bytes(nbytes)
