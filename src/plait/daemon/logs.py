"""Where a program's messages go: the terminal, or a file; and what a daemon prints goes there too."""

from __future__ import annotations

import io
import sys
from typing import TextIO

from plait.daemon.errors import StartError, reason
from plait.log import Logger, LogLevel, globalLogPublisher, textFileLogObserver

# What is written without a line end is logged after this many characters: a program that prints dots for ever must not
# fill the memory.
_LONGEST_LINE = 16384


class LogOutput:
    """The log of this process, written to the file at `path`, or to standard output if that is None.

    StartError if the file cannot be opened for appending.
    """

    def __init__(self, path: str | None) -> None:
        self._file: TextIO | None = None
        if path is not None:
            try:
                # By lines: a message is in the file when the call that logged it returns.
                self._file = open(path, "a", encoding="utf-8", errors="backslashreplace", buffering=1)
            except OSError as error:
                raise StartError(f"cannot write the log file {path}: {reason(error)}") from error
        self._observer = textFileLogObserver(self._file or sys.stdout)
        self._standard: tuple[TextIO, TextIO] | None = None
        globalLogPublisher.addObserver(self._observer)

    @property
    def to_file(self) -> bool:
        """Whether the log goes to a file, not to the terminal."""
        return self._file is not None

    def capture_prints(self) -> None:
        """From now on what the program prints is logged, line by line: a daemon has no terminal."""
        self._standard = sys.stdout, sys.stderr
        sys.stdout = _Printed(Logger(namespace="stdout"), LogLevel.info)
        sys.stderr = _Printed(Logger(namespace="stderr"), LogLevel.error)

    def close(self) -> None:
        """Undo all of it. A last line that has no end is logged first."""
        if self._standard is not None:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
                if isinstance(stream, _Printed):
                    stream.finish()
            sys.stdout, sys.stderr = self._standard
            self._standard = None
        globalLogPublisher.removeObserver(self._observer)
        if self._file is not None:
            self._file.close()


class _Printed(io.TextIOBase, TextIO):
    """A stream whose lines become log messages."""

    def __init__(self, log: Logger, level: object) -> None:
        self._log = log
        self._level = level
        self._rest = ""
        self._writing = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._writing:
            return len(text)  # what the log itself prints, about an observer that fails, must not come round again
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            self._emit(line)
        return len(text)

    def finish(self) -> None:
        """Log the last line, if it has no end."""
        rest, self._rest = self._rest, ""
        if rest:
            self._emit(rest)

    def _emit(self, line: str) -> None:
        self._writing = True
        try:
            self._log.emit(self._level, "{line}", line=line)
        finally:
            self._writing = False
