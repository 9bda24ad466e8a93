"""One request's connection to another web server, for what passes requests on (RFC 9110, section 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.failure import Failure
from plait.log import Logger
from plait.protocol import FileSender, Protocol
from plait.web.pages import errorPage
from plait.web.response import Broken, Data, End, Head, ResponseParser

if TYPE_CHECKING:
    from plait.web.request import Request

_log = Logger("plait.web")

CONNECT_TIMEOUT = 10.0
"""Seconds for the other server to take the connection."""

HOP_BY_HOP = frozenset(
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
"""What belongs to a connection, and is not passed on (section 7.6.1); in lower case."""


class BodySender(FileSender):
    """Sends the body of a request to a server or a program."""

    CHUNK_SIZE = 65536


def passedOn(request: Request) -> list[bytes]:
    """The lines of a request's headers that are passed on: not those of the connection, nor Host and Content-Length."""
    left_out = set(HOP_BY_HOP) | {b"host", b"content-length"}
    for value in request.requestHeaders.getRawHeaders(b"connection", []):
        left_out.update(part.strip().lower() for part in value.split(b","))
    return [
        b"%b: %b" % (name, value)
        for name, values in request.requestHeaders.getAllRawHeaders()
        if name.lower() not in left_out
        for value in values
    ]


def lengthOf(request: Request) -> list[bytes]:
    """The line that tells the length of the body that is passed on, if there is one."""
    if request._body is not None:
        return [b"Content-Length: %d" % request._body.size]
    # there are servers that take no POST without a length
    return [] if request.getHeader(b"content-length") is None else [b"Content-Length: 0"]


def badGateway(request: Request) -> None:
    """Answer that the other server does not."""
    errorPage(502, "Bad Gateway", "The server that has this page does not answer.").render(request)


class Upstream(Protocol):
    """The connection: asks, and passes the answer on as it comes, as fast as the client takes it.

    :param head: of the request, its empty line included.
    :param via: a line that is added to the answer's headers, or None.
    """

    transport: Any

    def __init__(self, request: Request, head: bytes, via: bytes | None = None) -> None:
        self._request = request
        self._head = head
        self._via = via
        self._parser = ResponseParser(request.method)
        self._begun = False
        self._over = False

    def connectionMade(self) -> None:
        """Ask."""
        self.transport.write(self._head)
        if self._request._body is not None:
            sending = BodySender().beginFileTransfer(self._request.content, self.transport)
            sending.addErrback(lambda _: self.transport.abortConnection())

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
                if name not in HOP_BY_HOP and name != b"date":
                    request.responseHeaders.setRawHeaders(name, values)
            if self._via is not None:
                request.responseHeaders.addRawHeader(b"via", self._via)
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
                badGateway(request)
            self.transport.loseConnection()
