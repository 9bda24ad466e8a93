"""Endpoints around endpoints: TLS, a PROXY header before a server; and connecting a protocol that is there already."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from plait.deferred import Deferred
from plait.endpoints.hostname import HostnameEndpoint
from plait.endpoints.joining import PassingProtocol
from plait.interfaces import (
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    implementer,
)
from plait.protocol import Factory
from plait.protocol.policies import WrappingFactory
from plait.transport.haproxy import HAProxyWrappingFactory
from plait.transport.tls import check_context_factory, verifiedClientContextFactory
from plait.transport.tlsserver import reload_certificates

__all__ = [
    "WrapperEndpoint",
    "WrapperServerEndpoint",
    "connectProtocol",
    "proxyEndpoint",
    "wrapClientTLS",
    "wrapServerTLS",
]


def connectProtocol(endpoint: IStreamClientEndpoint, protocol: Any) -> Deferred[Any]:
    """Connect `protocol`, for which you have no factory, to `endpoint`. The Deferred fires with it."""

    class OneProtocolFactory(Factory):
        noisy = False

        def buildProtocol(self, addr: Any) -> Any:
            return protocol

    return endpoint.connect(OneProtocolFactory())


@implementer(IStreamClientEndpoint)
class WrapperEndpoint:
    """Connects to `wrappedEndpoint`, with what `wrapperFactory` makes around the factory.

    `wrapperFactory` takes a factory and gives one whose protocols have a `wrappedProtocol`, as those of
    `plait.protocol.policies.WrappingFactory`.
    """

    def __init__(self, wrappedEndpoint: Any, wrapperFactory: Callable[[Any], Any]) -> None:
        self._wrappedEndpoint = wrappedEndpoint
        self._wrapperFactory = wrapperFactory

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. The Deferred fires with the protocol that `protocolFactory` made."""
        connected = self._wrappedEndpoint.connect(self._wrapperFactory(protocolFactory))
        result: Deferred[IProtocol] = connected.addCallback(lambda protocol: protocol.wrappedProtocol)
        return result


@implementer(IStreamServerEndpoint)
class WrapperServerEndpoint:
    """Listens at `wrappedEndpoint`, with what `wrapperFactory` makes around the factory."""

    def __init__(self, wrappedEndpoint: Any, wrapperFactory: Callable[[Any], Any], contextFactory: Any = None) -> None:
        self._wrappedEndpoint = wrappedEndpoint
        self._wrapperFactory = wrapperFactory
        self._contextFactory = contextFactory

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections, as the wrapped endpoint does."""
        result: Deferred[IListeningPort] = self._wrappedEndpoint.listen(self._wrapperFactory(protocolFactory))
        return result

    def reload(self) -> None:
        """Load the certificates anew, ours and those of the wrapped endpoint, for connections that come then."""
        for one in (self._contextFactory, self._wrappedEndpoint):
            reload_certificates(one)


def proxyEndpoint(wrappedEndpoint: IStreamServerEndpoint) -> WrapperServerEndpoint:
    """`wrappedEndpoint` behind a load balancer that sends PROXY headers (`plait.transport.haproxy`)."""
    return WrapperServerEndpoint(wrappedEndpoint, HAProxyWrappingFactory)


def wrapClientTLS(connectionCreator: Any, wrappedEndpoint: Any) -> WrapperEndpoint:
    """`wrappedEndpoint`, with TLS from the first byte.

    :param connectionCreator: who is believed: what ``verifiedClientContextFactory(hostname)`` gives, say. An
        `ssl.SSLContext` will do around a `HostnameEndpoint`, whose name is the one that is checked then.
    :raises TypeError: if TLS cannot be made of `connectionCreator`.

    ``connectionMade`` is called when the connection is there, and what is written waits for the handshake. If that
    fails, the connection is lost with `plait.errors.SSLError`.
    """
    if isinstance(connectionCreator, ssl.SSLContext) and isinstance(wrappedEndpoint, HostnameEndpoint):
        connectionCreator = verifiedClientContextFactory(wrappedEndpoint._hostStr, connectionCreator)
    check_context_factory(connectionCreator)
    return WrapperEndpoint(wrappedEndpoint, lambda factory: _TLSFactory(connectionCreator, factory))


def wrapServerTLS(contextFactory: Any, wrappedEndpoint: Any) -> WrapperServerEndpoint:
    """`wrappedEndpoint`, with TLS from the first byte: at a UNIX socket, say.

    :param contextFactory: what we show: a `plait.transport.tls.ServerContexts`, or another of its kin there.
    :raises TypeError: if TLS cannot be made of `contextFactory`.

    ``connectionMade`` is called when the connection is there, and what is written waits for the handshake.
    """
    check_context_factory(contextFactory)
    return WrapperServerEndpoint(wrappedEndpoint, lambda factory: _TLSFactory(contextFactory, factory), contextFactory)


class _TLSProtocol(PassingProtocol):
    """Begins with TLS when the connection is there."""

    def __init__(self, contextFactory: Any, wrappedProtocol: Any) -> None:
        super().__init__(wrappedProtocol)
        self._contextFactory = contextFactory

    def makeConnection(self, transport: Any) -> Any:
        transport.startTLS(self._contextFactory)
        return super().makeConnection(transport)


class _TLSFactory(WrappingFactory):
    """Makes `_TLSProtocol`s."""

    noisy = False  # the wrapped one says when it starts and stops

    def __init__(self, contextFactory: Any, wrappedFactory: Any) -> None:
        super().__init__(wrappedFactory)
        self._contextFactory = contextFactory

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self.wrappedFactory.buildProtocol(addr)
        return None if protocol is None else _TLSProtocol(self._contextFactory, protocol)
