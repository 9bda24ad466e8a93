"""Whole lines on a file descriptor."""

from __future__ import annotations

import os
import stat

try:
    import fcntl
except ImportError:  # Windows, where processes do not share a log
    fcntl = None  # type: ignore[assignment]


def lock(number: int, wait: bool = True) -> bool:
    """Lock the file for this process, until it is closed or unlocked. False if another one has, and we do not `wait`."""
    if fcntl is not None:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
    return True


def unlock(number: int) -> None:
    """Undo `lock`."""
    if fcntl is not None:
        fcntl.flock(number, fcntl.LOCK_UN)


class Descriptor:
    """Writes lines to the descriptor `number`, and closes it in the end.

    A line that the disk had room for only in part is taken back; where that is not possible, the next one begins on a line
    of its own all the same.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.isRegular = stat.S_ISREG(os.fstat(number).st_mode)
        self._torn = False

    def put(self, data: bytes) -> None:
        """Write all of it. OSError if that is not possible."""
        if self._torn:
            data = b"\n" + data
        view = memoryview(data)
        done = 0
        try:
            while done < len(view):
                done += os.write(self.number, view[done:])
        except OSError:
            if done:
                self._torn = data[done - 1 : done] != b"\n" and not self._taken_back(done)
            raise
        self._torn = False

    def _taken_back(self, length: int) -> bool:
        """Cut the last `length` bytes off the file, if they are its last ones: other processes may write to it, too."""
        try:
            end = os.lseek(self.number, 0, os.SEEK_CUR)
            if not self.isRegular or os.fstat(self.number).st_size != end:
                return False
            os.ftruncate(self.number, end - length)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close it."""
        os.close(self.number)
