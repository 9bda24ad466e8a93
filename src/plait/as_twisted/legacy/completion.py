"""The words of `twisted.python.usage` for a shell's completion: what may stand for an option or an argument.

Programs name them in their options (``compData = Completions(...)``); `shellcomp` writes what zsh reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
]

_ZSH = "zsh"


class Completions:
    """Which completer goes with which option and argument of a program.

    ``descriptions`` has other texts for options, ``multiUse`` those that may be given again, ``mutuallyExclusive`` groups
    of those that exclude each other, ``optActions`` the completers of their values (or functions that make them), and
    ``extraActions`` those of the arguments.
    """

    def __init__(
        self,
        descriptions: Mapping[str, str] | None = None,
        multiUse: Sequence[str] = (),
        mutuallyExclusive: Sequence[Sequence[str]] = (),
        optActions: Mapping[str, Any] | None = None,
        extraActions: Sequence[Any] = (),
    ) -> None:
        self.descriptions = descriptions or {}
        self.multiUse = multiUse
        self.mutuallyExclusive = mutuallyExclusive
        self.optActions = optActions or {}
        self.extraActions = extraActions


class Completer:
    """What may stand for an argument; ``repeat`` where it may stand there any number of times."""

    _action = ""
    _descr: str | None = None

    def __init__(self, descr: str | None = None, repeat: bool = False) -> None:
        self.descr = descr
        self.repeat = repeat

    def _description(self, optName: str) -> str:
        return self.descr or self._descr or optName

    def _shell_action(self, optName: str) -> str:
        """What zsh calls to complete it."""
        return self._action

    def _shellCode(self, optName: str, shellType: str) -> str:
        """How ``_arguments`` of zsh reads it. Raises `NotImplementedError` for another shell."""
        if shellType != _ZSH:
            raise NotImplementedError(f"there is completion for zsh alone, not for {shellType!r}")
        return f"{'*' if self.repeat else ''}:{self._description(optName)}:{self._shell_action(optName)}"


class CompleteFiles(Completer):
    """Names of files that match a pattern."""

    def __init__(self, globPattern: str = "*", descr: str | None = None, repeat: bool = False) -> None:
        super().__init__(descr, repeat)
        self.globPattern = globPattern

    def _description(self, optName: str) -> str:
        return f"{super()._description(optName)} ({self.globPattern})"

    def _shell_action(self, optName: str) -> str:
        return f'_files -g "{self.globPattern}"'


class CompleteDirs(Completer):
    """Names of folders."""

    _action = "_directories"


class CompleteList(Completer):
    """One of some words."""

    def __init__(self, items: Sequence[str], descr: str | None = None, repeat: bool = False) -> None:
        super().__init__(descr, repeat)
        self.items = items

    def _shell_action(self, optName: str) -> str:
        return f"({' '.join(self.items)})"


class CompleteMultiList(CompleteList):
    """Several of some words, with commas between them."""

    def _shell_action(self, optName: str) -> str:
        return f"_values -s , '{self._description(optName)}' {' '.join(self.items)}"


class CompleteUsernames(Completer):
    """Names of users."""

    _action = "_users"


class CompleteGroups(Completer):
    """Names of groups."""

    _action = "_groups"
    _descr = "group"


class CompleteHostnames(Completer):
    """Names of hosts."""

    _action = "_hosts"


class CompleteUserAtHost(Completer):
    """``user@host``."""

    _action = (
        '{if compset -P "*@"; then _hosts; '
        'else _alternative "users:user:_users -qS @" "hosts:host:_hosts"; fi}'  # the user's name, then @, then the host
    )
    _descr = "host | user@host"


class CompleteNetInterfaces(Completer):
    """Names of network interfaces."""

    _action = "_net_interfaces"
