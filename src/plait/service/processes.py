"""A service that is another program: started, stopped, and its output logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.current import getReactor
from plait.deferred import Deferred
from plait.errors import ProcessDone, ProcessExitedAlready
from plait.failure import Failure
from plait.log import Logger, LogLevel
from plait.protocol import ProcessProtocol
from plait.service.base import Service, describe, report_end

_log = Logger(namespace="plait.service")

# Bytes of a line of its output that are logged as one event. A program that writes no line ends must not fill our memory.
LONGEST_LINE = 16 * 1024


class ProcessService(Service):
    """Runs a program from the start to the stop. A supervisor starts it again when it ends.

    Exit code 0 is the end of its work, anything else a failure. What it writes is logged, line by line.

    :param args: the program, looked for in the ``PATH`` unless it is a path, and its arguments.
    :param env: its environment; None: ours.
    :param path: the folder that it starts in; None: ours.
    :param uid: the user, by number, and `gid` the group; None: ours.
    :param killTime: seconds between SIGTERM and SIGKILL at the stop.
    :param reactor: the reactor; the current one if none is given.
    """

    def __init__(
        self,
        args: Sequence[str],
        env: Mapping[str, str] | None = None,
        path: str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        killTime: float = 5.0,
        reactor: Any = None,
    ) -> None:
        if isinstance(args, str) or not args or not all(isinstance(argument, str) for argument in args):
            raise TypeError(f"a program and its arguments are a list of str, such as ['sleep', '1'], not {args!r}")
        self.args = list(args)
        self.env = env
        self.path = path
        self.uid = uid
        self.gid = gid
        self.killTime = killTime
        self.reactor = reactor
        self._watch: _Watch | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process, while there is one."""
        pid: int | None = None if self._watch is None else self._watch.transport.pid
        return pid

    def startService(self) -> None:
        """Start the program. OSError if no process can be made; a program that is not there ends with exit code 1."""
        super().startService()
        self._watch = watch = _Watch(self)
        reactor = self.reactor or getReactor()
        try:
            reactor.spawnProcess(
                watch, self.args[0], self.args, env=self.env, path=self.path, uid=self.uid, gid=self.gid
            )
        except BaseException:
            self._watch = None
            raise

    def stopService(self) -> Deferred[None]:
        """End the program, with SIGTERM, and with SIGKILL if it has not ended then. The Deferred fires when it has."""
        super().stopService()
        stopped: Deferred[None] = Deferred()
        watch = self._watch
        if watch is None:
            stopped.callback(None)
            return stopped
        watch.signal("TERM")
        late = (self.reactor or getReactor()).callLater(self.killTime, self._kill, watch)

        def ended(_: object) -> None:
            if late.active():
                late.cancel()
            stopped.callback(None)

        watch.ended.addCallback(ended)
        return stopped

    def _kill(self, watch: _Watch) -> None:
        _log.warn(
            "{service} has not ended within {s:g} s of SIGTERM: it is killed", service=describe(self), s=self.killTime
        )
        watch.signal("KILL")

    def _ended(self, reason: Failure) -> None:
        self._watch = None
        if self.running:
            report_end(self, None if reason.check(ProcessDone) else reason)


class _Watch(ProcessProtocol):
    """Logs what the program writes, and tells of its end."""

    def __init__(self, service: ProcessService) -> None:
        self.ended: Deferred[None] = Deferred()
        self._service = service
        self._rest = {1: b"", 2: b""}

    def signal(self, name: str) -> None:
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            pass

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *lines, rest = (self._rest[childFD] + data).split(b"\n")
        while len(rest) > LONGEST_LINE:
            lines.append(rest[:LONGEST_LINE])
            rest = rest[LONGEST_LINE:]
        self._rest[childFD] = rest
        for line in lines:
            self._log_line(childFD, line)

    def _log_line(self, childFD: int, line: bytes) -> None:
        level = LogLevel.info if childFD == 1 else LogLevel.warn
        text = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
        _log.emit(level, "{service}: {line}", service=describe(self._service), line=text)

    def processExited(self, reason: Failure) -> None:
        # A program of its own that goes on with its pipes must not keep us from seeing that this one has ended.
        self.transport.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        for number, rest in self._rest.items():
            if rest:
                self._log_line(number, rest)
        self.ended.callback(None)
        self._service._ended(reason)
