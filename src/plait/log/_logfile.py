"""A log file at a path: appended to, opened anew, and put aside when it is large or old."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from plait.log._descriptor import Descriptor, lock, unlock
from plait.log._locks import newLock
from plait.log._logger import Logger
from plait.log._rotation import Rotation, name_aside, tidy

_log = Logger(namespace="plait.log")

# Seconds until it is tried again to put a file aside that could not be.
_PATIENCE = 60.0

# Another process may put a file aside as soon as we have opened it. More often than that we do not run after it.
_TRIES = 10


class LogFile:
    """A file that observers write to (`plait.log.textFileLogObserver` and its kin): `write` puts lines on the disk at once.

    Several processes may write to the same path, and each of them may put the file aside: no line is lost by that. What has
    been moved away by another program is left alone, and a file begun anew, if there is a `rotation`; without one, `reopen`
    does it. If the file cannot be put aside (a folder that is read-only, say), that is logged once, and it grows.

    :param path: the file. OSError if it cannot be opened for appending.
    :param rotation: when it is put aside; not at all if None. A device or a pipe is left as it is.
    :param acting: makes the context, given user and group of the file, in which files are opened and renamed.
    """

    def __init__(
        self,
        path: str,
        rotation: Rotation | None = None,
        acting: Callable[[int, int], AbstractContextManager[object]] = lambda user, group: nullcontext(),
    ) -> None:
        self.path = self.name = os.path.abspath(path)
        self.rotation = rotation
        self._acting = acting
        self._lock = newLock()
        self._file = self._opened(0o666)
        self._not_before = 0.0
        self._told = False
        self._tidying: threading.Thread | None = None

    def _opened(self, mode: int) -> Descriptor:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        return Descriptor(os.open(self.path, flags, mode))

    @property
    def isRegular(self) -> bool:
        """Whether it is a file on a disk, and no device or pipe."""
        return self._file.isRegular

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self._file.number

    def write(self, text: str | bytes) -> int:
        """Append whole lines. Text is written as UTF-8. OSError if they cannot be written; then none of them is there."""
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        with self._lock:
            if self.rotation is None or not self._file.isRegular:
                self._file.put(data)
                return len(text)
            try:
                self._turn_over(self.rotation, len(data))
                self._file.put(data)
            finally:
                unlock(self._file.number)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: what is written is in the file."""

    def reopen(self) -> None:
        """Go on in the file that is at the path now, or make it. OSError if that is not possible; then nothing changes.

        If the file belongs to another user and we are root, we open the new one as that user (`acting`): it is his, too, and what
        he may have put at that path (a link to a file of root's, say) gives him no right that he has not.
        """
        with self._lock:
            state = os.fstat(self._file.number)
            with self._acting(state.st_uid, state.st_gid):
                file = self._opened(state.st_mode & 0o777)
            old, self._file = self._file, file
            old.close()

    def close(self) -> None:
        """Write no more."""
        with self._lock:
            self._file.close()

    def rotate(self) -> None:
        """Put the file aside now. OSError if that is not possible; then the file is as it was."""
        with self._lock:
            self._rotate(wait=True)

    def _rotate(self, wait: bool) -> bool:
        """The same; False if another process has locked the file, and we do not `wait`."""
        if not lock(self._file.number, wait):
            return False
        try:
            mine = self._at_path()
            if mine is None:
                self.reopen()  # another process was faster
                return True
            with self._acting(mine.st_uid, mine.st_gid):
                self._move_aside(mine)
        except OSError:
            unlock(self._file.number)
            raise
        self._tidy(mine.st_uid)
        return True

    def _move_aside(self, mine: os.stat_result) -> None:
        aside, mode, old = name_aside(self.path, mine.st_mtime), mine.st_mode & 0o777, self._file
        if sys.platform == "win32":  # no file that is open can be renamed there
            old.close()
            try:
                os.rename(self.path, aside)
            finally:
                self._file = self._opened(mode)
            return
        os.rename(self.path, aside)
        try:
            self._file = self._opened(mode)
        except OSError:
            os.rename(aside, self.path)
            raise
        old.close()  # which ends the lock

    def _at_path(self) -> os.stat_result | None:
        """The state of our file, if it is the one at the path."""
        try:
            state = os.stat(self.path)
        except FileNotFoundError:
            return None
        return state if self._file.isFile(state) else None

    def _turn_over(self, rotation: Rotation, more: int) -> None:
        """Go to the file that is at the path, and put it aside if it is time. What goes wrong is logged, once.

        Nobody compresses the file that we have then before we unlock it. Nothing is waited for: a process that has locked it may
        have been stopped.
        """
        now = time.time()
        if now < self._not_before:
            return
        try:
            lock(self._file.number, wait=False, shared=True)
            for _ in range(_TRIES):
                state = self._at_path()
                if state is None:
                    self.reopen()
                elif rotation.isDue(state.st_size, state.st_mtime, now, more):
                    done = self._rotate(wait=False)
                    self._told = self._told and not done
                else:
                    return
                lock(self._file.number, wait=False, shared=True)
        except OSError as error:
            self._not_before = now + _PATIENCE
            if not self._told:
                self._told = True
                self._report("Cannot put the log file {path} aside: {reason}. It goes on as it is.", error)

    def _tidy(self, owner: int) -> None:
        """In a thread of its own: to compress a file takes long."""
        rotation = self.rotation
        if rotation is None or (rotation.keep is None and not rotation.compress):
            return
        if self._tidying is not None and self._tidying.is_alive():
            return  # what it leaves, the next one finds
        if hasattr(os, "geteuid") and os.geteuid() == 0 and owner != 0:
            return  # the folder is another user's, so that is for his processes to do
        self._tidying = threading.Thread(target=self._do_tidy, args=(rotation,), name="plait: tidies logs", daemon=True)
        self._tidying.start()

    def _do_tidy(self, rotation: Rotation) -> None:
        try:
            tidy(self.path, rotation)
        except OSError as error:
            self._report("Cannot tidy what was put aside of the log file {path}: {reason}", error)

    def _report(self, format: str, error: OSError) -> None:
        # In another thread: this one may hold the lock of an observer, and other observers have locks, too.
        values = {"path": self.path, "reason": error.strerror or str(error)}
        threading.Thread(target=_log.error, args=(format,), kwargs=values, name="plait: tells of logs").start()
