"""Timed calls: `reactor.callLater` gives a `DelayedCall`.

All calls of a reactor lie in one heap, and the loop has one timer, for the earliest. Most timed calls are limits that
are cancelled in good time, and so they cost the loop nothing: a cancelled call stays in the heap, marked, until its
time comes or until such calls are the majority. ``benchmarks/deferreds.py`` measures it (the rows of timers).

With 100,000 timers much of the cost is the garbage collector's, which looks at all of them again and again. So a call keeps
nothing that is empty: no context without variables, no dictionary without keywords.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Any

from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.failure import Failure
from plait.interfaces import IDelayedCall, implementer
from plait.log import Logger

_log = Logger("plait.engine")

_PENDING, _CALLED, _CANCELLED = range(3)

# So many cancelled calls may lie in the heap, however few others there are: clearing them out is not free either.
_CANCELLED_MAX = 64

_new = object.__new__
_NO_KEYWORDS: dict[str, Any] = {}


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """The clock of a loop. Those of real time share one, and uvloop would give it as it was when its turn began."""
    real = type(loop).__module__.partition(".")[0] in ("asyncio", "uvloop", "winloop")
    return time.monotonic if real else loop.time


class Timers:
    """The timed calls of one loop. Attribute: `seconds` (its clock)."""

    __slots__ = ("_cancelled", "_handle", "_heap", "_loop", "_next", "_numbers", "seconds")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = clock_of(loop)
        self._loop = loop
        # (time, number, call): of two calls for the same time, the one that was asked for first comes first
        self._heap: list[tuple[float, int, DelayedCall]] = []
        self._numbers = count()
        self._handle: asyncio.TimerHandle | None = None
        self._next = inf
        self._cancelled = 0

    def add(self, delay: float, func: Callable[..., object], args: tuple[Any, ...], kw: dict[str, Any]) -> DelayedCall:
        """Make a call in `delay` seconds."""
        when = self.seconds() + delay
        # not by an __init__, which would cost as much again
        call = _new(DelayedCall)
        call._timers = self
        call._state = _PENDING
        call._context = copy_context() or None
        call.func = func
        call.args = args
        call.kw = kw or _NO_KEYWORDS
        call.time = call._entered = when
        heappush(self._heap, (when, next(self._numbers), call))
        if when < self._next:
            self._wake_at(when)
        return call

    def move(self, call: DelayedCall, when: float) -> None:
        """Make `call` at another time."""
        call.time = when
        if when < call._entered:
            # a later time needs nothing: the call is put back into the heap when it comes up
            call._entered = when
            heappush(self._heap, (when, next(self._numbers), call))
            if when < self._next:
                self._wake_at(when)

    def clear_out(self) -> None:
        """Take the cancelled calls out of the heap, if they are the majority."""
        if self._cancelled > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2]._state == _PENDING]
            heapify(self._heap)
            self._cancelled = 0

    def pending(self) -> list[DelayedCall]:
        """The calls that are still to be made."""
        return list({call: None for _, _, call in self._heap if call._state == _PENDING})

    def entries(self) -> list[DelayedCall]:
        """What lies in the heap, cancelled calls among them, and some twice that were moved to an earlier time."""
        return [entry[2] for entry in self._heap]

    def count(self) -> int:
        """How many calls are still to be made. One that was moved to an earlier time and then made counts until its old time."""
        return len(self._heap) - self._cancelled

    def _wake_at(self, when: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._next = when
        self._handle = self._loop.call_later(max(0.0, when - self.seconds()), self._due)

    def make_due(self) -> None:
        """Make the calls whose time has come, now and not in the loop's next turn."""
        if self._handle is not None:
            self._handle.cancel()
        self._next = -inf
        self._due()

    def _due(self) -> None:
        """Make the calls whose time has come; those that they ask for have to wait for the loop's next turn."""
        # the loop counts in milliseconds, and may be early by half of one
        now = max(self._next, self.seconds())
        self._handle = None
        self._next = -inf  # nobody else sets the loop's timer meanwhile
        first_new = next(self._numbers)
        try:
            while self._heap:
                when, number, call = self._heap[0]
                if when > now or number > first_new:
                    break
                heappop(self._heap)
                if call._state != _PENDING:
                    self._cancelled -= call._state == _CANCELLED
                elif when == call._entered:
                    if call.time > when:
                        call._entered = call.time
                        heappush(self._heap, (call.time, number, call))
                    else:
                        call._make()
        finally:
            self._next = inf
            while self._heap and self._heap[0][2]._state != _PENDING:
                self._cancelled -= heappop(self._heap)[2]._state == _CANCELLED
            if self._heap:
                self._wake_at(self._heap[0][0])


