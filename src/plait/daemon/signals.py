"""Signals that ask a daemon for something, while its loop turns."""

from __future__ import annotations

import signal
from asyncio import AbstractEventLoop
from collections.abc import Callable


class OnSignal:
    """Calls `function` in the loop at each signal of that name. Does nothing on a platform that has no such signal."""

    def __init__(self, loop: AbstractEventLoop, name: str, function: Callable[[], object]) -> None:
        self._loop = loop
        self._number: signal.Signals | None = getattr(signal, name, None)
        if self._number is not None:
            loop.add_signal_handler(self._number, function)

    def close(self) -> None:
        """Leave further signals alone: they must not end a program that is stopping."""
        if self._number is not None and not self._loop.is_closed():
            self._loop.remove_signal_handler(self._number)
            signal.signal(self._number, signal.SIG_IGN)
