"""The pid file: one process at a time, and a number to send signals to.

The file appears whole, under its name, by a hard link: whoever sees it can read a number in it, and of two starts at
once only one can make it. A file whose process is gone is *stale*: it is left by a crash, and nothing is known about
the state that the crash left, so removing it is the user's decision.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys

from plait.daemon.errors import StartError, reason

# Longer than any process id with its line end; more of a file that is not ours need not be read.
_LONGEST = 64
_PID = re.compile(rb"\s*([1-9][0-9]{0,9})\s*\Z")


class PidFile:
    """The pid file at `path` (absolute), for this process."""

    def __init__(self, path: str) -> None:
        self.path = path

    def check(self, remove_stale: bool) -> int | None:
        """See that no other process has the file; StartError if one has, or if the file is stale or no pid file.

        With `remove_stale` a stale file is removed, and the number that stood in it is returned.
        """
        try:
            file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StartError(f"cannot read the pid file {self.path}: {reason(error)}") from error
        try:
            if remove_stale:
                _lock(file)
            try:
                content = os.read(file, _LONGEST)
            except OSError as error:
                raise StartError(f"cannot read the pid file {self.path}: {reason(error)}") from error
            pid = self._parse(content)
            if pid != os.getpid() and is_alive(pid):
                raise StartError(
                    f"already running: the pid file {self.path} names process {pid}, which is alive. Stop it first "
                    f"(kill {pid}), or choose another file with --pidfile"
                )
            if not remove_stale:
                raise StartError(
                    f"the pid file {self.path} is stale: it names process {pid}, which is gone. Remove it, or pass "
                    "--stale-pidfile=remove"
                )
            self._remove_stale(file)
            return pid
        finally:
            os.close(file)

    def read(self) -> int:
        """The number of the process that has the file, be it alive or not. OSError; StartError if it is no pid file."""
        with open(self.path, "rb") as file:
            return self._parse(file.read(_LONGEST))

    def claim(self) -> None:
        """Make the file, with the number of this process in it. StartError if it is there or cannot be made."""
        text = f"{os.getpid()}\n".encode()
        folder, name = os.path.split(self.path)
        draft = os.path.join(folder, f".{name}.{os.getpid()}")
        try:
            try:
                _write_new(draft, text)
                os.link(draft, self.path)
            except OSError as error:
                # File systems without hard links. There, a reader can meet the file while it is still empty.
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                    raise
                _write_new(self.path, text)
            finally:
                _unlink(draft)
        except FileExistsError as error:
            raise StartError(f"another start was faster: the pid file {self.path} has appeared meanwhile") from error
        except OSError as error:
            raise StartError(f"cannot write the pid file {self.path}: {reason(error)}") from error

    def replace(self, pid: int) -> None:
        """Let the file, which names a process before us, name the process `pid`, in one step. OSError if that cannot be."""
        folder, name = os.path.split(self.path)
        draft = os.path.join(folder, f".{name}.{pid}")
        _unlink(draft)
        _write_new(draft, f"{pid}\n".encode())
        os.replace(draft, self.path)

    def release(self) -> None:
        """Remove the file if this process made it and it still says so. OSError if that is not permitted."""
        self.remove_for(os.getpid())

    def remove_for(self, pid: int) -> None:
        """Remove the file if it names process `pid`; a file that names another one is somebody else's by now."""
        try:
            with open(self.path, "rb") as file:
                found = _PID.match(file.read(_LONGEST))
        except FileNotFoundError:
            return
        if found is not None and int(found[1]) == pid:
            _remove_socket(self.socket)  # as long as the file is there, nobody else may make one
            _unlink(self.path)

    @property
    def socket(self) -> str:
        """The path of the socket beside the file, at which the process can be inspected."""
        return f"{self.path}.sock"

    def _parse(self, content: bytes) -> int:
        found = _PID.match(content)
        if found is None or int(found[1]) >= 2**31:
            start = content[:20].decode("ascii", "backslashreplace")
            raise StartError(
                f"the pid file {self.path} holds no process id ({'it is empty' if not content else repr(start)}). "
                "If it is left over, remove it; otherwise choose another file with --pidfile"
            )
        return int(found[1])

    def _remove_stale(self, file: int) -> None:
        # With the lock held: is the name still that of the file that was read? Another start may have removed it
        # and made its own by now.
        try:
            if os.path.samestat(os.fstat(file), os.stat(self.path)):
                os.unlink(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StartError(f"cannot remove the stale pid file {self.path}: {reason(error)}") from error


def is_alive(pid: int) -> bool:
    """Whether a process with the number `pid` runs. One that has ended and waits for its parent's notice does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # "pid (name) state ...", and the name may hold anything.
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return True


def _write_new(path: str, text: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        if sys.platform != "win32":
            os.fchmod(file, 0o644)  # whatever the umask: the number is no secret
        os.write(file, text)
    finally:
        os.close(file)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _remove_socket(path: str) -> None:
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except OSError:
        pass  # there is none, or it is not ours to remove


def _lock(file: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
