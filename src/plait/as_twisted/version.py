"""What ``twisted.__version__`` and ``twisted.version`` answer.

It is the release of Twisted whose names the alias follows.
Programs ask it to decide what they may use, so it is Twisted's number and not Plait's.
"""

from __future__ import annotations

from functools import total_ordering
from math import inf

__all__ = ["IncomparableVersions", "Version", "__version__", "getVersionString", "version"]


class IncomparableVersions(TypeError):
    """Two versions belong to two packages, so that neither is the later one."""


@total_ordering
class Version:
    """A release number with the package that it belongs to.

    Versions of one package can be compared, also with a plain tuple ``(major, minor, micro)``; those of two
    packages are not equal, and to ask for their order raises `IncomparableVersions`.
    """

    def __init__(
        self,
        package: str,
        major: int,
        minor: int,
        micro: int,
        release_candidate: int | None = None,
        post: int | None = None,
        dev: int | None = None,
    ) -> None:
        self.package = package
        self.major = major
        self.minor = minor
        self.micro = micro
        self.release_candidate = release_candidate
        self.post = post
        self.dev = dev

    @property
    def prerelease(self) -> int | None:
        """The release candidate, by the name that it had."""
        return self.release_candidate

    def short(self) -> str:
        """The number alone, ``"26.10.0"``, with ``rc``, ``.post`` and ``.dev`` where it has them."""
        marks = (("rc", self.release_candidate), (".post", self.post), (".dev", self.dev))
        number = f"{self.major}.{self.minor}.{self.micro}"
        return number + "".join(f"{mark}{value}" for mark, value in marks if value is not None)

    base = short
    public = short
    local = short

    def _key(self) -> tuple[float, ...]:
        """In the order of releases: development, candidates, the release, what came after it."""
        candidate = inf if self.release_candidate is None else self.release_candidate
        if self.dev is not None and self.release_candidate is None and self.post is None:
            candidate = -1
        post = -1 if self.post is None else self.post
        return (self.major, self.minor, self.micro, candidate, post, inf if self.dev is None else self.dev)

    def _keys(self, other: object) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        if isinstance(other, Version) and other.package == self.package:
            return self._key(), other._key()
        return (self._key()[:3], other) if isinstance(other, tuple) else None

    def __eq__(self, other: object) -> bool:
        keys = self._keys(other)
        return NotImplemented if keys is None else keys[0] == keys[1]

    def __lt__(self, other: object) -> bool:
        if isinstance(other, Version) and other.package != self.package:
            raise IncomparableVersions(f"{self} and {other} are versions of two packages: there is no order")
        keys = self._keys(other)
        return NotImplemented if keys is None else keys[0] < keys[1]

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return f"[{self.package}, version {self.short()}]"

    def __repr__(self) -> str:
        marks = (("release_candidate", self.release_candidate), ("post", self.post), ("dev", self.dev))
        more = "".join(f", {name}={value}" for name, value in marks if value is not None)
        return f"Version({self.package!r}, {self.major}, {self.minor}, {self.micro}{more})"


def getVersionString(version: Version) -> str:
    """The package and its number, ``"twisted 26.10.0"``."""
    return f"{version.package} {version.public()}"


version = Version("twisted", 26, 10, 0)
__version__ = version.short()

longversion = f"{version.package} {__version__}, as provided by Plait"
copyright = "The program that you run is its authors'; what runs it is Plait: see its LICENSE."
disclaimer = f"{longversion}\n{copyright}"
