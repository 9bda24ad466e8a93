"""Where a program's log goes: said once, when it starts."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterable
from typing import Any, TextIO

from plait.log._levels import LogLevel
from plait.log._logger import Logger
from plait.log._publisher import LogObserver, LogPublisher, _GlobalLogPublisher, globalLogPublisher

# What is written without an end of line is kept until one comes, up to this many characters.
_MAX_LINE = 65536


class LoggingFile:
    """A stand-in for a standard stream: each line that is written to it becomes an event."""

    encoding = "utf-8"
    errors = "backslashreplace"
    newlines = None
    mode = "w"
    closed = False

    def __init__(self, logger: Logger, level: LogLevel = LogLevel.info, original: TextIO | None = None) -> None:
        """`original`: the stream that this one stands in for, used when logging itself writes to it."""
        self.log = logger
        self.level = level
        self.original = original
        self._begun = ""
        self._within = threading.local()

    def write(self, text: str | bytes) -> int:
        """Log the lines that `text` completes."""
        if isinstance(text, bytes):
            text = text.decode(self.encoding, self.errors)
        if getattr(self._within, "logging", False):
            # An observer prints: to log that would call it again.
            if self.original is not None:
                self.original.write(text)
            return len(text)
        *lines, self._begun = (self._begun + text).split("\n")
        if len(self._begun) > _MAX_LINE:
            lines.append(self._begun)
            self._begun = ""
        self._within.logging = True
        try:
            for line in lines:
                self.log.emit(self.level, "{log_io}", log_io=line)
        finally:
            self._within.logging = False
        return len(text)

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        """Log the lines that these texts complete."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing to do: a line is logged as soon as it is complete."""

    def close(self) -> None:
        """Nothing to do: standard streams stay open."""

    def isatty(self) -> bool:
        """A log is not a terminal."""
        return False

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def fileno(self) -> int:
        """The descriptor of the stream that this one stands in for; OSError if there is none."""
        if self.original is None:
            raise OSError("this stream writes to the log and has no file descriptor")
        return self.original.fileno()


class LogBeginner:
    """Starts logging to a program's observers."""

    def __init__(self, publisher: LogPublisher) -> None:
        self._publisher = publisher

    def beginLoggingTo(
        self,
        observers: Iterable[LogObserver],
        discardBuffer: bool = False,
        redirectStandardIO: bool = True,
    ) -> None:
        """Hand all events to `observers` from now on; those that were logged before come first.

        `discardBuffer` drops those. `redirectStandardIO` makes events of what is written to ``sys.stdout``
        (level info) and ``sys.stderr`` (level error), and of warnings.
        """
        observers = list(observers)
        for observer in observers:
            LogPublisher.addObserver(self._publisher, observer)
        if isinstance(self._publisher, _GlobalLogPublisher):
            self._publisher.beginWith(*observers, discard=discardBuffer)
        if redirectStandardIO:
            for name, level in (("stdout", LogLevel.info), ("stderr", LogLevel.error)):
                stream = getattr(sys, name)
                if not isinstance(stream, LoggingFile):
                    setattr(sys, name, LoggingFile(Logger(name, observer=self._publisher), level, stream))
            warnings.showwarning = self._show_warning

    def _show_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if file is not None:
            file.write(warnings.formatwarning(message, category, filename, lineno, line))
            return
        values: dict[str, Any] = {"warning": message, "category": category, "filename": filename}
        Logger("warnings", observer=self._publisher).warn(
            "{filename}:{lineno}: {category.__qualname__}: {warning}", lineno=lineno, **values
        )


globalLogBeginner = LogBeginner(globalLogPublisher)
"""Starts logging for the whole program."""
