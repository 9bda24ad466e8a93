"""Tracebacks for a person who reads a report: the lines of the program and of its tests, not those that ran them."""

from __future__ import annotations

import importlib
import os
import traceback
import unittest
from collections.abc import Sequence
from types import ModuleType
from typing import Any, TypeVar

import plait.testing
from plait.failure import MACHINERY, SHOW_MACHINERY, Failure
from plait.testing.steps import DirtyReactorAggregateError

_F = TypeVar("_F")


def _folder_of(module: ModuleType) -> str:
    return os.path.dirname(os.path.abspath(str(module.__file__))) + os.sep


# What carries a test, or imports its module, and is never of interest.
_CARRIERS = (_folder_of(plait.testing), _folder_of(unittest), _folder_of(importlib), "<frozen importlib")


class RemoteError(Exception):
    """Stands for an exception that was raised in another process."""


class RemoteFailure(Failure):
    """A failure of another process: its traceback is a text.

    `kind` is the name of the exception's class, `dirty` whether it is that a test has left something in the reactor.
    """

    def __init__(self, kind: str, message: str, text: str, dirty: bool) -> None:
        super().__init__(DirtyReactorAggregateError([]) if dirty else RemoteError(message))
        self.kind = kind
        self.text = text
        self.message = message

    def getErrorMessage(self) -> str:
        """The text of the exception."""
        return self.message


def trimmed(frames: Sequence[_F]) -> list[_F]:
    """`frames` (each a sequence of a function's name, its file, and more) without those of the machinery.

    The engine's are kept where there are no others. With ``PLAIT_DEBUG=1`` all are kept.
    """
    if SHOW_MACHINERY:
        return list(frames)
    kept = [f for f in frames if not _is_in(f, _CARRIERS)]
    return [f for f in kept if not _is_in(f, MACHINERY)] or kept


def _is_in(frame: Any, places: tuple[str, ...]) -> bool:
    return not isinstance(frame, str) and str(frame[1]).startswith(places)


def kind_of(failure: Failure) -> str:
    """The name of the exception's class, as a traceback shows it."""
    if isinstance(failure, RemoteFailure):
        return failure.kind
    kind = failure.type
    if not isinstance(kind, type):
        return str(kind)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def format_failure(failure: Failure, style: str = "default") -> str:
    """The traceback as text. `style`: "default", "brief" (a line a frame), or "verbose" (with variables, if captured)."""
    if isinstance(failure, RemoteFailure):
        return failure.text
    if style in ("brief", "verbose"):
        return failure.getTraceback(elideFrameworkCode=True, detail=style)
    report = traceback.TracebackException(failure.type, failure.value, failure.tb)
    if failure.tb is None:
        report.stack = traceback.StackSummary.from_list([(f[1], f[2], f[0], None) for f in failure.frames])
    _trim(report, set())
    return "".join(report.format())


def _trim(report: traceback.TracebackException | None, seen: set[int]) -> None:
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    kept = trimmed([(frame.name, frame.filename, frame) for frame in report.stack])
    report.stack[:] = [frame for _, _, frame in kept]
    if not report.stack:
        report.stack = None  # type: ignore[assignment]  # no headline over nothing
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        _trim(other, seen)
