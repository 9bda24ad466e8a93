"""Protocol and Factory: one object for each connection, and one that makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.interfaces import ILoggingContext, IProtocol, IProtocolFactory, implementer
from plait.log import Logger

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from plait.interfaces import IAddress, ITCPTransport

_F = TypeVar("_F", bound="Factory")


# why a connection is gone where nobody says otherwise
connectionDone = Failure(ConnectionDone())


class BaseProtocol:
    """What all protocols have in common: a transport, and the moment it is there.

    Attributes: `transport` (None until the connection is made), `connected` (bool), `factory` (the one that built this).
    """

    connected: int | bool = 0
    if TYPE_CHECKING:
        transport: ITCPTransport
    else:
        transport = None

    def makeConnection(self, transport: Any) -> Any:
        """Called by the engine: take the transport and say `connectionMade`."""
        self.connected = 1
        self.transport = transport
        return self.connectionMade()

    def connectionMade(self) -> Awaitable[None] | None:
        """Called when the connection is there. This is the place to greet, or to ask the first question."""


@implementer(IProtocol, ILoggingContext)
class Protocol(BaseProtocol):
    """A stream protocol. Override `dataReceived`, and `connectionMade` and `connectionLost` where they matter.

    An error raised by any of them is logged and closes this connection, and no other.
    """

    factory: Any = None

    def logPrefix(self) -> str:
        """The name of this protocol in the log."""
        return self.__class__.__name__

    def dataReceived(self, data: bytes) -> Awaitable[None] | None:
        """Called with what has come in, in pieces of any length: TCP knows no messages."""

    def connectionLost(self, reason: Failure) -> Awaitable[None] | None:
        """Called once, when the connection is gone.

        `reason` holds `plait.errors.ConnectionDone` (closed in good order) or a `ConnectionLost`.
        """


# Old subclasses call it without a reason. Said here and not in the signature, which type checkers would then ask of all.
Protocol.connectionLost.__defaults__ = (connectionDone,)


@implementer(IProtocolFactory, ILoggingContext)
class Factory:
    """Builds a protocol for each connection, and holds what they share.

    Set `protocol` to the class (or any function without arguments), or override `buildProtocol`.
    """

    protocol: Callable[[], Any] | None = None
    numPorts = 0
    noisy = True
    log: ClassVar[Logger] = Logger("plait.protocol")

    @classmethod
    def forProtocol(cls: type[_F], protocol: Callable[[], Any], *args: Any, **kwargs: Any) -> _F:
        """A factory (made with the further arguments) that builds `protocol`."""
        factory = cls(*args, **kwargs)
        factory.protocol = protocol
        return factory

    def logPrefix(self) -> str:
        """The name of this factory in the log."""
        return self.__class__.__name__

    def doStart(self) -> None:
        """Called by the engine for each port or connector that begins to use this factory."""
        if self.numPorts == 0:
            if self.noisy:
                Factory.log.info("Starting factory {factory!r}", factory=self)
            self.startFactory()
        self.numPorts += 1

    def doStop(self) -> None:
        """Called by the engine for each port or connector that has ceased to use this factory."""
        if self.numPorts == 0:
            return
        self.numPorts -= 1
        if self.numPorts == 0:
            if self.noisy:
                Factory.log.info("Stopping factory {factory!r}", factory=self)
            self.stopFactory()

    def startFactory(self) -> None:
        """Called before the first port or connector uses this factory."""

    def stopFactory(self) -> None:
        """Called after the last port or connector has ceased to use this factory."""

    def buildProtocol(self, addr: IAddress) -> Any:
        """The protocol for a connection with `addr`; None closes the connection."""
        assert self.protocol is not None, f"{self!r} has no protocol: set it, or override buildProtocol"
        p = self.protocol()
        p.factory = self
        return p


class ServerFactory(Factory):
    """A factory for `reactor.listenTCP` and its kin."""
