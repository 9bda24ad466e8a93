"""The log of older programs: ``msg``, ``err``, and observers that take a dict with "message" and "isError".

New code has `Logger`. Both write to the same place, and each kind of observer sees the events of both.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import IO, Any, TypeAlias

from plait.failure import Failure
from plait.log._begin import globalLogBeginner
from plait.log._context import current
from plait.log._file import FileLogObserver as _NewFileLogObserver
from plait.log._format import (
    TIME_FORMAT,
    formatEvent,
    formatEventAsClassicLogText,
    formatTime,
    safe_repr,
    safe_str,
    system_of,
    traceback_of,
)
from plait.log._levels import LogLevel
from plait.log._publisher import LogEvent, LogObserver, globalLogPublisher
from plait.log._stdlib import levelFromStdlib

EventDict: TypeAlias = dict[str, Any]
"""An event of this kind: "message" (a tuple), "time", "system", "isError", and with an error "failure" and
"why".
"""

LegacyObserver: TypeAlias = Callable[[EventDict], None]


def _no_context() -> Mapping[str, Any]:
    return {}


contextSource: Callable[[], Mapping[str, Any]] = _no_context
"""What is part of every event that `msg` and `err` log at the moment. ``as_twisted`` puts its contexts here."""


def _as_it_is(system: str, function: Callable[..., object], *args: object) -> None:
    function(*args)


callInSystem: Callable[..., None] = _as_it_is
"""Call a function (the second argument, its arguments follow) whose events are of a system. ``as_twisted`` replaces it."""


def msg(*message: object, **kw: Any) -> None:
    """Log a message, its parts joined by spaces: ``msg("got", n, "lines")``.

    Keywords become part of the event. "system" names the part of the program ("-" if not given); "format" is
    a %-format for the keywords, used if there is no message; "isError" makes it an error.
    """
    event: EventDict = {"system": "-", "isError": 0, **contextSource(), "message": message, "time": time.time(), **kw}
    publish_legacy(event)


def err(_stuff: object = None, _why: str | None = None, **kw: Any) -> None:
    """Log an error: a `Failure`, an exception, or the exception that is being handled if there is no
    argument.

    `_why` is a sentence that says what was being done. Anything else is logged as an error by its repr.
    """
    if _stuff is None:
        _stuff = Failure()
    elif isinstance(_stuff, BaseException) and not isinstance(_stuff, Failure):
        _stuff = Failure(_stuff)
    if isinstance(_stuff, Failure):
        msg(**{**kw, "failure": _stuff, "why": _why, "isError": 1})
    else:
        msg(safe_repr(_stuff), **{**kw, "why": _why, "isError": 1})


deferr = err


def publish_legacy(event: EventDict, observer: LogObserver | None = None) -> None:
    """Hand an event of this kind to `observer` (`globalLogPublisher` if None), with all that one of the new kind expects."""
    failure = event.get("failure")
    is_error = bool(event.get("isError"))
    context = current.get()
    new: LogEvent = {**context, **event}
    if context:
        new["log_context"] = context
    if is_error and failure is not None:
        new["log_failure"] = failure
        new["log_text"] = safe_str(event.get("why") or "Unhandled Error")
    else:
        new["log_text"] = textFromEventDict(event)
    if "log_level" not in new:
        new["log_level"] = LogLevel.critical if is_error else _level_of(event.get("logLevel"))
    new["log_format"] = "{log_text}" if new["log_text"] is not None else None
    new["log_namespace"] = "log_legacy"
    new["log_system"] = event.get("system", "-")
    new["log_time"] = event["time"]
    (observer or globalLogPublisher)(new)


def _level_of(stdlib: object) -> LogLevel:
    if isinstance(stdlib, str):
        stdlib = logging.getLevelNamesMapping().get(stdlib)
    return levelFromStdlib(stdlib) if isinstance(stdlib, int) else LogLevel.info


def textFromEventDict(eventDict: EventDict) -> str | None:
    """The event's text, with its traceback if it is an error; None if it has nothing to say."""
    message = eventDict.get("message")
    if message:
        return " ".join(safe_str(part) for part in message)
    if eventDict.get("isError") and eventDict.get("failure") is not None:
        why = eventDict.get("why") or "Unhandled Error"
        return f"{safe_str(why)}\n{traceback_of(eventDict['failure'])}"
    if "format" in eventDict:
        try:
            return str(eventDict["format"] % eventDict)
        except Exception as error:
            format = safe_repr(eventDict["format"])
            return f"Unable to format event: {type(error).__name__}: {safe_str(error)}; format={format}"
    return None


class _TextOf:
    """The text of an event, made when somebody formats it."""

    def __init__(self, event: LogEvent) -> None:
        self._event = event

    def __str__(self) -> str:
        return formatEvent(self._event)


