"""``twisted.web.proxy``: proxies that programs subclass to change what passes through.

They ask the other server as HTTP/1.0 and hold a request's body in one piece, as subclasses expect it. New programs have
`plait.web.proxy` and `plait.web.forwardproxy`, which speak HTTP/1.1; and a forward proxy made of these goes to every address
that a client names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from plait.as_twisted.legacy.webhttp import HTTPChannel, Request
from plait.current import getReactor
from plait.failure import Failure
from plait.protocol import ClientFactory
from plait.web import request as requests
from plait.web.httpclient import HTTPClient
from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage
from plait.web.proxy import climbs
from plait.web.resource import Resource
from plait.web.upstream import HOP_BY_HOP

__all__ = [
    "Proxy",
    "ProxyClient",
    "ProxyClientFactory",
    "ProxyRequest",
    "ReverseProxy",
    "ReverseProxyRequest",
    "ReverseProxyResource",
]

# What our own answer has by itself: the other server's takes its place.
_ONCE = frozenset((b"server", b"date", b"content-type"))


def _is_gone(father: Any) -> bool:
    return bool(getattr(father, "_disconnected", False))


class ProxyClient(HTTPClient):
    """Asks the other server, and passes its answer on. Subclasses override the handlers of `HTTPClient`.

    :param command: the method.
    :param rest: the path and the query.
    :param version: of the request that came; the one that is sent is of HTTP/1.0.
    :param headers: by their names in lower case. Those of the client's connection (RFC 9110, section 7.6.1) are left out.
    :param data: the body.
    :param father: the request that is answered.
    """

    _finished = False
    _begun = False

    def __init__(
        self, command: bytes, rest: bytes, version: bytes, headers: Mapping[bytes, bytes], data: bytes, father: Any
    ) -> None:
        super().__init__()
        self.father = father
        self.command = command
        self.rest = rest
        named = {name.strip().lower() for name in headers.get(b"connection", b"").split(b",")}
        self.headers = {name: value for name, value in headers.items() if name not in HOP_BY_HOP and name not in named}
        self.headers[b"connection"] = b"close"
        self.data = data

    def connectionMade(self) -> None:
        """Ask. If the client has gone in the meantime, nobody does."""
        if _is_gone(self.father):
            self.transport.abortConnection()
            return
        if isinstance(self.father, requests.Request):
            self.father.notifyFinish().addErrback(lambda _: self.transport.abortConnection())
        self.sendCommand(self.command, self.rest)
        for name, value in self.headers.items():
            self.sendHeader(name, value)
        self.endHeaders()
        self.transport.write(self.data)

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """The first line of the answer."""
        if not _is_gone(self.father):
            self._begun = True
            self.father.setResponseCode(int(status), message)

    def handleHeader(self, key: bytes, val: bytes) -> None:
        """A header of the answer; its name in lower case."""
        if key in _ONCE:
            self.father.responseHeaders.setRawHeaders(key, [val])
        elif key not in HOP_BY_HOP:
            self.father.responseHeaders.addRawHeader(key, val)

    def handleEndHeaders(self) -> None:
        """The body follows; it comes as fast as the client takes it."""
        if isinstance(self.father, requests.Request) and not _is_gone(self.father):
            self.father.registerProducer(self.transport, True)

    def handleResponsePart(self, data: bytes) -> None:
        """A piece of the body."""
        if not _is_gone(self.father):
            self.father.write(data)

    def handleResponseEnd(self) -> None:
        """The answer is complete."""
        if not self._finished:
            self._leave()
            if not _is_gone(self.father):
                self.father.finish()
        self.transport.loseConnection()

    def handleBroken(self, error: BaseException) -> None:
        """There is no answer: 502; or it is cut off, and so is ours."""
        if not self._finished:
            self._leave()
            if not _is_gone(self.father):
                if self._begun:
                    self.father.loseConnection()
                else:
                    _gateway_error(self.father, 502, b"Bad Gateway", b"The other server has not answered")
        super().handleBroken(error)

    def _leave(self) -> None:
        self._finished = True
        if isinstance(self.father, requests.Request) and self.father.producer is not None:
            self.father.unregisterProducer()


def _gateway_error(father: Any, code: int, message: bytes, why: bytes) -> None:
    father.setResponseCode(code, message)
    father.responseHeaders.addRawHeader(b"Content-Type", b"text/html")
    father.write(b"<H1>%b</H1>" % why)
    father.finish()


class ProxyClientFactory(ClientFactory):
    """Makes the connection for one request, by `protocol`. The parameters are those of `ProxyClient`."""

    protocol: Any = ProxyClient
    noisy = False

    def __init__(
        self, command: bytes, rest: bytes, version: bytes, headers: Mapping[bytes, bytes], data: bytes, father: Any
    ) -> None:
        self.father = father
        self.command = command
        self.rest = rest
        self.headers = headers
        self.data = data
        self.version = version

    def buildProtocol(self, addr: Any) -> Any:
        """The connection is there."""
        protocol = self.protocol(self.command, self.rest, self.version, self.headers, self.data, self.father)
        protocol.factory = self
        return protocol

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """There is nobody: the answer is 501."""
        if not _is_gone(self.father):
            _gateway_error(self.father, 501, b"Gateway error", b"Could not connect")


def _pass_on(request: Any, factory: Any, host: str, port: int, rest: bytes, reactor: Any) -> None:
    """Ask the server at `host` and `port` for `rest`, by a client that `factory` makes."""
    headers = request.getAllHeaders()
    request.content.seek(0)
    data = request.content.read()
    if b"transfer-encoding" in headers:
        # HTTP/1.0 has no chunks
        headers[b"content-length"] = b"%d" % len(data)
    made = factory(request.method, rest, request.clientproto, headers, data, request)
    (reactor or getReactor()).connectTCP(host, port, made)


class _Proxied(Request):
    """A request that is passed on."""

    def __init__(self, channel: Any, queued: object = None, reactor: Any = None) -> None:
        super().__init__(channel, queued)
        self.reactor = reactor


class ProxyRequest(_Proxied):
    """A request with a whole URL, which is passed on to the server that it names.

    Attributes: `protocols` (a client factory for each scheme), `ports` (the port of each).
    """

    protocols: Mapping[bytes, Any] = {b"http": ProxyClientFactory}
    ports: Mapping[bytes, int] = {b"http": 80}

    def process(self) -> None:
        """Ask the server. 400 for what is no URL of a scheme that there is a factory for."""
        try:
            url = urlsplit(self.uri)
            factory = self.protocols[url.scheme]
            host, port = (url.hostname or b"").decode("ascii"), url.port or self.ports[url.scheme]
        except (ValueError, KeyError):
            host, port = "", 0
        if not host:
            errorPage(400, "Bad Request", "This is a proxy: ask it for a whole URL, http://HOST/PATH.").render(self)
            return
        # RFC 9112, section 3.2.2: the URL's host counts, whatever Host says
        self.requestHeaders.setRawHeaders(b"host", [url.netloc.rpartition(b"@")[2]])
        rest = (url.path or b"/") + (b"?" + url.query if url.query else b"")
        _pass_on(self, factory, host, port, rest, self.reactor)


class Proxy(HTTPChannel):
    """A connection of a forward proxy's client: the `protocol` of a `twisted.web.http.HTTPFactory`."""

    requestFactory = ProxyRequest


