"""LoopingCall: a call that is repeated at fixed times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait import current
from plait.deferred import Deferred, maybeDeferred
from plait.failure import Failure


class LoopingCall:
    """Calls a function again and again.

    Attributes: `interval` (seconds; what is set while it runs holds from the next call on), `running`, `starttime`, `call`
    (the timed call to come, if there is one), `f`, `a`, `kw`.
    """

    def __init__(self, f: Callable[..., Any], *a: Any, **kw: Any) -> None:
        self.f = f
        self.a = a
        self.kw = kw
        self.running = False
        self.interval: float | None = None
        self.starttime: float | None = None
        self._clock: Any = None
        self.call: Any = None
        self._deferred: Deferred[LoopingCall] | None = None
        self._run_at_start = False
        self._counted: int | None = None  # how many intervals withCount's function has been told of

    @property
    def clock(self) -> Any:
        """By which it is called, with `callLater` and `seconds`: the reactor, unless you set another one."""
        return current.getReactor() if self._clock is None else self._clock

    @clock.setter
    def clock(self, clock: Any) -> None:
        self._clock = clock

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
        self._clock = self.clock  # the reactor of this loop, from now on
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
        if self.call is not None:
            self.call.cancel()
            self.call = None
            self._end(self)

    def reset(self) -> None:
        """Wait for a whole interval from now.

        :raises RuntimeError: if it does not run.
        """
        if not self.running:
            raise RuntimeError("the LoopingCall does not run")
        if self.call is not None:
            self.call.cancel()
            self.call = None
            self.starttime = self.clock.seconds()
            self._schedule()

    def __call__(self) -> None:
        self.call = None
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
            self.call = self.clock.callLater(0, self)
            return
        now = self.clock.seconds()
        done = now - self.starttime
        wait = self.interval - done % self.interval
        # a remainder that is lost in the clock's precision would call again at once
        if now + wait == now:
            wait += self.interval
        self.call = self.clock.callLater(wait, self)

    def __repr__(self) -> str:
        name = getattr(self.f, "__qualname__", None) or repr(self.f)
        return f"LoopingCall<{self.interval!r}>({name}, *{self.a!r}, **{self.kw!r})"
