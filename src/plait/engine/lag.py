"""How late the loop is: how long what is due has to wait until its turn comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.engine.timers import clock_of

if TYPE_CHECKING:
    from plait.engine.reactor import Reactor


class LoopLag:
    """Asks the loop for a call every `interval` seconds, from `start` to `stop`, and notes how late each comes.

    What is seen is a piece of work that takes longer than the rest of an interval, and a loop that has too much to do. Below
    a millisecond or two there is nothing to see: loops round their timers to that.
    """

    def __init__(self, reactor: Reactor, interval: float = 0.05) -> None:
        self._loop = reactor.loop
        self._seconds = clock_of(reactor.loop)
        self._interval = interval
        self._call: Any = None
        self._worst = 0.0
        self._due = 0.0

    def start(self) -> None:
        """Begin, if it has not begun."""
        if self._call is None:
            self._worst = 0.0
            self._ask()

    def stop(self) -> None:
        """Look no longer."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def take(self) -> float:
        """The longest delay, in seconds, since this was asked the last time; one that lasts still counts."""
        worst = max(self._worst, 0.0 if self._call is None else self._seconds() - self._due)
        self._worst = 0.0
        return max(0.0, worst)

    def _ask(self) -> None:
        self._due = self._seconds() + self._interval
        # not by the reactor: it would be among the program's own timed calls
        self._call = self._loop.call_later(self._interval, self._come)

    def _come(self) -> None:
        self._worst = max(self._worst, self._seconds() - self._due)
        self._ask()
