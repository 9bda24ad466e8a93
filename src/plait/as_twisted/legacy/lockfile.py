"""What `twisted.python.lockfile` is: a lock between processes that is a symbolic link, with the holder's number.

A link can be made and read in one step, and what a dead process left is seen by its number and taken over.
"""

from __future__ import annotations

import os

__all__ = ["FilesystemLock", "isLocked"]


class FilesystemLock:
    """A lock between processes, at a path that all of them know.

    `locked` says whether this object holds it; `clean`, whether it was given back in good order by who held it
    before.
    """

    clean: bool | None = None
    locked = False

    def __init__(self, name: str) -> None:
        self.name = name

    def lock(self) -> bool:
        """Take the lock if it is free, or held by a process that is no more. Says whether it was taken."""
        clean = True
        while True:
            try:
                os.symlink(str(os.getpid()), self.name)
            except FileExistsError:
                try:
                    holder = os.readlink(self.name)
                except FileNotFoundError:
                    continue  # given back in between
                if _is_alive(holder):
                    return False
                clean = False
                try:
                    os.remove(self.name)
                except FileNotFoundError:
                    pass  # somebody else takes it over
                continue
            self.locked = True
            self.clean = clean
            return True

    def unlock(self) -> None:
        """Give the lock back. Raises `ValueError` where another process holds it."""
        holder = os.readlink(self.name)
        if holder != str(os.getpid()):
            raise ValueError(f"the lock {self.name!r} is not ours: process {holder} holds it")
        os.remove(self.name)
        self.locked = False


def _is_alive(holder: str) -> bool:
    """Is there a process with this number? What is no number is nobody's lock."""
    if not holder.isdecimal() or int(holder) == 0:
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def isLocked(name: str) -> bool:
    """Does anybody hold the lock at this path? It is tried out, and given back."""
    lock = FilesystemLock(name)
    if not lock.lock():
        return True
    lock.unlock()
    return False
