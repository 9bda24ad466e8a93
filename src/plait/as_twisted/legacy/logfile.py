"""What `twisted.python.logfile` is: log files that are put aside when they are large, or when the day ends."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import IO, Any

from plait.as_twisted.legacy.threadable import synchronize
from plait.log import Logger

_log = Logger(namespace="plait.log")

__all__ = ["BaseLogFile", "DailyLogFile", "LogFile", "LogReader"]


class BaseLogFile:
    """A file that is appended to, and from time to time put aside; a subclass says when and under which name."""

    _told = False
    synchronized: Sequence[str] = ("write", "rotate")

    def __init__(self, name: str, directory: str, defaultMode: int | None = None) -> None:
        self.name = name
        self.directory = directory
        self.path = os.path.join(directory, name)
        self.defaultMode = os.stat(self.path).st_mode & 0o7777 if os.path.exists(self.path) else defaultMode
        if defaultMode is not None:
            self.defaultMode = defaultMode
        self.closed = False
        self._openFile()

    @classmethod
    def fromFullPath(cls, filename: str, *args: Any, **kwargs: Any) -> Any:
        """The log file with this path; the other arguments are the class's."""
        path = os.path.abspath(filename)
        return cls(os.path.basename(path), os.path.dirname(path), *args, **kwargs)

    def _openFile(self) -> None:
        self._file: IO[bytes] = open(self.path, "a+b")  # noqa: SIM115
        self.closed = False
        # A log may go to a device such as /dev/null, whose mode is everybody's: root must not change that.
        if self.defaultMode is not None and os.path.isfile(self.path):
            try:
                os.chmod(self.path, self.defaultMode)
            except PermissionError:
                pass  # the file is another user's; it can be written all the same

    def shouldRotate(self) -> bool:
        """Is it time to put the file aside?"""
        raise NotImplementedError(f"{type(self).__name__} does not say when the file is put aside")

    def rotate(self) -> None:
        """Put the file aside and begin another."""
        raise NotImplementedError(f"{type(self).__name__} does not say how the file is put aside")

    def write(self, data: str | bytes) -> None:
        """Append to the file, which is put aside before if it is time. Text is written as UTF-8."""
        if self.shouldRotate():
            self.flush()
            self._try_to_rotate()
        self._file.write(data.encode("utf-8") if isinstance(data, str) else data)
        self._file.flush()

    def _try_to_rotate(self) -> None:
        """Rotate; if that fails, say so once, and go on in the file."""
        try:
            self.rotate()
        except OSError as error:
            if not self._told:
                self._told = True  # before: the log may lead here
                _log.error("Cannot rotate the log file {path}: {reason}", path=self.path, reason=error.strerror)
        else:
            self._told = False

    def flush(self) -> None:
        """See that all has been written."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; the object can be used no more."""
        self.closed = True
        self._file.close()

    def reopen(self) -> None:
        """Open the file again, after another program has put it aside."""
        self.close()
        self._openFile()

    @property
    def size(self) -> int:
        """How many bytes are in the file."""
        return self._file.tell()

    def getCurrentLog(self) -> LogReader:
        """What is in the file now."""
        return LogReader(self.path)

    def _put_aside(self, path: str) -> None:
        """Give the file another path and begin another, if the folder allows it and the path is free."""
        if not (os.access(self.directory, os.W_OK) and os.access(self.path, os.W_OK)) or os.path.exists(path):
            return
        self._file.close()
        try:
            os.rename(self.path, path)
        finally:  # if it cannot be renamed, it goes on
            self._openFile()


class LogFile(BaseLogFile):
    """A log file that is put aside as ``NAME.1`` when it has ``rotateLength`` bytes, the older ones as ``.2``, …

    With ``rotateLength=None`` that is done only by `rotate`. Of ``maxRotatedFiles`` the oldest is deleted.
    """

    def __init__(
        self,
        name: str,
        directory: str,
        rotateLength: int | None = 1_000_000,
        defaultMode: int | None = None,
        maxRotatedFiles: int | None = None,
    ) -> None:
        self.rotateLength = rotateLength
        self.maxRotatedFiles = maxRotatedFiles
        super().__init__(name, directory, defaultMode)

    def shouldRotate(self) -> bool:
        """Is the file long enough?"""
        return bool(self.rotateLength) and self.size >= (self.rotateLength or 0)

    def rotate(self) -> None:
        """Put the file aside as number 1, after each older one has gone one number up."""
        if not (os.access(self.directory, os.W_OK) and os.access(self.path, os.W_OK)):
            return
        for number in reversed(self.listLogs()):
            if self.maxRotatedFiles is not None and number >= self.maxRotatedFiles:
                os.remove(f"{self.path}.{number}")
            else:
                os.rename(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        self._put_aside(f"{self.path}.1")

    def listLogs(self) -> list[int]:
        """The numbers of the files that were put aside, the newest first."""
        ends = (f.removeprefix(f"{self.name}.") for f in os.listdir(self.directory) if f.startswith(f"{self.name}."))
        return sorted(int(end) for end in ends if end.isdecimal() and int(end) > 0)

    def getLog(self, identifier: int) -> LogReader:
        """What is in the file with that number. Raises `ValueError` where there is none."""
        if not isinstance(identifier, int):
            raise TypeError(f"a log file that was put aside has a number, not {identifier!r}")
        return _reader(f"{self.path}.{identifier}")


class DailyLogFile(BaseLogFile):
    """A log file that is put aside as ``NAME.2030_5_17`` at the first write of another day."""

    lastDate: tuple[int, ...]

    def _openFile(self) -> None:
        super()._openFile()
        self.lastDate = self.toDate(os.stat(self.path).st_mtime)

    def toDate(self, *args: float) -> tuple[int, ...]:
        """Year, month and day of a time in seconds since the epoch; today's without one."""
        return time.localtime(*args)[:3]

    def suffix(self, tupledate: float | tuple[int, ...]) -> str:
        """How a file of that day is called after the dot."""
        day = tupledate if isinstance(tupledate, tuple) else self.toDate(tupledate)
        return "_".join(map(str, day))

    def shouldRotate(self) -> bool:
        """Has another day begun?"""
        return self.toDate() > self.lastDate

    def write(self, data: str | bytes) -> None:
        """Append to the file, which is put aside before if the day is another one."""
        super().write(data)
        self.lastDate = max(self.lastDate, self.toDate())

    def rotate(self) -> None:
        """Put the file aside under the day of its last entry."""
        self._put_aside(f"{self.path}.{self.suffix(self.lastDate)}")

    def getLog(self, identifier: float | tuple[int, ...] | date) -> LogReader:
        """What was written on a day, told in seconds since the epoch or as year, month and day.

        Raises `ValueError` where nothing was.
        """
        if isinstance(identifier, date):
            identifier = (identifier.year, identifier.month, identifier.day)
        day = identifier if isinstance(identifier, tuple) else self.toDate(identifier)
        return self.getCurrentLog() if day == self.toDate() else _reader(f"{self.path}.{self.suffix(day)}")


for _kind in (BaseLogFile, LogFile, DailyLogFile):
    synchronize(_kind)


class LogReader:
    """What is in a log file, by lines."""

    def __init__(self, name: str) -> None:
        self._file = open(name, encoding="utf-8", errors="replace")  # noqa: SIM115

    def readLines(self, lines: int = 10) -> list[str]:
        """The next lines, so many at most."""
        return [line for _, line in zip(range(lines), self._lines(), strict=False)]

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline():
            yield line

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _reader(path: str) -> LogReader:
    if not os.path.exists(path):
        raise ValueError(f"there is no log file {path!r}")
    return LogReader(path)
