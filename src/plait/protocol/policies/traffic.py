"""What goes over a connection, written down: in the log, or in a file for each connection."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from plait.log import Logger
from plait.protocol.base import connectionDone
from plait.protocol.policies.wrapping import ProtocolWrapper, WrappingFactory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from plait.failure import Failure
    from plait.interfaces import IAddress

_log = Logger("plait.protocol")


class SpewingProtocol(ProtocolWrapper):
    """Says in the log what is read and written, byte for byte. For debugging: it holds passwords, too."""

    def dataReceived(self, data: bytes) -> Any:
        """Log and hand on."""
        _log.info("Received: {data!r}", data=data)
        return super().dataReceived(data)

    def write(self, data: bytes) -> None:
        """Log and send."""
        _log.info("Sending: {data!r}", data=data)
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Log and send."""
        self.write(b"".join(iovec))


class SpewingFactory(WrappingFactory):
    """Says in the log what its connections read and write."""

    protocol = SpewingProtocol


class TrafficLoggingProtocol(ProtocolWrapper):
    """Writes down what happens on one connection, a line for each event.

    A line begins with C for what comes from the peer, S for what the wrapped protocol writes, SV for what it writes in parts;
    then the connection's number, a colon, and the data as `repr` writes it, or an asterisk for its beginning and its end.
    """

    logfile: Any

    def __init__(
        self,
        factory: Any,
        wrappedProtocol: Any,
        logfile: TextIO,
        lengthLimit: int | None = None,
        number: int = 0,
    ) -> None:
        """`lengthLimit`: bytes of each piece that are written down, the rest being left out; None: all."""
        super().__init__(factory, wrappedProtocol)
        self.logfile = logfile
        self.lengthLimit = lengthLimit
        self._number = number

    def _note(self, who: str, what: str) -> None:
        self.logfile.write(f"{who} {self._number}: {what}\n")
        self.logfile.flush()

    def _shorten(self, data: bytes) -> bytes:
        if self.lengthLimit is not None and len(data) > self.lengthLimit:
            return data[: self.lengthLimit] + b"<... elided>"
        return data

    def connectionMade(self) -> None:
        """Write down that it begins."""
        self._note("C", "*")

    def dataReceived(self, data: bytes) -> Any:
        """Write down and hand on."""
        self._note("C", repr(self._shorten(data)))
        return super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """Write down how it ends."""
        self._note("C", f"{reason!r}")
        if isinstance(self.logfile, io.TextIOWrapper):  # a file, and not what somebody's `open` has put in its place
            self.logfile.close()
        return super().connectionLost(reason)

    def write(self, data: bytes) -> None:
        """Write down and send."""
        self._note("S", repr(self._shorten(data)))
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write down and send."""
        parts = list(iovec)
        self._note("SV", repr([self._shorten(part) for part in parts]))
        super().writeSequence(parts)

    def loseConnection(self) -> None:
        """Write down and close."""
        self._note("S", "*")
        super().loseConnection()


class TrafficLoggingFactory(WrappingFactory):
    """Writes the traffic of each connection to a file of its own: `logfilePrefix`, a hyphen, the number of the connection.

    `lengthLimit`: bytes of each piece that are written down; None: all.
    """

    protocol = TrafficLoggingProtocol
    _counter = 0

    def __init__(self, wrappedFactory: Any, logfilePrefix: str, lengthLimit: int | None = None) -> None:
        self.logfilePrefix = logfilePrefix
        self.lengthLimit = lengthLimit
        super().__init__(wrappedFactory)

    def open(self, name: str) -> TextIO:
        """The file for a connection. Override it to write elsewhere."""
        return open(name, "w")  # what is written is ASCII

    def wrap(self, wrapped: Any, addr: IAddress) -> Any:
        """A wrapper with a file of its own."""
        self._counter += 1
        logfile = self.open(f"{self.logfilePrefix}-{self._counter}")
        return self.protocol(self, wrapped, logfile, self.lengthLimit, self._counter)

    def resetCounter(self) -> None:
        """Begin again with number 1."""
        self._counter = 0
