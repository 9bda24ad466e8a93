"""From a factory to a Deferred: how an endpoint learns that the connection it asked for is there.

A small protocol stands in the way of the user's until the connection is made. Then it steps aside, so that each read
goes to the user's protocol directly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import directlyProvides, providedBy  # type: ignore[import-untyped]

from plait.deferred import Deferred, fail
from plait.errors import ConnectingCancelledError, NoProtocol
from plait.failure import Failure
from plait.interfaces import (
    IFileDescriptorReceiver,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
)
from plait.protocol import ClientFactory, Protocol
from plait.transport import Connection

_EVENTS = (IFileDescriptorReceiver, IHalfCloseableProtocol, IHandshakeListener)


class PassingProtocol(Protocol):
    """Hands everything on to `wrappedProtocol`; where the transport allows it, by stepping aside."""

    def __init__(self, wrappedProtocol: Any) -> None:
        self.wrappedProtocol = self._wrappedProtocol = wrappedProtocol
        offered = [event for event in _EVENTS if event in providedBy(wrappedProtocol)]
        if offered:
            directlyProvides(self, *offered)

    def logPrefix(self) -> str:
        """The name of the protocol in the log."""
        prefix = getattr(self._wrappedProtocol, "logPrefix", None)
        return str(prefix()) if prefix is not None else type(self._wrappedProtocol).__name__

    def makeConnection(self, transport: Any) -> Any:
        """The connection is there."""
        self.transport = transport
        self.connected = 1
        if isinstance(transport, Connection):
            transport.protocol = self._wrappedProtocol
        return self._wrappedProtocol.makeConnection(transport)

    def dataReceived(self, data: bytes) -> Any:
        """Hand it on."""
        return self._wrappedProtocol.dataReceived(data)

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Hand it on."""
        self._wrappedProtocol.fileDescriptorReceived(descriptor)

    def readConnectionLost(self) -> None:
        """Hand it on."""
        self._wrappedProtocol.readConnectionLost()

    def writeConnectionLost(self) -> None:
        """Hand it on."""
        self._wrappedProtocol.writeConnectionLost()

    def handshakeCompleted(self) -> None:
        """Hand it on."""
        self._wrappedProtocol.handshakeCompleted()

    def connectionLost(self, reason: Failure) -> Any:
        """Hand it on."""
        return self._wrappedProtocol.connectionLost(reason)


class JoiningProtocol(PassingProtocol):
    """Fires `joined` with the protocol when its `connectionMade` has been called."""

    def __init__(self, joined: Deferred[Any], wrappedProtocol: Any) -> None:
        super().__init__(wrappedProtocol)
        self._joined = joined

    def makeConnection(self, transport: Any) -> Any:
        """The connection is there."""
        try:
            result = super().makeConnection(transport)
        except BaseException as e:
            if not self._joined.called:
                self._joined.errback(Failure(e))
            raise
        if not self._joined.called:
            self._joined.callback(self._wrappedProtocol)
        return result


class JoiningFactory(ClientFactory):
    """Around the user's factory, for one connection."""

    noisy = False
    protocol = JoiningProtocol  # type: ignore[assignment]

    def __init__(self, wrappedFactory: Any) -> None:
        self._wrappedFactory = wrappedFactory
        self._connector: Any = None
        self._onConnection: Deferred[Any] = Deferred(self._give_up)

    def _give_up(self, deferred: Deferred[Any]) -> None:
        deferred.errback(ConnectingCancelledError(self._connector.getDestination()))
        self._connector.stopConnecting()

    def doStart(self) -> None:
        """Start the user's factory."""
        self._wrappedFactory.doStart()

    def doStop(self) -> None:
        """Stop the user's factory."""
        self._wrappedFactory.doStop()

    def startedConnecting(self, connector: Any) -> None:
        """Keep the connector: it is needed to give up."""
        self._connector = connector

    def buildProtocol(self, addr: Any) -> Any:
        """The user's protocol, with ours around it; None if there is none, and the Deferred fails."""
        try:
            protocol = self._wrappedFactory.buildProtocol(addr)
            if protocol is None:
                raise NoProtocol()
        except Exception as e:
            self._onConnection.errback(Failure(e))
            return None
        return self.protocol(self._onConnection, protocol)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """There is no connection, and there will be none."""
        if not self._onConnection.called:
            self._onConnection.errback(reason)


def join(connect: Callable[[JoiningFactory], object], factory: IProtocolFactory) -> Deferred[IProtocol]:
    """Have `connect` (a method of the reactor, with its arguments) connect, and wait for the protocol."""
    joining = JoiningFactory(factory)
    try:
        connect(joining)
    except Exception as e:
        return fail(Failure(e))
    return joining._onConnection
