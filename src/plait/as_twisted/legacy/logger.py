"""What only older programs take from `twisted.logger`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import IO, Any

from plait.interfaces import implementer
from plait.log import (
    ILogObserver,
    LimitedHistoryLogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogObserver,
    LogPublisher,
    eventAsText,
)
from plait.log import (
    LogBeginner as _LogBeginner,
)
from plait.log import (
    STDLibLogObserver as _STDLibLogObserver,
)
from plait.log._format import formatUnformattableEvent, safe_repr
from plait.log.legacy import EventDict, LegacyAdapter, publish_legacy

__all__ = [
    "MORE_THAN_ONCE_WARNING",
    "LegacyLogObserverWrapper",
    "LogBeginner",
    "STDLibLogObserver",
    "formatTrace",
    "formatUnformattableEvent",
    "publishToNewObserver",
]

MORE_THAN_ONCE_WARNING = (
    "Logging begins at <{fileNow}:{lineNow}>, and began before at <{fileThen}:{lineThen}>: there should be one place."
)


class LogBeginner(_LogBeginner):
    """Keeps the events of a publisher of its own until logging begins; critical ones it writes to `errorStream` meanwhile."""

    _DEFAULT_BUFFER_SIZE = 200

    def __init__(
        self,
        publisher: LogPublisher,
        errorStream: IO[str],
        stdio: Any,
        warningsModule: Any,
        initialBufferSize: int | None = None,
    ) -> None:
        super().__init__(publisher, stdio, warningsModule)
        self._log = Logger(observer=publisher)
        self._begun: tuple[str, int] | None = None
        self._error_stream = errorStream
        self._early = LimitedHistoryLogObserver(initialBufferSize or self._DEFAULT_BUFFER_SIZE)
        publisher.addObserver(self._early)
        publisher.addObserver(self._write_critical)

    def _write_critical(self, event: LogEvent) -> None:
        if event.get("log_level") is LogLevel.critical:
            self._error_stream.write(eventAsText(event, includeTimestamp=False, includeSystem=False) + "\n")

    def beginLoggingTo(
        self, observers: Iterable[LogObserver], discardBuffer: bool = False, redirectStandardIO: bool = True
    ) -> None:
        """As there; it warns if it is not the first time."""
        frame = sys._getframe(1)
        here = frame.f_code.co_filename, frame.f_lineno
        observers = list(observers)
        begun, self._begun = self._begun, here
        if begun is None:
            for early in (self._early, self._write_critical):
                self._publisher.removeObserver(early)
            if not discardBuffer:
                self._early.replayTo(LogPublisher(*observers))
        super().beginLoggingTo(observers, discardBuffer, redirectStandardIO)
        if begun is not None:
            self._log.warn(
                MORE_THAN_ONCE_WARNING, fileNow=here[0], lineNow=here[1], fileThen=begun[0], lineThen=begun[1]
            )


class STDLibLogObserver(_STDLibLogObserver):
    """One logger there takes all events."""

    defaultStackDepth = 4

    def __init__(self, name: str = "twisted", stackDepth: int = defaultStackDepth) -> None:
        super().__init__(name, stackDepth)


@implementer(ILogObserver)
class LegacyLogObserverWrapper(LegacyAdapter):
    """An observer of the older kind as one of the newer."""

    @property
    def legacyObserver(self) -> Callable[[EventDict], None]:
        """What is wrapped."""
        return self.observer

    def __repr__(self) -> str:
        return f"{type(self).__name__}({safe_repr(self.observer)})"


def publishToNewObserver(
    observer: LogObserver, eventDict: EventDict, textFromEventDict: Callable[[EventDict], str | None]
) -> None:
    """Hand an event of the older kind to an observer of the newer; its text is what `textFromEventDict` makes of it."""

    def with_text(event: LogEvent) -> None:
        event["log_text"] = textFromEventDict(eventDict)
        event["log_format"] = "{log_text}" if event["log_text"] is not None else None
        observer(event)

    publish_legacy(eventDict, with_text)


def formatTrace(trace: Iterable[tuple[Any, Any]]) -> str:
    """What an event's ``log_trace`` has noted, as lines: who handed it to whom."""
    lines: list[str] = []
    depths: dict[int, int] = {}
    for giver, taker in trace:
        if not lines:
            depths[id(giver)] = 0
            lines.append(_named(giver))
        depth = depths.get(id(giver), 0) + 1
        depths[id(taker)] = depth
        lines.append(f"{'  ' * depth}-> {_named(taker)}")
    return "".join(f"{line}\n" for line in lines)


def _named(observer: Any) -> str:
    name = getattr(observer, "name", None)
    return safe_repr(observer) if name is None else f"{safe_repr(observer)} ({name})"
