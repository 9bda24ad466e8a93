"""Passing requests on to another web server (RFC 9110, section 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from plait.current import getReactor
from plait.failure import Failure
from plait.log import Logger
from plait.protocol import ClientFactory, Protocol
from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage
from plait.web.resource import Resource
from plait.web.response import Broken, Data, End, Head, ResponseParser

if TYPE_CHECKING:
    from plait.web.request import Request

__all__ = ["ReverseProxyResource"]

_log = Logger("plait.web")

CONNECT_TIMEOUT = 10.0
"""Seconds for the other server to take the connection."""

# What belongs to a connection, and is not passed on (section 7.6.1).
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    )
)

_PIECE = 65536


class ReverseProxyResource(Resource):
    """Answers with what another server answers; what is below it with what is below the path there.

    The other server is told who has asked by X-Forwarded-For, -Host and -Proto; what a client says there of itself is dropped.
    Answers are passed on as they come, as fast as the client takes them.

    :param host: the other server's name or address.
    :param port: its port.
    :param path: where its pages begin, without a slash at the end; ``b""`` for all. Nobody gets above it.
    :param reactor: None is the default reactor.
    """

    isLeaf = True

    def __init__(self, host: str, port: int, path: bytes, reactor: Any = None) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self.path = path
        self.reactor = reactor

    def render(self, request: Request) -> int:
        """Ask the other server. 400 for what would lead out of its `path` there."""
        if self.path and _climbs(request.postpath):
            errorPage(400, "Bad Request", "This path leads out of what is here.").render(request)
            return NOT_DONE_YET
        rest = b"".join(b"/" + quote(part, safe=":@!$&'()*+,;=~").encode() for part in request.postpath)
        query = request.uri.partition(b"?")[2]
        target = (self.path + rest or b"/") + (b"?" + query if query else b"")
        reactor = self.reactor or getReactor()
        reactor.connectTCP(self.host, self.port, _Asking(request, self._head(request, target)), timeout=CONNECT_TIMEOUT)
        return NOT_DONE_YET

    def _head(self, request: Request, target: bytes) -> bytes:
        named: set[bytes] = set()
        for value in request.requestHeaders.getRawHeaders(b"connection", []):
            named.update(part.strip().lower() for part in value.split(b","))
        lines = [b"%b %b HTTP/1.1" % (request.method, target)]
        for name, values in request.requestHeaders.getAllRawHeaders():
            key = name.lower()
            if (
                key in _HOP_BY_HOP
                or key in named
                or key in (b"host", b"content-length")
                or key.startswith(b"x-forwarded-")
            ):
                continue
            lines += [b"%b: %b" % (name, value) for value in values]
        host = self.host.encode("idna") if not self.host.isascii() else self.host.encode()
        host = b"[%b]" % host if b":" in host else host
        lines.append(b"Host: " + (host if self.port == 80 else b"%b:%d" % (host, self.port)))
        lines.append(b"X-Forwarded-For: " + (request.getClientIP() or "unknown").encode())
        lines.append(b"X-Forwarded-Host: " + (request.getHeader(b"host") or b""))
        lines.append(b"X-Forwarded-Proto: " + (b"https" if request.isSecure() else b"http"))
        if request._body is not None:
            lines.append(b"Content-Length: %d" % request._body.size)
        elif request.getHeader(b"content-length") is not None:
            # there are servers that take no POST without a length
            lines.append(b"Content-Length: 0")
        lines += [b"Connection: close", b"", b""]
        return b"\r\n".join(lines)


class _Asking(ClientFactory):
    """The connection to the other server, for one request."""

    noisy = False

    def __init__(self, request: Request, head: bytes) -> None:
        self.request = request
        self.head = head
        self.gone = False
        self._upstream: _Upstream | None = None
        request.notifyFinish().addErrback(self._client_gone)

    def _client_gone(self, _: Failure) -> None:
        self.gone = True
        if self._upstream is not None:
            self._upstream.transport.abortConnection()

    def buildProtocol(self, addr: Any) -> Any:
        """The connection is there."""
        if self.gone:
            return None
        self._upstream = _Upstream(self.request, self.head)
        return self._upstream

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """There is nobody."""
        if not self.gone:
            _log.error(
                "Cannot reach the server to pass {request!r} on to: {reason}",
                request=self.request,
                reason=str(reason.value),
            )
            _bad_gateway(self.request)


def _climbs(parts: list[bytes]) -> bool:
    """Whether dots lead above the beginning, for a server that resolves them, and takes for a slash what some take for one."""
    depth = 0
    for part in b"/".join(parts).replace(b"\\", b"/").split(b"/"):
        name = part.partition(b";")[0]  # some leave parameters out before they resolve the dots
        if name == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif name not in (b"", b"."):
            depth += 1
    return False


def _bad_gateway(request: Request) -> None:
    errorPage(502, "Bad Gateway", "The server that has this page does not answer.").render(request)


class _Upstream(Protocol):
    transport: Any

    def __init__(self, request: Request, head: bytes) -> None:
        self._request = request
        self._head = head
        self._parser = ResponseParser(request.method)
        self._begun = False
        self._over = False

    def connectionMade(self) -> None:
        """Ask."""
        self.transport.write(self._head)
        if self._request._body is not None:
            self.transport.registerProducer(_Body(self._request.content, self.transport), False)

    def dataReceived(self, data: bytes) -> None:
        """A piece of the answer."""
        for event in self._parser.feed(data):
            self._happened(event)

    def connectionLost(self, reason: Failure) -> None:
        """The other server has nothing more to say."""
        for event in self._parser.end():
            self._happened(event)

    def _happened(self, event: object) -> None:
        request = self._request
        if self._over or request._disconnected:
            return
        if isinstance(event, Head):
            self._begun = True
            request.setResponseCode(int(event.status), event.message or None)
            request.defaultContentType = None
            for name, values in event.headers.items():
                if name not in _HOP_BY_HOP and name != b"date":
                    request.responseHeaders.setRawHeaders(name, values)
            request.registerProducer(self.transport, True)
        elif isinstance(event, Data):
            request.write(event.data)
        elif isinstance(event, (End, Broken)):
            self._over = True
            if self._begun:
                request.unregisterProducer()
            if isinstance(event, End):
                request.finish()
            elif self._begun:
                request.channel.abortConnection()
            else:
                _log.error(
                    "The server that {request!r} was passed on to has not answered: {why}",
                    request=request,
                    why=str(event.error),
                )
                _bad_gateway(request)
            self.transport.loseConnection()


class _Body:
    """A pull producer: the request's body, piece by piece."""

    def __init__(self, content: Any, transport: Any) -> None:
        self._content = content
        self._transport = transport

    def resumeProducing(self) -> None:
        data = self._content.read(_PIECE)
        if data:
            self._transport.write(data)
        else:
            self._transport.unregisterProducer()

    def stopProducing(self) -> None:
        """Nobody reads it."""
