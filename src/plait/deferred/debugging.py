"""Where Deferreds come from: what is noted for an error that nobody handles, and in debug mode.

In debug mode (`setDebugging`, or ``PLAIT_DEBUG=1`` in the environment) each Deferred notes where it is made and where it
is fired, and `waitingDeferreds` lists those that still wait. That costs much more than the Deferreds themselves.
"""

from __future__ import annotations

import os
import traceback
from asyncio import CancelledError as TaskCancelledError
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

from plait.failure import Failure
from plait.log import Logger

if TYPE_CHECKING:
    from plait.deferred.core import Deferred

_log = Logger("plait.deferred")
_ROOM = os.path.dirname(os.path.abspath(__file__)) + os.sep

# The Deferreds that were made in debug mode and are still there.
_made: WeakSet[Any] = WeakSet()


class DebugInfo:
    """Stays with a Deferred that rests on a failure; if both are collected so, nobody has handled it, and it is logged.

    Attributes: `failResult` (the failure), and as lines of a traceback `creator` and `invoker` (where the Deferred was
    made and fired; None where that was not noted).
    """

    __slots__ = ("creator", "failResult", "invoker")

    def __init__(self) -> None:
        self.failResult: Failure | None = None
        self.creator: list[str] | None = None
        self.invoker: list[str] | None = None

    def describe(self) -> str:
        """Where the Deferred was made and fired, as far as that is known."""
        text = ""
        if self.creator is not None:
            text += " C: Deferred was created:\n C:" + _indented(self.creator, " C:")
        if self.invoker is not None:
            text += " I: First Invoker was:\n I:" + _indented(self.invoker, " I:")
        return text

    def __del__(self) -> None:
        if self.failResult is None or self.failResult.check(TaskCancelledError):
            return  # handled; or a task that was told to end has ended, as in asyncio no news
        # Two events: older observers look for the first, and for an error without a text of its own.
        _log.critical("Unhandled error in Deferred:", isError=True)
        where = self.describe()
        _log.failure("(debug: {debugInfo})" if where else "", self.failResult, debugInfo=where)


def _indented(lines: list[str], mark: str) -> str:
    return f"\n{mark}".join("".join(lines).rstrip().split("\n")) + "\n"


def callersLines() -> list[str]:
    """The traceback of what runs now, up to the last line that is not of this room."""
    stack = traceback.extract_stack()
    while stack and stack[-1].filename.startswith(_ROOM):
        stack.pop()
    return traceback.format_list(stack)


def noteMade(deferred: Deferred[Any]) -> DebugInfo:
    """Note where `deferred` is made, which is now."""
    info = DebugInfo()
    info.creator = callersLines()
    _made.add(deferred)
    return info


class WaitingDeferred(NamedTuple):
    """A Deferred that still waits."""

    deferred: Deferred[Any]
    """The Deferred; its ``repr`` tells if it waits for another one."""
    created: str
    """Where it was made: a traceback, the line that made it at the end."""

    def __str__(self) -> str:
        return f"{self.deferred!r} was created:\n{self.created}"


def waitingDeferreds() -> list[WaitingDeferred]:
    """The Deferreds made in debug mode that have no result yet, since nobody has fired them or they wait for another one.

    It is meant for a program that does not go on, or does not end. A Deferred that nobody refers to is not listed: none
    is kept alive for this.

    :raises RuntimeError: if debug mode is off.
    """
    from plait.deferred.core import getDebugging

    if not getDebugging():
        raise RuntimeError("Deferreds are noted in debug mode only: call setDebugging(True), or set PLAIT_DEBUG=1")
    return [
        WaitingDeferred(d, "".join(d._debugInfo.creator))
        for d in list(_made)
        if not d.called or d._chainedTo is not None
    ]
