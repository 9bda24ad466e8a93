"""Running one Deferred or coroutine on the reactor, to its end and no longer, and looking at what it leaves behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import thread as futures_thread
from typing import Any, NamedTuple, TypeVar

from plait.current import getReactor
from plait.deferred import Deferred, TimeoutError, ensureDeferred
from plait.failure import Failure

T = TypeVar("T")


class Left(NamedTuple):
    """The names of what a test has left behind: delayed calls, and all else (ports, connections, threads)."""

    calls: list[str]
    others: list[str]


# unittest leaves out the frames of modules that have this name.
__unittest = True

# Seconds in which what has been cancelled may still clean up behind itself.
_GRACE = 1.0

# Turns of the loop in which connections that are being closed may go; over loopback it takes two or three.
_TURNS = 10

# Seconds of each such turn in which nothing but threads has to come to its end.
_PAUSE = 0.02


class NotFinished(AssertionError):
    """Something was not done in its time, or the reactor was stopped before it was done."""


class TimedOut(NotFinished):
    """Something was not done in its time."""


def runToEnd(work: Deferred[T] | Callable[[], Coroutine[Any, Any, T]], timeout: float, late: str | None = None) -> T:
    """Run the reactor until `work` has a result; return it, or raise its error.

    `work` is a Deferred, or a function that is called with the reactor running and returns a coroutine. What is not
    finished after `timeout` seconds is cancelled, and TimedOut raised, which says so (or `late`). Its cause is the error
    that came of the cancelling: it shows where the work waited. Ctrl-C raises KeyboardInterrupt.
    """
    __tracebackhide__ = True
    reactor = getReactor()
    outcome: list[Any] = []
    timers: list[Any] = []
    expired = ended = False
    text = late or f"not finished after {timeout:g} seconds; it was cancelled"

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
        if type(deferred) is Deferred and deferred._canceller is None and not deferred.called:
            # Nobody learns of the cancelling, and so it can be told at once why it is.
            deferred.errback(TimeoutError(text))
        else:
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
        try:
            with _Interruptible(reactor):
                reactor.run(installSignalHandlers=False)
        finally:
            ended = True
            for timer in timers:
                if timer.active():
                    timer.cancel()

    failure = outcome[0] if outcome and isinstance(outcome[0], Failure) else None
    if expired:
        cause = failure.prepared() if failure is not None else None
        raise TimedOut(text) from cause
    if not outcome:
        raise NotFinished("the reactor was stopped before this was finished")
    if failure is not None:
        raise failure.prepared()
    result: T = outcome[0]
    return result


class _Interruptible:
    """While this is entered, Ctrl-C ends the run of the reactor for certain, and raises KeyboardInterrupt.

    What is raised inside a callback becomes the result of its Deferred, KeyboardInterrupt too, and nobody might hear of it.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ours = False
        self._come = False
        self._over = False

    def __enter__(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._ours = True
            signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, _: object, error: object, traceback: object) -> None:
        self._over = True
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._come and error is None:
            raise KeyboardInterrupt

    def _interrupt(self, *_: object) -> None:
        self._come = True
        self._reactor.callFromThread(self._crash)
        raise KeyboardInterrupt

    def _crash(self) -> None:
        if not self._over:
            self._reactor.crash()


def leftovers(reactor: Any) -> list[object]:
    """The delayed calls, listening ports and connections that are there now."""
    net = reactor._net
    return [*reactor.getDelayedCalls(), *net.ports, *net.connections]


def threads() -> list[object]:
    """The threads that keep the process from ending, but for those that wait for work in a pool.

    Those of the reactor's pool are none of them: the reactor waits for what they do when it stops.
    """
    pooled = futures_thread._threads_queues
    return [t for t in threading.enumerate() if not t.daemon and t not in pooled]


def sweep(reactor: Any, known: list[object], look: Callable[[Any], list[object]] = leftovers) -> Left:
    """Give what is being closed a moment, then end what is left behind, except what is `known`.

    `look` tells what is there. Returns the names of what was left.
    """

    def left() -> list[object]:
        return [thing for thing in look(reactor) if not any(thing is other for other in known)]

    for _ in range(_TURNS):
        things = left()
        if not things:
            return Left([], [])
        reactor.iterate(_PAUSE if all(isinstance(thing, threading.Thread) for thing in things) else 0)
    found = Left([], [])
    for thing in left():
        (found.calls if hasattr(thing, "getTime") else found.others).append(str(thing))
        end(thing)
    reactor.iterate(0)
    return found


def end(thing: Any) -> None:
    """Cancel a delayed call, close a port, cut a connection."""
    for method in ("cancel", "stopListening", "abortConnection", "loseConnection"):
        if hasattr(thing, method):
            getattr(thing, method)()
            return
