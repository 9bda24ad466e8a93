"""What ``twisted.__version__`` and ``twisted.version`` answer.

It is the release of Twisted whose names the alias follows.
Programs ask it to decide what they may use, so it is Twisted's number and not Plait's.
"""

from __future__ import annotations

from functools import total_ordering

__all__ = ["Version", "__version__", "version"]


@total_ordering
class Version:
    """A release number with the package that it belongs to.

    Versions of one package can be compared, also with a plain tuple ``(major, minor, micro)``; those of two
    packages are neither equal nor ordered.
    """

    def __init__(self, package: str, major: int, minor: int, micro: int) -> None:
        self.package = package
        self.major = major
        self.minor = minor
        self.micro = micro

    def short(self) -> str:
        """The number alone, ``"26.10.0"``."""
        return f"{self.major}.{self.minor}.{self.micro}"

    base = short
    public = short

    def _key(self) -> tuple[int, int, int]:
        return (self.major, self.minor, self.micro)

    def _key_of(self, other: object) -> tuple[int, ...] | None:
        if isinstance(other, Version) and other.package == self.package:
            return other._key()
        return other if isinstance(other, tuple) else None

    def __eq__(self, other: object) -> bool:
        key = self._key_of(other)
        return NotImplemented if key is None else self._key() == key

    def __lt__(self, other: object) -> bool:
        key = self._key_of(other)
        return NotImplemented if key is None else self._key() < key

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return f"[{self.package}, version {self.short()}]"

    def __repr__(self) -> str:
        return f"Version({self.package!r}, {self.major}, {self.minor}, {self.micro})"


version = Version("twisted", 26, 10, 0)
__version__ = version.short()
