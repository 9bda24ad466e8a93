"""What `twisted.internet.defer` has beside the names of `plait.deferred`: the names that its callers use for types,
`returnValue`, and `timeout`."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn, TypeVar

from plait.deferred import Deferred, TimeoutError
from plait.deferred.generators import ReturnValue
from plait.failure import Failure

__all__ = ["returnValue", "timeout"]

_T = TypeVar("_T")
_SelfResultT = TypeVar("_SelfResultT")
_NextResultT = TypeVar("_NextResultT")

_DeferredListSingleResultT = tuple[_T, int]
"""What a `DeferredList` fires with that waits for one."""

_DeferredListResultItemT = tuple[bool, _T]
_DeferredListResultListT = list[_DeferredListResultItemT[_T]]
"""What a `DeferredList` fires with that waits for all."""


def returnValue(val: object) -> NoReturn:
    """End the generator that calls this, with `val` as its result. New programs say ``return val``."""
    warnings.warn(
        "twisted.internet.defer.returnValue was deprecated in Twisted 24.7.0; please use a return statement instead",
        DeprecationWarning,
        stacklevel=2,
    )
    raise ReturnValue(val)


def timeout(deferred: Deferred[Any]) -> None:
    """Let a Deferred fail with a `TimeoutError`. New programs use `Deferred.addTimeout`."""
    warnings.warn(
        "twisted.internet.defer.timeout was deprecated in Twisted 17.1.0;"
        " please use twisted.internet.defer.Deferred.addTimeout instead",
        DeprecationWarning,
        stacklevel=2,
    )
    deferred.errback(Failure(TimeoutError("the time is up")))
