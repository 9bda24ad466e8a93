"""What `twisted.python.usage` is: a command line described by a class, whose instance is the dict of its answers.

A class lists ``optFlags`` (rows of name, letter, text), ``optParameters`` (name, letter, default, text, and a
function that makes the value of the word) and ``subCommands`` (name, short name, Options class, text), and has
methods ``opt_name``: one with an argument takes a value, one without is a flag. Rows of base classes count too.
The standard library's `getopt` splits the line, so options stand before arguments and long ones may be
shortened.
"""

from __future__ import annotations

import getopt
import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, ClassVar

from plait.as_twisted.legacy.completion import (
    _ZSH,  # noqa: F401  (what tests ask for)
    CompleteDirs,
    CompleteFiles,
    CompleteGroups,
    CompleteHostnames,
    CompleteList,
    CompleteMultiList,
    CompleteNetInterfaces,
    Completer,
    CompleteUserAtHost,
    CompleteUsernames,
    Completions,
)
from plait.as_twisted.legacy.reflect import accumulateClassList, prefixedMethodNames
from plait.as_twisted.legacy.shellcomp import shellComplete
from plait.as_twisted.version import __version__

__all__ = [
    "CompleteDirs",
    "CompleteFiles",
    "CompleteGroups",
    "CompleteHostnames",
    "CompleteList",
    "CompleteMultiList",
    "CompleteNetInterfaces",
    "CompleteUserAtHost",
    "CompleteUsernames",
    "Completer",
    "Completions",
    "Options",
    "UsageError",
    "error",
    "flagFunction",
    "portCoerce",
]


class UsageError(Exception):
    """The command line is wrong; the text is for the user."""


error = UsageError


