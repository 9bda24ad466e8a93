"""What the parent of workers does besides: it tells others how they are, and as process 1 it buries the dead."""

from __future__ import annotations

import os
from typing import Any

from plait.daemon.registry import Daemon, Entry
from plait.daemon.systemd import Notifier
from plait.daemon.workers import Workers
from plait.log import Logger
from plait.task import LoopingCall

_log = Logger(namespace="plait.daemon")

# Seconds between two changes of what others can read of us, and between two looks for children that have ended.
INTERVAL = 1.0


class Reporting:
    """Tells systemd and the list of daemons how the workers are, from `begin` on."""

    def __init__(self, workers: Workers, notifier: Notifier, entry: Entry, daemon: Daemon) -> None:
        self._workers = workers
        self._notifier = notifier
        self._entry = entry
        self._daemon = daemon
        self._due: Any = None

    def begin(self) -> None:
        """Tell it now, and whenever it is something else."""
        self._workers.changed = self._changed
        self._tell()
        if os.getpid() == 1:
            LoopingCall(reap_strangers).start(INTERVAL)

    def _changed(self) -> None:
        if self._due is None:
            self._due = self._workers.reactor.callLater(INTERVAL, self._tell)

    def _tell(self) -> None:
        self._due = None
        self._notifier.status(self._workers.status)
        self._daemon.workers = self._workers.describe()
        self._entry.write(self._daemon)


def reap_strangers() -> None:
    """Take notice of the end of children that are not ours.

    Whose parent has ended becomes a child of process 1, and stays in the list of processes until that has asked for his status.
    The parent of workers has no other children than those that the reactor has started, or that do not mind.
    """
    from plait.transport.process import reapProcessHandlers  # not there on all platforms

    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in reapProcessHandlers:
            return  # it is about to be noticed, and those behind it after that
        os.waitpid(ended.si_pid, os.WNOHANG)
        _log.debug("Process {pid}, an orphan, has ended.", pid=ended.si_pid)
