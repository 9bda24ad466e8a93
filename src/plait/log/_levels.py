"""How important an event is."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum


class InvalidLogLevelError(Exception):
    """A level was asked for that does not exist; `level` is what was asked for."""

    def __init__(self, level: object) -> None:
        super().__init__(f"no log level {level!r}; the levels are debug, info, warn, error, critical")
        self.level = level


class LogLevel(Enum):
    """The levels, in order: ``LogLevel.debug < LogLevel.info``."""

    debug = 10
    "For the developer of the code: what it does, step by step."
    info = 20
    "For the operator: what happens in normal work."
    warn = 30
    "For the operator: something that is not right yet did no harm."
    error = 40
    "An operation has failed; the program knows how to go on."
    critical = 50
    "A failure that the program did not expect: look at it."

    rank: int

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __lt__(self, other: object) -> bool:
        return self.rank < other.rank if isinstance(other, LogLevel) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.rank <= other.rank if isinstance(other, LogLevel) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.rank > other.rank if isinstance(other, LogLevel) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.rank >= other.rank if isinstance(other, LogLevel) else NotImplemented

    @classmethod
    def levelWithName(cls, name: str) -> LogLevel:
        """The level of that name; `InvalidLogLevelError` if there is none."""
        try:
            return cls[name]
        except KeyError:
            raise InvalidLogLevelError(name) from None

    @classmethod
    def iterconstants(cls) -> Iterator[LogLevel]:
        """All levels, the least important first."""
        return iter(cls)
