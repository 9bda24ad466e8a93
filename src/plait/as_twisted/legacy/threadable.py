"""What `twisted.python.threadable` is: which thread is the reactor's, and methods that take turns."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = [
    "DummyLock",
    "XLock",
    "getThreadID",
    "init",
    "ioThread",
    "isInIOThread",
    "registerAsIOThread",
    "synchronize",
    "threaded",
    "unpickle_lock",
]

threaded = True
"""There are threads, always."""

ioThread: int | None = None
"""The number of the thread that was named the reactor's, if one was."""


def init(with_threads: bool = True) -> None:
    """Threads are there already; there is nothing to do."""


class XLock:
    """A lock that its own thread may take again, and that can be pickled: what is loaded is another, free one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def __enter__(self) -> XLock:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return (unpickle_lock, ())


class DummyLock:
    """No lock; what is loaded from its pickle is one."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (unpickle_lock, ())


def unpickle_lock() -> XLock:
    """The lock that a pickled one becomes."""
    return XLock()


def getThreadID() -> int:
    """The number of the current thread."""
    return threading.get_ident()


def registerAsIOThread() -> None:
    """Name the current thread the reactor's."""
    global ioThread
    ioThread = getThreadID()


def isInIOThread() -> bool:
    """Is the current thread the reactor's: the one that was named so, else the main one?"""
    return getThreadID() == (threading.main_thread().ident if ioThread is None else ioThread)


def synchronize(*klasses: type[Any]) -> None:
    """Let the methods that a class lists in ``synchronized`` run in one thread at a time, for each object."""
    for klass in klasses:
        for name in klass.synchronized:
            setattr(klass, name, _in_turn(getattr(klass, name)))


_making = threading.Lock()


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        lock = self.__dict__.get("_threadable_lock")
        if lock is None:
            with _making:
                lock = self.__dict__.setdefault("_threadable_lock", XLock())
        with lock:
            return method(self, *args, **kwargs)

    return locked
