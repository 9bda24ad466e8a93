"""`twisted.internet.base.DelayedCall`, as those make it that have timers of their own (another clock, another reactor)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from typing import Any, cast

from plait import engine
from plait.as_twisted.legacy.runtime import seconds as real_seconds
from plait.engine.timers import Timers

__all__ = ["DelayedCall"]


class _Maker:
    """The maker's functions, where the timers of a loop would be."""

    def __init__(self, reset: Callable[[Any], object], seconds: Callable[[], float]) -> None:
        self._reset = reset
        self.seconds = seconds
        self._cancelled = 0

    def move(self, call: engine.DelayedCall, when: float) -> None:
        call.time = when
        self._reset(call)

    def clear_out(self) -> None:
        """There is no heap here."""


class _AnyDelayedCall(type):
    """The calls that the reactor makes are of the class in `plait.engine`, and count as instances too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, engine.DelayedCall)


class DelayedCall(engine.DelayedCall, metaclass=_AnyDelayedCall):
    """A timed call that its maker makes when its time has come.

    :param time: when, in seconds on the maker's clock.
    :param cancel: is told, with this call, when it is cancelled.
    :param reset: is told, with this call, when its time has changed.
    :param seconds: the clock.
    """

    __slots__ = ("_cancel",)

    def __init__(
        self,
        time: float,
        func: Callable[..., object],
        args: Sequence[Any],
        kw: Mapping[str, Any],
        cancel: Callable[[Any], object],
        reset: Callable[[Any], object],
        seconds: Callable[[], float] = real_seconds,
    ) -> None:
        self._timers = cast(Timers, _Maker(reset, seconds))
        self._state = 0
        self._entered = time
        self._context = copy_context()
        self.func = func
        self.args = tuple(args)
        self.kw = dict(kw)
        self.time = time
        self._cancel = cancel

    def cancel(self) -> None:
        super().cancel()
        self._cancel(self)
