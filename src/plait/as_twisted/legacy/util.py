"""What `twisted.python.util` is: small things that have no other place. Those about users are in `accounts`."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, TypeVar

from plait.as_twisted.legacy.accounts import (
    gidFromString,
    initgroups,
    runAsEffectiveUser,
    switchUID,
    uidFromString,
)

__all__ = [
    "FancyEqMixin",
    "FancyStrMixin",
    "InsensitiveDict",
    "OrderedDict",
    "getPassword",
    "gidFromString",
    "initgroups",
    "makeStatBar",
    "mergeFunctionMetadata",
    "nameToLabel",
    "padTo",
    "println",
    "raises",
    "runAsEffectiveUser",
    "searchupwards",
    "sibpath",
    "str_xor",
    "switchUID",
    "uidFromString",
    "uniquify",
    "untilConcludes",
]

_H = TypeVar("_H", bound=Hashable)
_T = TypeVar("_T")


class InsensitiveDict(MutableMapping[Any, Any]):
    """A mapping in which text and bytes as keys are the same in upper and lower case.

    The keys are shown as they were last set, or with ``preserve=False`` in lower case.
    """

    def __init__(self, dict: Mapping[Any, Any] | None = None, preserve: bool = True) -> None:
        self.preserve = preserve
        self.data: OrderedDict[Any, tuple[Any, Any]] = OrderedDict()
        if dict is not None:
            self.update(dict)

    @staticmethod
    def _lower(key: Any) -> Any:
        return key.lower() if isinstance(key, str | bytes) else key

    def __getitem__(self, key: Any) -> Any:
        return self.data[self._lower(key)][1]

    def __setitem__(self, key: Any, value: Any) -> None:
        lower = self._lower(key)
        self.data[lower] = (key if self.preserve else lower, value)

    def __delitem__(self, key: Any) -> None:
        del self.data[self._lower(key)]

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self.data.values())

    def __len__(self) -> int:
        return len(self.data)

    def __contains__(self, key: object) -> bool:
        return self._lower(key) in self.data

    has_key = __contains__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        theirs = {self._lower(key): value for key, value in other.items()}
        return {lower: value for lower, (_, value) in self.data.items()} == theirs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"InsensitiveDict({dict(self.items())!r})"

    def copy(self) -> InsensitiveDict:
        """Another one with the same content."""
        return InsensitiveDict(self, self.preserve)


class FancyStrMixin:
    """A ``repr`` made of some attributes.

    Each entry of `showAttributes` is a name, a pair of a name and a function that shows the value, or three of a
    name, what it is called, and a ``%`` format for the value. `fancybasename` stands for the class's name.
    """

    showAttributes: ClassVar[Any] = ()
    fancybasename: ClassVar[str | None] = None

    def __str__(self) -> str:
        parts = [self.fancybasename or type(self).__name__]
        for entry in self.showAttributes:
            if isinstance(entry, str):
                parts.append(f"{entry}={getattr(self, entry)!r}")
            elif len(entry) == 2:
                name, show = entry
                parts.append(f"{name}={show(getattr(self, name))}")
            else:
                name, label, form = entry
                parts.append(f"{label}={form % (getattr(self, name),)}")
        return f"<{' '.join(parts)}>"

    __repr__ = __str__


class FancyEqMixin:
    """Equality by some attributes, the `compareAttributes`; with none of them, by identity."""

    compareAttributes: ClassVar[Sequence[str]] = ()

    def __eq__(self, other: object) -> bool:
        if not self.compareAttributes:
            return self is other
        if not isinstance(self, type(other)):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.compareAttributes)

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    __hash__ = None  # type: ignore[assignment]


def uniquify(lst: Iterable[_H]) -> list[_H]:
    """The elements in their order, each only once."""
    return list(dict.fromkeys(lst))


def padTo(n: int, seq: Sequence[_T], default: Any = None) -> list[_T]:
    """A list of ``n`` elements, the sequence and then the default. Raises `ValueError` where it is longer."""
    if len(seq) > n:
        raise ValueError(f"{len(seq)} elements are more than {n}")
    return [*seq, *[default] * (n - len(seq))]


def sibpath(path: Any, sibling: Any) -> Any:
    """The path of a file that lies beside another, such as ``sibpath(__file__, "data.txt")``."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), sibling)


def searchupwards(start: str, files: Sequence[str] = (), dirs: Sequence[str] = ()) -> str | None:
    """The nearest folder, from ``start`` up, that has all these files and folders, with a separator at its end."""
    folder = os.path.abspath(start)
    while True:
        has_files = all(os.path.isfile(os.path.join(folder, name)) for name in files)
        if has_files and all(os.path.isdir(os.path.join(folder, name)) for name in dirs):
            return os.path.join(folder, "")
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def nameToLabel(mname: str) -> str:
    """A name in camel case as words for people: ``"someName"`` is ``"Some Name"``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", mname.strip("_").replace("_", " "))
    return words[:1].upper() + words[1:]


def getPassword(
    prompt: str = "Password: ",
    confirm: bool = False,
    forceTTY: bool = False,
    confirmPrompt: str = "Confirm password: ",
    mismatchMessage: str = "Passwords don't match.",
) -> str:
    """A password from the terminal, not shown; from standard input where that is no terminal.

    With ``confirm`` it is asked for again until both agree. With ``forceTTY`` the terminal is asked whatever
    standard input is.
    """
    if not (forceTTY or sys.stdin.isatty()):
        line = sys.stdin.readline()
        if not line:
            raise EOFError("standard input has ended before the password")
        return line.rstrip("\n")
    while True:
        first = getpass.getpass(prompt)
        if not confirm or getpass.getpass(confirmPrompt) == first:
            return first
        print(mismatchMessage)


def println(*a: object) -> None:
    """Write the arguments to standard output, with spaces between them and a line end."""
    print(*a)


def makeStatBar(
    width: int, maxPosition: int, doneChar: str = "=", undoneChar: str = "-", currentChar: str = ">"
) -> Callable[..., str]:
    """A function that draws, for a position, a bar ``[==>---]`` of that width; "" where nothing has changed.

    Its second argument, ``force``, has it drawn all the same.
    """
    last = ""

    def draw(position: float, force: bool = False) -> str:
        nonlocal last
        done = int(width * position / maxPosition)
        bar = f"[{doneChar * done}{currentChar}{undoneChar * (width - done - 2)}]"
        if bar == last and not force:
            return ""
        last = bar
        return bar

    return draw


def str_xor(s: str, b: int) -> str:
    """Each character with its number XOR ``b``."""
    return "".join(chr(ord(c) ^ b) for c in s)


def raises(exception: type[BaseException], f: Callable[..., object], *args: Any, **kwargs: Any) -> bool:
    """Does the call raise that?"""
    try:
        f(*args, **kwargs)
    except exception:
        return True
    return False


def untilConcludes(f: Callable[..., _T], *a: Any, **kw: Any) -> _T:
    """Call again until a signal does not interrupt it."""
    while True:
        try:
            return f(*a, **kw)
        except InterruptedError:
            continue


def mergeFunctionMetadata(f: Callable[..., Any], g: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``g`` the name, docstring, module and attributes of ``f``, as far as it can take them."""
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        try:
            setattr(g, name, getattr(f, name))
        except (AttributeError, TypeError):
            pass
    for name, value in getattr(f, "__dict__", {}).items():
        setattr(g, name, value)
    return g
