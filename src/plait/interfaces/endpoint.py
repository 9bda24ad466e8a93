"""Endpoints: where to connect to or to listen, as an object or as a string such as ``tcp:host=example.com:port=80``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces._root import Attribute, Interface
from plait.interfaces.stream import IListeningPort, IProtocol, IProtocolFactory

if TYPE_CHECKING:
    from plait.deferred import Deferred


class IStreamClientEndpoint(Interface):
    """A place to connect to."""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Make one connection; call it again for another.

        The Deferred fires with the protocol when it is connected, and fails with a ConnectError if it cannot be. Cancel it
        to give up: it then fails with ConnectingCancelledError. If `protocolFactory` refuses (its `buildProtocol` returns
        None), it fails with NoProtocol.
        """


class IStreamServerEndpoint(Interface):
    """A place to listen at."""

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections. The Deferred fires with the open port, or fails with CannotListenError."""


class IStreamServerEndpointStringParser(Interface):
    """Makes endpoints of strings for ``serverFromString``. A plugin: a module of yours offers an object that provides it."""

    prefix: str = Attribute("What a string starts with, up to the first colon, to be one of these.")

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> IStreamServerEndpoint:
        """The endpoint for what follows the prefix: ``a:b=c`` gives ``args == ("a",)`` and ``kwargs == {"b": "c"}``.

        All values are str. Raise ValueError or TypeError for what you cannot read.
        """


class IStreamClientEndpointStringParserWithReactor(Interface):
    """Makes endpoints of strings for ``clientFromString``. A plugin: a module of yours offers an object that provides it."""

    prefix: str = Attribute("What a string starts with, up to the first colon, to be one of these.")

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> IStreamClientEndpoint:
        """The endpoint for what follows the prefix, as `IStreamServerEndpointStringParser.parseStreamServer` has it."""
