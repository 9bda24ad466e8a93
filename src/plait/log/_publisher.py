"""How events reach observers, and what happens to them before there are any.

Until the first observer is added to `globalLogPublisher`, its events are kept (a bounded number) to be
replayed to it, and critical ones are written to standard error at once: a program that never sets up a log
still shows its tracebacks.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from plait.failure import Failure
from plait.interfaces import Interface, implementer
from plait.log._format import escape_lines, eventAsText, safe_repr
from plait.log._levels import LogLevel

LogEvent: TypeAlias = dict[str, Any]
"""An event: ``log_format`` and the values for it, ``log_level``, ``log_time``, ``log_namespace``,
``log_failure``…
"""

LogObserver: TypeAlias = Callable[[LogEvent], None]
"""What gets events. It is called in the thread that logs, and should neither block nor change the event."""


class ILogObserver(Interface):
    """What a `LogObserver` promises, for those who ask a class of theirs (``@implementer``) or an object."""

    def __call__(self, event: LogEvent) -> None:
        """Take an event, in the thread that logs: neither block nor change it."""


def bitbucketLogObserver(event: LogEvent) -> None:
    """An observer that does nothing."""


def note_step(event: LogEvent, giver: object, taker: object) -> None:
    """Write down who hands an event to whom, if the event says that it wants that (``log_trace``, a list)."""
    trace = event.get("log_trace")
    if trace is not None:
        trace.append((giver, taker))


# Enough for what a program says while it starts; few enough to forget about if it never adds an observer. An
# event keeps its values alive.
EARLY_EVENTS = 1000


def _rank(event: LogEvent) -> int:
    level = event.get("log_level")
    # What has no level is not to be filtered by it.
    return level.rank if isinstance(level, LogLevel) else LogLevel.critical.rank


@implementer(ILogObserver)
class LogPublisher:
    """An observer that hands each event to all of its observers. One that raises does not keep it from the
    others.
    """

    def __init__(self, *observers: LogObserver) -> None:
        # Replaced as a whole when it changes, so that it can be walked without a lock, in any thread.
        self._observers: tuple[LogObserver, ...] = observers
        self.threshold = LogLevel.debug.rank

    def setLevel(self, level: LogLevel) -> None:
        """Drop what is less important than `level`. A `Logger` asks before it makes an event, so that is
        cheap.
        """
        self.threshold = level.rank

    def addObserver(self, observer: LogObserver) -> None:
        """Hand events to `observer` too, from now on. TypeError if it cannot be called."""
        if not callable(observer):
            raise TypeError(f"a log observer is a function of one event, not {observer!r}")
        self._observers = (*self._observers, observer)

    def removeObserver(self, observer: LogObserver) -> None:
        """Hand no more events to `observer`; does nothing if it is not there."""
        kept = list(self._observers)
        if observer in kept:
            kept.remove(observer)
        self._observers = tuple(kept)

    def hasObserver(self, observer: LogObserver) -> bool:
        """Whether `observer` gets events."""
        return observer in self._observers

    def __call__(self, event: LogEvent) -> None:
        if _rank(event) < self.threshold:
            return
        traced = "log_trace" in event
        for observer in self._observers:
            if traced:
                note_step(event, self, observer)
            try:
                observer(event)
            except Exception:
                self._report(observer, Failure(), event)

    def _report(self, broken: LogObserver, failure: Failure, event: LogEvent) -> None:
        """Tell the other observers; if there are none, or they break too, standard error."""
        report: LogEvent = {
            "log_format": "Log observer {observer} has raised an error; it goes on getting events.",
            "log_level": LogLevel.critical,
            "log_namespace": __name__,
            "log_time": event.get("log_time"),
            "log_failure": failure,
            "observer": safe_repr(broken),
        }
        told = False
        for observer in self._observers:
            if observer is not broken:
                try:
                    observer(report)
                    told = True
                except Exception:
                    continue
        if not told:
            write_to_stderr(report)


def write_to_stderr(event: LogEvent) -> None:
    """The last resort: the event's text and traceback on the real standard error."""
    # When standard error is redirected into the log (plait.log._begin) it must not lead back here.
    stream = getattr(sys.stderr, "original", None) or sys.stderr
    text = escape_lines(eventAsText(event, includeTimestamp=False, includeSystem=False).rstrip("\n"))
    try:
        stream.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
        stream.flush()
    except Exception:
        pass  # closed, full or gone: nobody is left to tell


class _GlobalLogPublisher(LogPublisher):
    """The publisher that all loggers use unless told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self._early: deque[LogEvent] | None = deque(maxlen=EARLY_EVENTS)

    def __call__(self, event: LogEvent) -> None:
        if self._early is not None and _rank(event) >= self.threshold:
            self._early.append(event)
            if event.get("log_level") is LogLevel.critical:
                write_to_stderr(event)
        super().__call__(event)

    def addObserver(self, observer: LogObserver) -> None:
        super().addObserver(observer)
        self.beginWith(observer)

    def beginWith(self, *observers: LogObserver, discard: bool = False) -> None:
        """End the time before logging: replay what was kept to `observers`, which have been added already."""
        early, self._early = self._early, None
        if early is None or discard:
            return
        replay = LogPublisher(*observers)
        for event in early:
            replay(event)

    def watch(self, observer: LogObserver) -> None:
        """Add an observer that only looks on (a test): nothing is replayed to it, and standard error stays in
        use.
        """
        super().addObserver(observer)

    @contextmanager
    def setAside(self) -> Iterator[None]:
        """While the block runs (a test that sees to its events by itself), nothing is kept for later observers, and
        none of them gets what was kept before.
        """
        early, self._early = self._early, None
        try:
            yield
        finally:
            self._early = early


globalLogPublisher = _GlobalLogPublisher()
"""Where events go that are logged anywhere in the program."""
