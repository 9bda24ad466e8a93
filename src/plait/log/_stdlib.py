"""The standard library's `logging`: what is logged there comes in, what is logged here can go out.

What came from there does not go back, nor the other way round, so both may be installed at once.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from plait.failure import Failure
from plait.interfaces import implementer
from plait.log._context import current
from plait.log._format import formatEvent
from plait.log._levels import LogLevel
from plait.log._publisher import ILogObserver, LogEvent, LogObserver, globalLogPublisher

toStdlibLevel = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}
"""Our levels and those of `logging`."""

_FROM_STDLIB = "log_stdlib"  # in an event: the record that it is made of
_FROM_EVENT = "plait_event"  # in a record: the event that it is made of
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", _FROM_EVENT}


def levelFromStdlib(number: int) -> LogLevel:
    """Our level for one of `logging`: the highest that is not above it, debug for what is below all."""
    return next((ours for ours, theirs in reversed(toStdlibLevel.items()) if number >= theirs), LogLevel.debug)


@implementer(ILogObserver)
class STDLibLogObserver:
    """Hands events to `logging`: text as the message, a failure as ``exc_info``, the event as ``record.plait_event``.

    :param name: of the logger there; None: each event's namespace.
    :param stackDepth: how many frames lie between the caller whose file and line the record names, and this observer.
    """

    defaultStackDepth = 4

    def __init__(self, name: str | None = None, stackDepth: int = defaultStackDepth) -> None:
        self.name = name
        self.stackDepth = stackDepth
        self._root = logging.getLogger(name) if name is not None else None

    def __call__(self, event: LogEvent) -> None:
        if _FROM_STDLIB in event:
            return
        logger = self._root or logging.getLogger(str(event.get("log_namespace") or "plait"))
        level = toStdlibLevel.get(event.get("log_level", LogLevel.info), logging.INFO)
        if not logger.isEnabledFor(level):
            return
        frame = _caller(self.stackDepth)
        code = frame.f_code
        failure = event.get("log_failure")
        record = logger.makeRecord(
            logger.name,
            level,
            code.co_filename,
            frame.f_lineno,
            formatEvent(event),
            (),
            None,
            func=code.co_name,
            extra={_FROM_EVENT: event},
        )
        if failure is not None:
            record.exc_info = (failure.type, failure.value, failure.tb)
            if failure.tb is None:  # let go of: the text is what there is
                record.exc_text = failure.getTraceback().rstrip("\n")
        logger.handle(record)


def _caller(depth: int) -> FrameType:
    frame = sys._getframe(1)
    for _ in range(depth - 3):
        if frame.f_back is None:
            break
        frame = frame.f_back
    return frame


class StdlibHandler(logging.Handler):
    """A handler for `logging` that makes events of records.

    The namespace is the logger's name; ``exc_info`` becomes the event's failure; what was given as ``extra`` its values.

    :param observer: gets the events.
    """

    def __init__(self, level: int = logging.NOTSET, observer: LogObserver = globalLogPublisher) -> None:
        super().__init__(level)
        self.observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        """Make an event of a record, unless it was one."""
        if hasattr(record, _FROM_EVENT):
            return
        level = levelFromStdlib(record.levelno)
        if level.rank < getattr(self.observer, "threshold", 0):
            return
        context = current.get()
        event: LogEvent = dict(context)
        if context:
            event["log_context"] = context
        event.update({name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS})
        event.update(
            log_namespace=record.name,
            log_level=level,
            log_time=record.created,
            log_format="{log_text}",
            log_text=_message(record),
        )
        event[_FROM_STDLIB] = record
        failure = _failure(record)
        if failure is not None:
            event["log_failure"] = failure
        self.observer(event)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:
        text = f"{record.msg!r} with {record.args!r} cannot be formatted: {type(error).__name__}: {error}"
    if record.stack_info:
        text = f"{text}\n{record.stack_info}"
    return text


def _failure(record: logging.LogRecord) -> Failure | None:
    if not record.exc_info or record.exc_info[1] is None:
        return None
    kind, error, tb = record.exc_info
    return Failure(error, kind, tb)


@contextmanager
def capturedStdlibLogging(level: int = logging.NOTSET) -> Iterator[StdlibHandler]:
    """While the block runs, what is logged by `logging` is part of this log, from `level` on."""
    handler = captureStdlibLogging(level)
    try:
        yield handler
    finally:
        logging.getLogger().removeHandler(handler)


def captureStdlibLogging(level: int = logging.NOTSET, **options: Any) -> StdlibHandler:
    """From now on what is logged by `logging` (as far as its loggers are not set to less) is part of this log.

    Gives the handler, which ``logging.getLogger().removeHandler`` takes out again. A second call changes nothing, and gives
    that which is there.
    """
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, StdlibHandler):
            return handler
    handler = StdlibHandler(level, **options)
    root.addHandler(handler)
    return handler
