"""A run's claim to its pid file: from the check before anything else is done, to the removal at the end."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from plait.daemon import privileges
from plait.daemon.errors import StartError, reason
from plait.daemon.keeper import Keeper
from plait.daemon.pidfile import PidFile
from plait.daemon.upgrade import Handed
from plait.log import Logger

_log = Logger(namespace="plait.daemon")


class Claim:
    """The claim to the pid file `path`; to none if that is empty.

    :param remove_stale: whether to remove a file that is left of a process which is gone.
    :param handed: what the process before us has handed over: the file is its own until it is taken.
    :raises StartError: if the file belongs to somebody else.
    """

    def __init__(self, path: str, remove_stale: bool, handed: Handed | None) -> None:
        self._pidfile = PidFile(os.path.abspath(path)) if path else None
        self._handed = handed
        self._removed = self._pidfile.check(remove_stale) if self._pidfile is not None and handed is None else None
        self.keeper: Keeper | None = None
        """Who removes the file if we may not in the end."""

    def keep(self, undo: ExitStack) -> None:
        """Have a keeper, if one may be needed. Call it as root, before the application is loaded; the log is open."""
        if self._pidfile is None:
            return
        if self._removed is not None:
            print(f"plait: removed the stale pid file {self._pidfile.path} of process {self._removed}", file=sys.stderr)
            _log.warn("Removed the stale pid file {path} of process {pid}.", path=self._pidfile.path, pid=self._removed)
        if self._handed is not None and self._handed.keeper is not None:
            self.keeper = Keeper.inherit(self._handed.keeper)
            undo.callback(self.keeper.forget)
        elif privileges.is_root():
            self.keeper = Keeper(self._pidfile)
            undo.callback(self.keeper.dismiss)

    def stays_root(self) -> None:
        """No rights will be given up: a keeper of our own is not needed."""
        if self.keeper is not None and self._handed is None:
            self.keeper.dismiss()
            self.keeper = None

    def take(self, undo: ExitStack) -> None:
        """Let the file name this process, until `undo` is done. StartError if that cannot be."""
        if self._pidfile is None:
            return
        if self._handed is None:
            self._pidfile.claim()
        else:
            try:
                self._pidfile.replace(os.getpid()) if self.keeper is None else self.keeper.transfer()
            except OSError as error:
                raise StartError(f"cannot change the pid file {self._pidfile.path}: {reason(error)}") from error
        undo.callback(self._release, self._pidfile)

    def _release(self, pidfile: PidFile) -> None:
        if self.keeper is not None:
            self.keeper.release()
            return
        try:
            pidfile.release()
        except OSError as error:
            _log.error("Cannot remove the pid file {path}: {reason}", path=pidfile.path, reason=reason(error))
