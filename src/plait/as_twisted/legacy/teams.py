"""What `twisted._threads` is: workers, each of which does one thing after the other, and teams of them.

Plait's own pool of threads (`plait.engine.ThreadPool`) is the standard library's; this is for programs that build their
own pools, and for their tests: a team whose workers are made by `createMemoryWorker` does its work step by step.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import Queue
from typing import Any, NamedTuple

from plait.interfaces import Interface, implementer
from plait.log.legacy import err

__all__ = [
    "AlreadyQuit",
    "IExclusiveWorker",
    "IWorker",
    "LockWorker",
    "MemoryWorker",
    "Quit",
    "SimpleLock",
    "Statistics",
    "Team",
    "ThreadWorker",
    "createMemoryWorker",
    "pool",
]


class AlreadyQuit(Exception):
    """A worker was asked to do something after it had been told to stop."""


class IWorker(Interface):
    """Does what it is given, in its order."""

    def do(self, task: Callable[[], object]) -> None:
        """Do something, now or later. Raises `AlreadyQuit` after `quit`."""

    def quit(self) -> None:
        """Take nothing more, and end when all is done. Raises `AlreadyQuit` the second time."""


class IExclusiveWorker(IWorker):
    """A worker that never does two things at once."""


class SimpleLock(Interface):
    """A lock."""

    def acquire(self) -> bool:
        """Take it; wait for it if need be."""

    def release(self) -> None:
        """Give it back."""


class Quit:
    """A mark that is set once."""

    def __init__(self) -> None:
        self.isSet = False

    def set(self) -> None:
        """Set it. Raises `AlreadyQuit` where it is set."""
        self.check()
        self.isSet = True

    def check(self) -> None:
        """Raise `AlreadyQuit` where it is set."""
        if self.isSet:
            raise AlreadyQuit("this worker has been told to stop")


@implementer(IExclusiveWorker)
class MemoryWorker:
    """A worker that does nothing until it is told to: see `createMemoryWorker`."""

    def __init__(self) -> None:
        self._quit = Quit()
        self._pending: deque[Callable[[], object]] = deque()

    def do(self, work: Callable[[], object]) -> None:
        """Keep something to do."""
        self._quit.check()
        self._pending.append(work)

    def quit(self) -> None:
        """Take nothing more."""
        self._quit.set()

    def perform(self) -> bool:
        """Do the next thing. Was there one?"""
        if not self._pending:
            return False
        self._pending.popleft()()
        return True


def createMemoryWorker() -> tuple[MemoryWorker, Callable[[], bool]]:
    """A worker for tests, and a function that has it do the next thing and says whether there was one."""
    worker = MemoryWorker()
    return worker, worker.perform


@implementer(IExclusiveWorker)
class ThreadWorker:
    """A worker with a thread, which takes things from a queue."""

    def __init__(self, startThread: Callable[[Callable[[], object]], object], queue: Any) -> None:
        self._quit = Quit()
        self._queue = queue
        startThread(self._work)

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            task()

    def do(self, task: Callable[[], object]) -> None:
        """Do something in the thread."""
        self._quit.check()
        self._queue.put(task)

    def quit(self) -> None:
        """End the thread when all is done."""
        self._quit.set()
        self._queue.put(None)


@implementer(IExclusiveWorker)
class LockWorker:
    """A worker that does things at once, in the thread that asks, while it holds a lock.

    What is asked for meanwhile in the same thread is done next.
    """

    def __init__(self, lock: Any, local: Any) -> None:
        self._quit = Quit()
        self._lock: Any = lock
        self._local = local

    def do(self, work: Callable[[], object]) -> None:
        """Do something when it is this thread's turn."""
        lock = self._lock
        self._quit.check()
        under_way: deque[Callable[[], object]] | None = getattr(self._local, "under_way", None)
        if under_way is not None:
            under_way.append(work)
            return
        self._local.under_way = under_way = deque([work])
        lock.acquire()
        try:
            while under_way:
                under_way.popleft()()
        finally:
            lock.release()
            self._local.under_way = None

    def quit(self) -> None:
        """Take nothing more, and let go of the lock."""
        self._quit.set()
        self._lock = None


class Statistics(NamedTuple):
    """How a team is: workers without and with something to do, and things that have no worker yet."""

    idleWorkerCount: int
    busyWorkerCount: int
    backloggedWorkCount: int


@implementer(IWorker)
class Team:
    """Workers that share what there is to do.

    ``coordinator`` is the worker that hands it out, so that no two threads do that at once; ``createWorker`` makes another
    worker, or gives None where there are enough, and ``logException`` is called where something that was done raises.
    """

    def __init__(self, coordinator: Any, createWorker: Callable[[], Any], logException: Callable[[], object]) -> None:
        self._quit = Quit()
        self._coordinator = coordinator
        self._create = createWorker
        self._log = logException
        self._idle: list[Any] = []
        self._busy = 0
        self._pending: deque[Callable[[], object]] = deque()
        self._surplus = 0
        self._finishing = False

    def statistics(self) -> Statistics:
        """How many work, wait, and are waited for."""
        return Statistics(len(self._idle), self._busy, len(self._pending))

    def grow(self, n: int) -> None:
        """Make so many workers more, as far as they can be made."""

        def make() -> None:
            for _ in range(n):
                worker = self._create()
                if worker is None:
                    break
                self._idle.append(worker)
            self._settle()

        self._quit.check()
        self._coordinator.do(make)

    def shrink(self, n: int | None = None) -> None:
        """Let so many workers quit, or all: those that work when they are done."""

        def dismiss() -> None:
            self._surplus += len(self._idle) + self._busy if n is None else n
            self._settle()

        self._quit.check()
        self._coordinator.do(dismiss)

    def do(self, task: Callable[[], object]) -> None:
        """Have a worker do something."""

        def hand_out() -> None:
            self._pending.append(task)
            self._settle()

        self._quit.check()
        self._coordinator.do(hand_out)

    def quit(self) -> None:
        """Let all workers quit when all is done, and then the coordinator."""

        def finish() -> None:
            self._finishing = True
            self._settle()

        self._quit.set()
        self._coordinator.do(finish)

    def _settle(self) -> None:
        """In the coordinator, after each change: nobody is idle while there is something to do, nor longer than wanted."""
        while self._pending:
            worker = self._idle.pop() if self._idle else self._create()
            if worker is None:
                break
            self._start(worker, self._pending.popleft())
        if self._finishing:
            self._surplus = len(self._idle)
        while self._surplus and self._idle:
            self._surplus -= 1
            self._idle.pop().quit()
        if self._finishing and not self._busy:
            self._coordinator.quit()

    def _start(self, worker: Any, task: Callable[[], object]) -> None:
        def work() -> None:
            try:
                task()
            except BaseException:
                self._log()
            self._coordinator.do(done)

        def done() -> None:
            self._busy -= 1
            self._idle.append(worker)
            self._settle()

        self._busy += 1
        worker.do(work)


def pool(currentLimit: Callable[[], int], threadFactory: Callable[..., Any] = threading.Thread) -> Team:
    """A team of threads, never more than ``currentLimit()``."""

    def start(target: Callable[[], object]) -> None:
        threadFactory(target=target).start()

    def create() -> ThreadWorker | None:
        counts = team.statistics()
        if counts.busyWorkerCount + counts.idleWorkerCount >= currentLimit():
            return None
        return ThreadWorker(start, Queue())

    team = Team(LockWorker(threading.Lock(), threading.local()), create, lambda: err(None, "a thread's task failed"))
    return team
