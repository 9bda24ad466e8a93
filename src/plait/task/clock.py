"""A clock for tests: time that passes when the test says so."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from typing import Any

from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.interfaces import IDelayedCall, IReactorTime, implementer


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
        insort(self.calls, call, key=ClockCall.getTime)
        return call

    def getDelayedCalls(self) -> list[ClockCall]:
        """The timed calls that are still to be made."""
        return self.calls

    def advance(self, amount: float) -> None:
        """Let `amount` seconds pass, and make the calls that are due then, in the order of their times."""
        self.rightNow += amount
        while self.calls and self.calls[0].getTime() <= self.seconds():
            call = self.calls.pop(0)
            call.called = 1
            call.func(*call.args, **call.kw)

    def pump(self, timings: Iterable[float]) -> None:
        """`advance` by each of `timings` in turn."""
        for amount in timings:
            self.advance(amount)

    def _sort(self) -> None:
        self.calls.sort(key=ClockCall.getTime)
