"""Where a program's log goes: said once, when it starts."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterable
from typing import Any, NoReturn, TextIO

from plait.failure import qual
from plait.log._levels import LogLevel
from plait.log._logger import Logger
from plait.log._publisher import LogObserver, LogPublisher, _GlobalLogPublisher, globalLogPublisher

# What is written without an end of line is kept until one comes, up to this many characters.
_MAX_LINE = 65536


class LoggingFile:
    """A stand-in for a standard stream: each line that is written to it becomes an event."""

    errors = "backslashreplace"

    def __init__(
        self,
        logger: Logger,
        level: LogLevel = LogLevel.info,
        encoding: str | None = None,
        original: TextIO | None = None,
    ) -> None:
        """`encoding`: of bytes that are written; UTF-8 if None. `original`: the stream that this one stands in for, used when
        logging itself writes to it.
        """
        self.log = logger
        self.level = level
        self.original = original
        self._encoding = encoding or sys.getdefaultencoding()
        self._closed = False
        self._begun = ""
        self._within = threading.local()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def encoding(self) -> str:
        """What bytes are taken to be in."""
        return self._encoding

    @property
    def mode(self) -> str:
        """``"w"``: it can be written to only."""
        return "w"

    @property
    def newlines(self) -> None:
        """A line ends at "\\n"."""
        return None

    @property
    def name(self) -> str:
        """Says whose log it is."""
        return f"<{type(self).__name__} {self.log.namespace}#{self.level.name}>"

    def write(self, text: str | bytes) -> int:
        """Log the lines that `text` completes. ValueError after `close`."""
        if self._closed:
            raise ValueError("this stream is closed")
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
        """Take no more."""
        self._closed = True

    def _cannot(self, *args: object) -> NoReturn:
        raise OSError("a stream that leads to the log can only be written to")

    read = readline = readlines = next = xreadlines = seek = tell = truncate = _cannot

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
    """Starts logging to a program's observers.

    :param publisher: gets them.
    :param stdio: where ``stdout`` and ``stderr`` are; the module `sys`.
    :param warningsModule: where ``showwarning`` is; the module `warnings`.
    """

    def __init__(self, publisher: LogPublisher, stdio: Any = sys, warningsModule: Any = warnings) -> None:
        self._publisher = publisher
        self._stdio = stdio
        self._warnings = warningsModule
        self._showwarning = warningsModule.showwarning

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
                stream = getattr(self._stdio, name)
                if not isinstance(stream, LoggingFile):
                    log = Logger(name, observer=self._publisher)
                    stand_in = LoggingFile(log, level, getattr(stream, "encoding", None), stream)
                    setattr(self._stdio, name, stand_in)
            if self._warnings.showwarning != self._show_warning:
                self._showwarning = self._warnings.showwarning
                self._warnings.showwarning = self._show_warning

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
            self._showwarning(message, category, filename, lineno, file, line)
            return
        values: dict[str, Any] = {"warning": message, "category": qual(category), "filename": filename}
        Logger("warnings", observer=self._publisher).warn(
            "{filename}:{lineno}: {category}: {warning}", lineno=lineno, **values
        )


globalLogBeginner = LogBeginner(globalLogPublisher)
"""Starts logging for the whole program."""
