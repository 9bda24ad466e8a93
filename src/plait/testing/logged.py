"""What a test has logged: its errors, which must be expected, and its last lines, for the report."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, overload

from plait.failure import Failure
from plait.log import LogEvent, LogPublisher, formatEventAsClassicLogText, globalLogPublisher

# A report shows the end of the log, where the trouble is.
_LINES = 200


class LoggedErrors:
    """A log observer that keeps failures until they are flushed."""

    def __init__(self) -> None:
        self._failures: list[Failure] = []
        self.lines: deque[str] = deque(maxlen=_LINES)

    def __call__(self, event: LogEvent) -> None:
        line = formatEventAsClassicLogText(event)
        if line is not None:
            self.lines.append(line)
        failure = event.get("log_failure")
        if isinstance(failure, Failure):
            self._failures.append(failure)

    def begin(self) -> None:
        """Watch what is logged from now on."""
        globalLogPublisher.watch(self)

    def end(self) -> None:
        """Stop watching."""
        globalLogPublisher.removeObserver(self)

    def flush(self, *errorTypes: type[BaseException]) -> list[Failure]:
        """The failures that were logged, of these classes (all if none is given); they are forgotten with this."""
        found = [f for f in self._failures if not errorTypes or f.check(*errorTypes)]
        self._failures = [f for f in self._failures if f not in found]
        return found


class EventLoggingObserver(Sequence[LogEvent]):
    """A log observer that is the sequence of the events that it got."""

    def __init__(self) -> None:
        self._events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        self._events.append(event)

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> LogEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[LogEvent]: ...
    def __getitem__(self, index: int | slice) -> LogEvent | list[LogEvent]:
        return self._events[index]

    @classmethod
    def createWithCleanup(cls, testInstance: Any, publisher: LogPublisher) -> EventLoggingObserver:
        """One that observes `publisher` until the test case `testInstance` cleans up."""
        observer = cls()
        publisher.addObserver(observer)
        testInstance.addCleanup(publisher.removeObserver, observer)
        return observer
