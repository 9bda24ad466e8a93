"""What `twisted.python.compat` is: names from the days of two Pythons, as they read on the one that is left."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from html import escape
from io import StringIO
from io import StringIO as NativeStringIO
from types import FrameType, TracebackType
from typing import Any, TypeVar
from urllib.parse import quote as urlquote
from urllib.parse import unquote as urlunquote

__all__ = [
    "FileType",
    "NativeStringIO",
    "Sequence",
    "StringIO",
    "StringType",
    "basestring",
    "bytesEnviron",
    "cmp",
    "comparable",
    "currentframe",
    "escape",
    "execfile",
    "intToBytes",
    "intern",
    "ioType",
    "items",
    "iterbytes",
    "iteritems",
    "itervalues",
    "lazyByteSlice",
    "long",
    "nativeString",
    "networkString",
    "raw_input",
    "reduce",
    "reraise",
    "unichr",
    "unicode",
    "urlquote",
    "urlunquote",
    "xrange",
]

_K = TypeVar("_K")
_V = TypeVar("_V")
_C = TypeVar("_C", bound=type)

_PY3 = True
_PYPY = sys.implementation.name == "pypy"

unicode = StringType = basestring = str
long = int
unichr = chr
xrange = range
raw_input = input
intern = sys.intern
FileType = io.IOBase


def nativeString(s: str | bytes) -> str:
    """Text or bytes as text; only ASCII is allowed. Raises `UnicodeError` for anything else."""
    if isinstance(s, bytes):
        return s.decode("ascii")
    if not isinstance(s, str):
        raise TypeError(f"{s!r} is neither text nor bytes")
    s.encode("ascii")
    return s


def networkString(s: str) -> bytes:
    """ASCII text as bytes."""
    if not isinstance(s, str):
        raise TypeError(f"text is wanted, not {s!r}")
    return s.encode("ascii")


def intToBytes(i: int) -> bytes:
    """The decimal digits of a number."""
    return b"%d" % i


def iterbytes(originalBytes: bytes) -> Iterator[bytes]:
    """The bytes one by one, each as `bytes`."""
    return (originalBytes[i : i + 1] for i in range(len(originalBytes)))


def lazyByteSlice(object: bytes, offset: int = 0, size: int | None = None) -> memoryview:
    """A part of some bytes, without a copy."""
    return memoryview(object)[offset : None if size is None else offset + size]


def bytesEnviron() -> dict[bytes, bytes]:
    """A copy of the environment, in bytes."""
    return {os.fsencode(key): os.fsencode(value) for key, value in os.environ.items()}


def iteritems(d: Mapping[_K, _V]) -> Iterable[tuple[_K, _V]]:
    """The items of a mapping."""
    return d.items()


def itervalues(d: Mapping[Any, _V]) -> Iterable[_V]:
    """The values of a mapping."""
    return d.values()


def items(d: Mapping[_K, _V]) -> list[tuple[_K, _V]]:
    """The items of a mapping, as a list."""
    return list(d.items())


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1, as ``a`` is less than ``b``, equal or more."""
    return bool(a > b) - bool(a < b)


def comparable(klass: _C) -> _C:
    """Class decorator: all comparisons by the class's method ``__cmp__``, which answers as `cmp` does."""

    def compare(decide: Callable[[int], bool]) -> Callable[[Any, Any], Any]:
        def method(self: Any, other: Any) -> Any:
            order = self.__cmp__(other)
            return NotImplemented if order is NotImplemented else decide(order)

        return method

    made: Any = klass
    made.__eq__ = compare(lambda order: order == 0)
    made.__ne__ = compare(lambda order: order != 0)
    made.__lt__ = compare(lambda order: order < 0)
    made.__le__ = compare(lambda order: order <= 0)
    made.__gt__ = compare(lambda order: order > 0)
    made.__ge__ = compare(lambda order: order >= 0)
    return klass


def execfile(filename: str, globals: dict[str, Any], locals: dict[str, Any] | None = None) -> None:
    """Run a file of Python in these namespaces."""
    with open(filename, "rb") as file:
        code = compile(file.read(), filename, "exec")
    exec(code, globals, globals if locals is None else locals)


def currentframe(n: int = 0) -> FrameType:
    """The frame of the caller, or of who called it, ``n`` steps up."""
    return sys._getframe(n + 1)


def reraise(exception: BaseException, traceback: TracebackType | None) -> None:
    """Raise an exception with another traceback."""
    raise exception.with_traceback(traceback)


def ioType(fileIshObject: Any, default: type = str) -> type:
    """What a file gives and takes: `str`, or `bytes`; the default where it cannot be told."""
    if isinstance(fileIshObject, io.TextIOBase):
        return str
    if isinstance(fileIshObject, io.IOBase):
        return bytes
    if getattr(fileIshObject, "encoding", None):
        return str
    return default
