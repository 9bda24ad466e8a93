"""A lock between processes that is a symbolic link, with the number of the process that holds it.

A link can be made and read in one step, and what a dead process left is seen by its number and taken over. On Windows,
where a link needs a privilege, a file that is written elsewhere and then moved into place does the same, and what a dead
process left has to be removed by hand.

`DeferredFilesystemLock` waits for such a lock without blocking.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from os import remove as rmlink
from typing import Any

from plait import current
from plait.deferred.core import ClockLike, Deferred, IDelayedCallLike, TimeoutError
from plait.deferred.shortcuts import fail
from plait.failure import Failure

__all__ = ["AlreadyTryingToLockError", "DeferredFilesystemLock", "FilesystemLock", "isLocked"]

kill: Callable[[int, int], object] | None
if sys.platform == "win32":
    kill = None  # os.kill(pid, 0) would send Ctrl-C there

    def symlink(value: str, name: str) -> None:
        written = f"{name}.{value}.new"
        with open(written, "w", encoding="ascii") as f:
            f.write(value)
        try:
            os.rename(written, name)  # fails if there is such a file, on Windows alone
        except OSError:
            os.remove(written)
            raise

    def readlink(name: str) -> str:
        with open(name, encoding="ascii") as f:
            return f.read()
else:
    from os import kill, readlink, symlink

# How often a lock that is held by somebody else is tried again, in seconds.
_INTERVAL = 1


class AlreadyTryingToLockError(Exception):
    """`DeferredFilesystemLock.deferUntilLocked` was called while an earlier call still waits."""


class FilesystemLock:
    """A lock between processes, at a path that all of them know.

    :param name: the path. The directory must exist.

    Attributes: `locked` (bool: this object holds it), `clean` (bool: it was given back in good order by who held it
    before; None until it has been taken).
    """

    clean: bool | None = None
    locked = False

    def __init__(self, name: str) -> None:
        self.name = name

    def lock(self) -> bool:
        """Take the lock if it is free, or held by a process that is no more.

        :returns: whether it was taken.
        :raises OSError: if the link cannot be made, read or removed; also if the process with the holder's number is
            another user's, of which nobody can say whether it is the holder.
        """
        clean = True
        while True:
            try:
                symlink(str(os.getpid()), self.name)
            except FileExistsError:
                try:
                    holder = readlink(self.name)
                except FileNotFoundError:
                    continue  # given back in between
                if _is_alive(holder):
                    return False
                try:
                    rmlink(self.name)
                except FileNotFoundError:
                    continue  # somebody else has removed it
                clean = False
            else:
                self.locked = True
                self.clean = clean
                return True

    def unlock(self) -> None:
        """Give the lock back.

        :raises ValueError: if another process holds it.
        :raises OSError: if nobody holds it.
        """
        holder = readlink(self.name)
        if holder != str(os.getpid()):
            raise ValueError(f"the lock {self.name!r} is not ours: process {holder} holds it")
        rmlink(self.name)
        self.locked = False


def _is_alive(holder: str) -> bool:
    """Whether there is a process with this number. What is no number is nobody's lock."""
    if not holder.isdecimal() or int(holder) == 0:
        return False
    if kill is not None:
        try:
            kill(int(holder), 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def isLocked(name: str) -> bool:
    """Whether anybody holds the lock at this path. It is tried out, and given back."""
    lock = FilesystemLock(name)
    if not lock.lock():
        return True
    lock.unlock()
    return False


class DeferredFilesystemLock(FilesystemLock):
    """A `FilesystemLock` that can be waited for.

    :param name: the path. The directory must exist.
    :param scheduler: the clock by which it waits; None for the reactor.
    """

    def __init__(self, name: str, scheduler: ClockLike | None = None) -> None:
        super().__init__(name)
        self._scheduler: ClockLike = current.getReactor() if scheduler is None else scheduler
        self._waiting: Deferred[None] | None = None
        self._tryLockCall: IDelayedCallLike | None = None
        self._timeoutCall: IDelayedCallLike | None = None

    def deferUntilLocked(self, timeout: float | None = None) -> Deferred[None]:
        """Take the lock, now or as soon as it is free; it is tried once a second. Cancelling gives up waiting.

        :param timeout: how long to wait, in seconds; None for as long as it takes.
        :returns: a Deferred of None. It fails with `plait.deferred.TimeoutError` when the time is up, with
            `AlreadyTryingToLockError` if an earlier call still waits, and with what `lock` raises.
        """
        if self._waiting is not None:
            return fail(AlreadyTryingToLockError(f"the lock {self.name!r} is being waited for already"))
        d: Deferred[None] = Deferred(self._stop_waiting)
        self._waiting = d
        if timeout is not None:
            self._timeoutCall = self._scheduler.callLater(timeout, lambda: self._timed_out(d, timeout))
        self._try(d)
        return d

    def _try(self, d: Deferred[None]) -> None:
        self._tryLockCall = None
        try:
            taken = self.lock()
        except OSError as e:
            self._stop_waiting(d)
            d.errback(Failure(e))
            return
        if taken:
            self._stop_waiting(d)
            d.callback(None)
        else:
            self._tryLockCall = self._scheduler.callLater(_INTERVAL, lambda: self._try(d))

    def _timed_out(self, d: Deferred[None], timeout: float) -> None:
        self._stop_waiting(d)
        d.errback(TimeoutError(f"the lock {self.name!r} did not become free in {timeout:g} seconds"))

    def _stop_waiting(self, _: Any) -> None:
        self._waiting = None
        for call in (self._tryLockCall, self._timeoutCall):
            if call is not None and call.active():
                call.cancel()
        self._tryLockCall = self._timeoutCall = None
