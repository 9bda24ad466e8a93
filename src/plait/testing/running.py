"""Running one Deferred or coroutine on the reactor, to its end and no longer, and looking at what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from plait.current import getReactor
from plait.deferred import Deferred, ensureDeferred
from plait.failure import Failure

T = TypeVar("T")

# unittest leaves out the frames of modules that have this name.
__unittest = True

# Seconds in which what has been cancelled may still clean up behind itself.
_GRACE = 1.0

# Turns of the loop in which connections that are being closed may go; over loopback it takes two or three.
_TURNS = 10


class NotFinished(AssertionError):
    """Something was not done in its time, or the reactor was stopped before it was done."""


class TimedOut(NotFinished):
    """Something was not done in its time."""


def runToEnd(work: Deferred[T] | Callable[[], Coroutine[Any, Any, T]], timeout: float) -> T:
    """Run the reactor until `work` has a result; return it, or raise its error.

    `work` is a Deferred, or a function that is called with the reactor running and returns a coroutine. What is not
    finished after `timeout` seconds is cancelled, and TimedOut raised, with the error that came of the cancelling as
    its cause: it shows where the work waited.
    """
    __tracebackhide__ = True
    reactor = getReactor()
    outcome: list[Any] = []
    timers: list[Any] = []
    expired = ended = False

    def finish(result: Any) -> None:
        # What comes too late must not end the run of another test.
        if not ended:
            outcome.append(result)
            if reactor.running:
                reactor.crash()

    def expire(deferred: Deferred[T]) -> None:
        nonlocal expired
        expired = True
        timers.append(reactor.callLater(_GRACE, reactor.crash))
        deferred.cancel()

    def begin() -> None:
        if isinstance(work, Deferred):
            deferred = work
        else:
            try:
                deferred = ensureDeferred(work())
            except BaseException:
                finish(Failure())
                return
            deferred.addBoth(finish)
        timers.append(reactor.callLater(timeout, expire, deferred))

    if isinstance(work, Deferred):
        # Before anything runs: an error that nobody takes loses its frames when its Deferred comes to rest.
        work.addBoth(finish)
    if not outcome:
        reactor.callWhenRunning(begin)
        reactor.run(installSignalHandlers=False)
    ended = True
    for timer in timers:
        if timer.active():
            timer.cancel()

    failure = outcome[0] if outcome and isinstance(outcome[0], Failure) else None
    if expired:
        cause = failure.prepared() if failure is not None else None
        raise TimedOut(f"not finished after {timeout:g} seconds; it was cancelled") from cause
    if not outcome:
        raise NotFinished("the reactor was stopped before this was finished")
    if failure is not None:
        raise failure.prepared()
    result: T = outcome[0]
    return result


def leftovers(reactor: Any) -> list[object]:
    """The delayed calls, listening ports and connections that are there now."""
    net = reactor._net
    return [*reactor.getDelayedCalls(), *net.ports, *net.connections]


def sweep(reactor: Any, known: list[object]) -> list[str]:
    """Give closing connections a moment, then end what is left behind, except what is `known`. Returns their names."""

    def left() -> list[object]:
        return [thing for thing in leftovers(reactor) if not any(thing is other for other in known)]

    for _ in range(_TURNS):
        if not left():
            return []
        reactor.iterate(0)
    names = []
    for thing in left():
        names.append(str(thing))
        end(thing)
    reactor.iterate(0)
    return names


def end(thing: Any) -> None:
    """Cancel a delayed call, close a port, cut a connection."""
    for method in ("cancel", "stopListening", "abortConnection", "loseConnection"):
        if hasattr(thing, method):
            getattr(thing, method)()
            return
