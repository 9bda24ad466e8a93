"""Work over time: calls that repeat, calls that come later, a clock for tests, and a way to run one asynchronous function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from plait import current
from plait.deferred import Deferred, maybeDeferred
from plait.errors import AlreadyCalled, AlreadyCancelled, ReactorNotRunning
from plait.failure import Failure
from plait.interfaces import IDelayedCall, IReactorTime, implementer
from plait.log import Logger

T = TypeVar("T")
P = ParamSpec("P")

_log = Logger("plait.task")


class LoopingCall:
    """Calls a function again and again.

    Attributes: `interval` (seconds), `running`, `starttime`, `clock` (what has `callLater` and `seconds`; the reactor),
    `f`, `a`, `kw`.
    """

    def __init__(self, f: Callable[..., Any], *a: Any, **kw: Any) -> None:
        self.f = f
        self.a = a
        self.kw = kw
        self.running = False
        self.interval: float | None = None
        self.starttime: float | None = None
        self.clock: Any = None
        self._call: Any = None
        self._deferred: Deferred[LoopingCall] | None = None
        self._run_at_start = False
        self._counted: int | None = None  # how many intervals withCount's function has been told of

    def start(self, interval: float, now: bool = True) -> Deferred[LoopingCall]:
        """Call the function every `interval` seconds, first now (or, with ``now=False``, after one interval).

        A call that takes longer than the interval (also by returning a Deferred) makes the calls that it overlaps fall out;
        the times stay multiples of the interval from the start.

        :returns: a Deferred that fires with this object when `stop` is called, or with the error that the function raised.
        :raises RuntimeError: if it runs already.
        :raises ValueError: if the interval is negative.
        """
        if self.running:
            raise RuntimeError("the LoopingCall runs already")
        if interval < 0:
            raise ValueError(f"interval must be >= 0, not {interval!r}")
        if self.clock is None:
            self.clock = current.getReactor()
        self.running = True
        d: Deferred[LoopingCall] = Deferred()
        self._deferred = d
        self.interval = interval
        self.starttime = self.clock.seconds()
        self._counted = None
        self._run_at_start = now
        if now:
            self()
        else:
            self._schedule()
        return d

    @classmethod
    def withCount(cls, countCallable: Callable[[int], Any]) -> LoopingCall:
        """A LoopingCall whose function is told how many intervals have passed since its last call: 1, or more if
        calls fell out.

        The first call is told 1 if it is made at the start. It is not called when it would be told 0.
        """
        loop: LoopingCall

        def counting() -> Any:
            interval, start = loop.interval, loop.starttime
            if not interval or start is None:
                return countCallable(1)
            # rounded, so that a clock's last digits do not make an interval fall out
            passed = int(round((loop.clock.seconds() - start) / interval, 9))
            if loop._counted is None:
                loop._counted = -1 if loop._run_at_start else 0
            count, loop._counted = passed - loop._counted, max(passed, loop._counted)
            return countCallable(count) if count > 0 else None

        loop = cls(counting)
        return loop

    def stop(self) -> None:
        """Call the function no more.

        :raises RuntimeError: if it does not run.
        """
        if not self.running:
            raise RuntimeError("the LoopingCall does not run")
        self.running = False
        if self._call is not None:
            self._call.cancel()
            self._call = None
            self._end(self)

    def reset(self) -> None:
        """Wait for a whole interval from now.

        :raises RuntimeError: if it does not run.
        """
        if not self.running:
            raise RuntimeError("the LoopingCall does not run")
        if self._call is not None:
            self._call.cancel()
            self._call = None
            self.starttime = self.clock.seconds()
            self._schedule()

    def __call__(self) -> None:
        self._call = None
        maybeDeferred(self.f, *self.a, **self.kw).addCallbacks(self._called, self._failed)

    def _called(self, _: object) -> None:
        if self.running:
            self._schedule()
        else:
            self._end(self)

    def _failed(self, failure: Failure) -> None:
        self.running = False
        self._end(failure)

    def _end(self, result: Any) -> None:
        d, self._deferred = self._deferred, None
        if d is not None:
            if isinstance(result, Failure):
                d.errback(result)
            else:
                d.callback(result)

    def _schedule(self) -> None:
        assert self.interval is not None and self.starttime is not None
        if self.interval == 0:
            self._call = self.clock.callLater(0, self)
            return
        now = self.clock.seconds()
        done = now - self.starttime
        wait = self.interval - done % self.interval
        # a remainder that is lost in the clock's precision would call again at once
        if now + wait == now:
            wait += self.interval
        self._call = self.clock.callLater(wait, self)

    def __repr__(self) -> str:
        name = getattr(self.f, "__qualname__", None) or repr(self.f)
        return f"LoopingCall<{self.interval!r}>({name}, *{self.a!r}, **{self.kw!r})"


def deferLater(
    clock: Any, delay: float, callable: Callable[..., Any] | None = None, *args: Any, **kw: Any
) -> Deferred[Any]:
    """Call a function in `delay` seconds on `clock` (the reactor, say) and give a Deferred of its result.

    Without a function, the Deferred fires with None. Cancelling it cancels the call.
    """

    def canceller(_: Deferred[Any]) -> None:
        call.cancel()

    def work(_: object) -> Any:
        return None if callable is None else callable(*args, **kw)

    d: Deferred[Any] = Deferred(canceller)
    d.addCallback(work)
    call = clock.callLater(delay, d.callback, None)
    return d


def react(main: Callable[..., Any], argv: Iterable[object] = (), _reactor: Any = None) -> None:
    """Run ``main(reactor, *argv)``, which gives a Deferred or is ``async def``, and exit when it is done.

    The exit code is 0; that of the `SystemExit` which it raised; or 1 for another error, which is logged.
    """
    reactor = _reactor if _reactor is not None else current.getReactor()
    code: Any = 0
    stopping = False

    def stop(_: object) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            try:
                reactor.stop()
            except ReactorNotRunning:
                pass

    def failed(failure: Failure) -> None:
        nonlocal code
        if failure.check(SystemExit):
            code = failure.value.code  # type: ignore[attr-defined]
        elif not stopping:
            code = 1
            _log.failure("main function encountered error", failure)

    def begin() -> None:
        maybeDeferred(main, reactor, *argv).addErrback(failed).addCallback(stop)

    def shutting_down() -> None:
        nonlocal stopping
        stopping = True

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", shutting_down)
    reactor.run()
    sys.exit(code)


@implementer(IDelayedCall)
class ClockCall:
    """A timed call on a `Clock`."""

    def __init__(
        self, clock: Clock, time: float, func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
    ) -> None:
        self.clock = clock
        self.time = time
        self.func = func
        self.args = args
        self.kw = kw
        self.called = 0
        self.cancelled = 0

    def getTime(self) -> float:
        """When the call is to be made, on the clock."""
        return self.time

    def cancel(self) -> None:
        """As `plait.engine.DelayedCall.cancel`."""
        self._check()
        self.cancelled = 1
        self.clock.calls.remove(self)

    def reset(self, secondsFromNow: float) -> None:
        """As `plait.engine.DelayedCall.reset`."""
        self._check()
        self.time = self.clock.seconds() + secondsFromNow
        self.clock._sort()

    def delay(self, secondsLater: float) -> None:
        """As `plait.engine.DelayedCall.delay`."""
        self._check()
        self.time += secondsLater
        self.clock._sort()

    def active(self) -> bool:
        """Whether the call is still to be made."""
        return not (self.called or self.cancelled)

    def _check(self) -> None:
        if self.cancelled:
            raise AlreadyCancelled
        if self.called:
            raise AlreadyCalled


@implementer(IReactorTime)
class Clock:
    """A clock for tests: its time passes when `advance` is called. Attributes: `calls` (those to come, in order)."""

    rightNow = 0.0

    def __init__(self) -> None:
        self.calls: list[ClockCall] = []

    def seconds(self) -> float:
        """The clock's time, in seconds; it begins at 0."""
        return self.rightNow

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kw: Any) -> ClockCall:
        """As `plait.engine.Reactor.callLater`."""
        call = ClockCall(self, self.seconds() + delay, callable, args, kw)
        self.calls.append(call)
        self._sort()
        return call

    def getDelayedCalls(self) -> list[ClockCall]:
        """The timed calls that are still to be made."""
        return self.calls

    def advance(self, amount: float) -> None:
        """Let `amount` seconds pass, and make the calls that are due then, in the order of their times."""
        self.rightNow += amount
        self._sort()
        while self.calls and self.calls[0].getTime() <= self.seconds():
            call = self.calls.pop(0)
            call.called = 1
            call.func(*call.args, **call.kw)

    def pump(self, timings: Iterable[float]) -> None:
        """`advance` by each of `timings` in turn."""
        for amount in timings:
            self.advance(amount)

    def _sort(self) -> None:
        self.calls.sort(key=lambda call: call.getTime())


__all__ = ["Clock", "LoopingCall", "deferLater", "react"]
