"""Threads."""

from __future__ import annotations

import pickle
import threading

import pytest

from plait.as_twisted.legacy import threadable


def test_the_reactors_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threadable, "ioThread", None)
    answers: list[bool] = []

    def ask() -> None:
        answers.append(threadable.isInIOThread())
        threadable.registerAsIOThread()
        answers.append(threadable.isInIOThread())

    assert threadable.isInIOThread()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [False, True]


def test_methods_take_turns() -> None:
    class Shared:
        synchronized = ["enter"]

        def __init__(self) -> None:
            self.inside = threading.Event()
            self.go_on = threading.Event()
            self.log: list[str] = []

        def enter(self, name: str) -> None:
            self.log.append(f"{name} in")
            if name == "first":
                self.inside.set()
                self.go_on.wait(10)
            self.log.append(f"{name} out")

    threadable.synchronize(Shared)
    shared = Shared()
    first = threading.Thread(target=shared.enter, args=["first"])
    first.start()
    assert shared.inside.wait(10)
    second = threading.Thread(target=shared.enter, args=["second"])
    second.start()
    shared.go_on.set()
    first.join()
    second.join()
    assert shared.log == ["first in", "first out", "second in", "second out"]


def test_a_lock_in_a_pickle() -> None:
    for kind in (threadable.XLock, threadable.DummyLock):
        lock = pickle.loads(pickle.dumps(kind()))
        assert isinstance(lock, threadable.XLock)
        with lock, lock:
            pass
