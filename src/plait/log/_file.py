"""Lines in a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from plait.failure import Failure
from plait.interfaces import implementer
from plait.log._folding import tracebackForPeople
from plait.log._format import TIME_FORMAT, formatEventAsClassicLogText, formatTime
from plait.log._losses import Losses
from plait.log._publisher import ILogObserver, LogEvent


class Writable(Protocol):
    """What lines are written to: a text or binary file, a `plait.log.LogFile`, a `plait.log.LogStream`."""

    def write(self, text: Any, /) -> object: ...

    def flush(self) -> object: ...


@implementer(ILogObserver)
class FileLogObserver:
    """Writes what `formatEvent` makes of each event to `outFile`, a text or binary file, and flushes it.

    `formatEvent` returns the whole line (or lines) with its end, or None to write nothing.

    Where the file cannot be written (a full disk, a pipe whose reader has stopped), events are lost, and nothing is raised.
    Standard error is told once, and when it goes on a line in the file says how many they were.
    """

    def __init__(
        self,
        outFile: Writable,
        formatEvent: Callable[[LogEvent], str | None] = formatEventAsClassicLogText,
    ) -> None:
        self._outFile = outFile
        self._binary = False
        self._losses = Losses(str(getattr(outFile, "name", outFile)))
        # An event may be logged while another is (a warning, an object that goes away): the lock lets that pass.
        self._lock = threading.RLock()
        self.formatEvent = formatEvent

    def __call__(self, event: LogEvent) -> None:
        text = self.formatEvent(event)
        if text:
            self._put(text)

    def flush(self) -> None:
        """Tell now how many events were lost, if any were and it can be written again."""
        if self._losses.count:
            self._put("")

    def _put(self, text: str) -> None:
        with self._lock:
            try:
                if self._losses.count:
                    self._write((self.formatEvent(self._losses.asEvent()) or "") + text)
                else:
                    self._write(text)
            except OSError as error:
                if text:
                    self._losses.add(error)
            else:
                self._losses.forget()

    def _write(self, text: str) -> None:
        if not self._binary:
            try:
                self._outFile.write(text)
            except TypeError:
                self._binary = True
            except UnicodeEncodeError:
                # A terminal or file in a small character set: better a character by its number than no line.
                self._outFile.write(text.encode("ascii", "backslashreplace").decode("ascii"))
        if self._binary:
            self._outFile.write(text.encode("utf-8", "backslashreplace"))
        self._outFile.flush()


def textFileLogObserver(
    outFile: Writable, timeFormat: str | None = TIME_FORMAT, fullTracebacks: bool | None = None
) -> FileLogObserver:
    """An observer that writes one line for each event to `outFile`, a text or binary file.

    The line is ``2026-11-23T20:30:00+0000 [namespace#level] message``; only a traceback adds lines, each
    behind a tab. `timeFormat` as for strftime; None writes "-" in place of the time.

    In a traceback the frames of Plait and asyncio are folded into a line that says how many they are, unless
    `fullTracebacks`; None asks `plait.tracebacks.fullTracebacks`.
    """
    return FileLogObserver(outFile, lineMaker(timeFormat, fullTracebacks))


def lineMaker(timeFormat: str | None, fullTracebacks: bool | None) -> Callable[[Mapping[str, Any]], str | None]:
    """What makes such a line of an event."""

    def when(time: float | None) -> str:
        return formatTime(time, timeFormat)

    def traceback(failure: Failure) -> str:
        return tracebackForPeople(failure, fullTracebacks)

    return lambda event: formatEventAsClassicLogText(event, when, traceback)
