"""Child processes on POSIX systems, with pipes or with a terminal (pty(7)).

A child is waited for with a descriptor of its own (pidfd_open(2)), which the loop watches; where there is none, a thread waits.
No handler for SIGCHLD is needed, and children of other parts of the program are left alone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from plait.errors import ProcessDone, ProcessExitedAlready, ProcessTerminated
from plait.failure import Failure
from plait.interfaces import IConsumer, IProcessProtocol, IProcessTransport, IPushProducer, implementer
from plait.log import Logger
from plait.transport.address import ProcessAddress
from plait.transport.launch import Launch, Wiring
from plait.transport.pipes import PipeReader, PipeWriter, call_hook

if TYPE_CHECKING:
    from plait.transport.network import Network

_log = Logger("plait.transport")

EXEC_FAILED = 1
"""The exit code of a child whose program could not be started."""

reapProcessHandlers: dict[int, Process] = {}
"""The children that have not been reaped, by process id."""


def reapAllProcesses() -> None:
    """Look which children have ended, now. The reactor does so by itself."""
    for process in list(reapProcessHandlers.values()):
        process.reapProcess()


@implementer(IProcessTransport, IConsumer, IPushProducer)
class Process:
    """One child process; `reactor.spawnProcess` makes it, and says what the arguments mean.

    Attributes: `pid` (None when the process has ended), `proto`, `pipes` (our ends, by the child's numbers).
    """

    def __init__(self, network: Network, proto: IProcessProtocol, launch: Launch, wiring: Wiring) -> None:
        self.proto: Any = proto
        self.pid: int | None = None
        self.pipes: dict[int, PipeReader | PipeWriter] = {}
        self._loop = network.loop
        self._processes = network.processes
        self._context = copy_context()  # what happens is told in the context of whoever started it
        self._lock = threading.Lock()  # between a signal and the end of the process, whose number may be given again
        self._reason: Failure | None = None
        self._told = False
        self._pidfd: int | None = None
        self._waiting = False  # a thread waits
        try:
            self._popen = launch.start(wiring)
        except BaseException:
            wiring.close_ours()
            raise
        finally:
            wiring.close_theirs()
        for number, fd in wiring.readers.items():
            received, ended = partial(self.childDataReceived, number), partial(self.childConnectionLost, number)
            self.pipes[number] = PipeReader(self._loop, fd, received, ended)
        for number, fd in wiring.writers.items():
            # nobody can say of a terminal that is only written to whether somebody is at its other end
            ended = partial(self.childConnectionLost, number)
            self.pipes[number] = PipeWriter(self._loop, fd, ended, watches_end=not wiring.terminal)
        self._processes.add(self)
        if self._popen is not None:
            self.pid = self._popen.pid
            reapProcessHandlers[self.pid] = self
            self._wait()
        self._hook("makeConnection", self)
        for pipe in list(self.pipes.values()):
            pipe.start()
        if self._popen is None:
            self._loop.call_soon(self._exited, EXEC_FAILED << 8)

    # -- what happens

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """A pipe has brought something."""
        self._hook("childDataReceived", childFD, data, reader=self.pipes[childFD])

    def childConnectionLost(self, childFD: int) -> None:
        """A pipe has come to its end."""
        del self.pipes[childFD]
        self._hook("childConnectionLost", childFD)
        self._maybe_ended()

    def _hook(self, name: str, *args: object, reader: PipeReader | PipeWriter | None = None) -> None:
        """Tell the protocol something. If it fails over what `reader` has brought, nothing more is read there; if it is
        ``async def``, nothing more until it is done.
        """
        waiting = reader if isinstance(reader, PipeReader) else None
        call_hook(self.proto, name, *args, reader=waiting, failed=partial(self._hook_failed, reader=waiting))

    def _hook_failed(self, failure: Failure, name: str, reader: PipeReader | None) -> None:
        _log.failure("Unhandled error in {name} of {protocol!r}", failure, name=name, protocol=self.proto)
        if reader is not None:
            reader.close()

    # -- the end of the process

    def _wait(self) -> None:
        if hasattr(os, "pidfd_open"):
            try:
                self._pidfd = os.pidfd_open(self._pid())
                self._loop.add_reader(self._pidfd, self.reapProcess)
                return
            except OSError:  # an old kernel, or too many open files
                self._forget_pidfd()
        self._wait_in_thread()

    def _pid(self) -> int:
        assert self.pid is not None
        return self.pid

    def _wait_in_thread(self) -> None:
        if not self._waiting:
            self._waiting = True
            name = f"plait: waits for process {self.pid}"
            threading.Thread(target=self._wait_here, args=(self._pid(),), name=name, daemon=True).start()

    def _wait_here(self, pid: int) -> None:
        status: int | None = None
        try:
            if hasattr(os, "waitid"):
                # it is still a zombie after that, and keeps its number until we hold the lock
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            else:
                status = os.waitpid(pid, 0)[1]
        except ChildProcessError:
            pass
        if status is None:
            status = self._reap()
        try:
            self._loop.call_soon_threadsafe(self._exited, status, context=self._context)
        except RuntimeError:
            pass  # the loop is closed: nobody is left to be told

    def _reap(self, flags: int = 0) -> int | None:
        """The status of the process that has ended; None if somebody else has taken it."""
        with self._lock:
            if self.pid is None:
                return None
            try:
                pid, status = os.waitpid(self.pid, flags)
            except ChildProcessError:
                status = None
            else:
                if pid == 0:
                    raise BlockingIOError
            self._gone(status)
            return status

    def _gone(self, status: int | None) -> None:
        if self.pid is not None:
            reapProcessHandlers.pop(self.pid, None)
            self.pid = None
        if self._popen is not None:
            # Popen would wait for it too, when it is deleted
            self._popen.returncode = -1 if status is None else os.waitstatus_to_exitcode(status)

    def reapProcess(self) -> None:
        """Look whether the process has ended, and tell the protocol if so."""
        if self.pid is None:
            return
        try:
            status = self._reap(os.WNOHANG)
        except BlockingIOError:
            return
        self._exited(status)

    def _forget_pidfd(self) -> None:
        if self._pidfd is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _exited(self, status: int | None) -> None:
        if self._reason is not None:
            return
        self._gone(status)
        self._forget_pidfd()
        self._reason = Failure(_reason(status))
        self._hook("processExited", self._reason)
        self._maybe_ended()

    def _maybe_ended(self) -> None:
        if self._reason is not None and not self.pipes and not self._told:
            self._told = True
            self._processes.discard(self)
            self._hook("processEnded", self._reason)

    def cut(self) -> None:
        """The reactor stops: close our ends. Nobody waits for the process, but it is reaped whenever it ends."""
        for pipe in list(self.pipes.values()):
            pipe.cut()
        self.reapProcess()
        if self.pid is not None:
            self._forget_pidfd()
            self._wait_in_thread()
        self._processes.discard(self)

    # -- what the protocol can do

    def signalProcess(self, signalID: str | int) -> None:
        """Send a signal: a number, or a name without SIG ("HUP", "INT", "KILL", "STOP", "TERM" and so on).

        :raises plait.errors.ProcessExitedAlready: if the process has ended.
        :raises ValueError: if there is no such signal.
        """
        number: int | None = signalID if isinstance(signalID, int) else getattr(signal, f"SIG{signalID}", None)
        if number is None:
            raise ValueError(f'there is no signal {signalID!r}: give a number, or a name such as "TERM"')
        with self._lock:
            if self.pid is None:
                raise ProcessExitedAlready("the process has ended, and cannot get a signal any more")
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                raise ProcessExitedAlready("the process has ended, and cannot get a signal any more") from None

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Send `data` to the child's descriptor `childFD`.

        :raises KeyError: if the child does not read from such a descriptor, or it is closed.
        """
        pipe = self.pipes[childFD]
        if not isinstance(pipe, PipeWriter):
            raise KeyError(childFD)
        pipe.write(data)

    def write(self, data: bytes) -> None:
        """Send `data` to the child's standard input; nothing happens if that is closed.

        :raises TypeError: if `data` is not bytes.
        """
        if 0 in self.pipes:
            self.writeToChild(0, data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send several pieces, one after the other."""
        self.write(b"".join(iovec))

    def closeChildFD(self, descriptor: int) -> None:
        """Close our end of a descriptor, when what was written has been sent."""
        if (pipe := self.pipes.get(descriptor)) is not None:
            pipe.close()

    def closeStdin(self) -> None:
        """Send what has been written, then end the child's standard input."""
        self.closeChildFD(0)

    def closeStdout(self) -> None:
        """Read the child's standard output no more."""
        self.closeChildFD(1)

    def closeStderr(self) -> None:
        """Read the child's standard error output no more."""
        self.closeChildFD(2)

    def loseConnection(self) -> None:
        """Send what has been written, then close our ends of all three. The process may go on."""
        for number in (0, 1, 2):
            self.closeChildFD(number)

    def pauseProducing(self) -> None:
        """Read nothing that the child writes, until `resumeProducing`."""
        for pipe in self.pipes.values():
            if isinstance(pipe, PipeReader):
                pipe.pause()

    def resumeProducing(self) -> None:
        """Read (again)."""
        for pipe in self.pipes.values():
            if isinstance(pipe, PipeReader):
                pipe.resume()

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` write to the child's standard input, no faster than that is read.

        :raises RuntimeError: if another producer is registered.
        """
        writer = self.pipes.get(0)
        if isinstance(writer, PipeWriter):
            writer.register(producer, streaming)
        else:
            producer.stopProducing()

    def unregisterProducer(self) -> None:
        """The producer is done."""
        writer = self.pipes.get(0)
        if isinstance(writer, PipeWriter):
            writer.unregister()

    def getHost(self) -> ProcessAddress:
        """An address without contents."""
        return ProcessAddress()

    def getPeer(self) -> ProcessAddress:
        """An address without contents."""
        return ProcessAddress()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} pid={self.pid} of {self.proto!r}>"


class TerminalProcess(Process):
    """One child process with a terminal: that is its 0, 1 and 2, and all that it writes comes as of descriptor 1."""

    def fileno(self) -> int:
        """The descriptor of our side of the terminal, for instance to set its size; -1 when it is closed."""
        reader = self.pipes.get(1)
        return -1 if reader is None else reader.fileno()

    def childConnectionLost(self, childFD: int) -> None:
        """One half of it is closed, and so is the other. No hook tells that of a terminal."""
        del self.pipes[childFD]
        for pipe in list(self.pipes.values()):
            pipe.cut()
        self._maybe_ended()

    def closeChildFD(self, descriptor: int) -> None:
        """Nothing: a terminal has one descriptor, which `loseConnection` closes."""

    def loseConnection(self) -> None:
        """Send what has been written, then hang up: the child gets SIGHUP."""
        if (writer := self.pipes.get(0)) is not None:
            writer.close()


def _reason(status: int | None) -> ProcessDone | ProcessTerminated:
    if status is None:
        return ProcessTerminated()
    if os.WIFSIGNALED(status):
        return ProcessTerminated(signal=os.WTERMSIG(status), status=status)
    code = os.WEXITSTATUS(status)
    return ProcessTerminated(exitCode=code, status=status) if code else ProcessDone(status)
