"""Coroutines that Plait drives: `ensureDeferred`, `Deferred.fromCoroutine`.

Such a coroutine starts at once, runs up to its first wait, and goes on in the very call that fires the Deferred it
waits for, with or without a running event loop. It can also wait for asyncio futures, so that asyncio's and anyio's
libraries work in it. For them the driver wears the public face of an `asyncio.Task` and is the loop's current task while
the coroutine runs.

There are two ways to cancel it, and they differ on purpose:

* through its Deferred: at once, with Plait's `CancelledError`, as a Deferred is cancelled;
* through its Task face: on the loop's next turn, with `asyncio.CancelledError` and the message, as a Task is cancelled.
  `asyncio.timeout` notes that it has expired only after ``cancel()`` has returned, and anyio knows its own
  cancellations by their message.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError as TaskCancelledError
from asyncio import _get_running_loop
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType, FrameType, GeneratorType
from typing import Any, TypeVar
from weakref import WeakSet, ref

from plait.deferred.core import (
    NO_KEYWORDS,
    CancelledError,
    Deferred,
    Driver,
    Entry,
    _failed,
    currentTasks,
    registerDriver,
    waitForDeferred,
)
from plait.failure import Failure, withoutMachinery

T = TypeVar("T")

# Before 3.12 asyncio makes a system call each time that it is asked which loop runs in this thread.
_LOOP_IS_DEAR = sys.version_info < (3, 12)

# The set of all tasks, for `asyncio.all_tasks`. An entry costs a microsecond by asyncio's own function, which is written
# in Python, and a fifth of that when it is made here.
_tasks: Any = getattr(asyncio.tasks, "_scheduled_tasks", getattr(asyncio.tasks, "_all_tasks", None))
if not isinstance(_tasks, WeakSet):  # pragma: no cover (a later Python)
    _tasks = None


# Those that wait for a future. A loop knows its tasks weakly, and some of asyncio's own objects (a stream knows its reader so)
# would let a coroutine be collected for which nobody has kept the Deferred: a hook, or a program's main().
_waiting: set[CoroutineDriver] = set()


# Those that have waited when no loop ran, as in a service that is started before the reactor runs: no loop lists them.
_without_loop: WeakSet[CoroutineDriver] = WeakSet()


def waitingWithoutLoop() -> list[CoroutineDriver]:
    """The coroutines that began to wait before a loop ran, and have not gone on since: `asyncio.all_tasks` has the others."""
    return [driver for driver in _without_loop if not driver._done and driver._home is None]


class CoroutineDeferred(Deferred[T]):
    """The Deferred of a coroutine's result. Cancelling it cancels what the coroutine waits for.

    The coroutine decides: if it handles the `CancelledError`, it goes on, and its result is the result.
    """

    __slots__ = ("_driver",)

    _driver: CoroutineDriver | None

    def cancel(self) -> None:
        if self._driver is None:
            super().cancel()
        else:
            self._driver.cancel_now()


class CoroutineDriver(Driver):
    """Drives one coroutine, and is its Task as far as asyncio's libraries look.

    Its result goes to `deferred`, if there is one; a subclass can do without, and see the end in `_finish`.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_callbacks",
        "_cancelled_itself",
        "_context",
        "_coro",
        "_done",
        "_entry",
        "_fut_waiter",
        "_home",
        "_must_cancel",
        "_resumption",
        "_waits_for",
        "deferred",
    )

    # What few coroutines need is a default here, and an entry of __dict__ where it is set.
    _cancel_message: Any = None
    _cancel_requests = 0
    _result: Any = None
    _exception: BaseException | None = None
    _name: str | None = None

    # asyncio.isfuture() looks for this on the class
    _asyncio_future_blocking = False

    def __init__(self, coro: Any, deferred: CoroutineDeferred[Any] | None = None) -> None:
        self._coro = coro
        self.deferred = deferred
        if deferred is not None:
            deferred._driver = self
        self._context: Context = copy_context()
        self._home: asyncio.AbstractEventLoop | None = None  # known as soon as it has waited
        self._entry: ref[CoroutineDriver] | None = None  # in the set of all tasks
        self._resumption: Entry | None = None  # in the queue of the Deferred that it waits for
        self._waits_for: Deferred[Any] | None = None
        self._fut_waiter: Any = None
        self._callbacks: list[tuple[Any, Context | None]] | None = None
        self._must_cancel = False
        self._cancelled_itself = False
        self._done = False

    # -- driving

    def _on_failure(self, failure: Failure) -> None:
        """The Deferred that the coroutine waits for has failed."""
        self._step(None, failure.prepared())

    def _on_future(self, future: Any) -> None:
        """The future that the coroutine waits for is done; called in the coroutine's own context."""
        if self._fut_waiter is not future:
            return  # it was cancelled through its Deferred when this call was under way already
        self._fut_waiter = None
        _waiting.discard(self)
        try:
            future.result()
        except BaseException as e:
            self._step(None, e.with_traceback(withoutMachinery(e.__traceback__)), True)
        else:
            self._step(None, None, True)

    def _on_turn(self) -> None:
        """The loop has made the turn that the coroutine waited for (``await asyncio.sleep(0)``)."""
        if self._fut_waiter is _A_TURN:
            self._fut_waiter = None
            self._step(None, None, True)

    def _step(
        self,
        value: Any,
        error: BaseException | None = None,
        inside: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Run the coroutine with a result, or an error, to its next wait or its end.

        `inside`: this is called in the coroutine's context already. `loop`: the one that runs, if that is known.
        """
        self._waits_for = None
        if self._must_cancel:
            self._must_cancel = False
            if not isinstance(error, TaskCancelledError):
                error = self._make_cancelled()
        coro = self._coro
        if loop is None and _LOOP_IS_DEAR and self._home is not None and self._home.is_running():
            loop = self._home
        if loop is None:
            loop = _get_running_loop()
        if loop is not None:
            outer = currentTasks.get(loop)
            currentTasks[loop] = self
        failure: Failure | None = None
        try:
            while True:
                if error is not None:
                    thrown, error = error, None
                    _let_go(coro)
                    awaited = coro.throw(thrown) if inside else self._context.run(coro.throw, thrown)
                elif inside:
                    awaited = coro.send(value)
                else:
                    awaited = self._context.run(coro.send, value)
                if isinstance(awaited, Deferred):
                    if self._cancelled_itself:
                        self._cancelled_itself = False
                        error = CancelledError()
                        continue
                    if awaited.called and awaited._has_result():
                        value = awaited._take_result()
                        if isinstance(value, Failure):
                            error = value.prepared()
                        continue
                    self._waits_for = awaited
                    if self._resumption is None:
                        self._resumption = (self._step, self._on_failure, (), NO_KEYWORDS)
                    awaited.callbacks.append(self._resumption)
                    if loop is not None:
                        if self._home is None:
                            self._wait_in(loop)
                        if self._must_cancel:
                            if self._hand_on(self._cancel_message):
                                self._must_cancel = False
                            else:
                                loop.call_soon(self._cancel_wait, context=self._context)
                    elif self._home is None:
                        _without_loop.add(self)
                    return
                error = self._wait_for_asyncio(loop, awaited)
                if error is None:
                    return
        except StopIteration as e:
            value = e.value
        except BaseException as e:
            failure = _failed(e)
        finally:
            if loop is not None:
                if outer is None:
                    del currentTasks[loop]
                else:
                    currentTasks[loop] = outer
        self._finish(value, failure)

    def _wait_for_asyncio(self, loop: asyncio.AbstractEventLoop | None, awaited: Any) -> BaseException | None:
        """Wait for a future, or a turn of the loop; gives the error to be raised in the coroutine instead."""
        if self._cancelled_itself:
            self._cancelled_itself = False
            if awaited is not None:
                awaited.cancel()
            return CancelledError()
        if awaited is None:
            if loop is None:
                return RuntimeError(
                    "a coroutine waits for a turn of the event loop (asyncio.sleep(0)?), and no loop runs: "
                    "start it from reactor.callWhenRunning"
                )
            self._wait_in(loop)
            self._fut_waiter = _A_TURN
            loop.call_soon(self._on_turn, context=self._context)
            return None
        if not getattr(awaited, "_asyncio_future_blocking", False):
            return RuntimeError(
                f"a coroutine awaited {awaited!r}: Plait can wait for a Deferred, a coroutine, or an asyncio future"
            )
        awaited._asyncio_future_blocking = False
        self._wait_in(awaited.get_loop())
        self._fut_waiter = awaited
        _waiting.add(self)
        awaited.add_done_callback(self._on_future, context=self._context)
        if self._must_cancel and awaited.cancel(msg=self._cancel_message):
            self._must_cancel = False
        return None

    def _wait_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """The coroutine is about to wait for the first time: now, and not before, it is worth an entry in `all_tasks`."""
        if self._home is not None:
            return
        self._home = loop
        if _tasks is None:  # pragma: no cover (a later Python)
            asyncio._register_task(self)  # type: ignore[arg-type]
        else:
            self._entry = entry = ref(self, _tasks._remove)
            _tasks.data.add(entry)

    def _finish(self, value: Any, failure: Failure | None) -> None:
        self._done = True
        if self._entry is not None:
            _tasks.data.discard(self._entry)
        if self._callbacks is not None:
            self._result = value
            self._exception = failure.value if failure is not None else None
            for callback, context in self._callbacks:
                self.get_loop().call_soon(callback, self, context=context)
        elif failure is not None:
            self._exception = failure.value
        elif value is not None:
            self._result = value
        self._resumption = None
        deferred = self.deferred
        if deferred is None:
            return
        deferred._driver = None  # no circles are left for the garbage collector
        if failure is not None:
            deferred.errback(failure)
        else:
            deferred.callback(value)

    # -- cancelling

    def cancel_now(self) -> None:
        """Cancel through the Deferred: what is waited for is cancelled, and the coroutine goes on now."""
        if self._done:
            return
        if self._waits_for is not None:
            self._waits_for.cancel()
        elif self._fut_waiter is not None:
            future, self._fut_waiter = self._fut_waiter, None
            if future is not _A_TURN:
                _waiting.discard(self)
                future.remove_done_callback(self._on_future)
                future.cancel()
            self._step(None, CancelledError())
        else:
            self._cancelled_itself = True  # it runs now

    def cancel(self, msg: Any = None) -> bool:
        """Cancel as a Task is: `asyncio.CancelledError` is raised in the coroutine on the loop's next turn."""
        if self._done:
            return False
        self._cancel_requests += 1
        if self._fut_waiter is not None and self._fut_waiter is not _A_TURN and self._fut_waiter.cancel(msg=msg):
            return True
        if self._hand_on(msg):
            return True
        self._cancel_message = msg
        if not self._must_cancel:
            self._must_cancel = True
            if self._waits_for is not None:
                self.get_loop().call_soon(self._cancel_wait, context=self._context)
        return True

    def _hand_on(self, msg: Any) -> bool:
        """Waiting for another coroutine, cancel that one, as a Task does: its end, clean-up and all, is waited for."""
        awaited = self._waits_for
        return isinstance(awaited, CoroutineDeferred) and awaited._driver is not None and awaited._driver.cancel(msg)

    def _cancel_wait(self) -> None:
        """Raise `asyncio.CancelledError` in a coroutine that waits for a Deferred, and cancel that Deferred."""
        awaited = self._waits_for
        if not self._must_cancel or self._done or awaited is None:
            return
        for n, entry in enumerate(awaited.callbacks):
            if entry is self._resumption:
                awaited.callbacks[n] = (_ignore, _ignore, (), NO_KEYWORDS)
        self._waits_for = None
        awaited.cancel()
        self._step(None, None, True)

    def _make_cancelled(self) -> TaskCancelledError:
        return TaskCancelledError() if self._cancel_message is None else TaskCancelledError(self._cancel_message)

    def cancelling(self) -> int:
        """How many requests to cancel have not been taken back."""
        return self._cancel_requests

    def uncancel(self) -> int:
        """Take back one request to cancel; gives how many remain."""
        if self._cancel_requests > 0:
            self._cancel_requests -= 1
            if self._cancel_requests == 0:
                self._must_cancel = False
        return self._cancel_requests

    # -- the rest of a Task's face

    def get_coro(self) -> Any:
        return self._coro

    def get_context(self) -> Context:
        return self._context

    def get_name(self) -> str:
        if self._name is None:
            self._name = getattr(self._coro, "__qualname__", "coroutine")
        return self._name

    def set_name(self, value: object) -> None:
        self._name = str(value)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._home or asyncio.get_running_loop()

    # anyio looks at this, at `_callbacks`, `_fut_waiter` and `_must_cancel`, as a Task has them.
    _loop = property(get_loop)

    def get_stack(self, *, limit: int | None = None) -> list[FrameType]:
        """The frame where the coroutine waits."""
        frame = getattr(self._coro, "cr_frame", None) or getattr(self._coro, "gi_frame", None)
        return [frame] if frame is not None else []

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return self._done and isinstance(self._exception, TaskCancelledError)

    def result(self) -> Any:
        if not self._done:
            raise asyncio.InvalidStateError("the coroutine has not ended")
        if self._exception is not None:
            raise self._exception
        return self._result

    def exception(self) -> BaseException | None:
        if not self._done:
            raise asyncio.InvalidStateError("the coroutine has not ended")
        if isinstance(self._exception, TaskCancelledError):
            raise self._exception
        return self._exception

    def add_done_callback(self, fn: Callable[[Any], object], *, context: Context | None = None) -> None:
        if context is None:
            context = copy_context()
        if self._done:
            self.get_loop().call_soon(fn, self, context=context)
        elif self._callbacks is None:
            self._callbacks = [(fn, context)]
        else:
            self._callbacks.append((fn, context))

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        before = self._callbacks or []
        self._callbacks = [(f, c) for f, c in before if f != fn]
        return len(before) - len(self._callbacks)

    def __await__(self) -> Generator[Any, None, Any]:
        if self.deferred is None:
            deferred: CoroutineDeferred[Any] = CoroutineDeferred()
            self.deferred = deferred
            if self._done:
                deferred._driver = None
                deferred.callback(self._result) if self._exception is None else deferred.errback(self._exception)
            else:
                deferred._driver = self
        return self.deferred.__await__()

    def __repr__(self) -> str:
        return f"<coroutine {self.get_name()} driven by Plait, {'done' if self._done else 'waiting'}>"


class _Turn:
    """Stands in `_fut_waiter` while the coroutine waits for a turn of the loop and for nothing else."""

    def done(self) -> bool:
        return False


_A_TURN = _Turn()


def _let_go(coro: Any) -> None:
    """End the generator in which `coro` waits for a Deferred, so that an error is raised in the coroutine itself.

    Else a frame of ours would stand between the user's and those that the error has come from.
    """
    while True:
        inner = getattr(coro, "cr_await", None)
        if inner is None:
            inner = getattr(coro, "gi_yieldfrom", None)
        if inner is None:
            break
        coro = inner
    if isinstance(coro, GeneratorType) and coro.gi_code is waitForDeferred.__code__:
        coro.close()


def _ignore(result: object) -> None:
    """Takes the place of a coroutine that no longer waits."""


class NotACoroutineError(TypeError):
    """A coroutine was needed, and something else was given."""


def _start(coro: Any) -> Deferred[Any]:
    if type(coro) is not CoroutineType and not isinstance(coro, (Coroutine, GeneratorType)):
        hint = f": call it, {getattr(coro, '__name__', 'f')}(...)" if callable(coro) else ""
        raise NotACoroutineError(f"a coroutine is needed here, not {coro!r}{hint}")
    deferred: CoroutineDeferred[Any] = CoroutineDeferred()
    CoroutineDriver(coro, deferred)._step(None)
    return deferred


registerDriver(_start)


def ensureDeferred(coro: Coroutine[Any, Any, T] | Generator[Any, Any, T] | Deferred[T]) -> Deferred[T]:
    """A Deferred of the result of `coro`: run the coroutine now, up to its first wait, or give the Deferred back.

    :raises NotACoroutineError: if it is neither a Deferred nor a coroutine (an ``async def`` function must be *called*).
    """
    if type(coro) is CoroutineType:
        deferred: CoroutineDeferred[T] = CoroutineDeferred()
        CoroutineDriver(coro, deferred)._step(None)
        return deferred
    return coro if isinstance(coro, Deferred) else _start(coro)
