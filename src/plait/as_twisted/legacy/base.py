"""What `twisted.internet.base` has for those who make reactors of their own.

A `DelayedCall` is as those make it that have timers of their own (another clock, another reactor).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from traceback import format_stack
from typing import Any, cast

from plait import engine
from plait.as_twisted.legacy import reflect
from plait.as_twisted.legacy.runtime import seconds as real_seconds
from plait.engine.timers import Timers
from plait.interfaces import implementer
from plait.interfaces.reactor import _ISupportsExitSignalCapturing

__all__ = ["DelayedCall", "ReactorBase"]


class _AnyReactor(type):
    """Plait's reactor is of the class in `plait.engine`, and counts as an instance too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or (cls is ReactorBase and isinstance(instance, engine.Reactor))


@implementer(_ISupportsExitSignalCapturing)
class ReactorBase(engine.Reactor, metaclass=_AnyReactor):
    """What reactors of one's own are made from: Plait's, which notes in `_exitSignal` nothing unless a subclass does."""

    _exitSignal: int | None = None


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

    Such calls are in order by their times. Where `debug` is true as one is made, its text ends with where that was.
    """

    debug: bool = False
    _made: list[str] | None = None

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
        if self.debug:
            self._made = format_stack()[:-1]

    def cancel(self) -> None:
        super().cancel()
        self._cancel(self)

    def __lt__(self, other: engine.DelayedCall) -> bool:
        return self.time < other.time

    def __le__(self, other: engine.DelayedCall) -> bool:
        return self.time <= other.time

    def __repr__(self) -> str:
        parts = [f"<DelayedCall {id(self):#x} [{self.time - self._timers.seconds()}s]"]
        parts.append(f"called={self.called:d} cancelled={self.cancelled:d}")
        if self.func is not None:
            name = getattr(self.func, "__qualname__", None) or reflect.safe_repr(self.func)
            args = [reflect.safe_repr(value) for value in self.args or ()]
            args += [f"{key}={reflect.safe_repr(value)}" for key, value in (self.kw or {}).items()]
            parts.append(f"{name}({', '.join(args)})")
        text = " ".join(parts)
        if self._made is not None:
            text += f"\n\ntraceback at creation: \n\n{''.join(self._made)}"
        return f"{text}>"
