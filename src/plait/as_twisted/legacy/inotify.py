"""What `twisted.internet.inotify` is: the system tells what happens to files and folders (Linux, inotify(7)).

A new program takes the package watchfiles, which runs on any asyncio loop and any system.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from plait.as_twisted.legacy import inotifycalls
from plait.as_twisted.legacy.abstract import FileDescriptor
from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.legacy.inotifycalls import INotifyError
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.log import Logger

_log = Logger("plait.as_twisted.inotify")

IN_ACCESS = 0x1
IN_MODIFY = 0x2
IN_ATTRIB = 0x4
IN_CLOSE_WRITE = 0x8
IN_CLOSE_NOWRITE = 0x10
IN_OPEN = 0x20
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400
IN_MOVE_SELF = 0x800
IN_UNMOUNT = 0x2000
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x1000000
IN_DONT_FOLLOW = 0x2000000
IN_MASK_ADD = 0x20000000
IN_ISDIR = 0x40000000
IN_ONESHOT = 0x80000000

IN_CLOSE = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE
IN_MOVED = IN_MOVED_FROM | IN_MOVED_TO
IN_CHANGED = IN_MODIFY | IN_ATTRIB
IN_WATCH_MASK = IN_CHANGED | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_UNMOUNT | IN_MOVED | IN_MOVE_SELF

_FLAG_TO_HUMAN = [
    (IN_ACCESS, "access"),
    (IN_MODIFY, "modify"),
    (IN_ATTRIB, "attrib"),
    (IN_CLOSE_WRITE, "close_write"),
    (IN_CLOSE_NOWRITE, "close_nowrite"),
    (IN_OPEN, "open"),
    (IN_MOVED_FROM, "moved_from"),
    (IN_MOVED_TO, "moved_to"),
    (IN_CREATE, "create"),
    (IN_DELETE, "delete"),
    (IN_DELETE_SELF, "delete_self"),
    (IN_MOVE_SELF, "move_self"),
    (IN_UNMOUNT, "unmount"),
    (IN_Q_OVERFLOW, "queue_overflow"),
    (IN_IGNORED, "ignored"),
    (IN_ONLYDIR, "only_dir"),
    (IN_DONT_FOLLOW, "dont_follow"),
    (IN_MASK_ADD, "mask_add"),
    (IN_ISDIR, "is_dir"),
    (IN_ONESHOT, "one_shot"),
]

_HEAD = struct.Struct("=iIII")  # watch, mask, cookie, length of the name
# The system gives whole events only; one takes up to 16 + 256 bytes.
_READ_SIZE = 64 * 1024

Callback: TypeAlias = Callable[["INotify", FilePath[Any], int], object]

__all__ = [
    "IN_ACCESS",
    "IN_ATTRIB",
    "IN_CHANGED",
    "IN_CLOSE",
    "IN_CLOSE_NOWRITE",
    "IN_CLOSE_WRITE",
    "IN_CREATE",
    "IN_DELETE",
    "IN_DELETE_SELF",
    "IN_DONT_FOLLOW",
    "IN_IGNORED",
    "IN_ISDIR",
    "IN_MASK_ADD",
    "IN_MODIFY",
    "IN_MOVED",
    "IN_MOVED_FROM",
    "IN_MOVED_TO",
    "IN_MOVE_SELF",
    "IN_ONESHOT",
    "IN_ONLYDIR",
    "IN_OPEN",
    "IN_Q_OVERFLOW",
    "IN_UNMOUNT",
    "IN_WATCH_MASK",
    "INotify",
    "INotifyError",
    "humanReadableMask",
]


def humanReadableMask(mask: int) -> list[str]:
    """The words for the bits of a mask: ``humanReadableMask(IN_CREATE | IN_ISDIR)`` is ``["create", "is_dir"]``."""
    return [word for bit, word in _FLAG_TO_HUMAN if mask & bit]


class _Watch:
    def __init__(self, path: FilePath[Any], mask: int, autoAdd: bool, callbacks: Sequence[Callback]) -> None:
        self.path = path
        self.mask = mask
        self.autoAdd = autoAdd
        self.callbacks = list(callbacks)


class INotify(FileDescriptor):
    """Watches files and folders, and makes calls of what happens to them, once `startReading` was called.

    A callback is called with this object, the path (a `FilePath` of bytes) and the mask of what happened. When nothing is
    left to be watched because it was deleted, this is closed; else `loseConnection` closes it.

    :raises INotifyError: if the system has no more of them.
    """

    _inotify: Any = inotifycalls

    def __init__(self, reactor: Any = None) -> None:
        super().__init__(reactor)
        self._fd: int = self._inotify.init()
        self._watches: dict[int, _Watch] = {}
        self._numbers: dict[FilePath[Any], int] = {}
        self.connected = 1

    def fileno(self) -> int:
        """The number of the descriptor."""
        return self._fd

    def logPrefix(self) -> str:
        """The word for the log."""
        return "INotify"

    def watch(
        self,
        path: FilePath[Any],
        mask: int = IN_WATCH_MASK,
        autoAdd: bool = False,
        callbacks: Iterable[Callback] | None = None,
        recursive: bool = False,
    ) -> int:
        """Watch a file or a folder. That it is deleted is told in any case.

        :param mask: what is to be told.
        :param autoAdd: watch the folders that are made in it, too; what lies in them by then is told as created.
        :param callbacks: who is told. What is watched already is told to these as well.
        :param recursive: watch the folders in it, too.
        :returns: the number of the watch.
        :raises INotifyError: if the system refuses, as for a path that is not there.
        """
        path = path.asBytesMode()
        number = self._add(path, mask, autoAdd, list(callbacks or ()))
        if recursive:
            for below, is_folder in _contents(path):
                if is_folder:
                    self._add(below, mask, autoAdd, list(callbacks or ()))
        return number

    def ignore(self, path: FilePath[Any]) -> None:
        """Watch a path no more.

        :raises KeyError: if it is not watched.
        """
        path = path.asBytesMode()
        if path not in self._numbers:
            raise KeyError(f"{path.path!r} is not watched")
        number = self._numbers[path]
        self._forget(number)
        self._inotify.remove(self._fd, number)

    def _add(self, path: FilePath[Any], mask: int, autoAdd: bool, callbacks: list[Callback]) -> int:
        known = self._watches.get(self._numbers.get(path, -1))
        if known is not None:
            mask |= known.mask
            autoAdd = autoAdd or known.autoAdd
            callbacks = known.callbacks + [each for each in callbacks if each not in known.callbacks]
        number: int = self._inotify.add(self._fd, path, mask | IN_DELETE_SELF)
        self._watches[number] = _Watch(path, mask, autoAdd, callbacks)
        self._numbers[path] = number
        return number

    def _forget(self, number: int) -> None:
        watch = self._watches.pop(number)
        if self._numbers.get(watch.path) == number:
            del self._numbers[watch.path]

    def _isWatched(self, path: FilePath[Any]) -> int | bool:
        return self._numbers.get(path.asBytesMode(), False)

    def doRead(self) -> None:
        """Make calls of what has happened."""
        try:
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return
        place = 0
        while place < len(data) and self.connected:
            number, mask, _, length = _HEAD.unpack_from(data, place)
            place += _HEAD.size + length
            self._happened(number, mask, data[place - length : place].rstrip(b"\0"))

    def _happened(self, number: int, mask: int, name: bytes) -> None:
        if mask & IN_Q_OVERFLOW:
            _log.warn("more has happened to the files that are watched than the system keeps: some of it was not told")
        watch = self._watches.get(number)
        if watch is None:
            return  # it was ignored meanwhile
        if mask & IN_IGNORED:
            self._forget(number)  # the system has removed it, as after an unmount
            return
        path = watch.path.child(name) if name else watch.path
        self._tell(watch, path, mask)
        if mask & IN_DELETE_SELF and self._watches.get(number) is watch:
            self._forget(number)
            if not self._watches:
                self.loseConnection()
        elif mask & IN_ISDIR and mask & IN_CREATE and watch.autoAdd and self.connected:
            self._add_new(watch, path)

    def _tell(self, watch: _Watch, path: FilePath[Any], mask: int) -> None:
        for callback in list(watch.callbacks):
            try:
                callback(self, path, mask)
            except Exception as error:
                _log.failure("Unhandled error in {callback!r}, called for a file", Failure(error), callback=callback)

    def _add_new(self, watch: _Watch, path: FilePath[Any]) -> None:
        """Watch a new folder, and those in it; what was put there before it was watched has to be found."""
        try:
            self._add(path, watch.mask, True, watch.callbacks)
            found = []
            for below, is_folder in _contents(path):
                found.append((below, is_folder))
                if is_folder:
                    self._add(below, watch.mask, True, watch.callbacks)
        except INotifyError as error:
            if path.isdir():  # else it is gone again
                _log.warn("a new folder is not watched: {error}", error=error)
            return
        for below, is_folder in found:
            if self.connected:
                self._tell(watch, below, IN_CREATE | (IN_ISDIR if is_folder else 0))

    def loseConnection(self, *args: Any, **kw: Any) -> None:
        """Watch nothing any more, and close the descriptor."""
        if self.connected:
            self.stopReading()
            self.connectionLost(Failure(ConnectionDone()))

    def connectionLost(self, reason: Failure) -> None:
        """Close the descriptor."""
        super().connectionLost(reason)
        self.connected = 0
        self._watches.clear()
        self._numbers.clear()
        try:
            os.close(self._fd)
        except OSError as error:
            _log.failure("the descriptor could not be closed", Failure(error))
        self._fd = -1


def _contents(folder: FilePath[Any]) -> Iterator[tuple[FilePath[Any], bool]]:
    """All that is in a folder and below, and whether it is a folder; links are not followed."""
    for root, folders, files in os.walk(folder.path):
        for names, are_folders in ((folders, True), (files, False)):
            for name in names:
                path = os.path.join(root, name)
                yield FilePath(path), are_folders and not os.path.islink(path)
