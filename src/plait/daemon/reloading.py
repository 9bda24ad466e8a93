"""SIGHUP: open the log anew, and let each service read its configuration again."""

from __future__ import annotations

import signal
import sys
from typing import Any

from plait.daemon.logs import LogOutput
from plait.daemon.signals import OnSignal
from plait.daemon.systemd import Notifier
from plait.deferred import ensureDeferred, maybeDeferred
from plait.log import Logger
from plait.service import IService, describe, walk

_log = Logger(namespace="plait.daemon")


class Reloading:
    """Reloads at each SIGHUP. One that comes while another is being done is done after it."""

    def __init__(self, reactor: Any, root: IService, output: LogOutput, notifier: Notifier) -> None:
        self._root = root
        self._output = output
        self._notifier = notifier
        self._wanted = self._busy = False
        self.close = OnSignal(reactor.loop, "SIGHUP", self._hung_up).close

    def _hung_up(self) -> None:
        self._wanted = True
        if not self._busy:
            self._busy = True
            ensureDeferred(self._reload())

    async def _reload(self) -> None:
        while self._wanted:
            self._wanted = False
            self._notifier.reloading()
            self._output.reopen()
            _log.info("Received SIGHUP, reloading.")
            for service in list(walk(self._root)):
                reload = getattr(service, "reloadService", None)
                # one that has been reloaded may have put another in the place of this one
                if reload is not None and any(service is other for other in walk(self._root)):
                    try:
                        await maybeDeferred(reload)
                    except Exception:
                        _log.failure("{service} failed to reload", service=describe(service))
            _log.info("Reloaded.")
            self._notifier.ready()
        self._busy = False


def is_wanted(foreground: bool) -> bool:
    """Whether SIGHUP means to reload. On a terminal it says that the terminal is gone, and ends the program as ever."""
    return hasattr(signal, "SIGHUP") and not (foreground and sys.stdin is not None and sys.stdin.isatty())
