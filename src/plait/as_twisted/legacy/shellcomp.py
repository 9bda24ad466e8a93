"""What `twisted.python._shellcomp` is: a command line in the making, completed by zsh.

A completion function of zsh calls the program as ``PROGRAM WORDS --_shell-completion zsh:POSITION``, and runs what it
prints: a call of ``_arguments`` with all options, and the list of commands where one may stand.
"""

from __future__ import annotations

import getopt
import inspect
import re
from collections.abc import Iterable, Sequence
from typing import IO, Any

from plait.as_twisted.legacy.completion import _ZSH, Completer

__all__ = ["SubcommandAction", "ZshArgumentsGenerator", "ZshBuilder", "ZshSubcommandBuilder", "escape", "shellComplete"]


def shellComplete(config: Any, cmdName: str, words: Sequence[str], shellCompFile: IO[bytes]) -> None:
    """Write what the shell has to run to complete a command line.

    ``words`` ends with ``--_shell-completion`` and ``zsh:POSITION``, the position being that of the word at the cursor,
    where the program's name is at 1. Raises `ValueError` for options whose completion data is wrong.
    """
    shell, _, position = words[-1].partition(":")
    if shell != _ZSH:
        raise NotImplementedError(f"there is completion for zsh alone, not for {shell!r}")
    cursor = int(position) - 2
    before, at_cursor = list(words[: max(cursor, 0)]), "".join(words[cursor : cursor + 1])
    command = _command(config, before)
    if command is not None:
        ZshSubcommandBuilder(command, config, cmdName, shellCompFile).write()
    else:
        ZshBuilder(config, cmdName, shellCompFile).write(with_commands=not at_cursor.startswith("-"))


def _command(config: Any, words: Sequence[str]) -> Any:
    """The options of the command that the words name; None where they name none, or cannot be understood yet."""
    try:
        _, arguments = getopt.getopt(list(words), config.shortOpt, config.longOpt)
    except getopt.error:
        return None
    for name, short, make, _text in getattr(config, "subCommands", None) or ():
        if arguments and arguments[0] in (name, short):
            options = make()
            options.parent = config
            config.subCommand = name
            return options
    return None


class SubcommandAction(Completer):
    """A command and all that follows: it is completed by itself."""

    def _shellCode(self, optName: str, shellType: str) -> str:
        super()._shellCode(optName, shellType)
        return "*::subcmd:->subcmd"


class ZshBuilder:
    """Writes the completion of a program, and of its commands."""

    def __init__(self, options: Any, cmdName: str, file: IO[bytes]) -> None:
        self.options = options
        self.cmdName = cmdName
        self.file = file

    def write(self, with_commands: bool = True) -> None:
        """Write it, the list of commands only if it is wanted."""
        commands = getattr(self.options, "subCommands", None) or ()
        generator = ZshArgumentsGenerator(self.options, self.cmdName, self.file)
        if commands:
            generator.extraActions.insert(0, SubcommandAction())
        self._print(f"#compdef {self.cmdName}\n")
        generator.write()
        if commands and with_commands:
            self._print("local _zsh_subcmds_array\n_zsh_subcmds_array=(")
            for name, _short, _make, text in commands:
                self._print(_double_quoted(f"{name}:{text}"))
            self._print(')\n\n_describe "sub-command" _zsh_subcmds_array')

    def _print(self, text: str) -> None:
        self.file.write(f"{text}\n".encode())


class ZshSubcommandBuilder(ZshBuilder):
    """Writes the completion of a command, after that of the program: zsh goes through both."""

    def __init__(self, subOptions: Any, options: Any, cmdName: str, file: IO[bytes]) -> None:
        super().__init__(options, cmdName, file)
        self.subOptions = subOptions

    def write(self, with_commands: bool = False) -> None:
        """Write it."""
        super().write(with_commands=False)
        ZshArgumentsGenerator(self.subOptions, self.cmdName, self.file).write()


