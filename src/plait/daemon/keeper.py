"""The keeper: a helper process that keeps root's rights for one thing, to remove the pid file.

A daemon that has become another user may no longer remove the file that it made as root, and a file left behind would
keep the next start from happening. So before the application is loaded, a small process is split off that waits for the
daemon to say that it is done, or to die, and then removes the file if it still names the daemon. A daemon that is
upgraded hands its end of the line to the process that takes its place, which has the file name itself.
"""

from __future__ import annotations

import os
import signal
import socket

from plait.daemon.errors import StartError, reason
from plait.daemon.pidfile import PidFile

_RELEASE = b"r"
_DISMISS = b"d"
_TRANSFER = b"t"
_DONE = b"k"


class Keeper:
    """The daemon's side of its keeper. Make one as root, before anything is opened or loaded."""

    def __init__(self, pidfile: PidFile) -> None:
        self._daemon = os.getpid()
        self._line, theirs = socket.socketpair()
        # Signals for the whole group (Ctrl-C, a service manager that stops all processes) are the daemon's to answer.
        # The keeper is born with them blocked, and keeps them so.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
        try:
            self._pid: int | None = os.fork()
            if not self._pid:
                try:
                    _keep(theirs.fileno(), pidfile, self._daemon)
                finally:
                    os._exit(0)
        except OSError as error:
            raise StartError(f"cannot make a process to keep the pid file: {reason(error)}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    @classmethod
    def inherit(cls, line: int) -> Keeper:
        """The keeper of the process before us, at the other end of the descriptor `line`. `transfer` makes it ours."""
        keeper = cls.__new__(cls)
        keeper._daemon = os.getpid()
        keeper._line = socket.socket(fileno=line)
        keeper._pid = None
        return keeper

    def fileno(self) -> int:
        """The descriptor that leads to the keeper, for the next process."""
        return self._line.fileno()

    def transfer(self) -> None:
        """Have the pid file name this process. OSError if that cannot be."""
        self._line.sendall(_TRANSFER + f"{os.getpid()}\n".encode())
        if self._line.recv(1) != _DONE:
            raise OSError("the process that keeps the pid file could not change it")

    def forget(self) -> None:
        """The next process has it."""
        self._line.close()
        self._daemon = -1

    def release(self) -> None:
        """Have the pid file removed; returns when that is done."""
        self._end(_RELEASE)

    def dismiss(self) -> None:
        """Let the keeper go without touching the pid file."""
        self._end(_DISMISS)

    def _end(self, word: bytes) -> None:
        if os.getpid() != self._daemon:
            return  # a process that the application has forked off: not its pid file
        try:
            self._line.sendall(word)
            self._line.recv(1)  # ends when the keeper has closed its side
        except OSError:
            pass  # it has been killed
        self._line.close()
        if self._pid is None:
            return  # a child of the process before us
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            pass  # the application has waited for all its children


def _keep(line: int, pidfile: PidFile, daemon: int) -> None:
    # Whatever is open belongs to the daemon and its command; a pipe or a port must not stay open because of us.
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(0, line)
    os.closerange(line + 1, limit if 0 < limit < 65536 else 65536)
    while (word := os.read(line, 1)) == _TRANSFER:
        text = b""
        while not text.endswith(b"\n"):
            text += os.read(line, 1) or b"\n"
        try:
            pidfile.replace(int(text))
            daemon = int(text)
        except (OSError, ValueError):
            os.write(line, b"n")
        else:
            os.write(line, _DONE)
    if word != _DISMISS:
        pidfile.remove_for(daemon)
