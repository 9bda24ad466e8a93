"""The pid file of `twisted.application.runner`: a context manager, in which the file has the number of this process.

One that names a process that is gone is taken over. The daemon runner has its own, in `plait.daemon.pidfile`.
"""

from __future__ import annotations

import errno
from os import getpid, kill
from os import name as os_name
from types import TracebackType
from typing import Any, Self

from plait.interfaces import Interface, implementer
from plait.log import Logger

__all__ = [
    "AlreadyRunningError",
    "IPIDFile",
    "InvalidPIDFileError",
    "NoPIDFound",
    "NonePIDFile",
    "PIDFile",
    "StalePIDFileError",
    "nonePIDFile",
]

# Longer than any number of a process with its line end: more of a file that is not ours need not be read.
_LONGEST = 64

_NONE = "PID file does not exist"


class AlreadyRunningError(Exception):
    """The process that the file names runs."""


class InvalidPIDFileError(Exception):
    """What is in the file is no number."""


class StalePIDFileError(Exception):
    """The process that the file names is gone."""


class NoPIDFound(Exception):
    """There is no file."""


class IPIDFile(Interface):
    """A place for the number of a process, held as long as its ``with`` block lasts."""

    def read(self) -> int:
        """The number that is there. `NoPIDFound` or `InvalidPIDFileError` if there is none."""

    def writeRunningPID(self) -> None:
        """Put the number of this process there."""

    def remove(self) -> None:
        """Remove the file."""

    def isRunning(self) -> bool:
        """Whether the process whose number is there runs; False if there is none. `StalePIDFileError` if it is gone."""

    def __enter__(self) -> Self:
        """Put the number of this process there. `AlreadyRunningError` if there is one whose process runs."""

    def __exit__(
        self, excType: type[BaseException] | None, excValue: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the file."""


@implementer(IPIDFile)
class PIDFile:
    """A pid file at a path (a `FilePath`, in `filePath`)."""

    _log = Logger(namespace="twisted.application.runner")

    def __init__(self, filePath: Any) -> None:
        self.filePath = filePath

    @staticmethod
    def _format(pid: int) -> bytes:
        return b"%d\n" % int(pid)

    def read(self) -> int:
        """The number in the file. `NoPIDFound` if there is no file, `InvalidPIDFileError` if it has no number."""
        try:
            with self.filePath.open() as file:
                content = file.read(_LONGEST)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise NoPIDFound(_NONE) from error
            raise
        try:
            return int(content)
        except ValueError:
            raise InvalidPIDFileError(f"non-integer PID value in PID file: {content!r}") from None

    def _write(self, pid: int) -> None:
        self.filePath.setContent(self._format(pid=pid))

    def writeRunningPID(self) -> None:
        """Write the number of this process into the file."""
        self._write(getpid())

    def remove(self) -> None:
        """Remove the file."""
        self.filePath.remove()

    def isRunning(self) -> bool:
        """Whether the process that the file names runs, be it another user's; False without a file.

        :raises StalePIDFileError: if it is gone.
        :raises NotImplementedError: where the system cannot be asked.
        """
        try:
            pid = self.read()
        except NoPIDFound:
            return False
        if os_name != "posix":
            raise NotImplementedError(f"isRunning is not implemented on {os_name}")
        try:
            kill(pid, 0)
        except OSError as error:
            if error.errno == errno.ESRCH:
                raise StalePIDFileError("PID file refers to non-existing process") from error
            if error.errno != errno.EPERM:
                raise
        return True

    def __enter__(self) -> Self:
        try:
            if self.isRunning():
                raise AlreadyRunningError(f"the PID file {self.filePath.path} names a process that runs")
        except StalePIDFileError:
            self._log.info("Replacing stale PID file: {log_source}", log_source=self)
        self.writeRunningPID()
        return self

    def __exit__(
        self, excType: type[BaseException] | None, excValue: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


@implementer(IPIDFile)
class NonePIDFile:
    """No pid file."""

    def read(self) -> int:
        """:raises NoPIDFound: always."""
        raise NoPIDFound(_NONE)

    def _write(self, pid: int) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    def writeRunningPID(self) -> None:
        """:raises OSError: always."""
        self._write(0)

    def remove(self) -> None:
        """:raises OSError: always."""
        raise OSError(errno.ENOENT, "No such file or directory")

    def isRunning(self) -> bool:
        """False."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, excType: type[BaseException] | None, excValue: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing is there to be removed."""


nonePIDFile = NonePIDFile()