class ReverseProxyRequest(_Proxied):
    """A request that is passed on to one server: that of the connection's factory, `host` and `port`."""

    proxyClientFactoryClass: Any = ProxyClientFactory
    factory: Any = None

    def process(self) -> None:
        """Ask the server."""
        factory = self.factory or self.channel.factory
        self.requestHeaders.setRawHeaders(b"host", [factory.host.encode("ascii")])
        _pass_on(self, self.proxyClientFactoryClass, factory.host, factory.port, self.uri, self.reactor)


class ReverseProxy(HTTPChannel):
    """A connection to a reverse proxy, whose factory has `host` and `port` of the other server."""

    requestFactory = ReverseProxyRequest


class ReverseProxyResource(Resource):
    """Answers with what another server has at `path`, and below it.

    Subclasses set `proxyClientFactoryClass`, or override `getChild`, which makes the resource for a part of the path.
    """

    proxyClientFactoryClass: Any = ProxyClientFactory

    def __init__(self, host: str, port: int, path: bytes, reactor: Any = None) -> None:
        """
        :param host: the other server's name or address.
        :param port: its port.
        :param path: where its pages begin, quoted; ``b""`` for all.
        """
        super().__init__()
        self.host = host
        self.port = port
        self.path = path
        self.reactor = reactor

    def getChild(self, path: bytes, request: Any) -> Any:
        """What the other server has below. Nothing is, by dots, above."""
        if climbs([path]):
            return errorPage(400, "Bad Request", "A path with dots is not passed on.")
        below = self.path + b"/" + quote(path, safe=b"").encode("ascii")
        return type(self)(self.host, self.port, below, self.reactor)

    def render(self, request: Any) -> int:
        """Ask the other server."""
        host = self.host.encode("ascii")
        host = b"[%b]" % host if b":" in host else host
        request.requestHeaders.setRawHeaders(b"host", [host if self.port == 80 else b"%b:%d" % (host, self.port)])
        query = request.uri.partition(b"?")[2]
        rest = (self.path or b"/") + (b"?" + query if query else b"")
        _pass_on(request, self.proxyClientFactoryClass, self.host, self.port, rest, self.reactor)
        return NOT_DONE_YET
