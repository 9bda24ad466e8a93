"""Taking turns: locks, semaphores and queues whose waiting side is a Deferred."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

from plait.deferred.core import Deferred
from plait.deferred.shortcuts import maybeDeferred, succeed

T = TypeVar("T")
P = ParamSpec("P")


class QueueOverflow(Exception):
    """A `DeferredQueue` was to hold more objects than its `size`."""


class QueueUnderflow(Exception):
    """More were to wait for a `DeferredQueue` than its `backlog`."""


class _ConcurrencyPrimitive:
    """What locks and semaphores have in common: those who wait, and how to be used in ``async with``."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []

    def acquire(self) -> Deferred[Self]:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def run(self, f: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[Any]:
        """Acquire, call `f`, wait for its Deferred or coroutine, release; a Deferred of its result."""

        def release(result: T) -> T:
            self.release()
            return result

        def call(_: object) -> Deferred[Any]:
            return maybeDeferred(f, *args, **kwargs).addBoth(release)

        return self.acquire().addCallback(call)

    def __aenter__(self) -> Deferred[Self]:
        return self.acquire()

    def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Deferred[None]:
        self.release()
        return succeed(None)

    def _cancel_wait(self, d: Deferred[Any]) -> None:
        self.waiting.remove(d)


class DeferredLock(_ConcurrencyPrimitive):
    """Held by one at a time; those who wait get it in their order. Attribute: `locked` (bool)."""

    locked: bool | int = False

    def acquire(self) -> Deferred[Self]:
        """A Deferred that fires with this lock when it is yours. Cancelling it gives up waiting."""
        d: Deferred[Self] = Deferred(self._cancel_wait)
        if self.locked:
            self.waiting.append(d)
        else:
            self.locked = True
            d.callback(self)
        return d

    def release(self) -> None:
        """Let the next one have it.

        :raises RuntimeError: if nobody holds it.
        """
        if not self.locked:
            raise RuntimeError("release of a DeferredLock that nobody holds")
        if self.waiting:
            self.waiting.pop(0).callback(self)
        else:
            self.locked = False


class DeferredSemaphore(_ConcurrencyPrimitive):
    """Held by up to `tokens` at a time. Attributes: `limit` (how many), `tokens` (how many are free).

    :raises ValueError: if `tokens` is less than 1.
    """

    def __init__(self, tokens: int) -> None:
        super().__init__()
        if tokens < 1:
            raise ValueError("DeferredSemaphore requires tokens >= 1")
        self.tokens = tokens
        self.limit = tokens

    def acquire(self) -> Deferred[Self]:
        """A Deferred that fires with this semaphore when a token is yours. Cancelling it gives up waiting."""
        d: Deferred[Self] = Deferred(self._cancel_wait)
        if self.tokens:
            self.tokens -= 1
            d.callback(self)
        else:
            self.waiting.append(d)
        return d

    def release(self) -> None:
        """Give a token back.

        :raises RuntimeError: if none is taken.
        """
        if self.tokens >= self.limit:
            raise RuntimeError("release of a DeferredSemaphore of which no token is taken")
        if self.waiting:
            self.waiting.pop(0).callback(self)
        else:
            self.tokens += 1


class DeferredQueue(Generic[T]):
    """Objects that are put in on one side and waited for on the other.

    :param size: how many objects may wait to be taken; None for any number.
    :param backlog: how many may wait for an object; None for any number.

    Attributes: `pending` (the objects), `waiting` (the Deferreds).
    """

    def __init__(self, size: int | None = None, backlog: int | None = None) -> None:
        self.waiting: list[Deferred[T]] = []
        self.pending: list[T] = []
        self.size = size
        self.backlog = backlog

    def _cancel_get(self, d: Deferred[T]) -> None:
        self.waiting.remove(d)

    def put(self, obj: T) -> None:
        """Put an object in: for the first who waits, or for later.

        :raises QueueOverflow: if `size` objects wait already.
        """
        if self.waiting:
            self.waiting.pop(0).callback(obj)
        elif self.size is None or len(self.pending) < self.size:
            self.pending.append(obj)
        else:
            raise QueueOverflow(f"the queue holds {self.size} objects already")

    def get(self) -> Deferred[T]:
        """A Deferred of the next object. Cancelling it gives up waiting.

        :raises QueueUnderflow: if `backlog` wait already.
        """
        if self.pending:
            return succeed(self.pending.pop(0))
        if self.backlog is None or len(self.waiting) < self.backlog:
            d: Deferred[T] = Deferred(self._cancel_get)
            self.waiting.append(d)
            return d
        raise QueueUnderflow(f"{self.backlog} wait for the queue already")