class ZshArgumentsGenerator:
    """Writes one call of ``_arguments``, from the options and the completion data of a class and its bases.

    Raises `ValueError` where the data names an option that there is not.
    """

    def __init__(self, options: Any, cmdName: str, file: IO[bytes] | None) -> None:
        self.options = options
        self.cmdName = cmdName
        self.file = file
        self.descriptions: dict[str, str] = {}
        self.multiUse: set[str] = set()
        self.mutuallyExclusive: list[Sequence[str]] = []
        self.optActions: dict[str, Any] = {}
        self.extraActions: list[Any] = []
        for kind in reversed(type(options).__mro__):
            data = vars(kind).get("compData")
            if data is not None:
                self.descriptions.update(data.descriptions)
                self.multiUse.update(data.multiUse)
                self.mutuallyExclusive.extend(data.mutuallyExclusive)
                self.optActions.update(data.optActions)
                self.extraActions = list(data.extraActions) or self.extraActions
        every = {o.name: o for o in options._options.values() if len(o.name) > 1}
        self.allOptionsNameToDefinition: dict[str, Any] = every
        self.flagNameToDefinition = {name: option for name, option in every.items() if not option.takes_value}
        self.paramNameToDefinition = {name: option for name, option in every.items() if option.takes_value}
        self._check_names()
        self.excludes = self.makeExcludesDict()

    def _check_names(self) -> None:
        named = {*self.descriptions, *self.multiUse, *self.optActions}.union(*self.mutuallyExclusive)
        unknown = sorted(named - {*self.allOptionsNameToDefinition} - {*self.options.synonyms})
        if unknown:
            raise ValueError(f"the completion data of {type(self.options).__name__} names no options: {unknown}")
        if any(getattr(action, "repeat", False) for action in self.extraActions[:-1]):
            raise ValueError("only the last of extraActions may have repeat=True")

    def makeExcludesDict(self) -> dict[str, set[str]]:
        """Which names exclude an option, long and short ones, by its long name."""
        excludes: dict[str, set[str]] = {}
        for group in self.mutuallyExclusive:
            names = [self.options.synonyms[name] for name in group]
            for name in names:
                others = (self.allOptionsNameToDefinition[other] for other in names if other != name)
                excludes.setdefault(name, set()).update(n for o in others for n in (o.name, o.letter) if n)
        return excludes

    def write(self) -> None:
        """Write the call."""
        self._print('_arguments -s -A "-*" \\')
        for number, action in enumerate(self.extraActions, 1):
            self._argument(action._shellCode(f"argument {number}", _ZSH))
        for name in sorted(self.allOptionsNameToDefinition):
            self.writeOpt(name)
        self._print("&& return 0")

    def writeOpt(self, longname: str) -> None:
        """Write one option: with its letter, if it has one, and with its name."""
        option = self.allOptionsNameToDefinition[longname]
        text = re.sub(r"([\[\]])", r"\\\1", self.getDescription(longname))
        value = self._value(longname) if option.takes_value else ""
        for name, other in ((option.letter, longname), (longname, option.letter)):
            if not name:
                continue
            if longname in self.multiUse:
                before = "*"
            else:
                excluded = {*self.excludes.get(longname, ()), *([other] if other else [])}
                before = f"({' '.join(sorted(map(_dashed, excluded)))})" if excluded else ""
            equals = "=" if option.takes_value and len(name) > 1 else ""
            self._argument(f"{before}{_dashed(name)}{equals}[{text}]{value}")

    def _value(self, longname: str) -> str:
        """How the value of an option is completed: as a file, unless told."""
        action = self.optActions.get(longname)
        if action is not None and not isinstance(action, Completer):
            action = action()
        return f":{longname}:_files" if action is None else action._shellCode(longname, _ZSH)

    def getDescription(self, longname: str) -> str:
        """The text for an option: from the completion data, from its row or method, else its name."""
        text = self.descriptions.get(longname) or descrFromDoc(self.allOptionsNameToDefinition[longname].text)
        return text or longname

    def _argument(self, text: str) -> None:
        self._print(f"{escape(text)} \\")

    def _print(self, text: str) -> None:
        if self.file is not None:
            self.file.write(f"{text}\n".encode())


def _dashed(name: str) -> str:
    return f"-{name}" if len(name) == 1 else f"--{name}"


def descrFromDoc(doc: str | None) -> str | None:
    """The first paragraph of a docstring, in one line; None where there is none."""
    lines: Iterable[str] = inspect.cleandoc(doc or "").split("\n\n")[0].split()
    return " ".join(lines) or None


def escape(x: str) -> str:
    """A text in quotation marks, so that the shell takes it as it is."""
    return _double_quoted(x) if "'" in x else f"'{x}'"


def _double_quoted(text: str) -> str:
    return '"' + re.sub(r'([\\$"`])', r"\\\1", text) + '"'
