"""Child processes: what the reactor starts, what it tells your protocol, and what your protocol can do to the child.

The descriptors of the child are numbered as the child sees them: 0 is its standard input, 1 its output, 2 its errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from plait.interfaces._root import Attribute, Interface
from plait.interfaces.stream import ITransport

if TYPE_CHECKING:
    from plait.failure import Failure


class IProcessTransport(ITransport, Interface):
    """The way to one child process. `write` writes to its standard input."""

    pid: int | None = Attribute("The number of the process; None once it has ended.")

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Send `data` to a descriptor that the child reads from. KeyError if there is no such descriptor."""

    def closeChildFD(self, descriptor: int) -> None:
        """Close our end of a descriptor, once what was written has been sent. Twice is as once."""

    def closeStdin(self) -> None:
        """Send what has been written, then end the child's standard input."""

    def closeStdout(self) -> None:
        """Read the child's standard output no more."""

    def closeStderr(self) -> None:
        """Read the child's standard error output no more."""

    def loseConnection(self) -> None:
        """Close our ends of all three. A child that goes on after that is not ended: use `signalProcess`."""

    def signalProcess(self, signalID: str | int) -> None:
        """Send a signal: a number, or "HUP", "INT", "KILL", "STOP", "TERM" and so on, without SIG.

        ProcessExitedAlready if the process has ended. On Windows only INT, TERM and KILL, each of which ends it.
        """


class IProcessProtocol(Interface):
    """What is done with one child process."""

    def makeConnection(self, process: IProcessTransport) -> None:
        """The child has been started; called once, first of all."""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """The child has written some bytes to its descriptor `childFD`. A stream has no seams, as with `IProtocol`."""

    def childConnectionLost(self, childFD: int) -> None:
        """The child's descriptor `childFD` is closed, by the child or by us."""

    def processExited(self, reason: Failure) -> None:
        """The process has ended; what it wrote last may still come.

        `reason` holds ProcessDone (exit code 0) or ProcessTerminated, which has the exit code or the signal.
        """

    def processEnded(self, reason: Failure) -> None:
        """The process has ended and all its descriptors are closed; called once, last of all. `reason` as before."""


class IReactorProcess(Interface):
    """A reactor that starts processes."""

    def spawnProcess(
        self,
        processProtocol: IProcessProtocol,
        executable: str | bytes,
        args: Sequence[str | bytes] = (),
        env: Mapping[str | bytes, str | bytes] | None = {},
        path: str | bytes | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool | tuple[int, int, str] = False,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> IProcessTransport:
        """Start a program; `processProtocol` is told what becomes of it.

        `executable`: the path of the program. `args`: all its arguments, of which the first is by custom its own name.
        `env`: its environment, empty unless given; None gives it ours. `path`: the directory that it starts in, ours if None.
        `uid`, `gid`: the user and the group that it runs as, which takes the superuser's rights.
        `usePTY`: give it a terminal instead of pipes: True for a new one, or (master, slave, name) for one that is there.
        `childFDs`: for each of the child's descriptors "w" (we write, it reads), "r" (we read, it writes) or the number of
        a descriptor of ours that it gets; by default ``{0: "w", 1: "r", 2: "r"}``. Not together with `usePTY`: ValueError.

        Raises OSError if no process can be made. That a program is not there is told by `processEnded`, as an exit code
        other than 0. On Windows `uid`, `gid`, `usePTY` and `childFDs` raise ValueError.
        """


class IReactorDaemonize(Interface):
    """A reactor that wants to know when its process goes into the background by a fork.

    Programs do not call these; what turns the process into a daemon does.
    """

    def beforeDaemonize(self) -> None:
        """The process is about to fork: finish or put aside what cannot be in two processes."""

    def afterDaemonize(self) -> None:
        """This is the new process: go on."""
