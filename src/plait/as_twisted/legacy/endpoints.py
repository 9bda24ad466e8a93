"""What `twisted.internet.endpoints` does beyond ours: kinds of strings that come from `twisted.plugin`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.as_twisted.legacy.plugin import IPlugin, getPlugins
from plait.endpoints.strings import CLIENTS, SERVERS, endpoint_of
from plait.interfaces import (
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
    implementer,
)

__all__ = ["clientFromString", "makeBinding", "serverFromString"]


def serverFromString(reactor: Any, description: str | bytes) -> Any:
    """As `plait.endpoints.serverFromString`; plugins that provide `IStreamServerEndpointStringParser` are asked, too."""
    more = _from_plugins(IStreamServerEndpointStringParser, "parseStreamServer")
    return endpoint_of(reactor, description, SERVERS, "parseStreamServer", more)


def clientFromString(reactor: Any, description: str | bytes) -> Any:
    """As `plait.endpoints.clientFromString`; plugins for strings of clients are asked, too."""
    more = _from_plugins(IStreamClientEndpointStringParserWithReactor, "parseStreamClient")
    return endpoint_of(reactor, description, CLIENTS, "parseStreamClient", more)


def makeBinding(address: str | tuple[str, int] | None, port: int = 0) -> tuple[str, int] | None:
    """What to connect from, as the reactor takes it: the pair of an address and a port."""
    return (address, port) if isinstance(address, str) else address


@implementer(IPlugin, IStreamServerEndpointStringParser)
class _ServerParser:
    """A kind of ours in the form of a plugin, for programs that ask it themselves."""

    prefix: str

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """The endpoint, as `serverFromString` makes it of such a string."""
        return SERVERS[self.prefix](reactor, *args, **kwargs)


class SystemdParser(_ServerParser):
    """Sockets from the service manager."""

    prefix = "systemd"


class StandardIOParser(_ServerParser):
    """Standard input and output."""

    prefix = "stdio"


class TCP6ServerParser(_ServerParser):
    """TCP ports, IPv6."""

    prefix = "tcp6"


def _from_plugins(interface: Any, method: str) -> Callable[[str], Any]:
    def parser(kind: str) -> Any:
        for plugin in getPlugins(interface):
            if plugin.prefix.lower() == kind.lower():
                return getattr(plugin, method)
        return None

    return parser
