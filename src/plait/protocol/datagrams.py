"""Protocols of datagrams: one object for each port, and no connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces import IDatagramProtocol, ILoggingContext, implementer

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from plait.failure import Failure


@implementer(ILoggingContext)
class AbstractDatagramProtocol:
    """What both kinds of datagram protocols have in common.

    Attributes: `transport` (None while no port is open), `numPorts` (how many ports use this object), `noisy` (say in the
    log when the first is opened and the last is closed).
    """

    transport: Any = None
    numPorts = 0
    noisy = True

    def makeConnection(self, transport: Any) -> None:
        """Called by the engine when the port is open: keep the transport, and start."""
        assert self.transport is None, f"{self!r} has a port already: a datagram protocol serves one at a time"
        self.transport = transport
        self.doStart()

    def doStart(self) -> None:
        """Called for each port that begins to use this protocol."""
        if self.numPorts == 0:
            self.startProtocol()
        self.numPorts += 1

    def doStop(self) -> None:
        """Called for each port that has ceased to use this protocol."""
        assert self.numPorts > 0, f"{self!r} was stopped more often than it was started"
        self.numPorts -= 1
        self.transport = None
        if self.numPorts == 0:
            self.stopProtocol()

    def logPrefix(self) -> str:
        """The name of this protocol in the log."""
        return self.__class__.__name__

    def startProtocol(self) -> None:
        """Called when the port is open: send, start timers."""

    def stopProtocol(self) -> None:
        """Called when the port is closed. There is no transport any more."""


@implementer(IDatagramProtocol)
class DatagramProtocol(AbstractDatagramProtocol):
    """A protocol for `reactor.listenUDP`, `listenMulticast` and `listenUNIXDatagram`. Override `datagramReceived`.

    An error raised by a hook is logged, and the port goes on. A hook may be ``async def``: no datagram is taken from the
    system before it is done, so their order is kept.
    """

    def datagramReceived(self, datagram: bytes, addr: Any) -> Awaitable[None] | None:
        """Called with each datagram, whole; it may be empty.

        `addr` is the sender: (host, port) over UDP, the path over a UNIX socket (None if it has none). Anybody can
        send one, and write any sender on it.
        """

    def connectionRefused(self) -> Awaitable[None] | None:
        """Called when the peer of a connected port says that nobody listens there. What was sent is lost."""


class ConnectedDatagramProtocol(AbstractDatagramProtocol):
    """A protocol for `reactor.connectUNIXDatagram`, which has one peer only."""

    def datagramReceived(self, datagram: bytes) -> Awaitable[None] | None:
        """Called with each datagram of the peer's."""

    def connectionRefused(self) -> Awaitable[None] | None:
        """Called when nobody listens at the peer's address any more. What was sent is lost."""

    def connectionFailed(self, failure: Failure) -> None:
        """Called instead of `startProtocol` if the peer cannot be reached at all."""