@implementer(IDelayedCall)
class DelayedCall:
    """A call that is to be made at a certain time.

    Attributes: `func`, `args`, `kw` (None when it has been made or cancelled), `time` (seconds on the reactor's clock),
    `called`, `cancelled`.
    """

    __slots__ = ("__weakref__", "_context", "_entered", "_state", "_timers", "args", "func", "kw", "time")

    _timers: Timers
    _state: int
    _context: Context | None  # None: one without variables
    _entered: float  # under which time it lies in the heap
    func: Callable[..., object] | None
    args: tuple[Any, ...] | None
    kw: dict[str, Any] | None
    time: float

    def _make(self) -> None:
        func, args, kw, context = self.func, self.args, self.kw, self._context
        assert func is not None and args is not None and kw is not None
        self._state = _CALLED
        self.func = self.args = self.kw = self._context = None
        try:
            (context or Context()).run(func, *args, **kw)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:
            _log.failure("Unhandled error in a timed call of {func!r}", Failure(e), func=func)

    def getTime(self) -> float:
        """When the call is to be made, in seconds on the reactor's clock (`reactor.seconds()`)."""
        return self.time

    def cancel(self) -> None:
        """Do not make the call.

        :raises plait.errors.AlreadyCalled: if it has been made.
        :raises plait.errors.AlreadyCancelled: if it has been cancelled.
        """
        if self._state:
            self._refuse()
        self._state = _CANCELLED
        self.func = self.args = self.kw = self._context = None
        timers = self._timers
        timers._cancelled += 1
        if timers._cancelled > _CANCELLED_MAX:
            timers.clear_out()

    def reset(self, secondsFromNow: float) -> None:
        """Make the call `secondsFromNow` from now, and not when it was to be made.

        :raises plait.errors.AlreadyCalled: if it has been made.
        :raises plait.errors.AlreadyCancelled: if it has been cancelled.
        """
        if self._state:
            self._refuse()
        self._timers.move(self, self._timers.seconds() + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        """Make the call `secondsLater` later than it was to be made (earlier, if it is negative).

        :raises plait.errors.AlreadyCalled: if it has been made.
        :raises plait.errors.AlreadyCancelled: if it has been cancelled.
        """
        if self._state:
            self._refuse()
        self._timers.move(self, self.time + secondsLater)

    def active(self) -> bool:
        """Whether the call is still to be made."""
        return self._state == _PENDING

    @property
    def called(self) -> bool:
        return self._state == _CALLED

    @property
    def cancelled(self) -> bool:
        return self._state == _CANCELLED

    def _refuse(self) -> None:
        raise AlreadyCalled if self._state == _CALLED else AlreadyCancelled

    def __repr__(self) -> str:
        if self._state != _PENDING:
            return f"<DelayedCall {id(self):#x} {'called' if self._state == _CALLED else 'cancelled'}>"
        name = getattr(self.func, "__qualname__", None) or repr(self.func)
        wait = self.time - self._timers.seconds()
        return f"<DelayedCall {id(self):#x} [{wait:.3f}s] {name}(*{self.args!r}, **{self.kw!r})>"
