"""Waiting for several Deferreds at once: DeferredList and gatherResults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from plait.deferred.core import Deferred
from plait.failure import Failure
from plait.log import Logger

T = TypeVar("T")

_log = Logger("plait.deferred")

SUCCESS = True
FAILURE = False


class FirstError(Exception):
    """One of several Deferreds failed first. `subFailure` is its Failure, `index` its place in the list."""

    def __init__(self, failure: Failure, index: int) -> None:
        super().__init__(failure, index)
        self.subFailure = failure
        self.index = index

    def __repr__(self) -> str:
        return f"FirstError[#{self.index}, {self.subFailure.value!r}]"

    def __str__(self) -> str:
        return f"FirstError[#{self.index}, {self.subFailure}]"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FirstError):
            return (self.index, self.subFailure) == (other.index, other.subFailure)
        return NotImplemented

    __hash__ = Exception.__hash__


class DeferredList(Deferred[Any]):
    """Waits for all of `deferredList` and gives a list of pairs ``(success, result or Failure)``, in the order given.

    :param fireOnOneCallback: fire with ``(result, index)`` at the first that succeeds.
    :param fireOnOneErrback: fail with `FirstError` at the first that fails.
    :param consumeErrors: the Deferreds' errors are handled with this: they go on with None and are not logged.

    Cancelling the list cancels all that have not fired.
    """

    __slots__ = ("_missing", "_of", "_one_callback", "_one_errback", "consumeErrors", "resultList")

    # Twisted's names for the flags, for subclasses that read them
    fireOnOneCallback = property(lambda self: self._one_callback)
    fireOnOneErrback = property(lambda self: self._one_errback)

    def __init__(
        self,
        deferredList: Iterable[Deferred[Any]],
        fireOnOneCallback: bool = False,
        fireOnOneErrback: bool = False,
        consumeErrors: bool = False,
    ) -> None:
        super().__init__()
        self._of = list(deferredList)
        self._one_callback = fireOnOneCallback
        self._one_errback = fireOnOneErrback
        self.consumeErrors = consumeErrors
        self._missing = len(self._of)
        self.resultList: list[Any] = [None] * self._missing
        if not self._of and not fireOnOneCallback:
            self.callback(self.resultList)
        for index, d in enumerate(self._of):
            d.addBoth(self._one_done, index)

    def _one_done(self, result: Any, index: int) -> Any:
        succeeded = not isinstance(result, Failure)
        self.resultList[index] = (succeeded, result)
        self._missing -= 1
        if not self.called:
            if succeeded and self._one_callback:
                self.callback((result, index))
            elif not succeeded and self._one_errback:
                self.errback(Failure(FirstError(result, index)))
            elif self._missing == 0:
                self.callback(self.resultList)
        return None if not succeeded and self.consumeErrors else result

    def cancel(self) -> None:
        """Cancel every Deferred of the list; if the list has fired, what its result waits for."""
        if self.called:
            super().cancel()
            return
        for d in self._of:
            try:
                d.cancel()
            except Exception:
                # it must not keep the others from being called
                _log.failure("A canceller raised; its Deferred waits on:")


def gatherResults(deferredList: Iterable[Deferred[T]], consumeErrors: bool = False) -> Deferred[list[T]]:
    """A Deferred with the list of all results, in order; it fails with `FirstError` as soon as one fails.

    :param consumeErrors: handle the errors of the others too, so that they are not logged.
    """
    return _Gathered(deferredList, fireOnOneErrback=True, consumeErrors=consumeErrors)


class _Gathered(DeferredList):
    """A DeferredList that gives plain results instead of pairs."""

    __slots__ = ()

    def _one_done(self, result: Any, index: int) -> Any:
        if isinstance(result, Failure):
            if not self.called:
                self.errback(Failure(FirstError(result, index)))
            return None if self.consumeErrors else result
        self.resultList[index] = result
        self._missing -= 1
        if self._missing == 0 and not self.called:
            self.callback(self.resultList)
        return result


class FailureGroup(Exception):
    """All the Deferreds of a `race` failed. `failures` holds their Failures, in the order of the Deferreds."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(failures)
        self.failures = failures


def race(ds: Sequence[Deferred[T]]) -> Deferred[tuple[int, T]]:
    """The first result of several Deferreds, as ``(index, result)``; the others are cancelled then.

    It fails with `FailureGroup` if all fail. Cancelling it cancels all.
    """
    winner: int | None = None
    failures: dict[int, Failure] = {}

    def cancel_others(_: object = None) -> None:
        for index, d in enumerate(members):
            if index != winner:
                d.cancel()

    def won(result: T, index: int) -> None:
        nonlocal winner
        if winner is None:
            winner = index
            cancel_others()
            final.callback((index, result))

    def lost(failure: Failure, index: int) -> None:
        if winner is None:
            failures[index] = failure
            if len(failures) == len(members) and not final.called:
                final.errback(FailureGroup([failures[n] for n in sorted(failures)]))

    members = list(ds)
    final: Deferred[tuple[int, T]] = Deferred(cancel_others)
    for index, d in enumerate(members):
        d.addCallbacks(won, lost, (index,), None, (index,), None)
    return final
