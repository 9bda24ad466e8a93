"""SIGUSR2: a new process, with new code, takes the place of this one, and nobody who connects meanwhile is refused.

The new process is started with the command line, the folder and the environment of this one. It is handed the listening
sockets, and opens its ports as ever: where it asks for one that it has been handed, it goes on with that. When it serves it
says so; the pid file names it from then on, and this process stops as at SIGTERM: it accepts nothing more, and lets its
connections come to their end. If the new process cannot start, this one says why in its log, and goes on.

What is handed over is described in the environment variable `PLAIT_UPGRADE`, as JSON, and by the numbers of open descriptors.
So are the sockets that the service manager has given us (sd_listen_fds(3)).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plait.daemon.background import READY
from plait.daemon.keeper import Keeper
from plait.daemon.signals import OnSignal
from plait.daemon.systemd import Notifier
from plait.deferred import Deferred, ensureDeferred
from plait.engine import deferToThread
from plait.errors import ReactorNotRunning
from plait.log import Logger
from plait.transport import handover
from plait.transport.handover import inherited

_log = Logger(namespace="plait.daemon")

VARIABLE = "PLAIT_UPGRADE"

# The descriptors of the service manager follow the standard ones (SD_LISTEN_FDS_START).
_FIRST_GIVEN = 3

# Seconds that the new process may take to start, beyond what its services may. It is killed then: two that both think they
# will be the next are worse.
START_LIMIT = 120.0

# More than a message of a failed start can have in it that is of use.
_LONGEST_MESSAGE = 1_000_000


@dataclass(frozen=True)
class Origin:
    """How this process was started."""

    command: list[str]
    folder: str
    environment: dict[str, str]
    given: list[int]
    """The sockets that the service manager has opened for us: copies, for an endpoint closes what it has been given."""

    @classmethod
    def remember(cls) -> Origin:
        """As it is now: call it before anything has changed the folder or the environment."""
        environment = dict(os.environ)
        environment.pop(VARIABLE, None)
        environment.pop("WATCHDOG_PID", None)  # ours: the next process is watched in its turn
        ours = environment.pop("LISTEN_PID", "") == str(os.getpid())
        count = environment.get("LISTEN_FDS", "") if ours else ""
        numbers = handover.given or range(_FIRST_GIVEN, _FIRST_GIVEN + (int(count) if count.isdecimal() else 0))
        given = [os.dup(number) for number in numbers if _is_open(number)]
        return cls([sys.executable, *sys.orig_argv[1:]], os.getcwd(), environment, given)


@dataclass(frozen=True)
class Handed:
    """What the process before us has handed to this one."""

    link: int | None
    """Where that process waits for our word. None if it has become this one."""

    keeper: int | None


def take_up() -> Handed | None:
    """Take what another process has handed over, its listening sockets first of all. None if there is none."""
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return None
    handed = json.loads(text)
    handover.given[:] = handed["given"]
    for place, descriptor in handed["sockets"]:
        os.set_inheritable(descriptor, False)
        inherited.add(tuple(place), socket.socket(fileno=descriptor))
    for descriptor in filter(None, (handed["link"], handed["keeper"], *handover.given)):
        os.set_inheritable(descriptor, False)
    return Handed(handed["link"], handed["keeper"])


class Upgrading:
    """Starts the next process at each SIGUSR2. Once one serves, this one stops.

    :param further_ports: gives those that are handed over besides the reactor's.
    """

    def __init__(
        self,
        reactor: Any,
        origin: Origin,
        keeper: Keeper | None,
        notifier: Notifier,
        start_timeout: float,
        further_ports: Callable[[], list[Any]] = list,
    ) -> None:
        self._reactor = reactor
        self._origin = origin
        self._keeper = keeper
        self._notifier = notifier
        self._limit = START_LIMIT + start_timeout
        self._further_ports = further_ports
        self._busy = False
        self.close = OnSignal(reactor.loop, "SIGUSR2", self._asked).close

    def _asked(self) -> None:
        if self._busy:
            _log.warn("Received SIGUSR2 while the next process is being started: it is not started twice.")
            return
        if os.getpid() == 1:
            _log.error("Received SIGUSR2, but this is process 1, with which its container ends: start a new container.")
            return
        self._busy = True
        ensureDeferred(self._upgrade()).addErrback(
            lambda failure: _log.failure("The upgrade has failed, and this process goes on", failure)
        )

    async def _upgrade(self) -> None:
        _log.info("Received SIGUSR2, starting the process that takes over.")
        ports = [port for port in self._reactor._net.ports if port.place is not None] + self._further_ports()
        news, pipe = os.pipe()
        try:
            try:
                child = self._start(ports, pipe)
            finally:
                os.close(pipe)
            message = await self._word(news, child)
        except OSError as error:
            message = f"cannot start {self._origin.command[0]}: {error}"
        finally:
            os.close(news)
            self._busy = False
        if message is None:
            self._hand_over(ports, child)
            return
        _log.error("The new process could not start, and this one goes on: {message}", message=message)
        await deferToThread(child.wait)

    def _start(self, ports: list[Any], pipe: int) -> subprocess.Popen[bytes]:
        keeper = None if self._keeper is None else self._keeper.fileno()
        sockets = [(port.place, port.fileno()) for port in ports]
        given = self._origin.given
        description = json.dumps({"link": pipe, "keeper": keeper, "sockets": sockets, "given": given})
        return subprocess.Popen(
            self._origin.command,
            cwd=self._origin.folder,
            env={**self._origin.environment, VARIABLE: description},
            pass_fds=[pipe, *([] if keeper is None else [keeper]), *(number for _, number in sockets), *given],
        )

    async def _word(self, news: int, child: subprocess.Popen[bytes]) -> str | None:
        """Wait until the new process serves (None), or says why it cannot."""
        os.set_blocking(news, False)
        loop = self._reactor.loop
        ended: Deferred[None] = Deferred()
        said = bytearray()

        def read() -> None:
            part = os.read(news, 65536)
            said.extend(part)
            if (not part or said.startswith(READY) or len(said) > _LONGEST_MESSAGE) and not ended.called:
                ended.callback(None)

        def too_late(result: object, limit: float) -> None:
            child.kill()
            said[:] = f" it was not ready within {limit:g} seconds".encode()

        loop.add_reader(news, read)
        try:
            await ended.addTimeout(self._limit, self._reactor, too_late)
        finally:
            loop.remove_reader(news)
        if said.startswith(READY):
            return None
        return bytes(said[1:]).decode("utf-8", "replace") or "it ended before it was ready, and left no word"

    def _hand_over(self, ports: list[Any], child: subprocess.Popen[bytes]) -> None:
        _log.info("Process {pid} serves now. This one ends.", pid=child.pid)
        child.returncode = 0  # it outlives us: Popen must not complain of that
        for port in ports:
            port.hand_over(child.pid)
        if self._keeper is not None:
            self._keeper.forget()
        self._notifier.close()  # systemd listens to the other one
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            pass  # it is stopping already


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
