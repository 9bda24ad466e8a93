"""inlineCallbacks: a generator that waits with ``yield``, for code that is not ``async def``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextvars import copy_context
from functools import wraps
from types import CoroutineType, GeneratorType
from typing import Any, ParamSpec, TypeVar

from plait.deferred.core import NO_KEYWORDS, CancelledError, Deferred, Entry, _failed
from plait.failure import Failure

T = TypeVar("T")
P = ParamSpec("P")


class ReturnValue(BaseException):
    """Carries a result out of a generator: how older programs end one (`plait.as_twisted.legacy.defer.returnValue`)."""

    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value


class GeneratorDeferred(Deferred[T]):
    """The Deferred of a generator's result. Cancelling it cancels what the generator waits for."""

    __slots__ = ("_cancelled_itself", "_generator", "_in_context", "_resumption", "_send", "_waits_for")

    def __init__(self, generator: Generator[Any, Any, T]) -> None:
        Deferred.__init__(self)
        self._generator = generator
        self._send = generator.send
        self._in_context = copy_context().run
        self._waits_for: Deferred[Any] | None = None
        self._resumption: Entry | None = None  # in the queue of the Deferred that it waits for
        self._cancelled_itself = False

    def cancel(self) -> None:
        if self.called:
            super().cancel()
        elif self._waits_for is not None:
            self._waits_for.cancel()
        else:
            self._cancelled_itself = True  # it runs now

    def _resume(self, result: Any) -> None:
        """Run the generator with `result` to its next wait or its end."""
        self._waits_for = None
        in_context = self._in_context
        failure: Failure | None = None
        while True:
            try:
                if isinstance(result, Failure):
                    result = in_context(self._generator.throw, result.prepared())
                else:
                    result = in_context(self._send, result)
            except StopIteration as e:
                result = e.value
                break
            except ReturnValue as e:
                _warn_if_from_elsewhere(e)
                result = e.value
                break
            except BaseException as e:
                failure = _failed(e)
                break
            if self._cancelled_itself:
                self._cancelled_itself = False
                if isinstance(result, Deferred):
                    result.addErrback(_ignore)
                    result.cancel()
                elif isinstance(result, CoroutineType):
                    result.close()
                result = Failure(CancelledError())
            elif isinstance(result, Deferred) or (
                isinstance(coro := result, CoroutineType) and (result := Deferred.fromCoroutine(coro)) is not None
            ):
                if result.called and result._has_result():
                    result = result._take_result()
                    continue
                self._waits_for = result
                if self._resumption is None:
                    resume = self._resume
                    self._resumption = (resume, resume, (), NO_KEYWORDS)
                result.callbacks.append(self._resumption)
                return
        self._resumption = None  # no circle is left for the garbage collector
        if failure is not None:
            self.errback(failure)
        else:
            self.callback(result)


def _ignore(failure: Failure) -> None:
    """The wait was called off: nobody asks for its error."""


def _warn_if_from_elsewhere(end: ReturnValue) -> None:
    """Warn if it was not the generator itself that has ended it, but something that it called."""
    tb = end.__traceback__
    assert tb is not None
    generator = tb.tb_next
    ended_by = generator and generator.tb_next
    if generator is None or ended_by is None or ended_by.tb_next is None:
        return  # the function that raises is the only one below the generator
    name, code = generator.tb_frame.f_code.co_name, ended_by.tb_frame.f_code
    warnings.warn_explicit(
        f"returnValue() in {code.co_name!r} causing {name!r} to exit: "
        "returnValue should only be invoked by functions decorated with inlineCallbacks",
        DeprecationWarning,
        code.co_filename,
        ended_by.tb_lineno,
    )


def inlineCallbacks(f: Callable[P, Generator[Any, Any, T]]) -> Callable[P, Deferred[T]]:
    """Make a generator function that yields Deferreds into a function that returns a Deferred.

    ``result = yield d`` waits for `d`, a Deferred or a coroutine; an error is raised at the ``yield``. What the generator
    returns is the result.

    :raises TypeError: (when called) if the function did not give a generator.
    """

    @wraps(f)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        generator: Any
        try:
            generator = f(*args, **kwargs)
        except ReturnValue as e:
            generator = e
        if not isinstance(generator, GeneratorType):
            raise TypeError(
                f"inlineCallbacks needs a generator function, but {f!r} gave {generator!r}: "
                "it has no yield, or is async def (use ensureDeferred for that)"
            )
        d: GeneratorDeferred[T] = GeneratorDeferred(generator)
        d._resume(None)
        return d

    return wrapper
