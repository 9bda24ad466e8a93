"""Events that could not be written: how many, why, and who is told."""

from __future__ import annotations

import time

from plait.log._levels import LogLevel
from plait.log._publisher import LogEvent, write_to_stderr


class Losses:
    """What an observer has lost since it could write last.

    :param place: where it writes.
    """

    def __init__(self, place: str) -> None:
        self.count = 0
        self._place = place
        self._why = ""

    def add(self, error: OSError) -> None:
        """One event more is lost. The first is told on standard error, if there is room."""
        self.count += 1
        self._why = error.strerror or str(error)
        # A reader that is slow or gone may be that of standard error, too, and all that it misses is told later.
        if self.count == 1 and not isinstance(error, (BlockingIOError, BrokenPipeError)):
            write_to_stderr(
                _event(
                    "Cannot write the log {place}: {reason}. Until that is possible again, what is logged is lost.",
                    place=self._place,
                    reason=self._why,
                )
            )

    def asEvent(self) -> LogEvent:
        """What is to be written before anything else."""
        return _event(
            "{lost} events could not be logged here: {reason}."
            if self.count > 1
            else "An event could not be logged here: {reason}.",
            lost=self.count,
            reason=self._why,
        )

    def forget(self) -> None:
        """It has been told."""
        self.count = 0


def _event(format: str, **values: object) -> LogEvent:
    return {
        "log_format": format,
        "log_level": LogLevel.error,
        "log_namespace": "plait.log",
        "log_time": time.time(),
        **values,
    }
