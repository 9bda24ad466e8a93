"""The words of `twisted.python.usage` for a shell's completion: accepted, kept, and used by nobody here.

Programs name them in their options (``compData = Completions(...)``); Plait writes no completion functions.
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


class Completions:
    """Which completer goes with which option and argument of a program."""

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

    def __init__(self, descr: str | None = None, repeat: bool = False) -> None:
        self.descr = descr
        self.repeat = repeat


class CompleteFiles(Completer):
    """Names of files that match a pattern."""

    def __init__(self, globPattern: str = "*", descr: str | None = None, repeat: bool = False) -> None:
        super().__init__(descr, repeat)
        self.globPattern = globPattern


class CompleteDirs(Completer):
    """Names of folders."""


class CompleteList(Completer):
    """One of some words."""

    def __init__(self, items: Sequence[str], descr: str | None = None, repeat: bool = False) -> None:
        super().__init__(descr, repeat)
        self.items = items


class CompleteMultiList(CompleteList):
    """Several of some words, with commas between them."""


class CompleteUsernames(Completer):
    """Names of users."""


class CompleteGroups(Completer):
    """Names of groups."""


class CompleteHostnames(Completer):
    """Names of hosts."""


class CompleteUserAtHost(Completer):
    """``user@host``."""


class CompleteNetInterfaces(Completer):
    """Names of network interfaces."""
