"""The services of a configuration file as one collection, which SIGHUP brings up to date with the file."""

from __future__ import annotations

import os

from plait.daemon.config import Wanted, wanted_services
from plait.daemon.errors import StartError
from plait.daemon.toml import Table
from plait.deferred import maybeDeferred
from plait.log import Logger
from plait.service import IService, MultiService

_log = Logger(namespace="plait.daemon")


class Deployment(MultiService):
    """The services that the file at `path` describes; messages call it `name`. StartError if there is a mistake in it."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__()
        self._path = path
        self._file = name
        self._run, wanted = self._read()
        self._wanted: dict[str, Wanted] = wanted
        for each in wanted.values():
            each.build().setServiceParent(self)

    def _read(self) -> tuple[object, dict[str, Wanted]]:
        table = Table(self._path, self._file)
        return table.content.get("run"), wanted_services(table, os.path.dirname(self._path))

    async def reloadService(self) -> None:
        """Read the file again: stop what is not in it any more, start what is new, and both for what has changed.

        With a mistake in the file, or a service that cannot be made, all stays as it is.
        """
        try:
            run, wanted = self._read()
            changed = [each for name, each in wanted.items() if self._wanted.get(name) != each]
            made = {each.name: each.build() for each in changed}
        except StartError as error:
            lines = str(error).splitlines()
            message = " ".join([lines[0], *lines[1:][-1:]])  # of a traceback, the line that says what it is
            _log.error("The configuration is not changed: {message}", message=message)
            return
        if run != self._run:
            self._run = run
            _log.warn("What [run] says has changed: that takes effect at the next start.")
        for name in reversed(list(self._wanted)):
            if name not in wanted or name in made:
                await self._stop_service(name, "changed" if name in made else "removed")
        for name, service in made.items():
            await self._start_service(wanted[name], service)

    async def _stop_service(self, name: str, why: str) -> None:
        del self._wanted[name]
        service: IService = self.getServiceNamed(name)
        _log.info("Stopping {name}: it is {why}.", name=name, why=why)
        try:
            await maybeDeferred(service.disownServiceParent)
        except Exception:
            _log.failure("{name} failed to stop", name=name)

    async def _start_service(self, wanted: Wanted, service: IService) -> None:
        _log.info("Starting {name}.", name=wanted.name)
        try:
            await maybeDeferred(service.setServiceParent, self)
        except Exception:
            _log.failure("{name} could not be started; the next reload tries again", name=wanted.name)
        else:
            self._wanted[wanted.name] = wanted