def legacy_event(event: LogEvent) -> EventDict:
    """An event of the new kind as observers of this kind expect it."""
    old: EventDict = dict(event)
    old.setdefault("message", ())
    old.setdefault("time", event.get("log_time"))
    old.setdefault("system", system_of(event))
    if event.get("log_format") is not None and "format" not in old:
        old["format"] = "%(log_legacy)s"
        old["log_legacy"] = _TextOf(event)
    if event.get("log_failure") is not None:
        old.setdefault("failure", event["log_failure"])
        old.setdefault("why", formatEvent(event) or None)
        old.setdefault("isError", 1)
    elif "isError" not in old:
        old["isError"] = 1 if event.get("log_level") in (LogLevel.error, LogLevel.critical) else 0
    return old


class LegacyAdapter:
    """An observer of this kind as one of the new kind; equal to any other that stands for the same."""

    def __init__(self, observer: LegacyObserver) -> None:
        self.observer = observer

    def __call__(self, event: LogEvent) -> None:
        self.observer(legacy_event(event))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LegacyAdapter) and other.observer == self.observer

    def __hash__(self) -> int:
        return hash(self.observer)

    def __repr__(self) -> str:
        return safe_repr(self.observer)


def addObserver(observer: LegacyObserver) -> None:
    """Call `observer` with each event that is logged from now on, as a dict with "message", "isError",
    "time"…
    """
    globalLogPublisher.addObserver(LegacyAdapter(observer))


def removeObserver(observer: LegacyObserver) -> None:
    """Call `observer` no more. ValueError if it is not there."""
    if not globalLogPublisher.hasObserver(LegacyAdapter(observer)):
        raise ValueError(f"{safe_repr(observer)} has not been added as a log observer, or was removed already")
    globalLogPublisher.removeObserver(LegacyAdapter(observer))


class LogPublisher:
    """What older programs call the publisher: the functions of this module as methods."""

    @property
    def observers(self) -> list[LegacyObserver]:
        """The observers of the older kind, in the order in which they were added."""
        return [each.observer for each in globalLogPublisher._observers if isinstance(each, LegacyAdapter)]

    def addObserver(self, observer: LegacyObserver) -> None:
        """See `plait.log.addObserver`."""
        addObserver(observer)

    def removeObserver(self, observer: LegacyObserver) -> None:
        """See `plait.log.removeObserver`."""
        removeObserver(observer)

    def msg(self, *message: object, **kw: Any) -> None:
        """See `plait.log.msg`."""
        msg(*message, **kw)


theLogPublisher = LogPublisher()


class FileLogObserver:
    """An observer of the older kind: writes lines to a file once it is started; override `formatTime` or
    `emit`.
    """

    timeFormat: str | None = None
    "As for strftime; None is the standard form with the offset from UTC."

    def __init__(self, f: IO[Any]) -> None:
        self._observer = _NewFileLogObserver(f, self._line)

    def formatTime(self, when: float | None) -> str:
        """The time of a line; `when` in seconds since the epoch."""
        return formatTime(when, self.timeFormat or TIME_FORMAT)

    def _line(self, event: LogEvent) -> str | None:
        return formatEventAsClassicLogText(event, self.formatTime)

    def emit(self, eventDict: EventDict) -> None:
        """Write one event, if it has anything to say."""
        event: LogEvent = dict(eventDict)
        event.setdefault("log_time", eventDict.get("time"))
        event.setdefault("log_system", eventDict.get("system", "-"))
        if "log_format" not in event:
            failure = eventDict.get("failure") if eventDict.get("isError") else None
            if failure is not None:
                event["log_failure"] = failure
                event["log_text"] = safe_str(eventDict.get("why") or "Unhandled Error")
            else:
                event["log_text"] = textFromEventDict(eventDict)
            event["log_format"] = "{log_text}" if event["log_text"] is not None else None
        self._observer(event)

    def start(self) -> None:
        """Begin to get events."""
        addObserver(self.emit)

    def stop(self) -> None:
        """Get no more events."""
        removeObserver(self.emit)


def startLogging(file: IO[Any], setStdout: bool = True) -> FileLogObserver:
    """Log to `file` (text or binary) from now on; what was logged before comes first. Returns the observer.

    `setStdout` makes log events of what the program prints.
    """
    observer = FileLogObserver(file)
    startLoggingWithObserver(observer.emit, setStdout)
    return observer


def startLoggingWithObserver(observer: LegacyObserver, setStdout: bool = True) -> None:
    """Log to `observer` from now on; what was logged before comes first."""
    begin: LogObserver = LegacyAdapter(observer)
    globalLogBeginner.beginLoggingTo([begin], redirectStandardIO=bool(setStdout))
    msg("Log opened.")


def discardLogs() -> None:
    """Drop what was logged so far instead of keeping it for the first observer."""
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
