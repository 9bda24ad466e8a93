"""Child processes: `spawnProcess` of the reactor, and three functions that run a program to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from plait import current
from plait.deferred import Deferred
from plait.errors import ProcessDone, ProcessTerminated, UnknownEngineError
from plait.failure import Failure
from plait.interfaces import IProcessProtocol, IReactorProcess, implementer
from plait.protocol import ProcessProtocol

if TYPE_CHECKING:
    from plait.transport.network import Network
    from plait.transport.process import Process

Text = str | bytes

EMPTY: Mapping[str, str] = MappingProxyType({})
"""The environment of a child unless it is given one: programs that were written for Twisted count on that."""


@implementer(IReactorProcess)
class ProcessReactor:
    """The reactor's method for child processes (`IReactorProcess`)."""

    if TYPE_CHECKING:

        @property
        def _net(self) -> Network: ...

    def spawnProcess(
        self,
        processProtocol: IProcessProtocol,
        executable: Text,
        args: Sequence[Text] = (),
        env: Mapping[Any, Any] | None = EMPTY,
        path: Text | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool | tuple[int, int, Any] = False,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> Process:
        """Start a program. `processProtocol` is told what it writes and when it ends, and its `transport` is what is returned.

        :param executable: the program; without a slash, it is looked for in the ``PATH`` of `env`.
        :param args: all arguments; the first is, by custom, the program's name.
        :param env: its environment, empty unless given; None: ours.
        :param path: the directory it starts in; None: ours.
        :param uid: the user, by number, and `gid` the group: None for the user's own.
        :param usePTY: True for a terminal instead of pipes: what it writes is ``childDataReceived(1, data)``. Or (master,
            slave, name) of a terminal that is there: the master is ours from now on, and the slave stays yours.
        :param childFDs: what the child gets, by its numbers: "w" is a pipe that we write to, "r" one that we read, a number
            is a descriptor of ours. None: ``{0: "w", 1: "r", 2: "r"}``. Others are closed in the child, but 0, 1 and 2 are
            ``/dev/null`` rather than closed.
        :raises ValueError: for `childFDs` with `usePTY`, or something else in it.
        :raises TypeError: for an argument, a name or a value in `env` that is not text or bytes, or holds a NUL.
        :raises OSError: if no process can be made. That a program cannot be run is told to the protocol, as exit code 1.
        """
        if usePTY and childFDs is not None:
            raise ValueError("childFDs cannot be used with usePTY: a terminal is the child's 0, 1 and 2")
        try:
            from plait.transport.launch import PIPES, Launch, Wiring
            from plait.transport.process import Process, TerminalProcess
        except ImportError as e:
            raise UnknownEngineError(f"spawnProcess works on POSIX systems only: {e}") from None
        launch = Launch(executable, args, env, path, uid, gid)
        if not usePTY:
            return Process(self._net, processProtocol, launch, Wiring.pipes(PIPES if childFDs is None else childFDs))
        given = tuple(usePTY) if isinstance(usePTY, (tuple, list)) else None
        return TerminalProcess(self._net, processProtocol, launch, Wiring.pty(given))


class _Collecting(ProcessProtocol):
    """Collects what the program writes."""

    def __init__(self, stdin: bytes | None) -> None:
        self.out: list[bytes] = []
        self.err: list[bytes] = []
        self.ended: Deferred[ProcessDone | ProcessTerminated] = Deferred()
        self._stdin = stdin

    def connectionMade(self) -> None:
        if self._stdin:
            self.transport.write(self._stdin)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self.out.append(data)

    def errReceived(self, data: bytes) -> None:
        self.err.append(data)

    def processEnded(self, reason: Failure) -> None:
        self.ended.callback(reason.value)


class _Output(_Collecting):
    """As that, but the first thing on the standard error output is an error."""

    def __init__(self, errortoo: bool) -> None:
        super().__init__(None)
        self._errortoo = errortoo
        self.result: Deferred[bytes] = Deferred()
        self.failed_end: Deferred[None] = Deferred()

    def errReceived(self, data: bytes) -> None:
        if self._errortoo:
            self.out.append(data)
        elif not self.result.called:
            error = OSError(f"got stderr: {data!r}")
            error.processEnded = self.failed_end  # type: ignore[attr-defined]
            self.result.errback(Failure(error))
            self.transport.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        if self.result.called:
            self.failed_end.errback(reason)
        else:
            self.result.callback(b"".join(self.out))


def getProcessOutput(
    executable: Text,
    args: Sequence[Text] = (),
    env: Mapping[Any, Any] | None = EMPTY,
    path: Text | None = None,
    reactor: Any = None,
    errortoo: bool = False,
) -> Deferred[bytes]:
    """Run a program (`args` without its name) and give what it writes to its standard output.

    :param env: its environment, empty unless given; None: ours.
    :param path: the directory that it starts in.
    :param errortoo: give what it writes to its standard error output too. Without that, it is an error: the Deferred fails with
        `OSError`, at once, and the error's `processEnded` is a Deferred that fails with the reason when the process ends.
    """
    protocol = _Output(bool(errortoo))
    _run(protocol, executable, args, env, path, reactor)
    return protocol.result


def getProcessValue(
    executable: Text,
    args: Sequence[Text] = (),
    env: Mapping[Any, Any] | None = EMPTY,
    path: Text | None = None,
    reactor: Any = None,
) -> Deferred[int | None]:
    """Run a program (`args` without its name) and give its exit code, or None if a signal ended it."""
    protocol = _Collecting(None)
    protocol.childDataReceived = lambda childFD, data: None  # type: ignore[method-assign]
    _run(protocol, executable, args, env, path, reactor)
    return protocol.ended.addCallback(lambda end: end.exitCode)


def getProcessOutputAndValue(
    executable: Text,
    args: Sequence[Text] = (),
    env: Mapping[Any, Any] | None = EMPTY,
    path: Text | None = None,
    reactor: Any = None,
    stdinBytes: bytes | None = None,
) -> Deferred[tuple[bytes, bytes, int]]:
    """Run a program (`args` without its name) and give (standard output, standard error output, exit code).

    :param stdinBytes: what it gets on its standard input.

    If a signal ended it, the Deferred fails with (standard output, standard error output, number of the signal).
    """
    protocol = _Collecting(stdinBytes)
    _run(protocol, executable, args, env, path, reactor)

    def ended(end: ProcessDone | ProcessTerminated) -> Any:
        out, err = b"".join(protocol.out), b"".join(protocol.err)
        return (out, err, end.exitCode) if end.signal is None else Failure((out, err, end.signal))

    return protocol.ended.addCallback(ended)


def _run(
    protocol: IProcessProtocol,
    executable: Text,
    args: Sequence[Text],
    env: Mapping[Any, Any] | None,
    path: Text | None,
    reactor: Any,
) -> None:
    (reactor or current.getReactor()).spawnProcess(protocol, executable, [executable, *args], env, path)
