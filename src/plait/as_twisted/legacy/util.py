"""What `twisted.python.util` is: small things that have no other place. Those about users are in `accounts`."""

from __future__ import annotations

import getpass
import os
import re
import sys
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from types import FrameType
from typing import Any, ClassVar, TypeVar

from plait.as_twisted.legacy.reflect import safe_repr

__all__ = [
    "FancyEqMixin",
    "FancyStrMixin",
    "InsensitiveDict",
    "IntervalDifferential",
    "LineLog",
    "OrderedDict",
    "addPluginDir",
    "getPassword",
    "getPluginDirs",
    "makeStatBar",
    "mergeFunctionMetadata",
    "nameToLabel",
    "padTo",
    "println",
    "raises",
    "runWithWarningsSuppressed",
    "searchupwards",
    "sibpath",
    "spewer",
    "str_xor",
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

    def keys(self) -> list[Any]:  # type: ignore[override]
        """The keys, as a list; so `values` and `items`, in the same order."""
        return list(self)

    def values(self) -> list[Any]:  # type: ignore[override]
        """The values, as a list."""
        return [value for _, value in self.data.values()]

    def items(self) -> list[tuple[Any, Any]]:  # type: ignore[override]
        """The pairs of key and value, as a list."""
        return list(self.data.values())

    def iterkeys(self) -> Iterator[Any]:
        """The keys, one by one."""
        return iter(self)

    def itervalues(self) -> Iterator[Any]:
        """The values, one by one."""
        return iter(self.values())

    def iteritems(self) -> Iterator[tuple[Any, Any]]:
        """The pairs, one by one."""
        return iter(self.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        theirs = {self._lower(key): value for key, value in other.items()}
        return {lower: value for lower, (_, value) in self.data.items()} == theirs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"InsensitiveDict({{{', '.join(f'{k!r}: {v!r}' for k, v in self.items())}}})"

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


class LineLog:
    """The last lines of something, ``size`` of them at most."""

    def __init__(self, size: int = 10) -> None:
        self.size = max(size, 0)
        self.clear()

    def append(self, line: str) -> None:
        """Add a line; the oldest goes if there are too many."""
        self.log.append(line)

    def clear(self) -> None:
        """Forget all lines."""
        self.log: deque[str] = deque(maxlen=self.size)

    def __getitem__(self, item: int) -> str:
        return self.log[item]

    def __str__(self) -> str:
        return "\n".join(self.log)


class IntervalDifferential:
    """How long to wait until the next of several intervals is over, again and again.

    Iterating gives pairs of that time and the number of the interval, ``(default, None)`` where there is none.
    """

    def __init__(self, intervals: Iterable[float], default: float = 60) -> None:
        self.intervals = list(intervals)
        self.default = default

    def __iter__(self) -> _IntervalDifferentialIterator:
        return _IntervalDifferentialIterator(self.intervals, self.default)


class _IntervalDifferentialIterator:
    """One way through the intervals; they may be changed under way."""

    def __init__(self, intervals: Sequence[float], default: float) -> None:
        self.default = default
        self.last: float = 0
        self.intervals = list(intervals)
        self.due = list(intervals)

    def __iter__(self) -> _IntervalDifferentialIterator:
        return self

    def __next__(self) -> tuple[float, int | None]:
        if not self.due:
            return self.default, None
        when = min(self.due)
        which = self.due.index(when)
        self.due[which] += self.intervals[which]
        wait, self.last = when - self.last, when
        return wait, which

    def addInterval(self, interval: float) -> None:
        """Have another interval, which begins now."""
        self.intervals.append(interval)
        self.due.append(self.last + interval)

    def removeInterval(self, interval: float) -> None:
        """Have an interval no more. Raises `ValueError` where it is not there."""
        which = self.intervals.index(interval)
        del self.intervals[which], self.due[which]


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


def getPluginDirs() -> list[str]:
    """The folders in which plugins were looked for long ago, as far as they are there. Old: see `twisted.plugin`."""
    _warn_of_plugin_dirs("getPluginDirs")
    home = os.path.expanduser("~")
    folders = (os.path.join(home, "TwistedPlugins"), os.path.join(home, ".twisted"))
    return [folder for folder in folders if os.path.isdir(folder)]


def addPluginDir() -> None:
    """Put those folders on ``sys.path``. Old: see `twisted.plugin`."""
    _warn_of_plugin_dirs("addPluginDir")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        sys.path.extend(getPluginDirs())


def _warn_of_plugin_dirs(name: str) -> None:
    text = f"twisted.python.util.{name} is deprecated since Twisted 12.2."
    warnings.warn(text, DeprecationWarning, stacklevel=3)


def spewer(frame: FrameType, s: str, ignored: object) -> None:
    """A trace function, for `sys.settrace`: print each function that is entered, and of which object it is."""
    if s != "call":
        return
    of = f" of {safe_repr(frame.f_locals['self'])}" if "self" in frame.f_locals else ""
    print(f"{frame.f_code.co_qualname}{of} in {frame.f_code.co_filename}:{frame.f_lineno}")


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


def runWithWarningsSuppressed(
    suppressedWarnings: Iterable[tuple[tuple[Any, ...], dict[str, Any]]],
    f: Callable[..., _T],
    *args: Any,
    **kwargs: Any,
) -> _T:
    """Call a function while some warnings are left out: each entry is what `warnings.filterwarnings` is called with."""
    with warnings.catch_warnings():
        for filter_args, filter_kwargs in suppressedWarnings:
            warnings.filterwarnings(*filter_args, **filter_kwargs)
        return f(*args, **kwargs)


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
