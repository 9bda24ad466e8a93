"""How late the event loop comes to what is due: a timer of its own that notes it, and the figures it gathers.

A loop whose callbacks are short is never more than a millisecond or two late. What is later than that is what each connection
has waited for, whatever the reason: a callback that took long, too much work, a machine that is too busy.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from bisect import bisect_left
from collections.abc import Callable
from contextvars import Context
from threading import get_ident
from time import monotonic


class Lag:
    """Lateness, counted. It is read in any thread.

    Attributes: `buckets` (how often it was at most each of `BOUNDS`, and last how often more: not summed up), `count`, `total`
    (seconds), `worst` (seconds).
    """

    # Seconds. From what the loop's timers are exact to, to what makes people complain.
    BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

    __slots__ = ("buckets", "count", "total", "worst")

    def __init__(self) -> None:
        self.buckets = [0] * (len(self.BOUNDS) + 1)
        self.count = 0
        self.total = 0.0
        self.worst = 0.0

    def add(self, seconds: float) -> None:
        """Something was this late; what came early (timers are as exact as the loop's clock) was in time."""
        if seconds < 0.0:
            seconds = 0.0
        self.buckets[bisect_left(self.BOUNDS, seconds)] += 1
        self.count += 1
        self.total += seconds
        if seconds > self.worst:
            self.worst = seconds


class Heartbeat:
    """A timer that comes each `interval` seconds while its loop turns, and notes how late it was.

    :param reactor: on whose loop. While it beats, the reactor's `lag` is what it has noted.
    :param late: called, in the loop's thread, with the lateness of each beat that is more than `limit` seconds late.

    Attributes: `lag`, `due` (when the next beat should come, on the clock `time.monotonic`), `thread` (in which the loop runs;
    None before the first beat), `resting` (set it when the loop does not run: the beat after that tells of no lateness).
    """

    def __init__(
        self, reactor: object, interval: float, limit: float = float("inf"), late: Callable[[float], object] = float
    ) -> None:
        self._reactor = reactor
        self.interval = interval
        self._limit = limit
        self._late = late
        self._loop: AbstractEventLoop
        self._handle: TimerHandle | None = None
        self.lag = Lag()
        self.due = 0.0
        self.thread: int | None = None
        self.resting = True

    def start(self) -> None:
        """Begin. Does nothing if it has begun."""
        if self._handle is None:
            reactor = self._reactor
            self._loop = reactor.loop  # type: ignore[attr-defined]
            reactor.lag = self.lag  # type: ignore[attr-defined]
            self.resting = True  # until the loop turns
            self.due = monotonic()
            # not by the reactor's timers: nobody's context belongs to it, and those who ask for the timers did not ask for it
            self._handle = self._loop.call_later(0, self._beat, context=Context())

    def stop(self) -> None:
        """End it; the figures stay."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            if getattr(self._reactor, "lag", None) is self.lag:
                self._reactor.lag = None  # type: ignore[attr-defined]

    def runs(self) -> bool:
        """Whether the loop runs, so that a beat is to come."""
        return self._loop.is_running()

    def _beat(self) -> None:
        now = monotonic()
        late = now - self.due
        self.due = now + self.interval
        self._handle = self._loop.call_later(self.interval, self._beat)
        if self.resting:
            self.thread = get_ident()
            self.resting = False
            self._late(0.0)
            return
        self.lag.add(late)
        if late >= self._limit:
            self._late(late)
