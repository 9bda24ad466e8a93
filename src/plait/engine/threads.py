"""Threads: work that blocks, done aside, its result a Deferred."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from plait import current
from plait.deferred import Deferred, maybeDeferred
from plait.errors import ReactorNotRunning
from plait.failure import Failure
from plait.instruments import instruments
from plait.log import Logger

T = TypeVar("T")
P = ParamSpec("P")

_log = Logger("plait.engine")


class ThreadPool:
    """Threads that do work: `minthreads` from the start, more when there is work, up to `maxthreads`; then it waits.

    Attributes: `min`, `max` (the sizes; with a `max` of 0 one thread does the work all the same), `name`, `started`, `joined`
    (whether it has been stopped); `threads`, of which some are `working` and the others `waiters`. A pool can be pickled:
    what is loaded has the same sizes and no threads.
    """

    def __init__(self, minthreads: int = 5, maxthreads: int = 20, name: str | None = None) -> None:
        self.min = minthreads
        self.max = maxthreads
        self.name = name
        self.started = False
        self.joined = False
        self._executor: ThreadPoolExecutor | None = None
        self._early: list[Callable[[], object]] = []
        self.working: list[threading.Thread] = []

    def __getstate__(self) -> dict[str, Any]:
        return {"min": self.min, "max": self.max, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["min"], state["max"], state["name"])  # type: ignore[misc]

    @staticmethod
    def currentThread() -> threading.Thread:
        """The thread that asks. Deprecated: use `threading.current_thread`."""
        warnings.warn(
            "plait.engine.threads.ThreadPool.currentThread was deprecated in Twisted 22.1.0; "
            "please use threading.current_thread instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return threading.current_thread()

    @property
    def threads(self) -> list[threading.Thread]:
        """The threads that there are."""
        return [] if self._executor is None else list(self._executor._threads)

    @property
    def workers(self) -> int:
        """How many threads there are."""
        return len(self.threads)

    @property
    def waiters(self) -> list[threading.Thread]:
        """The threads that have nothing to do."""
        working = set(self.working)
        return [thread for thread in self.threads if thread not in working]

    @property
    def _queue(self) -> Any:
        """What is to be done and has no thread yet; programs that watch a pool ask for its ``qsize()``."""
        return SimpleQueue() if self._executor is None else self._executor._work_queue

    def dumpStats(self) -> None:
        """Log how many wait and work."""
        _log.info(
            "queue: {queued}, waiters: {waiters}, workers: {workers}, total: {total}",
            queued=self._queue.qsize(),
            waiters=len(self.waiters),
            workers=len(self.working),
            total=self.workers,
        )

    def start(self) -> None:
        """Make `min` threads, and begin to work, with what was asked for before."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max(self.max, 1), self.name or "plait-pool")
            while len(self._executor._threads) < min(self.min, self.max):
                self._executor._adjust_thread_count()
        self.started = True
        self.joined = False
        early, self._early = self._early, []
        for work in early:
            self._executor.submit(self._counted, work)

    def stop(self) -> None:
        """Wait for the work that is under way, and end the threads. Work that has not begun is dropped."""
        self.started = False
        self.joined = True
        executor, self._executor = self._executor, None  # what is asked for meanwhile is for the next start
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def adjustPoolsize(self, minthreads: int | None = None, maxthreads: int | None = None) -> None:
        """Change the sizes."""
        self.min = self.min if minthreads is None else minthreads
        self.max = self.max if maxthreads is None else maxthreads
        if self._executor is not None:
            # the standard library's executor looks at this number whenever work comes in
            self._executor._max_workers = max(self.max, 1)

    def callInThread(self, func: Callable[P, object], *args: P.args, **kw: P.kwargs) -> None:
        """Call `func` in a thread, in the caller's context; an error is logged."""
        self.callInThreadWithCallback(None, func, *args, **kw)

    def callInThreadWithCallback(
        self,
        onResult: Callable[[bool, Any], object] | None,
        func: Callable[P, object],
        *args: P.args,
        **kw: P.kwargs,
    ) -> None:
        """As `callInThread`; then ``onResult(success, result or Failure)`` is called, in the same thread."""
        context = copy_context()
        call: partial[object] | None = partial(func, *args, **kw)
        traced = None if instruments.threadCall is None else instruments.threadCall(func)
        del func, args, kw

        def work() -> None:
            nonlocal call
            assert call is not None
            try:
                result: Any = context.run(call) if traced is None else context.run(traced, call)
                success = True
            except BaseException as e:
                result, success = Failure(e), False
                if onResult is None:
                    _log.failure("Unhandled error in a thread, in {func!r}", result, func=call.func)
            call = None  # onResult may take its time: what was needed for the call is free meanwhile
            if onResult is not None:
                try:
                    onResult(success, result)
                except BaseException as e:
                    _log.failure("Unhandled error in a thread, in {func!r}", Failure(e), func=onResult)

        executor = self._executor
        try:
            if executor is not None:
                executor.submit(self._counted, work)
                return
        except RuntimeError:
            pass  # it is being stopped, in another thread
        self._early.append(work)

    def _counted(self, work: Callable[[], object]) -> None:
        """Do it, and be among those at work meanwhile."""
        thread = threading.current_thread()
        self.working.append(thread)
        try:
            work()
        finally:
            self.working.remove(thread)


