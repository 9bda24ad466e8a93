"""Checks that block, in the threads of the reactor: hashing a password takes its time, and meanwhile the loop serves others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from plait import current
from plait.auth.errors import LoginDenied
from plait.deferred import Deferred, fail

__all__ = ["CheckThreads"]

P = ParamSpec("P")
T = TypeVar("T")

# The pool has some ten threads, a hash takes some 50 ms: who would be the hundredth in the queue waits half a second. Beyond
# that somebody tries to keep us busy, and each waiting check holds a connection and its memory.
_WAITING = 100


class CheckThreads:
    """Calls functions in the reactor's threads, up to a limit at the same time.

    :param limit: how many calls may run or wait for a thread.
    """

    def __init__(self, limit: int = _WAITING) -> None:
        self.limit = limit
        self.pending = 0

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Its result. The Deferred fails with `LoginDenied` at once if there are too many calls already."""
        if self.pending >= self.limit:
            return fail(LoginDenied(f"{self.pending} logins are being checked: too many at once"))
        self.pending += 1
        reactor = current.getReactor()
        d: Deferred[T] = Deferred()

        def arrived(success: bool, result: Any) -> None:
            self.pending -= 1  # here and not in a callback: one that was cancelled still keeps a thread busy
            (d.callback if success else d.errback)(result)

        def done(success: bool, result: Any) -> None:
            reactor.callFromThread(arrived, success, result)

        reactor.getThreadPool().callInThreadWithCallback(done, function, *args, **kwargs)
        return d
