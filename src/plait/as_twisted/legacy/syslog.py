"""What `twisted.python.syslog` is: log events go to the system's log, ``syslog(3)``, where there is one."""

from __future__ import annotations

from typing import Any

from plait.log.legacy import startLoggingWithObserver, textFromEventDict

try:
    import syslog
except ImportError:  # Windows has none
    syslog = None  # type: ignore[assignment]

__all__ = ["DEFAULT_FACILITY", "DEFAULT_OPTIONS", "SyslogObserver", "startLogging"]

DEFAULT_OPTIONS = 0 if syslog is None else syslog.LOG_PID
"""Each line has the number of the process."""

DEFAULT_FACILITY = 0 if syslog is None else syslog.LOG_USER
"""The program is one of a user's."""


class SyslogObserver:
    """An observer that hands events to syslog, errors as alerts, under this name.

    Options and facility are those of `syslog.openlog`; an event may have a ``syslogPriority`` and a
    ``syslogFacility`` of its own. Raises `OSError` on a system without syslog.
    """

    openlog = None if syslog is None else staticmethod(syslog.openlog)
    syslog = None if syslog is None else staticmethod(syslog.syslog)

    def __init__(self, prefix: str, options: int = DEFAULT_OPTIONS, facility: int = DEFAULT_FACILITY) -> None:
        if self.openlog is None:
            raise OSError("this system has no syslog; log to a file instead")
        self.openlog(prefix, options, facility)

    def emit(self, eventDict: dict[str, Any]) -> None:
        """Hand one event over, line by line, if it has anything to say."""
        text = textFromEventDict(eventDict)
        if text is None:
            return
        usual = syslog.LOG_ALERT if eventDict.get("isError") else syslog.LOG_INFO
        priority = eventDict.get("syslogPriority", usual) | eventDict.get("syslogFacility", 0)
        lines = [line for line in text.split("\n") if line]
        for number, line in enumerate(lines):
            shown = f"\t{line}" if number else line
            self.syslog(priority, f"[{eventDict.get('system', '-')}] {shown}")


def startLogging(
    prefix: str = "Twisted",
    options: int = DEFAULT_OPTIONS,
    facility: int = DEFAULT_FACILITY,
    setStdout: bool = True,
) -> None:
    """Log to syslog from now on; with ``setStdout`` also what the program prints."""
    startLoggingWithObserver(SyslogObserver(prefix, options, facility).emit, setStdout)