def deferToThreadPool(
    reactor: Any, threadpool: ThreadPool, f: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> Deferred[T]:
    """Call `f` in a thread of `threadpool` and give a Deferred of its result, fired in the reactor's thread."""
    d: Deferred[T] = Deferred()

    def done(success: bool, result: Any) -> None:
        reactor.callFromThread(d.callback if success else d.errback, result)

    threadpool.callInThreadWithCallback(done, f, *args, **kwargs)
    return d


def deferToThread(f: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """Call `f` in a thread of the reactor's pool and give a Deferred of its result."""
    reactor = current.getReactor()
    return deferToThreadPool(reactor, reactor.getThreadPool(), f, *args, **kwargs)


def callMultipleInThread(
    tupleList: Iterable[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]],
) -> None:
    """Call several functions one after the other in one thread of the reactor's pool."""
    calls = list(tupleList)

    def work() -> None:
        for f, args, kwargs in calls:
            f(*args, **kwargs)

    current.getReactor().callInThread(work)


def blockingCallFromThread(reactor: Any, f: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """Called in another thread: call `f` in the reactor's, wait for its result (or its Deferred's), and give or raise it.

    :raises RuntimeError: in the reactor's own thread, which would wait for itself for ever.
    :raises plait.errors.ReactorNotRunning: if the reactor ends before there is an answer.
    """
    ident = getattr(reactor, "threadIdent", None)  # a fake for tests may have none
    if ident is not None and ident() == threading.get_ident():
        raise RuntimeError("blockingCallFromThread was called in the reactor's own thread: await the Deferred instead")
    answer = _Answer()

    def work() -> None:
        maybeDeferred(f, *args, **kwargs).addCallbacks(answer.give, lambda failure: answer.fail(failure.value))

    questions: Questions | None = getattr(reactor, "_questions", None)
    if questions is None:
        reactor.callFromThread(work)
        return answer.result()
    with questions.asking(answer):
        reactor.callFromThread(work)
        return answer.result()


class _Answer(Future[Any]):
    """What a thread waits for. The reactor's end may be quicker than the result."""

    def give(self, result: Any) -> None:
        if not self.done():
            self.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.done():
            self.set_exception(error)


class Questions:
    """The calls of `blockingCallFromThread` that wait for a reactor.

    At its end it waits for the threads of its pool, and they must not wait for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[_Answer] = set()
        self._closed = False

    @contextmanager
    def asking(self, answer: _Answer) -> Iterator[None]:
        """While `answer` is waited for."""
        with self._lock:
            self._open.add(answer)
            if self._closed:
                answer.fail(self._why())
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(answer)

    def close(self) -> None:
        """The reactor answers no more."""
        with self._lock:
            self._closed = True
            for answer in self._open:
                answer.fail(self._why())

    def reopen(self) -> None:
        """It may run again."""
        with self._lock:
            self._closed = False

    def _why(self) -> ReactorNotRunning:
        return ReactorNotRunning("the reactor has ended, and answers no calls from threads any more")
