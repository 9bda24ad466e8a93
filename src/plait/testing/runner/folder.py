"""The folder that tests run in: made anew for each run, and never shared by two runs at a time."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

# Its name, unless another is given.
DEFAULT_FOLDER = "_plait_test"

# A file in the folder that says: whatever else is here may go. It is trial's, so that either takes the other's folder.
MARKER = "_trial_marker"

# Runs at the same time, each in a folder of its own. More of them are a mistake.
_MOST = 100


class FolderBusyError(Exception):
    """Another run of tests is in the folder."""


class NotOursError(Exception):
    """The folder is there, and no run of tests has made it: it will not be removed."""


@contextmanager
def working_folder(path: str, mayRename: bool) -> Iterator[str]:
    """Make the folder, go there while the block runs, and come back. It stays, for who wants to look into it.

    What an earlier run has left there is removed. FolderBusyError if another run is in it, unless `mayRename` allows to
    add a number to its name; NotOursError if it was not made by a run of tests.
    """
    before = os.getcwd()
    chosen, lock = _lock_one(os.path.abspath(path), mayRename)
    try:
        _make(chosen)
        os.chdir(chosen)
        try:
            yield chosen
        finally:
            os.chdir(before)
    finally:
        _unlock(chosen, lock)


def _lock_one(path: str, may_rename: bool) -> tuple[str, IO[bytes]]:
    for number in range(_MOST if may_rename else 1):
        candidate = f"{path}-{number}" if number else path
        os.makedirs(os.path.dirname(candidate), exist_ok=True)
        lock = _lock(f"{candidate}.lock")
        if lock is not None:
            return candidate, lock
    raise FolderBusyError(f"another run of tests is in {path}: wait for it, or name another --temp-directory")


def _lock(path: str) -> IO[bytes] | None:
    """The lock file, held by this process until it is closed; None if somebody holds it."""
    while True:
        file = open(path, "ab")  # noqa: SIM115
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        try:
            same = os.path.samestat(os.stat(path), os.fstat(file.fileno()))
        except FileNotFoundError:
            same = False
        if same:
            return file
        file.close()  # its holder has removed it between our opening and our locking


def _unlock(path: str, lock: IO[bytes]) -> None:
    try:
        os.unlink(f"{path}.lock")
    except OSError:
        pass  # Windows removes no open file; it is empty, and nobody minds it
    lock.close()


def _make(path: str) -> None:
    if os.path.lexists(path):
        if not os.path.exists(os.path.join(path, MARKER)) and (not os.path.isdir(path) or os.listdir(path)):
            raise NotOursError(f"{path} is there already, and was not made by a run of tests: remove it yourself")
        shutil.rmtree(path)
    os.makedirs(path)
    with open(os.path.join(path, MARKER), "w"):
        pass
