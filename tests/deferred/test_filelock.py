"""Locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plait.deferred import CancelledError, Deferred, TimeoutError
from plait.deferred.filelock import AlreadyTryingToLockError, DeferredFilesystemLock, FilesystemLock, isLocked
from plait.task import Clock


@pytest.fixture
def name(tmp_path: Path) -> str:
    """Where the lock is."""
    return str(tmp_path / "lock")


def test_one_at_a_time(name: str) -> None:
    lock, other = FilesystemLock(name), FilesystemLock(name)
    assert not isLocked(name)
    assert lock.lock() and lock.locked and lock.clean
    assert not other.lock() and not other.locked
    assert isLocked(name)
    lock.unlock()
    assert not lock.locked and other.lock() and other.clean


def test_the_lock_of_a_dead_process_is_taken_over(name: str) -> None:
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    os.symlink(child.stdout.decode().strip(), name)
    lock = FilesystemLock(name)
    assert lock.lock() and not lock.clean
    assert os.readlink(name) == str(os.getpid())


def test_the_lock_of_another_is_not_given_back(name: str) -> None:
    os.symlink(str(os.getppid()), name)
    lock = FilesystemLock(name)
    assert not lock.lock()
    with pytest.raises(ValueError):
        lock.unlock()
    assert os.path.islink(name)


def failure_of(d: Deferred[None]) -> type[BaseException]:
    errors: list[type[BaseException]] = []
    d.addErrback(lambda f: errors.append(f.type))
    return errors[0]


def test_a_free_lock_needs_no_waiting(name: str) -> None:
    clock = Clock()
    lock = DeferredFilesystemLock(name, clock)
    assert lock.deferUntilLocked(timeout=5).called
    assert lock.locked and not clock.calls


def test_a_lock_is_had_once_it_is_free(name: str) -> None:
    clock = Clock()
    holder, lock = FilesystemLock(name), DeferredFilesystemLock(name, clock)
    holder.lock()
    d = lock.deferUntilLocked(timeout=10)
    clock.advance(1.5)
    holder.unlock()
    assert not d.called
    clock.advance(1)
    assert d.called and lock.locked and not clock.calls
    lock.unlock()
    assert lock.deferUntilLocked().called


def test_waiting_has_an_end(name: str) -> None:
    clock = Clock()
    FilesystemLock(name).lock()
    d = DeferredFilesystemLock(name, clock).deferUntilLocked(timeout=2.5)
    clock.pump([1, 1])
    assert not d.called
    clock.advance(1)
    assert failure_of(d) is TimeoutError and not clock.calls


def test_waiting_can_be_given_up(name: str) -> None:
    clock = Clock()
    FilesystemLock(name).lock()
    lock = DeferredFilesystemLock(name, clock)
    d = lock.deferUntilLocked(timeout=2.5)
    assert failure_of(lock.deferUntilLocked()) is AlreadyTryingToLockError
    d.cancel()
    assert failure_of(d) is CancelledError and not clock.calls
    assert not lock.deferUntilLocked().called  # it can be waited for anew


def test_a_lock_that_cannot_be_tried_is_no_longer_waited_for(name: str) -> None:
    clock = Clock()
    lock = DeferredFilesystemLock(name + "/not/there", clock)
    assert failure_of(lock.deferUntilLocked(timeout=2)) is FileNotFoundError
    assert not clock.calls


def test_what_is_no_number_is_nobodys_lock(name: str) -> None:
    os.symlink("gone", name)
    lock = FilesystemLock(name)
    assert lock.lock() and not lock.clean
