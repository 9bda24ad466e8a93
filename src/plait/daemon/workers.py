"""Workers, seen from the parent: several processes that run one application, and are started again when they end.

The parent is a run of its own that loads no application and reads nothing from the network: it starts the workers, keeps the
ports that they share (`plait.daemon.lending`), passes signals on, and knows how each of them is. The first worker is started
alone, so that a mistake is told once; the others when it serves.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.daemon.channel import Channel, ChannelError
from plait.daemon.errors import StartError, UsageError
from plait.daemon.lending import Borrowing, Lending
from plait.daemon.worker import VARIABLE
from plait.deferred import Deferred
from plait.errors import ProcessDone, ProcessExitedAlready
from plait.failure import Failure
from plait.log import Logger
from plait.protocol import ProcessProtocol
from plait.service import Service, Supervisor
from plait.service.base import report_end

if TYPE_CHECKING:
    from plait.daemon.metering import Asking
    from plait.daemon.upgrade import Origin

_log = Logger(namespace="plait.daemon")

# A program whose workers fail again and again is not helped by starting them: restarts within PERIOD seconds, for each worker.
RESTARTS = 5
PERIOD = 60.0

# Seconds beyond the drain timeout that a worker has for the end of its services, before it is killed.
MARGIN = 10.0


class WorkerError(Exception):
    """A worker has ended that should serve. The message says how."""


class Workers(Supervisor):
    """`count` processes that run the application.

    :param origin: how this process was started, and how they are.
    :param drain: seconds that their connections have at the end.

    Attributes: `ready` (fires when all serve for the first time; fails with StartError if one cannot be started before),
    `application` (its name, as the first worker has told it), `changed` (called when a worker's state is another one).
    """

    def __init__(self, count: int, origin: Origin, drain: float, reactor: Any) -> None:
        super().__init__(maxRestarts=RESTARTS * count, period=PERIOD, reactor=reactor)
        self.setName("workers")
        self.origin = origin
        self.patience = drain + MARGIN
        self.ready: Deferred[None] = Deferred()
        self.application: str | None = None
        self.changed: Callable[[], object] = lambda: None
        self.asking: Asking | None = None
        """Who asks them for their metrics, if somebody wants to know."""
        self._serving = False
        self.lending = Lending(reactor._net.ports, reactor)
        self.workers = [Worker(self, number) for number in range(1, count + 1)]
        for worker in self.workers:
            self.addChild(worker, stopTimeout=self.patience + MARGIN)

    @property
    def status(self) -> str:
        """How many serve, in words."""
        count = sum(worker.state == "ready" for worker in self.workers)
        return f"{count} of {len(self.workers)} workers ready"

    def describe(self) -> list[dict[str, Any]]:
        """How each of them is, for the list of daemons."""
        restarts = {id(child.service): child.restarts for child in self.children}
        return [
            {
                "pid": worker.pid,
                "state": worker.state,
                "connections": worker.connections,
                "restarts": restarts.get(id(worker), 0),
                "inspect": worker.inspect,
            }
            for worker in self.workers
        ]

    def startService(self) -> Deferred[None]:
        """Start them all. The Deferred is `ready`."""
        super().startService()
        return self.ready

    def stopService(self) -> Deferred[Any]:
        """Let all workers come to their end, together."""
        self.lending.close()
        for worker in self.workers:
            worker.terminate()
        return super().stopService()

    def reloadService(self) -> None:
        """Let each worker open its log anew, and reload its services."""
        for worker in self.workers:
            worker.reload()

    def kill(self) -> None:
        """End those that are left, now."""
        for worker in self.workers:
            worker.kill()

    def childEnded(self, service: Any, failure: Failure | None = None) -> None:
        """See `Supervisor`. Until all have served once, nothing is started again: the start has failed."""
        if self._serving:
            super().childEnded(service, failure)
            return
        if self.ready.called or not self.running:
            return  # it has failed already, or is being stopped
        for child in self.children:
            if child.state == "due":
                child.rest()
        error = StartError("a worker ended before it was ready") if failure is None else failure.value
        self.ready.errback(error if isinstance(error, StartError) else StartError(str(error)))

    async def _give_up(self, name: str, failure: Failure | None, in_time: bool) -> None:
        for worker in self.workers:  # together, too
            worker.terminate()
        await super()._give_up(name, failure, in_time)

    def worker_ready(self, name: str) -> None:
        """One of them serves."""
        self.application = self.application or name
        if not self.ready.called and all(worker.state == "ready" for worker in self.workers):
            self._serving = True
            self.ready.callback(None)
        self.changed()


class Worker(Service):
    """One of the processes.

    Attributes: `pid`, `state` ("starting", "ready", "draining", "ended"), `connections`, `inspect` (the path of its socket).
    """

    def __init__(self, workers: Workers, number: int) -> None:
        self.setName(str(number))
        self._workers = workers
        self._process: _Process | None = None
        self._reload_later = False
        self.state = "ended"
        self.connections = 0
        self.inspect = ""

    @property
    def pid(self) -> int | None:
        """The number of the process, while there is one."""
        pid: int | None = None if self._process is None else self._process.transport.pid
        return pid

    def startService(self) -> Deferred[None] | None:
        """Start the process. The first one of all is waited for, and the Deferred fires when it serves."""
        super().startService()
        self._process = process = _Process(self)
        self.state, self.connections = "starting", 0
        self._reload_later = False
        try:
            process.start(self._workers.origin, self._workers.reactor)
        except BaseException:
            self._process = None
            raise
        self._workers.changed()
        return process.up if self._workers.application is None else None

    def stopService(self) -> Deferred[None] | None:
        """Let the process come to its end, for which it has its time; then it is killed."""
        super().stopService()
        process = self._process
        if process is None:
            return None
        self.terminate()
        late = self._workers.reactor.callLater(self._workers.patience, self._too_late)
        return process.ended.addCallback(lambda _: late.cancel() if late.active() else None)

    def _too_late(self) -> None:
        _log.warn("Worker {name} has not ended within {s:g} s: it is killed.", name=self.name, s=self._workers.patience)
        self.kill()

    def terminate(self) -> None:
        """Tell the process to end; once, for a second signal would cut its undoing of a start short."""
        if self._process is not None and not self._process.told_to_end:
            self._process.told_to_end = True
            self._signal("TERM")

    def kill(self) -> None:
        """End the process, now."""
        self._signal("KILL")

    def reload(self) -> None:
        """Have the process reload; if it is not ready yet, when it is."""
        if self.state == "ready":
            self._signal("HUP")
        else:
            self._reload_later = True

    def _signal(self, name: str) -> None:
        if self._process is not None:
            try:
                self._process.transport.signalProcess(name)
            except ProcessExitedAlready:
                pass

    # -- what the process tells

    def heard(self, message: dict[str, Any]) -> None:
        """It has said how it is."""
        if "ready" in message:
            self.state = "ready"
            self.inspect = str(message.get("inspect", ""))
            _log.info("Worker {name} is ready, process {pid}.", name=self.name, pid=self.pid)
            if self._reload_later:
                self._reload_later = False
                self.reload()
            self._workers.worker_ready(str(message["ready"])[:200])
            return
        connections = message.get("connections")
        self.connections = connections if isinstance(connections, int) else 0
        if message.get("draining") is True:
            self.state = "draining"
        self._workers.changed()

    def gone(self, failure: Failure | None) -> None:
        """The process has ended; without a failure, in good order."""
        process, self._process = self._process, None
        self.state, self.connections, self.inspect = "ended", 0, ""
        if process is not None and self.running:
            report_end(self, failure)
        self._workers.changed()


class _Process(ProcessProtocol):
    """The process of a worker, and the line to it. `up` fires when it serves, `ended` when it has ended."""

    transport: Any

    def __init__(self, worker: Worker) -> None:
        self.up: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self._worker = worker
        self._lending = worker._workers.lending
        self._borrowing: Borrowing | None = None
        self._cannot_start: StartError | None = None
        self._channel: Channel
        self._reactor: Any = None
        self._late: Any = None
        self.told_to_end = False

    def start(self, origin: Origin, reactor: Any) -> None:
        """OSError if there can be no process."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._channel = Channel(ours)
        self._reactor = reactor
        environment = {
            name: value
            for name, value in origin.environment.items()
            if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")  # the parent speaks for all of them
        }
        asking = self._worker._workers.asking
        metrics = None if asking is None else asking.line_to(str(self._worker.name))
        lent = {
            "line": theirs.fileno(),
            "given": origin.given,
            "metrics": None if metrics is None else metrics.fileno(),
        }
        passed = [theirs.fileno(), *origin.given, *([] if metrics is None else [metrics.fileno()])]
        try:
            reactor.spawnProcess(
                self,
                origin.command[0],
                origin.command,
                env={**environment, VARIABLE: json.dumps(lent)},
                path=origin.folder,
                childFDs={each: each for each in (0, 1, 2, *passed)},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            if metrics is not None:
                metrics.close()
        reactor.loop.add_reader(ours, self._readable)

    def _readable(self) -> None:
        try:
            for message in self._channel.receive():
                self._heard(message)
        except (BlockingIOError, InterruptedError):
            pass
        except (EOFError, ConnectionError):
            self._hang_up()
            # It is about to end. If it has closed the line for another reason, nobody knows how it is, and it can borrow nothing.
            self._late = self._reactor.callLater(MARGIN, self._kill)
        except (ChannelError, OSError) as error:
            _log.error("Worker {name} says what makes no sense: {error}.", name=self._worker.name, error=error)
            self._hang_up()
            self._kill()

    def _heard(self, message: dict[str, Any]) -> None:
        if "borrow" in message:
            self._borrowing = Borrowing(message, self._answer, self)
            self._lending.ask(self._borrowing)
        elif "returned" in message:
            self._lending.returned(Borrowing(message, self._answer, self, "returned"))
        elif "opened" in message:
            descriptor = self._channel.fetch_descriptor() if message["opened"] is True else None
            self._opened(descriptor)
        elif "failed" in message:
            kind = UsageError if message.get("misused") is True else StartError
            self._cannot_start = kind(str(message["failed"]))
        else:
            self._worker.heard(message)
            if "ready" in message and not self.up.called:
                self.up.callback(None)

    def _answer(self, lent: bool, descriptor: int | None) -> None:
        self._channel.send({"lent": lent}, descriptor)

    def _opened(self, descriptor: int | None) -> None:
        borrowing, self._borrowing = self._borrowing, None
        if borrowing is not None:
            self._lending.opened(borrowing, descriptor)
        elif descriptor is not None:
            os.close(descriptor)

    def _hang_up(self) -> None:
        if self._channel.sock.fileno() >= 0:
            loop = self._reactor.loop
            if not loop.is_closed():
                loop.remove_reader(self._channel.sock)
            self._channel.close()
            self._opened(None)
            self._lending.forget(self)

    def _kill(self) -> None:
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            pass

    def processEnded(self, reason: Failure) -> None:
        if self._channel.sock.fileno() >= 0:
            self._readable()  # its last word may not have been read
        self._hang_up()
        if (asking := self._worker._workers.asking) is not None:
            asking.hang_up(str(self._worker.name))
        if self._late is not None and self._late.active():
            self._late.cancel()
        failure = (
            None if reason.check(ProcessDone) and self._cannot_start is None else Failure(self._error(reason.value))
        )
        self._worker.gone(failure)
        if not self.up.called:
            # the supervisor has been told already, or waits for just this
            self.up.callback(None) if failure is None else self.up.errback(failure)
            self.up.addErrback(lambda _: None)
        self.ended.callback(None)

    def _error(self, error: Any) -> Exception:
        if self._cannot_start is not None:
            return self._cannot_start
        if error.signal is not None:
            how = f"was killed by signal {error.signal} ({_signal_name(error.signal)})"
        else:
            how = f"ended with status {error.exitCode}"
        return WorkerError(f"worker {self._worker.name} {how}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
