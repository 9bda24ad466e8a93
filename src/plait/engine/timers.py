"""Timed calls: `reactor.callLater` gives a `DelayedCall`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.failure import Failure
from plait.interfaces import IDelayedCall, implementer
from plait.log import Logger

_log = Logger("plait.engine")

_PENDING, _CALLED, _CANCELLED = range(3)


@implementer(IDelayedCall)
class DelayedCall:
    """A call that is to be made at a certain time.

    Attributes: `func`, `args`, `kw`, `time` (seconds on the reactor's clock), `called`, `cancelled`.
    """

    __slots__ = ("__weakref__", "_handle", "_loop", "_pending", "_state", "args", "func", "kw", "time")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pending: set[DelayedCall],
        delay: float,
        func: Callable[..., object],
        args: tuple[Any, ...],
        kw: dict[str, Any],
    ) -> None:
        self._loop = loop
        self._pending = pending
        self._state = _PENDING
        self.func = func
        self.args = args
        self.kw = kw
        self.time = loop.time() + delay
        self._handle: asyncio.Handle = loop.call_later(delay, self._call)
        pending.add(self)

    def _call(self) -> None:
        self._state = _CALLED
        self._pending.discard(self)
        func, args, kw = self.func, self.args, self.kw
        del self.func, self.args, self.kw
        try:
            func(*args, **kw)
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
        self._check()
        self._state = _CANCELLED
        self._handle.cancel()
        self._pending.discard(self)
        del self.func, self.args, self.kw

    def reset(self, secondsFromNow: float) -> None:
        """Make the call `secondsFromNow` from now, and not when it was to be made.

        :raises plait.errors.AlreadyCalled: if it has been made.
        :raises plait.errors.AlreadyCancelled: if it has been cancelled.
        """
        self._check()
        self._move(secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        """Make the call `secondsLater` later than it was to be made (earlier, if it is negative).

        :raises plait.errors.AlreadyCalled: if it has been made.
        :raises plait.errors.AlreadyCancelled: if it has been cancelled.
        """
        self._check()
        self._move(self.time + secondsLater - self._loop.time())

    def active(self) -> bool:
        """Whether the call is still to be made."""
        return self._state == _PENDING

    @property
    def called(self) -> bool:
        return self._state == _CALLED

    @property
    def cancelled(self) -> bool:
        return self._state == _CANCELLED

    def _check(self) -> None:
        if self._state == _CALLED:
            raise AlreadyCalled
        if self._state == _CANCELLED:
            raise AlreadyCancelled

    def _move(self, delay: float) -> None:
        self._handle.cancel()
        delay = max(0.0, delay)
        self.time = self._loop.time() + delay
        self._handle = self._loop.call_later(delay, self._call)

    def __repr__(self) -> str:
        if self._state != _PENDING:
            return f"<DelayedCall {id(self):#x} {'called' if self._state == _CALLED else 'cancelled'}>"
        name = getattr(self.func, "__qualname__", None) or repr(self.func)
        return (
            f"<DelayedCall {id(self):#x} [{self.time - self._loop.time():.3f}s] {name}(*{self.args!r}, **{self.kw!r})>"
        )
