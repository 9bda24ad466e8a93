"""Endpoints: where to connect to or to listen, as objects and as strings.

In reading order: `joining` (a Deferred for a connection), `direct` (one call of the reactor), `process`,
`names` and `hostname`
(a host by its name), `wrapping` (TLS and others around an endpoint), `strings` (and the `contexts` of those that speak
TLS), `streams` and `serving` (for coroutines).
"""

from plait.endpoints.direct import (
    AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    StandardIOEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
)
from plait.endpoints.hostname import HostnameEndpoint
from plait.endpoints.process import ProcessEndpoint, StandardErrorBehavior
from plait.endpoints.serving import Server, connect, serve
from plait.endpoints.streams import Stream, StreamLimitError
from plait.endpoints.strings import clientFromString, quoteStringArgument, serverFromString
from plait.endpoints.wrapping import connectProtocol, proxyEndpoint, wrapClientTLS, wrapServerTLS

__all__ = [
    "AdoptedStreamServerEndpoint",
    "HostnameEndpoint",
    "ProcessEndpoint",
    "SSL4ClientEndpoint",
    "SSL4ServerEndpoint",
    "Server",
    "StandardErrorBehavior",
    "StandardIOEndpoint",
    "Stream",
    "StreamLimitError",
    "TCP4ClientEndpoint",
    "TCP4ServerEndpoint",
    "TCP6ClientEndpoint",
    "TCP6ServerEndpoint",
    "UNIXClientEndpoint",
    "UNIXServerEndpoint",
    "clientFromString",
    "connect",
    "connectProtocol",
    "proxyEndpoint",
    "quoteStringArgument",
    "serve",
    "serverFromString",
    "wrapClientTLS",
    "wrapServerTLS",
]
