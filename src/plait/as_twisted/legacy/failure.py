"""What `twisted.python.failure` has beside `Failure`: frames as text, and a debugger at each failure."""

from __future__ import annotations

import pdb
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from plait.failure import Failure, Frame, formatFrames

__all__ = ["format_frames", "startDebugMode"]


def format_frames(frames: Sequence[Sequence[Any]], write: Callable[[str], object], detail: str = "default") -> None:
    """Write `frames` (as in `Failure.frames`) with `write`; `detail` is as for `Failure.getTraceback`.

    :raises ValueError: for another `detail`.
    """
    if detail not in ("default", "brief", "verbose"):
        raise ValueError(f"detail must be 'default', 'brief' or 'verbose', not {detail!r}")
    for line in formatFrames([Frame(*frame) for frame in frames], detail):
        write(line)


def startDebugMode() -> None:
    """Start the debugger at each `Failure` that is made from now on, where its exception was raised."""
    init = Failure.__init__

    @wraps(init)
    def debugging(
        self: Failure, exc_value: Any = None, exc_type: Any = None, exc_tb: Any = None, *args: Any, **kw: Any
    ) -> None:
        error = sys.exception() if exc_value is None else exc_value
        tb = exc_tb if exc_tb is not None else getattr(error, "__traceback__", None)
        if tb is not None:
            pdb.post_mortem(tb)
        init(self, exc_value, exc_type, exc_tb, *args, **kw)

    Failure.__init__ = debugging  # type: ignore[method-assign]
