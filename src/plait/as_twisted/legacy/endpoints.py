"""What `twisted.internet.endpoints` does beyond ours: kinds of strings that come from `twisted.plugin`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.as_twisted.legacy.plugin import getPlugins
from plait.endpoints.strings import CLIENTS, SERVERS, endpoint_of
from plait.interfaces import IStreamClientEndpointStringParserWithReactor, IStreamServerEndpointStringParser

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


def _from_plugins(interface: Any, method: str) -> Callable[[str], Any]:
    def parser(kind: str) -> Any:
        for plugin in getPlugins(interface):
            if plugin.prefix.lower() == kind.lower():
                return getattr(plugin, method)
        return None

    return parser
