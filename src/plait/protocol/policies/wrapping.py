"""A protocol in front of a protocol: to the transport it is the protocol, to the protocol the transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces import directlyProvides, providedBy
from plait.protocol.base import Protocol, connectionDone
from plait.protocol.clients import ClientFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plait.failure import Failure
    from plait.interfaces import IAddress, IConnector


class ProtocolWrapper(Protocol):
    """Hands on all that happens, both ways. A subclass overrides what it wants to see or to change.

    Attributes: `wrappedProtocol` (None once the connection is lost), `factory` (the `WrappingFactory`), `transport`. It provides
    what its transport provides, and what it lacks it has from there.
    """

    disconnecting: int | bool = 0
    wrappedProtocol: Any

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        self.factory = factory
        self.wrappedProtocol = wrappedProtocol

    def __getattr__(self, name: str) -> Any:
        if name in ("transport", "wrappedProtocol"):
            raise AttributeError(name)  # too early, or half made by pickle
        return getattr(self.transport, name)

    def logPrefix(self) -> str:
        """The names of both protocols in the log."""
        return f"{_log_prefix(self.wrappedProtocol)} ({self.__class__.__name__})"

    # -- as a protocol

    def makeConnection(self, transport: Any) -> Any:
        """Take the transport, be one of its kind, and let the wrapped protocol take us."""
        directlyProvides(self, providedBy(transport))
        super().makeConnection(transport)
        self.factory.registerProtocol(self)
        return self.wrappedProtocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> Any:
        """Hand `data` to the wrapped protocol."""
        return self.wrappedProtocol.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """Tell the factory and the wrapped protocol, and let go of it."""
        self.factory.unregisterProtocol(self)
        wrapped, self.wrappedProtocol = self.wrappedProtocol, None  # a cycle less
        return wrapped.connectionLost(reason)

    # -- as a transport

    def write(self, data: bytes) -> None:
        """Send what the wrapped protocol writes."""
        self.transport.write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send what the wrapped protocol writes."""
        self.transport.writeSequence(iovec)

    def hookWrite(self) -> Callable[[bytes], object]:
        """Framings write through `write` as all others, so that a subclass sees it."""
        return self.write

    def loseConnection(self) -> None:
        """Close the connection."""
        self.disconnecting = 1
        self.transport.loseConnection()

    def getPeer(self) -> IAddress:
        """The address of the other end."""
        return self.transport.getPeer()

    def getHost(self) -> IAddress:
        """The address of our end."""
        return self.transport.getHost()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register the wrapped protocol's producer."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The wrapped protocol's producer is done."""
        self.transport.unregisterProducer()

    def stopConsuming(self) -> None:
        """Hand it on."""
        self.transport.stopConsuming()  # type: ignore[attr-defined]


class WrappingFactory(ClientFactory):
    """Builds a wrapper (`protocol`) around each protocol that another factory builds. For servers and clients.

    Attributes: `wrappedFactory`, `protocols` (the wrappers whose connections are there, as keys).
    """

    protocol: Callable[..., Any] = ProtocolWrapper

    def __init__(self, wrappedFactory: Any) -> None:
        self.wrappedFactory = wrappedFactory
        self.protocols: dict[Any, int] = {}

    def logPrefix(self) -> str:
        """The names of both factories in the log."""
        return f"{_log_prefix(self.wrappedFactory)} ({self.__class__.__name__})"

    def doStart(self) -> None:
        """A port or connector begins to use both."""
        self.wrappedFactory.doStart()
        super().doStart()

    def doStop(self) -> None:
        """A port or connector has finished with both."""
        self.wrappedFactory.doStop()
        super().doStop()

    def startedConnecting(self, connector: IConnector) -> None:
        """Tell the wrapped factory."""
        self.wrappedFactory.startedConnecting(connector)

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Tell the wrapped factory."""
        self.wrappedFactory.clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Tell the wrapped factory."""
        self.wrappedFactory.clientConnectionLost(connector, reason)

    def buildProtocol(self, addr: IAddress) -> Any:
        """A wrapper around what the wrapped factory builds; None if that builds nothing."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else self.wrap(wrapped, addr)

    def wrap(self, wrapped: Any, addr: IAddress) -> Any:
        """The wrapper for one protocol. Override it where that takes more than the two."""
        return self.protocol(self, wrapped)

    def registerProtocol(self, p: Any) -> None:
        """Called when the connection of a wrapper is made."""
        self.protocols[p] = 1

    def unregisterProtocol(self, p: Any) -> None:
        """Called when the connection of a wrapper is lost."""
        del self.protocols[p]


def _log_prefix(thing: Any) -> str:
    prefix = getattr(thing, "logPrefix", None)
    return str(prefix()) if prefix is not None else thing.__class__.__name__
