"""A limit of time for a step of TLS. By a reactor's own loop, it is no call that those who look for forgotten ones would find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Limit"]


class Limit:
    """At most one limit runs. `clock` is a reactor or anything with `callLater`."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._timer: Any = None

    def start(self, seconds: float, function: Callable[[], object]) -> None:
        """Call `function` after `seconds`, unless stopped."""
        self.stop()

        def over() -> None:
            self._timer = None
            function()

        loop = getattr(self._clock, "loop", None)
        later = self._clock.callLater if loop is None else loop.call_later
        self._timer = later(seconds, over)

    def stop(self) -> None:
        """It was in time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
