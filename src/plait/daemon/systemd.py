"""What a daemon tells systemd: that it is ready, that it reloads, that it stops, and that it is alive.

Source: sd_notify(3) and sd_watchdog_enabled(3). Without ``NOTIFY_SOCKET`` in the environment nobody listens, and all of
this does nothing.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping

from plait.log import Logger

_log = Logger(namespace="plait.daemon")


class Notifier:
    """The line to the service manager that has started this process.

    It is opened at once, before the process changes its user or root folder, and the variables are taken out of
    `environment`, so that children do not speak for us. `watchdog` is how often, in seconds, `alive` wants to be called;
    None if nobody watches.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._line: socket.socket | None = None
        self._status = "Serving"
        self.watchdog: float | None = None
        path = environment.pop("NOTIFY_SOCKET", "")
        interval, watched = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        if not path:
            return
        line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        line.setblocking(False)
        try:
            line.connect("\0" + path[1:] if path.startswith("@") else path)
        except OSError as error:
            line.close()
            _log.error("Cannot tell systemd how we are, at {path}: {error}", path=path, error=error)
            return
        self._line = line
        if interval.isdigit() and int(interval) and watched in ("", str(os.getpid())):
            self.watchdog = int(interval) / 1e6 / 2  # twice as often as asked for, as its manual says

    def ready(self) -> None:
        """It serves (again)."""
        self._say("READY=1", f"MAINPID={os.getpid()}", f"STATUS={self._status}")

    def status(self, text: str) -> None:
        """How it serves, in words, from now on."""
        if text != self._status:
            self._status = text
            self._say(f"STATUS={text}")

    def reloading(self) -> None:
        """It reads its configuration again; `ready` says that this is done."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=Reloading")

    def stopping(self) -> None:
        """It has begun to stop."""
        self._say("STOPPING=1", "STATUS=Stopping")

    def alive(self) -> None:
        """The event loop turns."""
        self._say("WATCHDOG=1")

    def _say(self, *words: str) -> None:
        if self._line is not None:
            try:
                self._line.send("\n".join(words).encode())
            except OSError as error:
                # A manager that is slow or gone is no reason to stop serving.
                _log.warn("Cannot tell systemd {words!r}: {error}", words=words, error=error)

    def close(self) -> None:
        """Say no more."""
        if self._line is not None:
            self._line.close()
            self._line = None
