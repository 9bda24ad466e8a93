"""Ending another process that is a daemon, and waiting until it has ended."""

from __future__ import annotations

import os
import select
import signal
import time
from types import TracebackType

from plait.daemon.pidfile import is_alive
from plait.daemon.registry import start_of

# Seconds between two signals that mean: at once. A signal that comes before the last one was seen is lost.
AGAIN = 0.1

# Seconds between two looks where the system does not tell us.
LOOK = 0.05


class Target:
    """The process `pid`, if it was started when `started` says (see `plait.daemon.registry.start_of`).

    Where the system knows descriptors of processes (pidfd_open(2)), no other process can be hit that gets its number meanwhile.

    :raises ProcessLookupError: (when it is entered) if it is gone.
    """

    def __init__(self, pid: int, started: str) -> None:
        self._pid = pid
        self._started = started
        self._descriptor: int | None = None

    def __enter__(self) -> Target:
        if hasattr(os, "pidfd_open"):
            try:
                self._descriptor = os.pidfd_open(self._pid)
            except ProcessLookupError:
                raise
            except OSError:
                pass  # an old kernel
        if not self._is_there():
            self.__exit__(None, None, None)
            raise ProcessLookupError
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def end(self, timeout: float | None, now: bool) -> bool:
        """Tell it to end, in good order or `now`, and wait. Returns whether it has ended within `timeout` seconds.

        :raises PermissionError: if it may not be told.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._signal()
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not now:
                return self._wait(left)
            if self._wait(AGAIN if left is None else min(AGAIN, left)):
                return True
            if left == 0:
                return False
            self._signal()

    def _signal(self) -> None:
        try:
            if self._descriptor is not None and hasattr(signal, "pidfd_send_signal"):
                signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)
            else:
                os.kill(self._pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has ended

    def _wait(self, timeout: float | None) -> bool:
        if self._descriptor is not None:
            return bool(select.select([self._descriptor], [], [], timeout)[0])
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._is_there():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(LOOK)
        return True

    def _is_there(self) -> bool:
        return is_alive(self._pid) and self._started == (start_of(self._pid) or "")
