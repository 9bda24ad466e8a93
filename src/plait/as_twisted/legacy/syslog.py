"""What `twisted.python.syslog` is: log events go to the system's log, ``syslog(3)``, where there is one."""

from __future__ import annotations

from typing import Any

from plait.log.legacy import startLoggingWithObserver, textFromEventDict

try:
    import syslog
except ImportError:  # Windows has none
    syslog = None  # type: ignore[assignment]

__all__ = ["SyslogObserver", "startLogging"]


class SyslogObserver:
    """An observer that hands events to syslog, errors as alerts, under this name.

    Options and facility are those of `syslog.openlog`; an event may have a ``syslogPriority`` and a
    ``syslogFacility`` of its own. Raises `OSError` on a system without syslog.
    """

    def __init__(self, prefix: str, options: int | None = None, facility: int | None = None) -> None:
        if syslog is None:
            raise OSError("this system has no syslog; log to a file instead")
        syslog.openlog(
            prefix,
            syslog.LOG_PID if options is None else options,
            syslog.LOG_USER if facility is None else facility,
        )

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
            syslog.syslog(priority, f"[{eventDict.get('system', '-')}] {shown}")


def startLogging(
    prefix: str = "Twisted", options: int | None = None, facility: int | None = None, setStdout: bool = True
) -> None:
    """Log to syslog from now on; with ``setStdout`` also what the program prints."""
    startLoggingWithObserver(SyslogObserver(prefix, options, facility).emit, setStdout)
