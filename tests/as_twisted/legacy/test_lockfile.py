"""Locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plait.as_twisted.legacy.lockfile import FilesystemLock, isLocked


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
