"""Where a program's messages go: the terminal, or a file; and what a daemon prints goes there too."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TextIO, cast

from plait.daemon.errors import StartError, reason, user_traceback
from plait.daemon.privileges import acting_as
from plait.log import (
    LogEvent,
    Logger,
    LogLevel,
    formatEventAsClassicLogText,
    globalLogBeginner,
    globalLogPublisher,
    textFileLogObserver,
)

_log = Logger(namespace="plait.daemon")


def _open(path: str) -> TextIO:
    return open(path, "a", encoding="utf-8", errors="backslashreplace")


class LogOutput:
    """The log of this process, written to the file at `path`, or to standard output if that is None, or to an `observer`.

    StartError if the file cannot be opened for appending.
    """

    def __init__(self, path: str | None, observer: Callable[[LogEvent], None] | None = None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self.to_terminal = path is None and observer is None
        """Whether the log goes to the terminal, where messages of a start are read anyway."""
        if path is not None and observer is None:
            try:
                self._file = _open(path)
            except OSError as error:
                raise StartError(f"cannot write the log file {path}: {reason(error)}") from error
        self._observer = observer or textFileLogObserver(self._file or sys.stdout)
        self._standard = sys.stdout, sys.stderr
        globalLogPublisher.addObserver(self._observer)

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
        """Open the file at the path anew: whoever rotates logs has moved the one that we have. If we cannot, keep that.

        If it belongs to another user and we are root, we open the new one as that user: it is his, too, and what he may have put
        at that path (a link to a file of root's, say) gives him no right that he has not.
        """
        if self._path is None or self._file is None:
            return
        try:
            owner = os.fstat(self._file.fileno())
            with acting_as(owner.st_uid, owner.st_gid):
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
