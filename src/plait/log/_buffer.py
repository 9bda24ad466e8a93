"""The last events, kept for whoever comes later."""

from __future__ import annotations

from collections import deque

from plait.interfaces import implementer
from plait.log._publisher import ILogObserver, LogEvent, LogObserver


@implementer(ILogObserver)
class LimitedHistoryLogObserver:
    """Keeps the last `size` events (all, if that is None) and hands them to others in their order.

    Events keep their values alive.
    """

    def __init__(self, size: int | None = 65536) -> None:
        self._events: deque[LogEvent] = deque(maxlen=size)

    def __call__(self, event: LogEvent) -> None:
        self._events.append(event)

    def replayTo(self, otherObserver: LogObserver) -> None:
        """Hand what is kept to another observer; it is kept still."""
        for event in list(self._events):
            otherObserver(event)
