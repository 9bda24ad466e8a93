"""What only older programs take from `twisted.python.log`: contexts, and the way to the standard library's logging."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import IO, Any, TypeVar

from zope.interface import Interface  # type: ignore[import-untyped]

from plait.as_twisted.legacy import context
from plait.log import Logger, LogLevel, legacy
from plait.log._begin import LoggingFile
from plait.log.legacy import EventDict, addObserver, err, msg, removeObserver, textFromEventDict

__all__ = [
    "ILogContext",
    "ILogObserver",
    "PythonLoggingObserver",
    "callWithContext",
    "callWithLogger",
    "logfile",
    "showwarning",
]

logfile = LoggingFile(Logger("stdout"))
"""Each line that is written to it becomes an event of the log."""

_T = TypeVar("_T")

_LEVELS = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}


class ILogContext(Interface):  # type: ignore[misc]
    """The key, in `twisted.python.context`, of a dict that is part of each event that is logged."""


class ILogObserver(Interface):  # type: ignore[misc]
    """A function that is called with each event, a dict."""

    def __call__(eventDict: EventDict) -> None:
        """Take an event."""


class _Ambient(Mapping[str, Any]):
    """What is part of an event where no call has said so: its system is the connection whose hook runs.

    That is found by looking who has called, so that a connection need not say it each time that something arrives.
    """

    def __getitem__(self, key: str) -> Any:
        return _running_system() if key == "system" else {"isError": 0}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("isError", "system"))

    def __len__(self) -> int:
        return 2


def _running_system() -> str:
    stream = sys.modules.get("plait.transport.stream")
    if stream is not None:
        kind = stream.Connection
        hooks = (kind.data_received.__code__, kind.connection_made.__code__, kind.connection_lost.__code__)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code in hooks:
                connection = frame.f_locals["self"]
                return "-" if connection.protocol is None else str(connection.logstr)
            frame = frame.f_back
    return "-"


context.setDefault(ILogContext, _Ambient())


def _current() -> Mapping[str, Any]:
    values: Mapping[str, Any] = context.get(ILogContext)
    return values


legacy.contextSource = _current


def callWithContext(ctx: Mapping[str, Any], func: Callable[..., _T], *args: Any, **kw: Any) -> _T:
    """Call a function; `ctx` becomes part of each event that it, or what it calls, logs with `msg` and `err`."""
    return context.call({ILogContext: {**_current(), **ctx}}, func, *args, **kw)


def _call_in_system(system: str, function: Callable[..., object], *args: object) -> None:
    callWithContext({"system": system}, function, *args)


legacy.callInSystem = _call_in_system


def callWithLogger(logger: Any, func: Callable[..., _T], *args: Any, **kw: Any) -> _T | None:
    """Call a function whose events are of the system ``logger.logPrefix()``; an error that it raises is logged."""
    try:
        prefix = logger.logPrefix()
    except Exception:
        prefix = "(buggy logPrefix method)"
        err(system=prefix)
    try:
        return callWithContext({"system": prefix}, func, *args, **kw)
    except KeyboardInterrupt:
        raise
    except BaseException:
        err(system=prefix)
    return None


class PythonLoggingObserver:
    """Hands events to the standard library's logger `loggerName`, with their level. Attribute: `logger`."""

    def __init__(self, loggerName: str = "twisted") -> None:
        self.logger = logging.getLogger(loggerName)

    def emit(self, eventDict: EventDict) -> None:
        """Hand one event on, if it has anything to say."""
        if "logLevel" in eventDict:
            level = eventDict["logLevel"]
        elif eventDict.get("log_level") in _LEVELS:
            level = _LEVELS[eventDict["log_level"]]
        else:
            level = logging.ERROR if eventDict.get("isError") else logging.INFO
        text = textFromEventDict(eventDict)
        if text is not None:
            self.logger.log(level, "%s", text)

    def start(self) -> None:
        """Begin to get events."""
        addObserver(self.emit)

    def stop(self) -> None:
        """Get no more events."""
        removeObserver(self.emit)


def showwarning(
    message: Any, category: Any, filename: str, lineno: int, file: IO[str] | None = None, line: str | None = None
) -> None:
    """As `warnings.showwarning`: to the log, unless there is a file to write to."""
    if file is not None:
        file.write(warnings.formatwarning(message, category, filename, lineno, line))
    else:
        name = f"{category.__module__}.{category.__qualname__}"
        msg(
            warning=message,
            category=name,
            filename=filename,
            lineno=lineno,
            format="%(filename)s:%(lineno)s: %(category)s: %(warning)s",
        )
