"""Signals that end a program: SIGINT, SIGTERM, and SIGBREAK on Windows.

The first one stops the reactor in good order. If that does not come to an end, a second one crashes it.

A program may fork while the loop runs. Its child has the descriptor with which a signal wakes the loop up, and so a signal for
the child would be one for us; the child forgets it (CPython does the same for asyncio from 3.12 on; gh-66285).
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from plait.log import Logger

_log = Logger("plait.engine")

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


def _forget_the_parents_loop() -> None:
    try:
        signal.set_wakeup_fd(-1)
    except ValueError:  # not in the main thread, where signals are nobody's
        pass


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents_loop)


class StopSignals:
    """Calls `stop` with the number of the first signal, and `crash` at the next, from `install` until `restore`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stop: Callable[[int], Any], crash: Callable[[], Any]) -> None:
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
            self._stop(getattr(signal, name))
