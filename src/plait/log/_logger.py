"""How events are made."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any

from plait.failure import Failure
from plait.log._context import current
from plait.log._levels import InvalidLogLevelError, LogLevel
from plait.log._publisher import LogObserver, globalLogPublisher, note_step

_DEBUG, _INFO, _WARN, _ERROR = (level.rank for level in list(LogLevel)[:4])


class Logger:
    """Makes events in the name of a part of the program, and hands them to an observer.

    As a module's global it names itself after the module. As a class attribute (``log = Logger()``) it names
    itself after the class through which it is reached, and the instance is the events' ``log_source``.

    The values of an event are given as keywords and keep their types: an observer may count them or write
    JSON, the text is made only when it is wanted.

        log.info("{peer} sent {size} bytes", peer=peer, size=len(data))
    """

    __slots__ = ("_named", "namespace", "observer", "source")

    def __init__(
        self, namespace: str | None = None, source: object = None, observer: LogObserver | None = None
    ) -> None:
        """`namespace`: a dotted name, of the calling module if None. `observer`: `globalLogPublisher` if
        None.
        """
        self._named = namespace is not None
        self.namespace: str = (
            namespace if namespace is not None else sys._getframe(1).f_globals.get("__name__", "<unknown>")
        )
        self.source = source
        self.observer: LogObserver = globalLogPublisher if observer is None else observer

    def __get__(self, instance: object, owner: type | None = None) -> Logger:
        cls = owner if owner is not None else type(instance)
        name = self.namespace if self._named else f"{cls.__module__}.{cls.__qualname__}"
        return self.__class__(name, cls if instance is None else instance, self.observer)

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__} {self.namespace!r}>"

    def emit(self, level: LogLevel, format: str | None = None, /, **kwargs: object) -> None:
        """Log an event. `format` may use the keywords, see `formatEvent`."""
        if not isinstance(level, LogLevel):
            error = Failure(InvalidLogLevelError(level))
            values = {**kwargs, "log_failure": error, "invalidLevel": level, "invalidFormat": format}
            self._emit(LogLevel.critical, "No log level {invalidLevel!r}: {invalidFormat}", values)
        elif level.rank >= getattr(self.observer, "threshold", 0):
            self._emit(level, format, kwargs)

    def _emit(self, level: LogLevel, format: str | None, event: dict[str, Any]) -> None:
        event["log_logger"] = self
        event["log_level"] = level
        event["log_namespace"] = self.namespace
        event["log_source"] = self.source
        event["log_format"] = format
        if "log_time" not in event:
            event["log_time"] = time.time()
        context = current.get()
        if context:
            event["log_context"] = context
            event = {**context, **event}
        if "log_trace" in event:
            note_step(event, self, self.observer)
        self.observer(event)

    def debug(self, format: str | None = None, **kwargs: object) -> None:
        """Log an event for the developer of this code."""
        if getattr(self.observer, "threshold", 0) <= _DEBUG:
            self.emit(LogLevel.debug, format, **kwargs)

    def info(self, format: str | None = None, **kwargs: object) -> None:
        """Log an event of normal work."""
        if getattr(self.observer, "threshold", 0) <= _INFO:
            self.emit(LogLevel.info, format, **kwargs)

    def warn(self, format: str | None = None, **kwargs: object) -> None:
        """Log something that is not right, but did no harm yet."""
        if getattr(self.observer, "threshold", 0) <= _WARN:
            self.emit(LogLevel.warn, format, **kwargs)

    def error(self, format: str | None = None, **kwargs: object) -> None:
        """Log that an operation has failed, which this program was ready for."""
        if getattr(self.observer, "threshold", 0) <= _ERROR:
            self.emit(LogLevel.error, format, **kwargs)

    def critical(self, format: str | None = None, **kwargs: object) -> None:
        """Log something that was not expected and that somebody must look at."""
        self.emit(LogLevel.critical, format, **kwargs)

    def failure(
        self,
        format: str | None,
        failure: Failure | None = None,
        level: LogLevel = LogLevel.critical,
        **kwargs: object,
    ) -> None:
        """Log a failure with its traceback; in an ``except`` block the current exception if none is given.

        log.failure("cannot read {path}", path=path)
        """
        self.emit(level, format, **{**kwargs, "log_failure": Failure() if failure is None else failure})

    @contextmanager
    def failuresHandled(
        self, format: str, level: LogLevel = LogLevel.critical, **kwargs: object
    ) -> Iterator[Operation]:
        """Run a block of which any error (`BaseException`) is logged and goes no further; gives an `Operation`.

        with log.failuresHandled("while reading {path}", path=path) as operation:
            read(path)
        if operation.failed:
            ...
        """
        operation = Operation()
        try:
            yield operation
        except BaseException:
            operation.failed = True
            self.failure(format, Failure(), level, **kwargs)
        else:
            operation.succeeded = True

    def failureHandler(
        self, staticMessage: str, level: LogLevel = LogLevel.critical
    ) -> AbstractContextManager[None, bool]:
        """The same as an object that can be made once and used as often as wanted; it tells nothing of how it went."""
        return _FailureHandler(self, staticMessage, level)


class Operation:
    """How a block under `Logger.failuresHandled` has ended; neither holds while it runs."""

    def __init__(self) -> None:
        self.succeeded = False
        self.failed = False


class _FailureHandler:
    def __init__(self, log: Logger, message: str, level: LogLevel) -> None:
        self._log = log
        self._message = message
        self._level = level

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is not None:
            self._log.failure(self._message, Failure(error), self._level)
        return True
