"""The system's calls for `plait.as_twisted.legacy.inotify`: inotify(7), of the C library that the program has."""

from __future__ import annotations

import ctypes
import os
from typing import Any

__all__ = ["INotifyError", "add", "init", "initializeModule", "remove"]


class INotifyError(Exception):
    """The system refuses; the message has its reason."""


def initializeModule(libc: Any) -> None:
    """Say what the calls of `libc` take and give.

    :raises ImportError: if it has not all of them.
    """
    for name in ("inotify_init", "inotify_add_watch", "inotify_rm_watch"):
        if getattr(libc, name, None) is None:
            raise ImportError(f"the C library of this system has no {name}: files cannot be watched with inotify")
    libc.inotify_init.argtypes = []
    libc.inotify_init.restype = ctypes.c_int
    libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
    libc.inotify_add_watch.restype = ctypes.c_int
    libc.inotify_rm_watch.argtypes = [ctypes.c_int, ctypes.c_int]
    libc.inotify_rm_watch.restype = ctypes.c_int


def init() -> int:
    """A descriptor, from which events are read; reading does not wait."""
    fd: int = libc.inotify_init()
    if fd < 0:
        raise INotifyError(f"inotify_init: {_why()}")
    os.set_blocking(fd, False)
    os.set_inheritable(fd, False)
    return fd


def add(fd: int, path: Any, mask: int) -> int:
    """Watch the file or folder at `path` (a `FilePath`); gives the watch's number."""
    number: int = libc.inotify_add_watch(fd, path.asBytesMode().path, mask)
    if number < 0:
        raise INotifyError(f"{path.path!r} cannot be watched: {_why()}")
    return number


def remove(fd: int, wd: int) -> None:
    """Watch no more. One that the system has removed already is no error."""
    libc.inotify_rm_watch(fd, wd)


def _why() -> str:
    return os.strerror(ctypes.get_errno())


libc: Any = ctypes.CDLL(None, use_errno=True)
initializeModule(libc)
