"""What `twisted.python.context` is: values that a call sees, and all that it calls in turn.

Built on `contextvars`, so that the values follow the work over Deferreds, timers and threads, which Twisted's do
not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["call", "get", "setDefault"]

_T = TypeVar("_T")
_EMPTY: Mapping[Any, Any] = {}

_defaults: dict[Any, Any] = {}
_values: ContextVar[Mapping[Any, Any]] = ContextVar("plait.legacy.context", default=_EMPTY)


def get(key: Any, default: Any = None) -> Any:
    """The value of the innermost call that set one, else what `setDefault` said, else the default."""
    values = _values.get()
    return values[key] if key in values else _defaults.get(key, default)


def call(ctx: Mapping[Any, Any], func: Callable[..., _T], *args: Any, **kw: Any) -> _T:
    """Call a function that sees these values, beside those that are seen here."""
    token = _values.set({**_values.get(), **ctx})
    try:
        return func(*args, **kw)
    finally:
        _values.reset(token)


def setDefault(key: Any, value: Any) -> None:
    """What `get` answers where no call has set a value, everywhere."""
    _defaults[key] = value
