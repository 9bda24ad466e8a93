"""Tracebacks of frames that are gone: stand-ins that the standard library's `traceback` can print.

A frame keeps all its variables alive. A `plait.failure.Failure` that rests keeps names, files and lines instead; whoever
asks for a traceback object then gets one of these.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

_always = _wanted = any(os.environ.get(name, "") not in ("", "0") for name in ("PLAIT_FULL_TRACEBACKS", "PLAIT_DEBUG"))


def fullTracebacks() -> bool:
    """Whether people want to see every frame, the engine's too: ``PLAIT_FULL_TRACEBACKS=1``, or debug mode."""
    return _wanted


def wantFullTracebacks(wanted: bool) -> None:
    """Say so, or no longer. Debug mode does (`plait.deferred.setDebugging`). What the environment says stays."""
    global _wanted
    _wanted = wanted or _always


_CODE = (lambda: None).__code__


class StandInFrame:
    """A frame of which name, file, line, and maybe variables are known.

    :param info: these five.
    :param back: the frame that called it.
    """

    f_lasti = -1  # which instruction: not known
    f_trace = None

    def __init__(self, info: Iterable[Any], back: StandInFrame | None = None) -> None:
        name, file, self.f_lineno, f_locals, f_globals = info
        self.f_code = _CODE.replace(co_name=name, co_qualname=name, co_filename=file, co_firstlineno=self.f_lineno)
        self.f_back = back
        self.f_locals: dict[str, Any] = dict(f_locals or ())
        self.f_globals: dict[str, Any] = dict(f_globals or ())
        self.f_builtins: dict[str, Any] = {}


class StandInTraceback:
    """One step of a traceback."""

    tb_lasti = -1

    def __init__(self, frame: StandInFrame) -> None:
        self.tb_frame = frame
        self.tb_lineno = frame.f_lineno
        self.tb_next: StandInTraceback | None = None


def standInTraceback(infos: Iterable[Iterable[Any]]) -> StandInTraceback | None:
    """A traceback through frames of each of which name, file, line, and variables are given, the outermost first."""
    first: StandInTraceback | None = None
    last: StandInTraceback | None = None
    for info in infos:
        step = StandInTraceback(StandInFrame(info, None if last is None else last.tb_frame))
        if last is None:
            first = step
        else:
            last.tb_next = step
        last = step
    return first
