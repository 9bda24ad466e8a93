"""Where a program's messages go: the terminal, a file, or a log of the system's; and what a daemon prints goes there too."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any, TextIO, cast

from plait.daemon.errors import StartError, reason, user_traceback
from plait.daemon.options import Options
from plait.daemon.privileges import acting_as
from plait.deferred import getDebugging
from plait.log import (
    FilteringLogObserver,
    LogEvent,
    LogFile,
    Logger,
    LogLevel,
    LogStream,
    formatEventAsClassicLogText,
    globalLogBeginner,
    globalLogPublisher,
    journalLogObserver,
    jsonLinesLogObserver,
    leadsToJournal,
    parseLevels,
    terminalLogObserver,
)
from plait.tracebacks import wantFullTracebacks

_log = Logger(namespace="plait.daemon")

DEFAULT_LOG = "plait.log"
JOURNAL = "/run/systemd/journal/socket"


Observer = Callable[[LogEvent], None]


class LogOutput:
    """The log of this process: where the options say, in the form and of the levels that they say.

    StartError if it cannot be opened.
    """

    def __init__(self, options: Options) -> None:
        self._undo = ExitStack()
        self._file: LogFile | None = None
        self.to_terminal = False
        """Whether the log goes to the terminal, where messages of a start are read anyway."""
        self._standard = sys.stdout, sys.stderr
        wantFullTracebacks(options.full_tracebacks or getDebugging())
        observer = self._observer(options)
        if options.log_level:
            observer = FilteringLogObserver(observer, [parseLevels(options.log_level)])
        globalLogPublisher.addObserver(observer)
        self._undo.callback(globalLogPublisher.removeObserver, observer)

    def _observer(self, options: Options) -> Observer:
        if options.logger is not None:
            return named_observer(options.logger)
        if options.syslog:
            return syslog_observer(options.log_prefix)
        if options.journal or self._is_journal_anyway(options):
            return self._journal(options.log_prefix)
        if options.log_file == "-" or (options.log_file is None and options.foreground):
            self.to_terminal = True
            return self._lines(self._unblocked(sys.stdout), options)
        path = os.path.abspath(options.log_file or DEFAULT_LOG)
        try:
            self._file = LogFile(path, options.log_rotation, acting_as)
        except OSError as error:
            raise StartError(f"cannot write the log file {path}: {reason(error)}") from error
        self._undo.callback(self._file.close)
        return self._lines(self._file, options)

    def _lines(self, file: Any, options: Options) -> Observer:
        observer = jsonLinesLogObserver(file) if options.log_format == "json" else terminalLogObserver(file)
        self._undo.callback(observer.flush)
        if isinstance(file, LogStream):
            self._undo.callback(file.drain)  # so that there is room to tell what was lost
        return observer

    def _unblocked(self, stream: TextIO) -> Any:
        """What to write to in place of standard output, so that a reader who stops does not stop us."""
        if sys.platform == "win32":
            return stream
        try:
            unblocked = LogStream(stream)
        except (AttributeError, OSError):
            return stream  # not a real one
        self._undo.callback(unblocked.close)
        return unblocked

    def _is_journal_anyway(self, options: Options) -> bool:
        """Whether standard output, where nobody has said that the log is to go, leads to the journal."""
        if options.log_file is not None or options.log_format is not None or not options.foreground:
            return False
        try:
            return leadsToJournal(sys.stdout.fileno()) and os.path.exists(JOURNAL)
        except (AttributeError, OSError):
            return False

    def _journal(self, name: str) -> Observer:
        try:
            observer = journalLogObserver(name, JOURNAL)
        except OSError as error:
            raise StartError(f"there is no journal at {JOURNAL}: {reason(error)}. Leave out --journal") from error
        self._undo.callback(observer.close)
        return observer

    def capture_prints(self) -> None:
        """From now on what the program prints is logged, line by line: a daemon has no terminal."""
        globalLogBeginner.beginLoggingTo([], redirectStandardIO=True)

    def give_to(self, user: int, group: int) -> None:
        """Let the file belong to whom this process becomes, who could not open it anew otherwise."""
        if self._file is not None and sys.platform != "win32":
            try:
                os.fchown(self._file.fileno(), user, group)
            except OSError as error:
                _log.warn("Cannot give the log file to user {user}: {reason}", user=user, reason=reason(error))

    def reopen(self) -> None:
        """Open the file at the path anew: whoever rotates logs has moved the one that we have. If we cannot, keep that."""
        if self._file is None:
            return
        try:
            self._file.reopen()
        except OSError as error:
            _log.error("Cannot open the log file {path} anew: {reason}", path=self._file.path, reason=reason(error))

    def close(self) -> None:
        """Undo all of it."""
        sys.stdout, sys.stderr = self._standard
        self._undo.close()


def named_observer(name: str) -> Callable[[LogEvent], None]:
    """The observer that the function called `name` (``package.module.function``) makes. StartError if there is none."""
    module_name, _, function_name = name.replace(":", ".").rpartition(".")
    try:
        function = getattr(import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise StartError(f"there is no {name!r} to make a log observer (package.module.function): {error}") from error
    try:
        observer = function()
    except Exception as error:
        raise StartError(f"{name} has made no log observer:\n{user_traceback(error)}") from error
    if not callable(observer):
        raise StartError(f"{name} has made {observer!r}, which is no log observer: it has to be callable with an event")
    return cast("Callable[[LogEvent], None]", observer)


def syslog_observer(prefix: str) -> Callable[[LogEvent], None]:
    """An observer that writes to the system's log, under the name `prefix`. StartError where there is none."""
    try:
        import syslog
    except ImportError:
        raise StartError("this platform has no syslog: leave out --syslog") from None
    syslog.openlog(prefix, syslog.LOG_PID, syslog.LOG_DAEMON)
    priorities = {
        LogLevel.debug: syslog.LOG_DEBUG,
        LogLevel.info: syslog.LOG_INFO,
        LogLevel.warn: syslog.LOG_WARNING,
        LogLevel.error: syslog.LOG_ERR,
        LogLevel.critical: syslog.LOG_CRIT,
    }

    def observe(event: LogEvent) -> None:
        text = formatEventAsClassicLogText(event, lambda when: "")
        if text is not None:
            priority = priorities.get(event.get("log_level", LogLevel.info), syslog.LOG_INFO)
            for line in text.strip().split("\n"):
                syslog.syslog(priority, line)  # it has a time of its own

    return observe
