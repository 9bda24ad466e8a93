"""Deferred: a result that is not there yet, and what is to be done with it.

A Deferred holds a queue of pairs (callback, errback). When it is fired, each pair is called in turn with what the one
before gave: the callback with a result, the errback with a `Failure`. A callback that returns another Deferred makes
the queue wait for that one's result.

This file is hot: a server fires a Deferred for nearly everything it does. So there is one small object with slots, one
tuple for each pair, no Failure where there is no error, and one loop (`_run`) in which a chain of any length is
walked without recursion. ``benchmarks/deferreds.py`` measures it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from asyncio import CancelledError as TaskCancelledError
from asyncio import Future as AsyncioFuture
from asyncio import _get_running_loop
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload
from weakref import ref

from plait.deferred.debugging import DebugInfo, callersLines, noteMade
from plait.failure import Failure, Special, withoutMachinery
from plait.tracebacks import wantFullTracebacks

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
P = ParamSpec("P")

# Which task runs in which loop: the dictionary in which asyncio itself looks, where it has one.
currentTasks: Any
if sys.version_info >= (3, 14):

    class _CurrentTasks:
        """Asks and tells asyncio in the manner of a dictionary."""

        def get(self, loop: AbstractEventLoop) -> Any:
            return asyncio.current_task(loop)

        def values(self) -> tuple[Any, ...]:
            return ()

        def __setitem__(self, loop: AbstractEventLoop, task: Any) -> None:
            asyncio.tasks._swap_current_task(loop, task)

        def __delitem__(self, loop: AbstractEventLoop) -> None:
            asyncio.tasks._swap_current_task(loop, None)

    currentTasks = _CurrentTasks()
else:
    currentTasks = asyncio.tasks._current_tasks  # type: ignore[attr-defined]

# A pair: (callback, errback, further arguments, further keyword arguments). None as a function hands the result on.
Entry = tuple[Any, Any, Any, Any]


class AlreadyCalledError(Exception):
    """A Deferred that has fired was to be fired again."""

    def __str__(self) -> str:
        return super().__str__() or "a Deferred has been fired already; run with PLAIT_DEBUG=1 to see where"


class CancelledError(Exception):
    """What a Deferred fails with when it is cancelled."""


class TimeoutError(Exception):
    """A Deferred did not fire within the time that `Deferred.addTimeout` gave it."""


class IDelayedCallLike(Protocol):
    """What `callLater` gives back, as far as it is needed here."""

    def active(self) -> bool: ...
    def cancel(self) -> None: ...


class ClockLike(Protocol):
    """Anything with `callLater`: the reactor, or `plait.task.Clock`."""

    def callLater(self, delay: float, callable: Callable[..., Any], /) -> IDelayedCallLike: ...


class Driver:
    """What drives a coroutine for Plait (`plait.deferred.coroutines`); asked for by `Deferred.__await__`."""

    __slots__ = ()


_start: Callable[[Any], Deferred[Any]]


def registerDriver(start: Callable[[Any], Deferred[Any]]) -> None:
    """Make `start` what runs a coroutine. The chapter on coroutines stands on this one and calls this once."""
    global _start
    _start = start


class _Chain:
    """Marks an entry that gives the result to another Deferred, which waits for it."""

    def __bool__(self) -> bool:
        return True


_CHAIN = _Chain()

NO_KEYWORDS: dict[str, Any] = {}


_debugging = os.environ.get("PLAIT_DEBUG", "") not in ("", "0")


def setDebugging(on: bool) -> None:
    """Turn debug mode on or off: Deferreds made in it note where they are made and fired. See `waitingDeferreds`.

    It is slow, and on from the beginning with ``PLAIT_DEBUG=1`` in the environment. Tracebacks are shown in full.
    """
    global _debugging
    _debugging = bool(on)
    wantFullTracebacks(_debugging)


def getDebugging() -> bool:
    """Whether debug mode is on."""
    return _debugging


class Deferred(Special, Generic[T]):
    """A result that will come.

    :param canceller: called with this Deferred by `cancel`, to stop the work behind it; it may fire the Deferred itself.

    Attributes: `called` (bool: it has been fired), `result` (what it rests on now; missing before it has been fired),
    `paused` (int: how many things its queue waits for; while it runs, it counts one for that).
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_canceller",
        "_debugInfo",
        "_fed_by",
        "_suppressAlreadyCalled",
        "callbacks",
        "called",
        "paused",
        "result",
    )

    callbacks: list[Entry]
    called: bool
    paused: int
    result: Any
    _canceller: Callable[[Deferred[T]], object] | None
    _debugInfo: DebugInfo | None
    _fed_by: ref[Deferred[Any]]  # set only by chainDeferred()
    _suppressAlreadyCalled: bool  # set only by cancel()

    def __init__(self, canceller: Callable[[Deferred[T]], object] | None = None) -> None:
        self.callbacks = []
        self.called = False
        self.paused = 0
        self._canceller = canceller
        self._debugInfo = None
        if _debugging:
            self._debugInfo = noteMade(self)

    # -- adding to the queue

    @overload
    def addCallbacks(
        self,
        callback: Callable[..., Deferred[U]],
        errback: Callable[..., Deferred[U]] | None = None,
        callbackArgs: tuple[Any, ...] | list[Any] = ...,
        callbackKeywords: dict[str, Any] | None = None,
        errbackArgs: tuple[Any, ...] | list[Any] = ...,
        errbackKeywords: dict[str, Any] | None = None,
    ) -> Deferred[U]: ...
    @overload
    def addCallbacks(
        self,
        callback: Callable[..., U],
        errback: Callable[..., V],
        callbackArgs: tuple[Any, ...] | list[Any] = ...,
        callbackKeywords: dict[str, Any] | None = None,
        errbackArgs: tuple[Any, ...] | list[Any] = ...,
        errbackKeywords: dict[str, Any] | None = None,
    ) -> Deferred[U | V]: ...
    @overload
    def addCallbacks(
        self,
        callback: Callable[..., U],
        errback: None = None,
        callbackArgs: tuple[Any, ...] | list[Any] = ...,
        callbackKeywords: dict[str, Any] | None = None,
        errbackArgs: tuple[Any, ...] | list[Any] = ...,
        errbackKeywords: dict[str, Any] | None = None,
    ) -> Deferred[U]: ...
    def addCallbacks(
        self,
        callback: Callable[..., Any],
        errback: Callable[..., Any] | None = None,
        callbackArgs: tuple[Any, ...] | list[Any] = (),
        callbackKeywords: dict[str, Any] | None = None,
        errbackArgs: tuple[Any, ...] | list[Any] = (),
        errbackKeywords: dict[str, Any] | None = None,
    ) -> Deferred[Any]:
        """Add a callback and an errback at the same place of the queue: one of the two is called.

        An error raised by this callback therefore goes to the *next* errback. The further arguments are handed to the
        functions after the result.

        :raises TypeError: if a function cannot be called.
        """
        if not callable(callback) or (errback is not None and not callable(errback)):
            raise TypeError(f"a callback must be callable: {callback!r}, {errback!r}")
        if errback is None or not (callbackArgs or callbackKeywords or errbackArgs or errbackKeywords):
            self.callbacks.append((callback, errback, callbackArgs or (), callbackKeywords or NO_KEYWORDS))
        else:
            self.callbacks.append(
                (
                    _with_arguments(callback, callbackArgs, callbackKeywords),
                    _with_arguments(errback, errbackArgs, errbackKeywords),
                    (),
                    NO_KEYWORDS,
                )
            )
        if self.called and not self.paused:
            self._run(isinstance(self.result, Failure))
        return self

    @overload
    def addCallback(
        self, callback: Callable[Concatenate[T, P], Deferred[U]], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[U]: ...
    @overload
    def addCallback(
        self, callback: Callable[Concatenate[T, P], U], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[U]: ...
    def addCallback(self, callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call ``callback(result, *args, **kwargs)`` with the result; what it returns is the new result."""
        if not callable(callback):
            raise TypeError(f"a callback must be callable: {callback!r}")
        self.callbacks.append((callback, None, args, kwargs))
        if self.called and not self.paused:
            self._run(isinstance(self.result, Failure))
        return self

    @overload
    def addErrback(
        self, errback: Callable[Concatenate[Failure, P], Deferred[U]], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T | U]: ...
    @overload
    def addErrback(
        self, errback: Callable[Concatenate[Failure, P], U], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T | U]: ...
    def addErrback(self, errback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call ``errback(failure, *args, **kwargs)`` with an error; what it returns is the new result.

        An errback that returns the failure, or raises, leaves the Deferred in error; any other result has mended it.
        """
        if not callable(errback):
            raise TypeError(f"an errback must be callable: {errback!r}")
        self.callbacks.append((None, errback, args, kwargs))
        if self.called and not self.paused:
            self._run(isinstance(self.result, Failure))
        return self

    @overload
    def addBoth(
        self, callback: Callable[Concatenate[T | Failure, P], Deferred[U]], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[U]: ...
    @overload
    def addBoth(
        self, callback: Callable[Concatenate[T | Failure, P], U], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[U]: ...
    def addBoth(self, callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call ``callback(result_or_failure, *args, **kwargs)`` in either case, as ``finally`` does."""
        if not callable(callback):
            raise TypeError(f"a callback must be callable: {callback!r}")
        self.callbacks.append((callback, callback, args, kwargs))
        if self.called and not self.paused:
            self._run(isinstance(self.result, Failure))
        return self

    def chainDeferred(self, d: Deferred[Any]) -> Deferred[None]:
        """Fire `d` with the result or failure of this one, which then goes on with None."""
        d._fed_by = ref(self)
        if type(d).callback is not Deferred.callback or type(d).errback is not Deferred.errback:
            return self.addCallbacks(d.callback, d.errback)
        self.callbacks.append((None, None, (d,), _CHAIN))
        if self.called and not self.paused:
            self._run(isinstance(self.result, Failure))
        return cast("Deferred[None]", self)

    def addTimeout(
        self,
        timeout: float,
        clock: ClockLike,
        onTimeoutCancel: Callable[[Any, float], Any] | None = None,
    ) -> Deferred[T]:
        """Cancel this Deferred if it has not fired within `timeout` seconds on `clock` (the reactor, say).

        The error is then a `TimeoutError`, unless `onTimeoutCancel(result_or_failure, timeout)` makes it another.
        """
        timed_out = False

        def on_time() -> None:
            nonlocal timed_out
            timed_out = True
            self.cancel()

        call = clock.callLater(timeout, on_time)

        def convert(result: Any) -> Any:
            if not timed_out:
                return result
            if onTimeoutCancel is not None:
                return onTimeoutCancel(result, timeout)
            if isinstance(result, Failure) and result.check(CancelledError):
                raise TimeoutError(timeout, "Deferred")
            return result

        def stop_clock(result: Any) -> Any:
            if call.active():
                call.cancel()
            return result

        self.addBoth(convert)
        self.addBoth(stop_clock)
        return self

    # -- firing

    def callback(self, result: T | Any) -> None:
        """Fire with a result: call what is in the queue, and what is added later at once.

        :raises AlreadyCalledError: if it has been fired before.
        :raises TypeError: if the result is a Deferred; return one from a callback instead.
        """
        special = isinstance(result, Special)
        if (self.called or special) and not self._may_fire(result):
            return
        self.called = True
        self._canceller = None  # what it holds need not live as long as the result
        self.result = result
        if self._debugInfo is not None:
            self._debugInfo.invoker = callersLines()
        if not self.paused and (self.callbacks or special):
            self._run(special)

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """Fire with an error: a Failure, an exception, or (None) the exception that is being handled.

        :raises AlreadyCalledError: if it has been fired before.
        """
        if fail is None:
            fail = Failure()
        elif not isinstance(fail, Failure):
            fail = Failure(fail)
        if self.called and not self._may_fire(None):
            return
        self.called = True
        self._canceller = None
        self.result = fail
        if self._debugInfo is not None:
            self._debugInfo.invoker = callersLines()
        if not self.paused:
            self._run(True)

    def _may_fire(self, result: object) -> bool:
        """Whether to go on firing in an odd case; raises where the caller made a mistake."""
        if isinstance(result, Deferred):
            raise TypeError("a Deferred cannot be fired with a Deferred; return one from a callback instead")
        if not self.called:
            return True  # with a Failure, which is as good as errback
        if getattr(self, "_suppressAlreadyCalled", False):
            # it was cancelled before, and the work behind it, which nobody could stop, has now ended
            self._suppressAlreadyCalled = False
            return False
        if self._debugInfo is not None and (where := self._debugInfo.describe()):
            raise AlreadyCalledError(where)
        raise AlreadyCalledError

    def pause(self) -> None:
        """Call nothing more from the queue until `unpause` has been called as often as `pause`."""
        self.paused += 1

    def unpause(self) -> None:
        """Take back one `pause`."""
        self.paused -= 1
        if self.called and not self.paused:
            self._run(isinstance(self.result, Failure))

    def cancel(self) -> None:
        """Stop the work behind this Deferred, as far as that is possible, and fire it with `CancelledError`.

        If it has been fired and waits for another Deferred, that one is cancelled; if it has its result, nothing happens.
        """
        if not self.called:
            if self._canceller is not None:
                self._canceller(self)
            else:
                self._suppressAlreadyCalled = True
            if not self.called:
                self.errback(Failure(CancelledError()))
        elif isinstance(getattr(self, "result", None), Deferred):
            awaited: Deferred[Any] = self.result
            # those that wait as well only hand it on; they may be a million
            while awaited.called and type(awaited).cancel is Deferred.cancel and isinstance(awaited.result, Deferred):
                awaited = awaited.result
            awaited.cancel()

    def _run(self, failed: bool) -> None:
        """Call what is due: this Deferred's queue, and the queues of those that wait for it, in turn.

        To be called only when it has been fired and is not paused. `failed`: its result is a Failure.
        """
        current: Deferred[Any] = self
        # those whose queue is not done yet, because one that waits for them comes first
        unfinished: list[Deferred[Any]] | None = None
        while True:
            result = current.result
            entries = current.callbacks
            waiting: Deferred[Any] | None = None
            current.paused = 1
            rest: Iterator[Entry] = iter(entries)
            finished = False
            # An entry that is added meanwhile is appended to this same list, and the iterator finds it.
            for callback, errback, args, kwargs in rest:
                function = errback if failed else callback
                if function is None:
                    if kwargs is not _CHAIN:
                        continue
                    if args.__class__ is tuple:
                        # by chainDeferred: fire it, in this loop and not by a call
                        try:
                            waiting = args[0]._to_be_fired()
                        except AlreadyCalledError as e:
                            result = _failed(e)
                            failed = True
                            continue
                        if waiting is None:
                            result = None
                            failed = False
                            continue
                    else:
                        waiting = args
                        waiting.paused -= 1
                    waiting.result = result
                    result = None
                    break
                try:
                    result = function(result, *args, **kwargs) if args or kwargs else function(result)
                    if not isinstance(result, Special):
                        failed = False
                    elif isinstance(result, Failure):
                        failed = True
                    else:
                        assert isinstance(result, Deferred)
                        if result is current:
                            _warn_of_circle(function)
                        if not result._has_result():
                            # wait for it; the one pause that `current` has for running now stands for that
                            result.callbacks.append((None, None, current, _CHAIN))
                            if current._debugInfo is not None:
                                current._debugInfo.failResult = None  # it has been handled
                            break
                        result = result._take_result()
                        failed = isinstance(result, Failure)
                except BaseException as e:
                    result = _failed(e)
                    failed = True
                if current.paused != 1:
                    current.paused -= 1
                    break
            else:
                entries.clear()
                current.paused = 0
                current.result = result
                if failed:
                    current._rest_on(result)
                elif current._debugInfo is not None:
                    current._debugInfo.failResult = None
                if unfinished is None:
                    return
                finished = True
            if not finished:
                entries[:] = rest
                current.result = result
                if waiting is not None:
                    if unfinished is None:
                        unfinished = []
                    unfinished.append(current)
                    if not waiting.paused:
                        current = waiting  # with the same result, failed or not
                        continue
            while unfinished:
                current = unfinished.pop()
                failed = isinstance(current.result, Failure)
                if current.paused == 1:
                    break
                # somebody has paused it meanwhile; its unpause() runs the rest
                current.paused -= 1
            else:
                return

    def _to_be_fired(self) -> Deferred[Any] | None:
        """This Deferred, as one that is fired in this moment; None if it is not to be fired any more."""
        if self.called and not self._may_fire(None):
            return None
        self.called = True
        self._canceller = None
        if self._debugInfo is not None:
            self._debugInfo.invoker = callersLines()
        return self

    def _wait_for(self, other: Deferred[Any]) -> None:
        """Fire with the result of `other`, which has none yet; as if a callback had returned it."""
        self.called = True
        self._canceller = None
        self.result = other
        self.paused += 1
        other.callbacks.append((None, None, self, _CHAIN))

    def _has_result(self) -> bool:
        """Whether the result is there to be taken now."""
        return self.called and not self.paused and not isinstance(self.result, Deferred)

    def _take_result(self) -> Any:
        """The result, which is the taker's business from now on; this Deferred goes on with None."""
        result, self.result = self.result, None
        if self._debugInfo is not None:
            self._debugInfo.failResult = None
        return result

    @property
    def _chainedTo(self) -> Deferred[Any] | None:
        """The Deferred that this one waits for, as far as that is known."""
        if self.called:
            result = getattr(self, "result", None)
            return result if isinstance(result, Deferred) else None
        fed_by = getattr(self, "_fed_by", None)
        return fed_by() if fed_by is not None else None

    @property
    def debug(self) -> bool:
        """Whether this Deferred notes where it is made and fired. Set it to note where this one is fired."""
        return _debugging or self._debugInfo is not None

    @debug.setter
    def debug(self, on: bool) -> None:
        if not self.called:
            self._debugInfo = (self._debugInfo or DebugInfo()) if on else None

    def _rest_on(self, failure: Failure) -> None:
        """The queue is at its end with an error: let its frames go, and see to it that it is told if nobody asks."""
        failure.cleanFailure()
        if self._debugInfo is None:
            self._debugInfo = DebugInfo()
        self._debugInfo.failResult = failure

    # -- async and await

    def __await__(self) -> Generator[Any, None, T]:
        """Wait for the result in a coroutine, whoever drives it: Plait (`ensureDeferred`) or an asyncio Task.

        Nothing is waited for if the result is there. Cancelling the Task cancels this Deferred.
        """
        if self.called and self._has_result() and not isinstance(self.result, Failure):
            return _given(self._take_result())
        if len(tasks := currentTasks.values()) == 1:
            # A task of this thread would be listed, so that one driver alone is ours, or another thread's and there is
            # no task here. The way below is plainer, and on 3.11 costs a system call.
            try:
                (task,) = tasks
            except ValueError:  # another thread's task has come or gone
                pass
            else:
                if isinstance(task, Driver):
                    return waitForDeferred(self)
        loop = _get_running_loop()
        if loop is not None:
            task = currentTasks.get(loop)
            if task is not None and not isinstance(task, Driver):
                return self._future(loop).__await__()
        return waitForDeferred(self)

    def __iter__(self) -> Generator[Any, None, T]:
        """For ``yield from`` in a generator that Plait drives."""
        return self.__await__()

    def _future(self, loop: AbstractEventLoop) -> AsyncioFuture[T]:
        """A future of `loop` that gets the result; cancelling it cancels this Deferred."""
        future: AsyncioFuture[T] = loop.create_future()

        def done(result: Any) -> None:
            if future.cancelled():
                return
            if isinstance(result, Failure):
                error = result.prepared()
                if isinstance(error, TaskCancelledError):
                    future.cancel(*error.args[:1])
                else:
                    future.set_exception(_not_stop_iteration(error))
            else:
                future.set_result(result)

        def cancelled(f: AsyncioFuture[T]) -> None:
            if f.cancelled():
                self.cancel()

        future.add_done_callback(cancelled)
        self.addBoth(done)
        return future

    def asFuture(self, loop: AbstractEventLoop) -> AsyncioFuture[T]:
        """A future of `loop` with this Deferred's result. Cancelling the future cancels the Deferred."""
        return self._future(loop)

    @classmethod
    def fromFuture(cls, future: AsyncioFuture[T]) -> Deferred[T]:
        """A Deferred with the result of an asyncio future or task.

        Cancelling the Deferred cancels the future, and it then ends as the future does: with `asyncio.CancelledError`,
        or (a task may refuse) with a result. Cancelled a second time it does not wait for that.
        """

        d: Deferred[T]

        def done(f: AsyncioFuture[T]) -> None:
            try:
                result = f.result()
            except BaseException as e:
                d.errback(Failure(e))
            else:
                d.callback(result)

        def canceller(cancelled: Deferred[T]) -> None:
            # a future ends a turn later, and a task in its own time and manner: wait for that
            nonlocal d
            d = Deferred()
            cancelled._wait_for(d)
            future.cancel()

        first: Deferred[T] = cls(canceller)
        d = first
        future.add_done_callback(done)
        return first

    @classmethod
    def fromCoroutine(cls, coro: Coroutine[Any, Any, T] | Generator[Any, Any, T]) -> Deferred[T]:
        """Run a coroutine now, up to its first wait, and give a Deferred with its result.

        :raises NotACoroutineError: if `coro` is not a coroutine (an ``async def`` function must be *called*).
        """
        return _start(coro)

    def __repr__(self) -> str:
        name = self.__class__.__qualname__
        awaited = self._chainedTo
        if awaited is not None:
            return f"<{name} at {id(self):#x} waiting on Deferred at {id(awaited):#x}>"
        if not self.called:
            return f"<{name} at {id(self):#x}>"
        return f"<{name} at {id(self):#x} current result: {getattr(self, 'result', None)!r}>"

    __str__ = __repr__


def waitForDeferred(deferred: Deferred[T]) -> Generator[Any, Any, T]:
    """One wait for a Deferred, in a coroutine that Plait drives: the driver is handed the Deferred and sends the result."""
    result: T = yield deferred
    return result


_CIRCULAR = (
    "Callback returned the Deferred it was attached to; this breaks the callback chain and will raise an exception "
    "in the future."
)


def _warn_of_circle(callback: Any) -> None:
    """Warn at the line of `callback`, where it has one."""
    code = getattr(callback, "__code__", None)
    if code is None:
        warnings.warn(_CIRCULAR, DeprecationWarning, stacklevel=3)
    else:
        warnings.warn_explicit(_CIRCULAR, DeprecationWarning, code.co_filename, code.co_firstlineno)


def _with_arguments(
    function: Callable[..., Any], args: tuple[Any, ...] | list[Any], kwargs: dict[str, Any] | None
) -> Callable[..., Any]:
    if not args and not kwargs:
        return function
    keywords = kwargs or NO_KEYWORDS
    return lambda result: function(result, *args, **keywords)


def _failed(error: BaseException) -> Failure:
    """The Failure of an exception that came out of a callback, without the frame of the loop that called it."""
    if isinstance(error, Failure):
        return error
    error.__traceback__ = withoutMachinery(error.__traceback__) or error.__traceback__
    return Failure(error)


def _not_stop_iteration(error: BaseException) -> BaseException:
    """A future cannot hold a StopIteration: it would end the coroutine that waits for it."""
    if isinstance(error, StopIteration):
        wrapped = RuntimeError("a Deferred failed with StopIteration")
        wrapped.__cause__ = error
        return wrapped
    return error


def _given(result: T) -> Generator[Any, None, T]:
    return result
    yield