class _Option:
    """One option: its names, what it takes, and what it does."""

    def __init__(
        self,
        name: str,
        letter: str | None,
        text: str,
        takes_value: bool,
        act: Callable[[str], None],
        default: Any,
        others: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.letter = letter
        self.others = tuple(others)
        self.text = text
        self.takes_value = takes_value
        self.act = act
        self.default = default


class Options(dict[str, Any]):
    """The description of a command line, and after `parseOptions` what it said.

    `opts` is the object itself, `defaults` what it began with, `subCommand` the name of the chosen command and
    `subOptions` its Options; `parent` is set on the Options of a command. A subclass may also have ``synopsis``
    and ``longdesc`` for its help, and ``defaultSubCommand``.
    """

    subCommand: str | None = None
    defaultSubCommand: str | None = None
    parent: Options | None = None
    subOptions: Options
    completionData: Any = None
    compData: Any = None
    subCommands: ClassVar[Any]
    _shellCompFile: IO[bytes] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.opts = self
        self.defaults: dict[str, Any] = {}
        self.docs: dict[str, str] = {}
        self.synonyms: dict[str, str] = {}
        self._options: dict[str, _Option] = {}
        for option in (*self._flags(), *self._parameters()):
            self._add(option)
        for option in list(self._methods()):
            self._add(option)

    def __hash__(self) -> int:  # type: ignore[override]
        """Told apart by identity, although it is a dict."""
        return id(self)

    def _add(self, option: _Option) -> None:
        self._options[option.name] = option
        self.docs[option.name] = option.text
        for name in {option.name, option.name.replace("-", "_"), option.letter or option.name, *option.others}:
            self.synonyms[name] = option.name

    def _flags(self) -> Iterable[_Option]:
        for name, letter, text in _padded(self, "optFlags", 3):
            self[name] = self.defaults[name] = 0

            def act(_value: str, name: str = name) -> None:
                self[name] = 1

            yield _Option(name, letter, text or "", False, act, None)

    def _parameters(self) -> Iterable[_Option]:
        for name, letter, default, text, coerce in _padded(self, "optParameters", 5):
            self[name] = self.defaults[name] = default

            def act(value: str, name: str = name, coerce: Callable[[str], Any] | None = coerce) -> None:
                try:
                    self[name] = value if coerce is None else coerce(value)
                except ValueError as wrong:
                    raise UsageError(f"Parameter type enforcement failed: {wrong}") from wrong

            more = getattr(coerce, "coerceDoc", "")
            yield _Option(name, letter, f"{text or ''} {more}".strip(), True, act, default)

    def _methods(self) -> Iterable[_Option]:
        """The ``opt_`` methods; where two of them are the same one, they are names of one option."""
        groups: dict[Any, list[str]] = {}
        for name in prefixedMethodNames(type(self), "opt_"):
            groups.setdefault(getattr(self, f"opt_{name}"), []).append(name.replace("_", "-"))
        for method, names in groups.items():
            name = max(names, key=len)
            if name in self._options:
                continue  # the row of that name is the one that counts
            letter = next((n for n in names if len(n) == 1), None)
            flag = flagFunction(method, f"--{name}")

            def act(value: str, method: Callable[..., None] = method, flag: bool = flag) -> None:
                method(*([] if flag else [value]))

            yield _Option(name, letter, inspect.getdoc(method) or "", not flag, act, None, names)

    @property
    def shortOpt(self) -> str:
        """The one-letter options, as `getopt` wants them."""
        letters = {name: option for name, option in self._by_name() if len(name) == 1}
        return "".join(name + ":" * option.takes_value for name, option in letters.items())

    @property
    def longOpt(self) -> list[str]:
        """The long options, as `getopt` wants them."""
        return [name + "=" * option.takes_value for name, option in self._by_name() if len(name) > 1]

    def _by_name(self) -> Iterable[tuple[str, _Option]]:
        """Each option under each of its names, as they stand on a command line."""
        for option in self._options.values():
            for name in dict.fromkeys((option.name, option.letter or option.name, *option.others)):
                yield name, option

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read a command line, ``sys.argv[1:]`` unless told. Raises `UsageError` where it is wrong."""
        words = sys.argv[1:] if options is None else list(options)
        if words[-2:-1] == ["--_shell-completion"]:
            shellComplete(self, os.path.basename(sys.argv[0]), words, self._shellCompFile or sys.stdout.buffer)
            sys.exit(0)
        try:
            pairs, arguments = getopt.getopt(words, self.shortOpt, self.longOpt)
        except getopt.error as wrong:
            raise UsageError(str(wrong)) from wrong
        for name, value in pairs:
            self._options[self.synonyms[name.lstrip("-")]].act(value)
        if self._commands() and (arguments or self.defaultSubCommand is not None):
            self._parse_command(arguments[0] if arguments else str(self.defaultSubCommand), arguments[1:])
        else:
            try:
                inspect.signature(self.parseArgs).bind(*arguments)
            except TypeError as wrong:
                raise UsageError("Wrong number of arguments.") from wrong
            self.parseArgs(*arguments)
        self.postOptions()

    def _commands(self) -> Sequence[tuple[str, str | None, Callable[[], Options], str]]:
        return list(getattr(self, "subCommands", None) or ())

    def _parse_command(self, command: str, rest: Sequence[str]) -> None:
        for name, short, make, _text in self._commands():
            if command in (name, short):
                self.subCommand = name
                self.subOptions = make()
                self.subOptions.parent = self
                self.subOptions.parseOptions(rest)
                return
        raise UsageError(f"Unknown command: {command}")

    def postOptions(self) -> None:
        """Called when all has been read; may raise `UsageError` for what does not go together."""

    def parseArgs(self, *args: str) -> None:
        """Called with what stands after the options; override it with the arguments that the program takes."""
        if args:
            raise UsageError("Wrong number of arguments.")

    def opt_version(self) -> None:
        """Display Twisted version and exit."""
        from plait import __version__ as ours

        print(f"Twisted version: {__version__} (as provided by Plait {ours})")
        sys.exit(0)

    def opt_help(self) -> None:
        """Display this help and exit."""
        print(self)
        sys.exit(0)

    def __str__(self) -> str:
        return f"{self.getSynopsis()}\n{self.getUsage()}"

    def getSynopsis(self) -> str:
        """The line that says how the program is called."""
        own = f"{os.path.basename(sys.argv[0])} [options]" if self.parent is None else "[options]"
        if self.parent is None:
            own = f"Usage: {own}"
        synopsis: str = getattr(self, "synopsis", own).rstrip()
        if self.parent is None:
            return synopsis
        return " ".join((self.parent.getSynopsis(), self.parent.subCommand or "", synopsis))

    def getUsage(self, width: int | None = None) -> str:
        """The help below the synopsis, no wider than ``width`` columns (``$COLUMNS``, or 80)."""
        if hasattr(self, "subOptions"):
            return self.subOptions.getUsage(width)
        width = width or int(os.environ.get("COLUMNS", "80") or 80)
        parts = []
        if commands := self._commands():
            parts.append("Commands:\n" + _columns([(f"    {row[0]}", row[3] or "") for row in commands], width))
        options = sorted(self._options.values(), key=lambda option: option.name)
        parts.append("Options:\n" + _columns([(_label(o), _explained(o)) for o in options], width))
        if description := self._description():
            parts.append("\n".join(textwrap.fill(p, width) for p in description.split("\n")) + "\n")
        return "\n".join(parts)

    def _description(self) -> str:
        given: str | None = getattr(self, "longdesc", None)
        if given is None:
            given = getattr(sys.modules.get("__main__"), "__doc__", None)
        return inspect.cleandoc(given or "")


def _padded(options: Options, attribute: str, width: int) -> list[list[Any]]:
    """The rows that a class and its bases list under a name, filled up with None."""
    rows: list[Sequence[Any]] = []
    accumulateClassList(type(options), attribute, rows)
    for row in rows:
        if not 1 <= len(row) <= width:
            raise ValueError(f"a row of {attribute} has 1 to {width} entries: {row!r}")
    return [[*row, *[None] * (width - len(row))] for row in rows]


def _label(option: _Option) -> str:
    letter = f"-{option.letter}" if option.letter else ""
    name = f"--{option.name}{'=' * option.takes_value}" if len(option.name) > 1 else ""
    return f"  {letter}{',' if letter and name else ' '} {name}" if letter else f"      {name}"


def _explained(option: _Option) -> str:
    text = " ".join(option.text.split())
    return text if option.default is None else f"{text} [default: {option.default}]".lstrip()


def _columns(rows: Sequence[tuple[str, str]], width: int) -> str:
    """Rows of a label and a text, the texts under each other."""
    indent = max(len(label) for label, _ in rows) + 2
    lines = []
    for label, text in rows:
        folded = textwrap.wrap(text, max(width - indent, 20)) or [""]
        lines.append(f"{label:<{indent}}{folded[0]}".rstrip())
        lines.extend(" " * indent + line for line in folded[1:])
    return "\n".join(lines) + "\n"


def flagFunction(method: Callable[..., None], name: str | None = None) -> bool:
    """Is the option of an ``opt_`` method a flag: does the method take no argument? Raises `UsageError` for more than one."""
    count = len(inspect.signature(method).parameters)
    if count > 1:
        raise UsageError(f"Invalid Option function for {name or method.__name__}")
    return count == 0


def portCoerce(value: str) -> int:
    """A port number, for the last entry of a row of ``optParameters``. Raises `ValueError` out of 0 to 65535."""
    port = int(value)
    if not 0 <= port <= 65535:
        raise ValueError(f"Port number not in range: {value}")
    return port


portCoerce.coerceDoc = "Must be an int between 0 and 65535."  # type: ignore[attr-defined]
