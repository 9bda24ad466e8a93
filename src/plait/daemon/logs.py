"""Where a program's messages go: the terminal, or a file; and what a daemon prints goes there too."""

from __future__ import annotations

import sys
from typing import TextIO

from plait.daemon.errors import StartError, reason
from plait.log import Logger, globalLogBeginner, globalLogPublisher, textFileLogObserver

_log = Logger(namespace="plait.daemon")


def _open(path: str) -> TextIO:
    return open(path, "a", encoding="utf-8", errors="backslashreplace")


class LogOutput:
    """The log of this process, written to the file at `path`, or to standard output if that is None.

    StartError if the file cannot be opened for appending.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        if path is not None:
            try:
                self._file = _open(path)
            except OSError as error:
                raise StartError(f"cannot write the log file {path}: {reason(error)}") from error
        self._observer = textFileLogObserver(self._file or sys.stdout)
        self._standard = sys.stdout, sys.stderr
        globalLogPublisher.addObserver(self._observer)

    @property
    def to_file(self) -> bool:
        """Whether the log goes to a file, not to the terminal."""
        return self._file is not None

    def capture_prints(self) -> None:
        """From now on what the program prints is logged, line by line: a daemon has no terminal."""
        globalLogBeginner.beginLoggingTo([], redirectStandardIO=True)

    def reopen(self) -> None:
        """Open the file at the path anew: whoever rotates logs has moved the one that we have. If we cannot, keep that."""
        if self._path is None or self._file is None:
            return
        try:
            file = _open(self._path)
        except OSError as error:
            _log.error("Cannot open the log file {path} anew: {reason}", path=self._path, reason=reason(error))
            return
        old, before = self._file, self._observer
        self._file, self._observer = file, textFileLogObserver(file)
        globalLogPublisher.addObserver(self._observer)
        globalLogPublisher.removeObserver(before)
        old.close()

    def close(self) -> None:
        """Undo all of it."""
        sys.stdout, sys.stderr = self._standard
        globalLogPublisher.removeObserver(self._observer)
        if self._file is not None:
            self._file.close()
