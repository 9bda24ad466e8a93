"""Workers and teams of them, step by step and in threads."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from plait.as_twisted.legacy.teams import (
    AlreadyQuit,
    IWorker,
    LockWorker,
    MemoryWorker,
    Quit,
    Team,
    ThreadWorker,
    createMemoryWorker,
    pool,
)
from plait.interfaces import verifyObject


class Crew:
    """A team whose coordinator and workers go on when they are told to."""

    def __init__(self, limit: int = 100) -> None:
        self.coordinator, self.coordinate = createMemoryWorker()
        self.workers: list[MemoryWorker] = []
        self.errors: list[str] = []
        self.limit = limit
        self.team = Team(self.coordinator, self.make, lambda: self.errors.append("error"))

    def make(self) -> MemoryWorker | None:
        if len(self.workers) >= self.limit:
            return None
        self.workers.append(MemoryWorker())
        return self.workers[-1]

    def settle(self) -> None:
        while self.coordinate() or sum(worker.perform() for worker in self.workers):
            pass

    @property
    def at_hand(self) -> int:
        return sum(not worker._quit.isSet for worker in self.workers)


@pytest.mark.parametrize(
    "make",
    [
        MemoryWorker,
        lambda: ThreadWorker(lambda target: None, queue.Queue()),
        lambda: LockWorker(threading.Lock(), threading.local()),
        lambda: Crew().team,
    ],
)
def test_a_worker_stops_once(make: Callable[[], Any]) -> None:
    worker = make()
    assert verifyObject(IWorker, worker)
    worker.quit()
    for again in (worker.quit, lambda: worker.do(list)):
        with pytest.raises(AlreadyQuit):
            again()


def test_a_mark() -> None:
    mark = Quit()
    mark.check()
    mark.set()
    assert mark.isSet
    with pytest.raises(AlreadyQuit):
        mark.check()


def test_a_team_makes_workers_as_it_needs_them() -> None:
    crew, done = Crew(limit=2), []
    for number in range(4):
        crew.team.do(lambda number=number: done.append(number))
    assert done == [] and crew.team.statistics() == (0, 0, 0)
    while crew.coordinate():
        pass
    assert crew.team.statistics() == (0, 2, 2)
    crew.settle()
    assert sorted(done) == [0, 1, 2, 3] and crew.team.statistics() == (2, 0, 0)


def test_a_team_grows_and_shrinks() -> None:
    crew = Crew(limit=5)
    crew.team.grow(9)
    crew.settle()
    assert crew.team.statistics().idleWorkerCount == crew.at_hand == 5
    crew.team.shrink(2)
    crew.settle()
    assert crew.at_hand == 3
    for _ in range(2):
        crew.team.do(list)
    while crew.coordinate():
        pass
    crew.team.shrink()
    crew.coordinate()
    assert crew.at_hand == 2  # those that work go on to the end
    crew.settle()
    assert crew.at_hand == 0


def test_a_team_ends_when_all_is_done() -> None:
    crew, done = Crew(limit=1), []
    for number in range(3):
        crew.team.do(lambda number=number: done.append(number))
    crew.team.quit()
    crew.settle()
    assert done == [0, 1, 2] and crew.at_hand == 0 and crew.coordinator._quit.isSet


def test_an_error_is_told_and_the_worker_goes_on() -> None:
    crew = Crew(limit=1)
    crew.team.do(lambda: 1 / 0)
    crew.settle()
    assert crew.errors == ["error"] and crew.team.statistics() == (1, 0, 0)


def test_what_is_asked_for_under_the_lock_comes_next() -> None:
    lock, order = threading.Lock(), []
    worker = LockWorker(lock, threading.local())

    def outer() -> None:
        worker.do(lambda: order.append(("inner", lock.locked())))
        worker.quit()
        order.append(("outer", lock.locked()))

    worker.do(outer)
    assert order == [("outer", True), ("inner", True)] and not lock.locked()


def test_threads() -> None:
    team = pool(lambda: 3)
    barrier = threading.Barrier(3, timeout=30)
    ended = threading.Semaphore(0)
    for _ in range(3):
        team.do(lambda: (barrier.wait(), ended.release()))
    assert all(ended.acquire(timeout=30) for _ in range(3))
    team.quit()
