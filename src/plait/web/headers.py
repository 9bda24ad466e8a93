"""The headers of an HTTP message: names without regard to case, each with its values in order (RFC 9110, section 5).

A name or value is bytes on the wire and may be given as str: names are then encoded in Latin-1, values in UTF-8. Whatever is
put in is made safe here, so that a value can never begin a header, or a message, of its own.

The server reads and writes each request's and response's headers through this, so the usual case is short: a name that has
been seen before is one look into a dict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import AnyStr, TypeVar, overload

__all__ = ["MAX_CACHED_NAME", "Headers", "InvalidHeaderName", "NameEncoder", "names", "sanitize"]

T = TypeVar("T")

# token in RFC 9110, 5.6.2
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# What a name that is not simply capitalized part by part is called by its own specification or by custom.
_CAPITALIZED_OTHERWISE = (
    b"Content-MD5",
    b"DNT",
    b"ETag",
    b"P3P",
    b"TE",
    b"WWW-Authenticate",
    b"X-XSS-Protection",
)

# A longer name is no less valid; but a peer that makes names up is not to fill the cache with kilobytes.
MAX_CACHED_NAME = 64


class InvalidHeaderName(ValueError):
    """A header's name is empty or has a character that no name can have (RFC 9110, section 5.1)."""


class NameEncoder:
    """Gives each name its canonical capitalization, and remembers those that it has seen.

    :ivar maxCached: how many spellings are remembered. Names come from the network too, so that there must be an end.
    """

    maxCached = 1024

    def __init__(self) -> None:
        self._fixed = {name.lower(): name for name in _CAPITALIZED_OTHERWISE}
        self.cache: dict[bytes | str, bytes] = {}

    def encode(self, name: bytes | str) -> bytes:
        """`name` with each of its parts capitalized, but for a few names that are written in another way.

        :raises InvalidHeaderName: it is not a token.
        :raises UnicodeEncodeError: it has a character outside Latin-1.
        """
        known = self.cache.get(name)
        if known is not None:
            return known
        raw = name.encode("latin-1") if isinstance(name, str) else name
        if _TOKEN.fullmatch(raw) is None:
            raise InvalidHeaderName(
                f"{name!r} cannot be the name of a header; only letters, digits and !#$%&'*+-.^_`|~ can be in it."
            )
        lower = raw.lower()
        result = self._fixed.get(lower) or b"-".join(part.capitalize() for part in lower.split(b"-"))
        if len(self.cache) < self.maxCached and len(raw) <= MAX_CACHED_NAME:
            self.cache[name] = result
        return result


# Below, "10 in value or 13 in value or 0 in value" asks for line breaks and NUL: as numbers, since bytes are found about eight
# times as slowly.
names = NameEncoder()
_known = names.cache


def sanitize(value: bytes) -> bytes:
    """`value` on one line: each line break and NUL becomes a space, and there is none round it (RFC 9110, section 5.5)."""
    return b" ".join(value.replace(b"\0", b" ").splitlines()).strip()


def _encode_value(value: bytes | str) -> bytes:
    if isinstance(value, str):
        value = value.encode("utf-8")
    elif not isinstance(value, bytes):
        raise TypeError(f"A header's value is bytes or str, not {type(value).__name__}: {value!r}.")
    if 10 in value or 13 in value or 0 in value:
        return sanitize(value)
    return value


class Headers:
    """The headers of one request or response.

    Names are compared without regard to case. Each method takes bytes or str; `getRawHeaders` answers in the type in which
    it was asked.
    """

    __slots__ = ("_raw",)

    def __init__(self, rawHeaders: Mapping[AnyStr, Iterable[bytes | str]] | None = None) -> None:
        """:param rawHeaders: the values of each name to begin with."""
        self._raw: dict[bytes, list[bytes]] = {}
        if rawHeaders is not None:
            for name, values in rawHeaders.items():
                self.setRawHeaders(name, values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._raw!r})"

    def __eq__(self, other: object) -> bool:
        return self._raw == other._raw if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Headers:
        """The same headers again; what is changed in one does not show in the other."""
        copied = type(self)()
        copied._raw = {name: values[:] for name, values in self._raw.items()}
        return copied

    def hasHeader(self, name: bytes | str) -> bool:
        """Whether there is a header `name`."""
        return (_known.get(name) or names.encode(name)) in self._raw

    def removeHeader(self, name: bytes | str) -> None:
        """Forget the header `name`, if there is one."""
        self._raw.pop(_known.get(name) or names.encode(name), None)

    def setRawHeaders(self, name: bytes | str, values: Iterable[bytes | str]) -> None:
        """Make `values` those of `name`, in place of any that it had.

        :raises InvalidHeaderName: `name` cannot be a name.
        :raises TypeError: `values` is a single value, or has one that is neither bytes nor str.
        """
        if type(values) is list and len(values) == 1:  # nearly always, and worth a short way
            self.set(name, values[0])
            return
        key = _known.get(name) or names.encode(name)
        if isinstance(values, (bytes, str)):
            raise TypeError(f"The values of header {name!r} are to be a list, not {values!r}.")
        self._raw[key] = [_encode_value(value) for value in values]

    def set(self, name: bytes | str, value: bytes | str) -> None:
        """Make `value` the only one of `name`, in place of any that it had. Errors as for `addRawHeader`."""
        if type(value) is not bytes or 10 in value or 13 in value or 0 in value:
            value = _encode_value(value)
        self._raw[_known.get(name) or names.encode(name)] = [value]

    def addRawHeader(self, name: bytes | str, value: bytes | str) -> None:
        """Add one value after those that `name` has.

        :raises InvalidHeaderName: `name` cannot be a name.
        :raises TypeError: `value` is neither bytes nor str.
        """
        key = _known.get(name) or names.encode(name)
        if type(value) is not bytes or 10 in value or 13 in value or 0 in value:
            value = _encode_value(value)
        raw = self._raw
        if key in raw:
            raw[key].append(value)
        else:
            raw[key] = [value]

    @overload
    def getRawHeaders(self, name: AnyStr) -> list[AnyStr] | None: ...
    @overload
    def getRawHeaders(self, name: AnyStr, default: T) -> list[AnyStr] | T: ...
    def getRawHeaders(self, name: AnyStr, default: T | None = None) -> list[AnyStr] | T | None:
        """The values of `name`, as bytes where `name` is bytes, decoded from UTF-8 where it is str; else `default`.

        :raises UnicodeDecodeError: str was asked for, and a value is not UTF-8.
        """
        values = self._raw.get(_known.get(name) or names.encode(name))
        if values is None:
            return default
        if isinstance(name, str):
            return [value.decode("utf-8") for value in values]
        return values

    def getAllRawHeaders(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Each name in its canonical capitalization, with its values, in the order in which the names were first set."""
        return iter(self._raw.items())
