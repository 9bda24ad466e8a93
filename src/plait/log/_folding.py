"""Tracebacks for people: their own frames, with what carries them folded into a line.

    Traceback (most recent call last):
      [2 frames of plait folded]
      File "shop.py", line 12, in sell
        await self.till.open()
      [3 frames of plait and asyncio folded]
      File "till.py", line 7, in open
        raise ValueError("the till is stuck")
    ValueError: the till is stuck

That is Python's own form, with causes, groups and notes. `plait.failure.Failure.getTraceback` has another one, which programs
that read logs of older programs know.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import groupby
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Any

from plait.failure import FIRST_RAISED, Failure
from plait.log._format import traceback_of
from plait.tracebacks import fullTracebacks

_LIBRARY = os.path.dirname(os.path.abspath(os.__file__))
# What carries a call of somebody's to a function of theirs, by the beginning of its files' names. A loop that is compiled tells
# its files as they were where it was built.
_MACHINERY = {
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ""): "plait",
    os.path.join(_LIBRARY, "asyncio", ""): "asyncio",
    os.path.join(_LIBRARY, "concurrent", ""): "concurrent",
    "uvloop/": "uvloop",
    "winloop/": "winloop",
    "<frozen importlib": "importlib",
    "<frozen runpy": "runpy",
}
_BEGINNINGS = tuple(_MACHINERY)

_FRAME = re.compile(r'^  File "(.*)", line (\d+), in (.*)$', re.MULTILINE)

# Stands for a file's name, where a line is no frame but tells of some.
_FOLDED = "<folded>"


def tracebackForPeople(failure: Failure, full: bool | None = None) -> str:
    """The failure's traceback; with every frame if that is wanted (`full`, or None: `plait.tracebacks.fullTracebacks`).

    Never raises.
    """
    if not _is_live(failure):
        return traceback_of(failure)
    try:
        frames: Any = failure.getTracebackObject()
        report = TracebackException(type(failure.value), failure.value, frames)
        if failure._note is not None and report.__notes__:  # the frames tell that
            report.__notes__ = [note for note in report.__notes__ if note != failure._note]
        _arrange(report, not (fullTracebacks() if full is None else full))
        return "".join(report.format()).rstrip("\n")
    except Exception:
        return traceback_of(failure)


def _is_live(failure: Failure) -> bool:
    """Whether it is of an exception of this process, and not of one that a peer or a file has told of."""
    return (
        isinstance(failure, Failure)
        and isinstance(failure.type, type)
        and type(failure).getTraceback is Failure.getTraceback
    )


def _arrange(report: TracebackException | None, fold: bool) -> None:
    if report is None:
        return
    frames = [*report.stack, *_frames_in_notes(report)]
    report.stack = _Folded(_folded(frames) if fold else frames)
    for other in (report.__cause__, report.__context__, *(report.exceptions or ())):
        _arrange(other, fold)


def _frames_in_notes(report: TracebackException) -> Iterable[FrameSummary]:
    """The rest of the way, which one Deferred after the other has let go and put into a note: the last one is the nearest."""
    notes = report.__notes__
    if not isinstance(notes, list):
        return
    report.__notes__ = [note for note in notes if not str(note).startswith(FIRST_RAISED)]
    for note in reversed(notes):
        if str(note).startswith(FIRST_RAISED):
            for file, line, name in _FRAME.findall(str(note)):
                yield FrameSummary(file, int(line), name)


class _Folded(StackSummary):
    def format_frame_summary(self, frame_summary: FrameSummary, **options: Any) -> str:
        if frame_summary.filename == _FOLDED:
            return f"  [{frame_summary.name}]\n"
        return super().format_frame_summary(frame_summary, **options)


def _folded(frames: Iterable[FrameSummary]) -> Iterable[FrameSummary]:
    """The frames, each row of the machinery's replaced by a line. If all are the machinery's, the last one stays."""
    frames = list(frames)
    last = frames[-1:] if all(map(_is_machinery, frames)) else []
    for machinery, row in groupby(frames[: len(frames) - len(last)], _is_machinery):
        if not machinery:
            yield from row
            continue
        names = [_name(frame) for frame in row]
        what = f"{len(names)} frame{'s' if len(names) > 1 else ''} of {' and '.join(dict.fromkeys(names))} folded"
        yield FrameSummary(_FOLDED, 0, what, lookup_line=False, line="")
    yield from last


def _is_machinery(frame: FrameSummary) -> bool:
    return is_machinery(frame.filename)


def is_machinery(file: str) -> bool:
    """Whether a file is of what carries calls, and not of the program."""
    return file.startswith(_BEGINNINGS)


def _name(frame: FrameSummary) -> str:
    return next(name for beginning, name in _MACHINERY.items() if frame.filename.startswith(beginning))
