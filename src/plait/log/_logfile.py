"""A log file at a path: appended to, opened anew, and put aside when it is large or old."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from plait.log._descriptor import Descriptor, lock, unlock
from plait.log._logger import Logger
from plait.log._rotation import Rotation, name_aside, tidy

_log = Logger(namespace="plait.log")

# Seconds until it is tried again to put a file aside that could not be.
_PATIENCE = 60.0


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
        self._lock = threading.RLock()
        self._file = self._opened(0o666)
        self._not_before = 0.0
        self._told = False
        self._tidying: threading.Thread | None = None

    def _opened(self, mode: int) -> Descriptor:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        return Descriptor(os.open(self.path, flags, mode))

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self._file.number

    def write(self, text: str | bytes) -> int:
        """Append whole lines. Text is written as UTF-8. OSError if they cannot be written; then none of them is there."""
        data = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
        with self._lock:
            if self.rotation is not None and self._file.isRegular:
                self._turn_over(self.rotation, len(data))
            self._file.put(data)
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
            mine = os.fstat(self._file.number)
            lock(self._file.number)
            try:
                if self._is_at_path(mine):
                    with self._acting(mine.st_uid, mine.st_gid):
                        self._move_aside(mine)
                else:
                    self.reopen()  # another process was faster
                    return
            except OSError:
                unlock(self._file.number)
                raise
        self._tidy(mine.st_uid)

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

    def _is_at_path(self, mine: os.stat_result) -> bool:
        try:
            return os.path.samestat(mine, os.stat(self.path))
        except FileNotFoundError:
            return False

    def _turn_over(self, rotation: Rotation, more: int) -> None:
        """Put the file aside if it is time. What goes wrong is logged, once, and the file goes on."""
        now = time.time()
        if now < self._not_before:
            return
        try:
            state = os.fstat(self._file.number)
            if not self._is_at_path(state):
                self.reopen()
            elif rotation.isDue(state.st_size, state.st_mtime, now, more):
                self.rotate()
            else:
                return
        except OSError as error:
            self._not_before = now + _PATIENCE
            if not self._told:
                self._told = True
                self._report("Cannot put the log file {path} aside: {reason}. It goes on as it is.", error)
        else:
            self._told = False

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
