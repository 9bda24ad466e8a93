"""Signals that end a program: SIGINT, SIGTERM, and SIGBREAK on Windows.

The first one stops the reactor in good order. If that does not come to an end, a second one crashes it.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any

from plait.log import Logger

_log = Logger("plait.engine")

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


class StopSignals:
    """Calls `stop` at the first signal and `crash` at the next, from `install` until `restore`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: Callable[[], Any], crash: Callable[[], Any]) -> None:
        self._loop = loop
        self._stop = stop
        self._crash = crash
        self._stopping = False
        self._before: dict[int, Any] = {}

    def install(self) -> None:
        """Take the signals over; a handler that the program has set for itself (other than for SIGINT) is left alone."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None:
                continue
            before = signal.getsignal(number)
            if before not in (signal.SIG_DFL, signal.default_int_handler):
                continue
            self._before[number] = before
            try:
                self._loop.add_signal_handler(number, self._received, name)
            except NotImplementedError:  # asyncio's loops on Windows
                signal.signal(number, self._handler(name))

    def _handler(self, name: str) -> Callable[..., None]:
        def handler(*_: object) -> None:
            self._loop.call_soon_threadsafe(self._received, name)

        return handler

    def restore(self) -> None:
        """Give the signals back."""
        for number, before in self._before.items():
            try:
                self._loop.remove_signal_handler(number)
            except NotImplementedError:
                pass
            signal.signal(number, before)
        self._before.clear()

    def _received(self, name: str) -> None:
        if self._stopping:
            _log.warn("Received {signal} again, stopping at once.", signal=name)
            self._crash()
        else:
            self._stopping = True
            _log.info("Received {signal}, shutting down.", signal=name)
            self._stop()
