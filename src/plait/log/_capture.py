"""For tests: what was logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plait.log._publisher import LogEvent, globalLogPublisher


@contextmanager
def capturedLogs() -> Iterator[list[LogEvent]]:
    """A list that gets the events that are logged while the block runs, through `globalLogPublisher`.

    Observers get them as well.

        with capturedLogs() as events:
            doSomething()
        assert formatEvent(events[0]) == "did something"
    """
    events: list[LogEvent] = []
    observer = events.append
    globalLogPublisher.watch(observer)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(observer)
