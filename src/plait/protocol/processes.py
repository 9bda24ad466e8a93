"""The protocol of a child process: what it writes, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces import IProcessProtocol, implementer
from plait.protocol.base import BaseProtocol

if TYPE_CHECKING:
    from plait.failure import Failure


@implementer(IProcessProtocol)
class ProcessProtocol(BaseProtocol):
    """What is done with one child process: ``reactor.spawnProcess(MyProcessProtocol(), ...)``.

    ``self.transport`` is the `IProcessTransport`: `write` goes to the child's standard input. A hook may be ``async def``:
    nothing more is read from the descriptor until it is done.
    """

    if TYPE_CHECKING:
        transport: Any  # not a stream, as BaseProtocol's is

    def childDataReceived(self, childFD: int, data: bytes) -> Any:
        """Called with what the child has written to its descriptor `childFD`; here 1 and 2 get hooks of their own."""
        if childFD == 1:
            return self.outReceived(data)  # the coroutine of a hook that is ``async def``
        if childFD == 2:
            return self.errReceived(data)
        return None

    def outReceived(self, data: bytes) -> Any:
        """Called with what the child has written to its standard output, in pieces of any length."""

    def errReceived(self, data: bytes) -> Any:
        """Called with what the child has written to its standard error output, in pieces of any length."""

    def childConnectionLost(self, childFD: int) -> Any:
        """Called when the child's descriptor `childFD` is closed; here 0, 1 and 2 get hooks of their own."""
        if childFD == 0:
            return self.inConnectionLost()
        if childFD == 1:
            return self.outConnectionLost()
        if childFD == 2:
            return self.errConnectionLost()
        return None

    def inConnectionLost(self) -> Any:
        """Called when the child's standard input is closed."""

    def outConnectionLost(self) -> Any:
        """Called when the child's standard output is closed."""

    def errConnectionLost(self) -> Any:
        """Called when the child's standard error output is closed."""

    def processExited(self, reason: Failure) -> Any:
        """Called when the process has ended; what it wrote last may still come.

        `reason` holds `plait.errors.ProcessDone` (exit code 0) or `ProcessTerminated`.
        """

    def processEnded(self, reason: Failure) -> Any:
        """Called last of all: the process has ended and its descriptors are closed. `reason` as in `processExited`."""
