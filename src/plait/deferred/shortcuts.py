"""Small ways to get a Deferred: of a value, of an error, of whatever a function gives."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, overload

from plait.deferred.core import Deferred, _failed
from plait.deferred.coroutines import ensureDeferred
from plait.failure import Failure
from plait.log import Logger

T = TypeVar("T")
P = ParamSpec("P")

_log = Logger("plait.deferred")


def succeed(result: T) -> Deferred[T]:
    """A Deferred that has been fired with `result`."""
    d: Deferred[T] = Deferred()
    d.callback(result)
    return d


def fail(result: Failure | BaseException | None = None) -> Deferred[Any]:
    """A Deferred that has failed with `result`; None takes the exception that is being handled."""
    d: Deferred[Any] = Deferred()
    d.errback(result)
    return d


def execute(callable: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """Call a function and give a Deferred of its result, or of what it raised."""
    try:
        result = callable(*args, **kwargs)
    except BaseException as e:
        return fail(_failed(e))
    return succeed(result)


@overload
def maybeDeferred(f: Callable[P, Deferred[T]], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]: ...
@overload
def maybeDeferred(f: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]: ...
@overload
def maybeDeferred(f: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]: ...
def maybeDeferred(f: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Deferred[Any]:
    """Call `f` and give a Deferred in every case: its own, its coroutine's, or of what it returned or raised."""
    try:
        result = f(*args, **kwargs)
    except BaseException as e:
        return fail(_failed(e))
    if isinstance(result, Deferred):
        return result
    if isinstance(result, CoroutineType):
        return ensureDeferred(result)
    if isinstance(result, Failure):
        return fail(result)
    return succeed(result)


def passthru(arg: T) -> T:
    """Give the argument back: a callback that changes nothing."""
    return arg


def logError(err: Failure) -> Failure:
    """An errback that logs the error and hands it on."""
    _log.failure("", err)
    return err
