"""``twisted.web.proxy``: proxies of Twisted's parts. New programs have `plait.web.proxy` and `plait.web.forwardproxy`."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from plait.as_twisted.legacy.webhttp import HTTPChannel, Request
from plait.current import getReactor
from plait.protocol import ClientFactory
from plait.web import request
from plait.web.httpclient import HTTPClient
from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage
from plait.web.proxy import climbs
from plait.web.resource import Resource

__all__ = [
    "Proxy",
    "ProxyClient",
    "ProxyClientFactory",
    "ProxyRequest",
    "ReverseProxy",
    "ReverseProxyRequest",
    "ReverseProxyResource",
]

# An answer of ours has these already.
_REPLACED = (b"server", b"date", b"content-type")


class ProxyClient(HTTPClient):
    """The connection to the other server: asks, and gives `father`, a request to us, the answer.

    :param headers: name (lower case) -> value.
    :param data: the request's body.
    """

    _finished = False
    _begun = False

    def __init__(
        self, command: bytes, rest: bytes, version: bytes, headers: dict[bytes, bytes], data: bytes, father: Any
    ) -> None:
        super().__init__()
        self.father = father
        self.command = command
        self.rest = rest
        self.headers = {
            name: value for name, value in headers.items() if name not in (b"proxy-connection", b"keep-alive")
        }
        self.headers[b"connection"] = b"close"
        self.data = data

    def connectionMade(self) -> None:
        """Ask."""
        self.sendCommand(self.command, self.rest)
        for name, value in self.headers.items():
            self.sendHeader(name, value)
        self.endHeaders()
        self.transport.write(self.data)

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """Its status is that of our answer."""
        self._begun = True
        self.father.setResponseCode(int(status), message)

    def handleHeader(self, key: bytes, val: bytes) -> None:
        """So are its headers."""
        headers = self.father.responseHeaders
        if key in _REPLACED:
            headers.setRawHeaders(key, [val])
        else:
            headers.addRawHeader(key, val)

    def handleEndHeaders(self) -> None:
        """Read on as fast as our client does."""
        if isinstance(self.father, request.Request):
            self.father.registerProducer(self.transport, True)

    def handleResponsePart(self, data: bytes) -> None:
        """Pass it on."""
        self.father.write(data)

    def handleResponseEnd(self) -> None:
        """That was all."""
        self._finish()
        self.father.finish()
        self.transport.loseConnection()

    def handleBroken(self, error: BaseException) -> None:
        """It is cut off, and so is our answer."""
        if not self._finished:
            self._finish()
            if self._begun:
                self.father.loseConnection()
            else:
                self.father.setResponseCode(502)
                self.father.finish()
        super().handleBroken(error)

    def _finish(self) -> None:
        self._finished = True
        if isinstance(self.father, request.Request) and self.father.producer is not None:
            self.father.unregisterProducer()


class ProxyClientFactory(ClientFactory):
    """Makes the connection for one request. Parameters as for `ProxyClient`."""

    protocol: Any = ProxyClient
    noisy = False

    def __init__(
        self, command: bytes, rest: bytes, version: bytes, headers: dict[bytes, bytes], data: bytes, father: Any
    ) -> None:
        self.father = father
        self.command = command
        self.rest = rest
        self.headers = headers
        self.data = data
        self.version = version

    def buildProtocol(self, addr: Any) -> Any:
        """The connection is there."""
        return self.protocol(self.command, self.rest, self.version, self.headers, self.data, self.father)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """There is nobody: 501."""
        self.father.setResponseCode(501, b"Gateway error")
        self.father.responseHeaders.addRawHeader(b"Content-Type", b"text/html")
        self.father.write(b"<H1>Could not connect</H1>")
        self.father.finish()


class ProxyRequest(Request):
    """A request for a whole URL, which is passed on to its server.

    Attributes: `protocols` and `ports` (scheme -> factory, and port if none is said).
    """

    protocols: dict[bytes, Any] = {b"http": ProxyClientFactory}
    ports = {b"http": 80}

    def __init__(self, channel: Any, queued: object = None, reactor: Any = None) -> None:
        super().__init__(channel, queued)
        self.reactor = reactor if reactor is not None else getReactor()

    def process(self) -> None:
        """Pass it on; 400 if its URL is none that can be."""
        try:
            url = urlsplit(self.uri)
            host, port = (url.hostname or b"").decode("ascii"), url.port
        except ValueError:
            host = ""
        if not host or url.scheme not in self.protocols:
            errorPage(400, "Bad Request", "This is a proxy: ask it for a whole URL.").render(self)
            return
        headers = self.getAllHeaders()
        headers.setdefault(b"host", url.netloc.rpartition(b"@")[2])
        self.content.seek(0)
        rest = (url.path or b"/") + (b"?" + url.query if url.query else b"")
        make = self.protocols[url.scheme]
        factory = make(self.method, rest, self.clientproto, headers, self.content.read(), self)
        self.reactor.connectTCP(host, port or self.ports[url.scheme], factory)


class Proxy(HTTPChannel):
    """The protocol of a forward proxy: ``factory.protocol = Proxy``. Whoever reaches it reaches what this machine does."""

    requestFactory = ProxyRequest


class ReverseProxyRequest(Request):
    """A request that is passed on to the `host` and `port` of its connection's factory.

    Attribute: `proxyClientFactoryClass`.
    """

    proxyClientFactoryClass: Any = ProxyClientFactory
    factory: Any = None

    def __init__(self, channel: Any, queued: object = None, reactor: Any = None) -> None:
        super().__init__(channel, queued)
        self.reactor = reactor if reactor is not None else getReactor()
        self.factory = getattr(channel, "factory", None)

    def process(self) -> None:
        """Pass it on."""
        self.requestHeaders.setRawHeaders(b"host", [self.factory.host.encode("ascii")])
        self.content.seek(0)
        factory = self.proxyClientFactoryClass(
            self.method, self.uri, self.clientproto, self.getAllHeaders(), self.content.read(), self
        )
        self.reactor.connectTCP(self.factory.host, self.factory.port, factory)


class ReverseProxy(HTTPChannel):
    """The protocol of a reverse proxy; its factory has a `host` and a `port`."""

    requestFactory = ReverseProxyRequest


class ReverseProxyResource(Resource):
    """Answers with what another server answers at `path`, and what is below it with what is below that.

    Attribute: `proxyClientFactoryClass`.
    """

    proxyClientFactoryClass: Any = ProxyClientFactory

    def __init__(self, host: str, port: int, path: bytes, reactor: Any = None) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self.path = path
        self.reactor = reactor if reactor is not None else getReactor()

    def getChild(self, path: bytes, request: Any) -> ReverseProxyResource:
        """What is below."""
        below = self.path + b"/" + quote(path, safe="").encode("ascii")
        return type(self)(self.host, self.port, below, self.reactor)

    def render(self, request: Any) -> int:
        """Pass the request on. 400 for what would lead upwards there."""
        if climbs(self.path.split(b"/")):
            errorPage(400, "Bad Request", "This path leads out of what is here.").render(request)
            return NOT_DONE_YET
        host = self.host if self.port == 80 else f"{self.host}:{self.port}"
        request.requestHeaders.setRawHeaders(b"host", [host.encode("ascii")])
        request.content.seek(0)
        query = request.uri.partition(b"?")[2]
        factory = self.proxyClientFactoryClass(
            request.method,
            self.path + b"?" + query if query else self.path,
            request.clientproto,
            request.getAllHeaders(),
            request.content.read(),
            request,
        )
        self.reactor.connectTCP(self.host, self.port, factory)
        return NOT_DONE_YET
