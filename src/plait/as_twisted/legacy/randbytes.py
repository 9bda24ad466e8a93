"""What `twisted.python.randbytes` is: random bytes, from the system where nobody may be able to guess them."""

from __future__ import annotations

import os
import random
from warnings import warn

__all__ = ["RandomFactory", "SecureRandomNotAvailable", "SourceNotAvailable", "insecureRandom", "secureRandom"]


class SecureRandomNotAvailable(RuntimeError):
    """There is no secure source."""


class SourceNotAvailable(RuntimeError):
    """One source cannot be had."""


class RandomFactory:
    """Where random bytes come from."""

    def _osUrandom(self, nbytes: int) -> bytes:
        try:
            return os.urandom(nbytes)
        except NotImplementedError as error:
            raise SourceNotAvailable("this system has no source of randomness") from error

    def secureRandom(self, nbytes: int, fallback: bool = False) -> bytes:
        """That many bytes that nobody can guess.

        Raises `SecureRandomNotAvailable` on a system without a source of them; with ``fallback`` it warns and takes
        `insecureRandom`.
        """
        try:
            return self._osUrandom(nbytes)
        except SourceNotAvailable:
            if not fallback:
                raise SecureRandomNotAvailable("No secure random source available") from None
        warn(
            "urandom unavailable - proceeding with non-cryptographically secure random source",
            category=RuntimeWarning,
            stacklevel=2,
        )
        return self.insecureRandom(nbytes)

    def insecureRandom(self, nbytes: int) -> bytes:
        """That many random bytes, of the kind that can be guessed from those before."""
        return random.randbytes(nbytes)


_factory = RandomFactory()

secureRandom = _factory.secureRandom
insecureRandom = _factory.insecureRandom
