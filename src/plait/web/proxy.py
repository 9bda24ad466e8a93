"""A reverse proxy: resources that another web server has (RFC 9110, section 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from plait.current import getReactor
from plait.failure import Failure
from plait.log import Logger
from plait.protocol import ClientFactory
from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage
from plait.web.resource import Resource
from plait.web.upstream import CONNECT_TIMEOUT, Upstream, badGateway, lengthOf, passedOn

if TYPE_CHECKING:
    from plait.web.request import Request

__all__ = ["ReverseProxyResource"]

_log = Logger("plait.web")


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
        if self.path and climbs(request.postpath):
            errorPage(400, "Bad Request", "This path leads out of what is here.").render(request)
            return NOT_DONE_YET
        rest = b"".join(b"/" + quote(part, safe=":@!$&'()*+,;=~").encode() for part in request.postpath)
        query = request.uri.partition(b"?")[2]
        target = (self.path + rest or b"/") + (b"?" + query if query else b"")
        reactor = self.reactor or getReactor()
        reactor.connectTCP(self.host, self.port, _Asking(request, self._head(request, target)), timeout=CONNECT_TIMEOUT)
        return NOT_DONE_YET

    def _head(self, request: Request, target: bytes) -> bytes:
        host = self.host.encode("idna") if not self.host.isascii() else self.host.encode()
        host = b"[%b]" % host if b":" in host else host
        lines = [
            b"%b %b HTTP/1.1" % (request.method, target),
            *(line for line in passedOn(request) if not line.lower().startswith(b"x-forwarded-")),
            b"Host: " + (host if self.port == 80 else b"%b:%d" % (host, self.port)),
            b"X-Forwarded-For: " + (request.getClientIP() or "unknown").encode(),
            b"X-Forwarded-Host: " + (request.getHeader(b"host") or b""),
            b"X-Forwarded-Proto: " + (b"https" if request.isSecure() else b"http"),
            *lengthOf(request),
            b"Connection: close",
        ]
        return b"\r\n".join([*lines, b"", b""])


class _Asking(ClientFactory):
    """The connection to the other server, for one request."""

    noisy = False

    def __init__(self, request: Request, head: bytes) -> None:
        self.request = request
        self.head = head
        self.gone = False
        self._upstream: Upstream | None = None
        request.notifyFinish().addErrback(self._client_gone)

    def _client_gone(self, _: Failure) -> None:
        self.gone = True
        if self._upstream is not None:
            self._upstream.transport.abortConnection()

    def buildProtocol(self, addr: Any) -> Any:
        """The connection is there."""
        if self.gone:
            return None
        self._upstream = Upstream(self.request, self.head)
        return self._upstream

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """There is nobody."""
        if not self.gone:
            _log.error(
                "Cannot reach the server to pass {request!r} on to: {reason}",
                request=self.request,
                reason=str(reason.value),
            )
            badGateway(self.request)


def climbs(parts: list[bytes]) -> bool:
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
