"""Which daemons run: one small file for each, in a folder of the user's own, for `plait ps` and `plait stop`.

A file is named after its process, and says when that was started, too: the number of a process that is gone is given to another
one some day. A file whose process is gone is no news, and is removed by whoever finds it and may.
"""

from __future__ import annotations

import glob
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from plait.daemon.errors import reason
from plait.daemon.pidfile import is_alive
from plait.log import Logger

_log = Logger(namespace="plait.daemon")

# A file that is longer than this is not ours.
_LONGEST = 1 << 20


@dataclass
class Daemon:
    """What is known of one daemon. `since` is a time in seconds since the epoch, `workers` has a dict for each worker."""

    pid: int
    started: str  # what tells the process from others that get its number
    since: float
    application: str
    file: str
    folder: str
    workers: list[dict[str, Any]] = field(default_factory=list)
    inspect: str = ""  # the path of the socket for `plait inspect`; "" if there is none

    @classmethod
    def this(cls, application: str, file: str) -> Daemon:
        """This process."""
        pid = os.getpid()
        return cls(pid, start_of(pid) or "", time.time(), application, file, os.getcwd())

    def is_running(self) -> bool:
        """Whether it is still that process."""
        return is_alive(self.pid) and self.started == (start_of(self.pid) or "")


class Entry:
    """The file of this daemon, from `write` until `remove`. That it cannot be written keeps nobody from serving."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._written: Daemon | None = None

    def write(self, daemon: Daemon) -> None:
        """Make the file, or change it."""
        try:
            if self._path is None:
                self._path = os.path.join(own_folder(make=True), f"{daemon.pid}.json")
            draft = f"{self._path}.new"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(asdict(daemon), file)
            os.replace(draft, self._path)
        except OSError as error:
            _log.debug("Not in the list of daemons: {path}: {reason}", path=self._path, reason=reason(error))

    def remove(self) -> None:
        """Remove the file. A daemon that has given up its rights cannot: then it is left to be found stale."""
        if self._path is not None:
            _remove(self._path)


def remove_stale_sockets() -> None:
    """Remove the sockets that processes which are gone have left in this user's folder."""
    try:
        folder = own_folder()
    except OSError:
        return
    for path in glob.glob(os.path.join(glob.escape(folder), "*.sock")):
        name = os.path.basename(path).removesuffix(".sock")
        if name.isascii() and name.isdigit() and not is_alive(int(name)):
            _remove(path)


def daemons() -> list[Daemon]:
    """The daemons that run, of this user; of all users for root."""
    found = []
    try:
        folder = own_folder()
    except OSError:
        folder = None
    for path in _files(folder):
        daemon = _read(path)
        if daemon is not None and daemon.is_running():
            found.append(daemon)
        else:
            _remove(path)
    for other, user in _folders_of_others(folder):
        # What a user has written says nothing about the processes of others, and nothing is removed in a folder that may
        # have become a link to another one.
        found += [
            daemon
            for path in _files(other)
            if (daemon := _read(path)) is not None and _user_of(daemon.pid) == user and daemon.is_running()
        ]
    return sorted(found, key=lambda daemon: (daemon.since, daemon.pid))


def start_of(pid: int) -> str | None:
    """When the process was started, in the system's own words; None if it is not known."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # "pid (name) state ...", and the name may hold anything; the 22nd word is the start, in ticks since the boot.
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        pass
    if sys.platform == "linux" or sys.platform == "win32":
        return None
    try:
        return (
            subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
            or None
        )
    except OSError:
        return None


def _read(path: str) -> Daemon | None:
    try:
        # neither a link to another file, nor a pipe that nobody writes to
        with open(
            os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb"
        ) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            daemon = Daemon(**json.loads(file.read(_LONGEST)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    right = (
        isinstance(daemon.pid, int)
        and daemon.pid > 0
        and os.path.basename(path) == f"{daemon.pid}.json"
        and isinstance(daemon.since, (int, float))
        and all(
            isinstance(text, str)
            for text in (daemon.started, daemon.application, daemon.file, daemon.folder, daemon.inspect)
        )
        and isinstance(daemon.workers, list)
        and all(isinstance(worker, dict) for worker in daemon.workers)
    )
    return daemon if right else None


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # it is gone, or not ours


# -- the folders


def own_folder(make: bool = False) -> str:
    """The folder of this user, whom alone it belongs to. OSError if there is none."""
    user = os.geteuid() if sys.platform != "win32" else 0
    runtime = "/run" if user == 0 and sys.platform != "win32" else os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and _is_ours(runtime, user):
        folder = os.path.join(runtime, "plait")
    else:
        folder = os.path.join(tempfile.gettempdir(), f"plait-{user}")
    if make:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
    if not _is_ours(folder, user):
        raise PermissionError(f"{folder} is no folder that belongs to user {user} alone")
    return folder


def _is_ours(folder: str, user: int) -> bool:
    """Whether it is a folder of the user's in which no other one can write."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    mine = sys.platform == "win32" or (found.st_uid == user and not found.st_mode & 0o022)
    return stat.S_ISDIR(found.st_mode) and mine and os.access(folder, os.W_OK)


def _files(folder: str | None) -> list[str]:
    return [] if folder is None else sorted(glob.glob(os.path.join(glob.escape(folder), "*.json")))


def _folders_of_others(own: str | None) -> Iterator[tuple[str, int]]:
    """For root: the folders of all other users, each with its user."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    for pattern in ("/run/user/*/plait", os.path.join(glob.escape(tempfile.gettempdir()), "plait-*")):
        for folder in glob.glob(pattern):
            try:
                found = os.lstat(folder)
            except OSError:
                continue
            if folder != own and stat.S_ISDIR(found.st_mode):
                yield folder, found.st_uid


def _user_of(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
