"""What `twisted.internet.endpoints` does beyond ours: kinds of strings that come from `twisted.plugin`, and ours as plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from plait.as_twisted.legacy.plugin import IPlugin, getPlugins
from plait.as_twisted.legacy.systemd import ListenFDs
from plait.deferred import Deferred
from plait.endpoints.strings import (
    CLIENTS,
    SERVERS,
    Parser,
    endpoint_of,
    given_descriptors,
    given_endpoint,
    quoteStringArgument,
)
from plait.endpoints.wrapping import proxyEndpoint
from plait.failure import Failure
from plait.interfaces import (
    IHostnameResolver,
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
    implementer,
)
from plait.log.legacy import err
from plait.transport.names import addresses_in

__all__ = ["clientFromString", "serverFromString"]


def serverFromString(reactor: Any, description: str | bytes) -> Any:
    """As `plait.endpoints.serverFromString`; plugins that provide `IStreamServerEndpointStringParser` are asked, too."""
    more = _from_plugins(IStreamServerEndpointStringParser, "parseStreamServer")
    return endpoint_of(reactor, description, _kinds("SERVERS", SERVERS, description), "parseStreamServer", more)


def clientFromString(reactor: Any, description: str | bytes) -> Any:
    """As `plait.endpoints.clientFromString`; plugins for strings of clients are asked, too."""
    more = _from_plugins(IStreamClientEndpointStringParserWithReactor, "parseStreamClient")
    return endpoint_of(reactor, description, _kinds("CLIENTS", CLIENTS, description), "parseStreamClient", more)


def _kinds(which: str, ours: dict[str, Parser], description: str | bytes) -> dict[str, Parser]:
    """Ours; for TLS those over pyOpenSSL, if that is installed, whose objects programs ask for. It is not loaded for others."""
    text = description.decode("utf-8", "replace") if isinstance(description, bytes) else description
    if not {"ssl", "tls"} & set(text.split(":")):
        return ours
    try:
        tls = import_module("plait.as_twisted.legacy.tlsendpoints")
    except ImportError:
        return ours
    return {**ours, **getattr(tls, which)}


@implementer(IPlugin, IStreamServerEndpointStringParser)
class _ServerParser:
    """A kind of ours in the form of a plugin, for programs that ask it themselves."""

    prefix: str

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """The endpoint, as `serverFromString` makes it of such a string."""
        return SERVERS[self.prefix](reactor, *args, **kwargs)


class StandardIOParser(_ServerParser):
    """Standard input and output."""

    prefix = "stdio"


class TCP6ServerParser(_ServerParser):
    """TCP ports, IPv6."""

    prefix = "tcp6"


class SystemdParser(_ServerParser):
    """Sockets from the service manager: those that there were when this was first asked, as others may take them later."""

    prefix = "systemd"
    _sddaemon: ListenFDs | None = None

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """The endpoint for the socket with an ``index``, counted from 0, or a ``name``, of a ``domain``."""
        return self._parse(reactor, *args, **kwargs)

    def _parse(self, reactor: Any, domain: str, index: str | None = None, name: str | None = None) -> Any:
        if self._sddaemon is None:
            self._sddaemon = ListenFDs(*given_descriptors())
        given, names = self._sddaemon.inheritedDescriptors(), self._sddaemon._names
        return given_endpoint(reactor, given, names, domain, index, name)


@implementer(IPlugin, IStreamServerEndpointStringParser)
class HAProxyServerParser:
    """Any other kind, behind a load balancer that sends PROXY headers."""

    prefix = "haproxy"

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """The endpoint that the rest of the string describes, with the header taken off."""
        return proxyEndpoint(serverFromString(reactor, unparse(args, kwargs)))


@implementer(IPlugin, IStreamClientEndpointStringParserWithReactor)
class TLSClientParser:
    """TLS, with the name of the host checked."""

    prefix = "tls"

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """The endpoint, as `clientFromString` makes it of such a string."""
        return clientFromString(reactor, unparse([self.prefix, *args], kwargs))


systemd, stdio, tcp6 = SystemdParser(), StandardIOParser(), TCP6ServerParser()
haproxy, tls = HAProxyServerParser(), TLSClientParser()


def unparse(args: Sequence[str], kwargs: Mapping[str, str]) -> str:
    """The string of which `plait.endpoints.strings.parse` makes these arguments. Those with a name come last, in order."""
    named = (f"{quoteStringArgument(name)}={quoteStringArgument(value)}" for name, value in sorted(kwargs.items()))
    return ":".join([*map(quoteStringArgument, args), *named])


def _from_plugins(interface: Any, method: str) -> Callable[[str], Any]:
    def parser(kind: str) -> Any:
        for plugin in getPlugins(interface):
            if plugin.prefix.lower() == kind.lower():
                return getattr(plugin, method)
        return None

    return parser


class _Noting:
    """In the place of a reactor: notes which of its ``listen…`` methods is called, and with what."""

    called: tuple[str, tuple[Any, ...], dict[str, Any]]

    def __getattr__(self, name: str) -> Callable[..., None]:
        def note(*args: Any, **kwargs: Any) -> None:
            self.called = name.removeprefix("listen"), args, kwargs

        return note


def parse_server(description: str, factory: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """What listening there would ask of a reactor: ``("TCP", (80, factory), {"interface": "", "backlog": 50})``."""
    noting = _Noting()
    serverFromString(noting, description).listen(factory)
    return noting.called


class _Resolution:
    """A look-up under way; it cannot be stopped."""

    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        raise NotImplementedError("this look-up cannot be stopped")


@implementer(IHostnameResolver)
class FunctionResolver:
    """A resolver for a reactor, made of a function: ``lookUp(host, port)`` is a Deferred of what `socket.getaddrinfo` gives."""

    def __init__(self, lookUp: Callable[[str, int], Deferred[Any]]) -> None:
        self._look_up = lookUp

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> _Resolution:
        """Look up; an error is logged, and no address is found then."""
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)

        def failed(failure: Failure) -> list[Any]:
            err(failure, f"cannot look up {hostName}", name=hostName, callable=self._look_up)
            return []

        def tell(answer: Any) -> None:
            for address in addresses_in(answer):
                resolutionReceiver.addressResolved(address)
            resolutionReceiver.resolutionComplete()

        self._look_up(hostName, portNumber).addErrback(failed).addCallback(tell)
        return resolution
