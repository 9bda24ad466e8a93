"""What `twisted.python.context` is: values that a call sees, and all that it calls in turn.

Built on `contextvars`, so that the values follow the work over Deferreds, timers and threads, which Twisted's do
not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = [
    "ContextTracker",
    "ThreadedContextTracker",
    "call",
    "defaultContextDict",
    "get",
    "installContextTracker",
    "setDefault",
    "theContextTracker",
]

_T = TypeVar("_T")
_EMPTY: Mapping[Any, Any] = {}

defaultContextDict: dict[Any, Any] = {}
"""What `get` answers where no call has set a value."""


class ContextTracker:
    """Knows the values that are seen at the moment."""

    def __init__(self) -> None:
        self._values: ContextVar[Mapping[Any, Any]] = ContextVar("plait.legacy.context", default=_EMPTY)

    def getContext(self, key: Any, default: Any = None) -> Any:
        """As `get`."""
        values = self._values.get()
        return values[key] if key in values else defaultContextDict.get(key, default)

    def callWithContext(self, ctx: Mapping[Any, Any], func: Callable[..., _T], *args: Any, **kw: Any) -> _T:
        """As `call`."""
        token = self._values.set({**self._values.get(), **ctx})
        try:
            return func(*args, **kw)
        finally:
            self._values.reset(token)


ThreadedContextTracker = ContextTracker
"""A context variable has its own value in each thread, so there is one kind of tracker."""

theContextTracker: Any = ContextTracker()
"""The tracker that `call` and `get` use."""


def installContextTracker(ctr: Any) -> None:
    """Let `call` and `get` use another tracker."""
    global theContextTracker
    theContextTracker = ctr


def get(key: Any, default: Any = None) -> Any:
    """The value of the innermost call that set one, else what `setDefault` said, else the default."""
    return theContextTracker.getContext(key, default)


def call(ctx: Mapping[Any, Any], func: Callable[..., _T], *args: Any, **kw: Any) -> _T:
    """Call a function that sees these values, beside those that are seen here."""
    result: _T = theContextTracker.callWithContext(ctx, func, *args, **kw)
    return result


def setDefault(key: Any, value: Any) -> None:
    """What `get` answers where no call has set a value, everywhere."""
    defaultContextDict[key] = value
