"""Child processes on POSIX systems, with pipes or a terminal (pty(7)).

`subprocess.Popen` makes the child: it forks in C, safely also in a program with threads, closes in the child every descriptor
that is not the child's, and tells what went wrong before the program ran. Python code runs in the child only where Popen
has no option for it: for descriptors above 2, a terminal, and signals that we ignore.

A child is waited for with a descriptor of its own (pidfd_open(2)), which the loop watches; where there is none, a thread waits.
No handler for SIGCHLD is needed, and children of other parts of the program are left alone.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
import threading
from asyncio import AbstractEventLoop
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plait.errors import ProcessDone, ProcessExitedAlready, ProcessTerminated
from plait.failure import Failure
from plait.interfaces import IConsumer, IProcessProtocol, IProcessTransport, IPushProducer, implementer
from plait.log import Logger
from plait.transport.address import ProcessAddress
from plait.transport.pipes import PipeReader, PipeWriter

_log = Logger("plait.transport")

Text = str | bytes
PTY = tuple[int, int, Text]

PIPES: Mapping[int, int | str] = {0: "w", 1: "r", 2: "r"}

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

    def __init__(
        self,
        loop: AbstractEventLoop,
        processes: set[Process],
        proto: IProcessProtocol,
        executable: Text,
        args: Sequence[Text],
        env: Mapping[Any, Any] | None,
        path: Text | None,
        uid: int | None,
        gid: int | None,
        terminal: bool | PTY,
        childFDs: Mapping[int, int | str] | None,
    ) -> None:
        self.proto: Any = proto
        self.pid: int | None = None
        self.pipes: dict[int, PipeReader | PipeWriter] = {}
        self._loop = loop
        self._processes = processes
        self._terminal = bool(terminal)
        self._lock = threading.Lock()  # between a signal and the end of the process, whose number may be given again
        self._reason: Failure | None = None
        self._told = False
        self._pidfd: int | None = None
        self._waiting = False  # a thread waits
        launch = _Launch(executable, args, env, path, uid, gid)
        mine: dict[int, tuple[str, int]] = {}
        try:
            if terminal:
                mine = launch.with_terminal(terminal)
            else:
                mine = launch.with_pipes(PIPES if childFDs is None else childFDs)
            self._popen = launch.start()
        except BaseException:
            for _, fd in mine.values():
                if not (isinstance(terminal, tuple) and fd == terminal[0]):
                    os.close(fd)
            raise
        finally:
            launch.close()
        for number, (way, fd) in mine.items():
            kind = PipeReader if way == "r" else PipeWriter
            self.pipes[number] = kind(loop, self, number, fd, watches_end=not self._terminal)
        processes.add(self)
        if self._popen is not None:
            self.pid = self._popen.pid
            reapProcessHandlers[self.pid] = self
            self._wait()
        self._hook("makeConnection", self)
        for pipe in list(self.pipes.values()):
            pipe.start()
        if self._popen is None:
            loop.call_soon(self._exited, EXEC_FAILED << 8)

    # -- what happens

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """A pipe has brought something."""
        if not self._hook("childDataReceived", childFD, data):
            self.closeChildFD(childFD)

    def childConnectionLost(self, childFD: int) -> None:
        """A pipe has come to its end."""
        del self.pipes[childFD]
        if self._terminal:
            if childFD == 1 and (writer := self.pipes.get(0)) is not None:
                writer.cut()  # nobody reads what we write to a terminal that is gone
            elif childFD == 0 and (reader := self.pipes.get(1)) is not None:
                reader.cut()
        else:
            self._hook("childConnectionLost", childFD)
        self._maybe_ended()

    def _hook(self, name: str, *args: object) -> bool:
        try:
            getattr(self.proto, name)(*args)
        except Exception:
            _log.failure("Unhandled error in {name} of {protocol!r}", name=name, protocol=self.proto)
            return False
        return True

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
            self._loop.call_soon_threadsafe(self._exited, status)
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
        """Send `data` to the child's standard input; nothing happens if that is closed."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data to be written must be bytes, not {type(data).__name__}; encode text first")
        if 0 in self.pipes:
            self.writeToChild(0, data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send several pieces, one after the other."""
        self.write(b"".join(iovec))

    def closeChildFD(self, descriptor: int) -> None:
        """Close our end of a descriptor, when what was written has been sent. A terminal is closed by `loseConnection` only."""
        if not self._terminal and (pipe := self.pipes.get(descriptor)) is not None:
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
        """Send what has been written, then close our ends of all three; a terminal is hung up. The process may go on."""
        if self._terminal:
            if (writer := self.pipes.get(0)) is not None:
                writer.close()
            return
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


def _reason(status: int | None) -> ProcessDone | ProcessTerminated:
    if status is None:
        return ProcessTerminated()
    if os.WIFSIGNALED(status):
        return ProcessTerminated(signal=os.WTERMSIG(status), status=status)
    code = os.WEXITSTATUS(status)
    return ProcessTerminated(exitCode=code, status=status) if code else ProcessDone(status)


class _Launch:
    """What it takes to start one process: the descriptors of the child are open in us until `close`."""

    def __init__(
        self,
        executable: Text,
        args: Sequence[Text],
        env: Mapping[Any, Any] | None,
        path: Text | None,
        uid: int | None,
        gid: int | None,
    ) -> None:
        self._executable = _encoded("executable", executable)
        self._args = [_encoded("an argument", argument) for argument in args]
        self._env: dict[bytes, bytes] | None = None
        if env is not None:
            self._env = {_encoded("a name in env", k): _encoded("a value in env", v) for k, v in env.items()}
        self._path = None if path is None else _encoded("path", path)
        self._uid = uid
        self._gid = gid
        self._child: dict[int, int] = {}  # the child's numbers, and our descriptors for them
        self._to_close: list[int] = []
        self._terminal = False

    def with_terminal(self, terminal: bool | PTY) -> dict[int, tuple[str, int]]:
        if isinstance(terminal, tuple):
            master, slave, _ = terminal
        else:
            master, slave = pty.openpty()
            self._to_close.append(slave)
        self._terminal = True
        self._child = {0: slave, 1: slave, 2: slave}
        os.set_inheritable(master, False)
        try:
            return {0: ("w", os.dup(master)), 1: ("r", master)}
        except OSError:
            if not isinstance(terminal, tuple):
                os.close(master)
            raise

    def with_pipes(self, wanted: Mapping[int, int | str]) -> dict[int, tuple[str, int]]:
        for number, what in wanted.items():
            right = what in ("r", "w") or (isinstance(what, int) and what >= 0)
            if not right or not isinstance(number, int) or number < 0:
                raise ValueError(
                    f'childFDs has {number!r}: {what!r}; it maps numbers to "r", "w" or descriptors of ours'
                )
        mine: dict[int, tuple[str, int]] = {}
        try:
            for number, what in wanted.items():
                if isinstance(what, int):
                    self._child[number] = what
                    continue
                reading, writing = os.pipe()
                ours, theirs = (reading, writing) if what == "r" else (writing, reading)
                mine[number] = (what, ours)
                self._to_close.append(theirs)
                self._child[number] = theirs
        except BaseException:
            for _, fd in mine.values():
                os.close(fd)
            raise
        return mine

    def start(self) -> subprocess.Popen[bytes] | None:
        """The process; None if its program could not be started, and then the child's standard error output says why.

        :raises OSError: if no process could be made.
        """
        moves, keep = self._above_two()
        ignored = [n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]
        reset = [n for n in ignored if n not in (signal.SIGPIPE, getattr(signal, "SIGXFSZ", None))]
        terminal = self._terminal

        def in_the_child() -> None:
            for source, target in moves:
                os.dup2(source, target)
            if terminal:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for number in reset:
                signal.signal(number, signal.SIG_DFL)

        group, groups = self._groups()
        try:
            return subprocess.Popen(
                self._args,
                executable=self._executable,
                # A program whose first file became its standard output would write into it: none of the three stays closed.
                stdin=self._child.get(0, subprocess.DEVNULL),
                stdout=self._child.get(1, subprocess.DEVNULL),
                stderr=self._child.get(2, subprocess.DEVNULL),
                env=self._env,
                cwd=self._path,
                user=self._uid,
                group=group,
                extra_groups=groups,
                pass_fds=keep,
                start_new_session=terminal,
                preexec_fn=in_the_child if moves or terminal or reset else None,
            )
        except OSError as e:
            if e.filename is None:
                raise
            if (stderr := self._child.get(2)) in self._to_close and stderr is not None:
                os.write(stderr, f"cannot run {os.fsdecode(self._executable)!r}: {e}\n".encode()[:512])
            return None

    def _above_two(self) -> tuple[list[tuple[int, int]], list[int]]:
        """The descriptors above 2: which are to be moved where in the child, and which it keeps."""
        wanted = {number: ours for number, ours in self._child.items() if number > 2}
        if all(number == ours for number, ours in wanted.items()):
            return [], list(wanted)
        above = max(*wanted, 2) + 1
        moves = []
        for number, ours in wanted.items():
            # out of the way of all targets, so that their order does not matter
            copy = fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, above)
            self._to_close.append(copy)
            moves.append((copy, number))
        for number in wanted:
            # each target is open in us too, or Popen could not keep it, and might have its own pipe there
            holder = fcntl.fcntl(copy, fcntl.F_DUPFD_CLOEXEC, number)
            self._to_close.append(holder)
        return moves, list(wanted)

    def _groups(self) -> tuple[int | None, list[int] | None]:
        """The group and the further groups of another user: the account's own, and not those of the superuser."""
        if self._uid is None:
            return self._gid, None
        import pwd

        try:
            account = pwd.getpwuid(self._uid)
        except KeyError:
            return self._gid, []
        gid = account.pw_gid if self._gid is None else self._gid
        return gid, os.getgrouplist(account.pw_name, gid)

    def close(self) -> None:
        for fd in self._to_close:
            os.close(fd)
        self._to_close.clear()


def _encoded(what: str, value: object) -> bytes:
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"{what} must be text or bytes, not {value!r}")
    data = os.fsencode(value)
    if b"\0" in data:
        raise TypeError(f"{what} holds a NUL, which no program can get: {value!r}")
    return data
