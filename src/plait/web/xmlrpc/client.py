"""XML-RPC called: `Proxy` stands for a server, and each call has a connection of its own.

proxy = Proxy(b"https://example.com/RPC2")
total = await proxy.callRemote("add", 1, 2)
"""

from __future__ import annotations

import base64
import xmlrpc.client as xmlrpclib
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from plait.current import getReactor
from plait.deferred import Deferred
from plait.failure import Failure
from plait.protocol import ClientFactory
from plait.web.error import InvalidURL
from plait.web.httpclient import HTTPClient
from plait.web.https import BrowserLikePolicyForHTTPS, ContextFactory, contextFor
from plait.web.xmlrpc.codec import loads, payloadTemplate

__all__ = ["Proxy", "QueryFactory", "QueryProtocol"]


class QueryProtocol(HTTPClient):
    """One call and its response.

    :cvar userAgent: what the server is told that we are.
    """

    userAgent = b"Twisted/XMLRPClib"
    factory: Any

    def __init__(self) -> None:
        super().__init__()
        self._response: bytes | None = None

    def connectionMade(self) -> None:
        """Write the call."""
        factory = self.factory
        self.maxBody = factory.maxResponse
        self.sendCommand(b"POST", factory.path)
        self.sendHeader(b"User-Agent", self.userAgent)
        self.sendHeader(b"Host", factory.host)
        self.sendHeader(b"Content-type", b"text/xml; charset=utf-8")
        payload = factory.payload
        self.sendHeader(b"Content-length", b"%d" % len(payload))
        if factory.user:
            pair = b":".join([factory.user, factory.password or b""])
            self.sendHeader(b"Authorization", b"Basic " + base64.b64encode(pair))
        self.endHeaders()
        self.transport.write(payload)

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """Give up, unless it is 200."""
        if status != b"200":
            self.factory.badStatus(status, message)

    def handleResponse(self, contents: bytes) -> None:
        """The response is complete; it is read when the connection has been closed."""
        self._response = contents
        self.transport.loseConnection()

    def handleBroken(self, error: BaseException) -> None:
        """There will be no response."""
        self.factory.broken(Failure(error))
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:
        """Hand the response on."""
        super().connectionLost(reason)
        if self._response is not None:
            response, self._response = self._response, None
            self.factory.parseResponse(response)


class QueryFactory(ClientFactory):
    """One call to one server.

    :ivar deferred: fires with the result. It fails with a `Fault` that the server answers, with ValueError and the status
        where that is not 200, and with whatever keeps the connection from being made or the response from being read.
    :cvar maxResponse: bound on the response's body, in bytes. It is kept in memory, several times over while it is read.
    """

    protocol = QueryProtocol
    noisy = False
    maxResponse = 64 * 1024 * 1024

    def __init__(
        self,
        path: bytes | None,
        host: bytes | None,
        method: str,
        user: bytes | None = None,
        password: bytes | None = None,
        allowNone: bool = False,
        args: Iterable[Any] = (),
        canceller: Callable[[Deferred[Any]], None] | None = None,
        useDateTime: bool = False,
    ) -> None:
        """
        :param path: what is asked for on the server, ``b"/RPC2"``.
        :param host: what the Host header says.
        :param canceller: of the Deferred.
        :raises TypeError: an argument is nothing that XML-RPC can carry.
        """
        self.path = path
        self.host = host
        self.user = user
        self.password = password
        self.useDateTime = useDateTime
        arguments = xmlrpclib.dumps(tuple(args), allow_none=allowNone)
        name = method.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        self.payload: bytes = (payloadTemplate % (name, arguments)).encode("utf-8", "xmlcharrefreplace")
        self.deferred: Deferred[Any] | None = Deferred(canceller)

    def _take(self) -> Deferred[Any] | None:
        deferred, self.deferred = self.deferred, None
        return deferred

    def parseResponse(self, contents: bytes | str) -> None:
        """The response has come."""
        deferred = self._take()
        if deferred is None:
            return
        try:
            response = loads(contents, self.useDateTime)[0][0]
        except Exception:
            deferred.errback(Failure())
        else:
            deferred.callback(response)

    def broken(self, reason: Failure) -> None:
        """There will be no response, for `reason`."""
        deferred = self._take()
        if deferred is not None:
            deferred.errback(reason)

    def clientConnectionLost(self, connector: object, reason: Failure) -> None:
        """The connection has ended: too early, if there is no response by now."""
        self.broken(reason)

    clientConnectionFailed = clientConnectionLost

    def badStatus(self, status: Any, message: Any) -> None:
        """The server's answer is something else than 200."""
        self.broken(Failure(ValueError(status, message)))


class Proxy:
    """Stands for a server of XML-RPC.

    :ivar queryFactory: makes the factory of each call; a subclass of `QueryFactory` may take its place.
    """

    queryFactory: Callable[..., Any] = QueryFactory

    def __init__(
        self,
        url: bytes,
        user: bytes | None = None,
        password: bytes | None = None,
        allowNone: bool = False,
        useDateTime: bool = False,
        connectTimeout: float = 30.0,
        reactor: Any = None,
        contextFactory: ContextFactory | BrowserLikePolicyForHTTPS | None = None,
    ) -> None:
        """
        :param url: of the server, http or https; it may have a user's name and password in front of the host.
        :param user: and `password`: sent with each call; in place of what the URL has.
        :param allowNone: let arguments be None, an extension that not all servers know.
        :param useDateTime: make `datetime.datetime` of times, not `xmlrpc.client.DateTime`.
        :param connectTimeout: how long making the connection may take, in seconds.
        :param reactor: what makes the connections; the current one where it is None.
        :param contextFactory: how TLS is done for https. None verifies the server's certificate.
        :raises InvalidURL: the URL is of neither kind, or has no host.
        """
        parts = urlsplit(url)
        if parts.scheme not in (b"http", b"https") or not parts.hostname:
            raise InvalidURL(
                f"{url!r} is not the address of a server: it must begin with http:// or https:// and a host."
            )
        self.secure = parts.scheme == b"https"
        self.path = parts.path or b"/"
        if parts.query:
            self.path += b"?" + parts.query
        _, _, self.host = parts.netloc.rpartition(b"@")
        self.hostname: bytes = parts.hostname
        self.port: int | None = parts.port
        self.user = user if user is not None else _unquoted(parts.username)
        self.password = password if password is not None else _unquoted(parts.password)
        self.allowNone = allowNone
        self.useDateTime = useDateTime
        self.connectTimeout = connectTimeout
        self.contextFactory = contextFactory
        self._reactor = reactor

    def callRemote(self, method: str, *args: Any) -> Deferred[Any]:
        """Call `method` on the server.

        :returns: the result. How it fails is said in `QueryFactory`; cancelled, it closes the connection.
        :raises TypeError: an argument is nothing that XML-RPC can carry.
        """
        connector: Any = None

        def cancel(_: Deferred[Any]) -> None:
            # what the factory hears of the end of the connection is not news any more
            factory.deferred = None
            connector.disconnect()

        factory = self.queryFactory(
            self.path,
            self.host,
            method,
            self.user,
            self.password,
            self.allowNone,
            args,
            cancel,
            self.useDateTime,
        )
        deferred: Deferred[Any] = factory.deferred
        reactor = self._reactor if self._reactor is not None else getReactor()
        host = self.hostname.decode("ascii")
        if self.secure:
            port = self.port or 443
            context = contextFor(self.contextFactory, self.hostname, port)
            connector = reactor.connectSSL(host, port, factory, context, timeout=self.connectTimeout)
        else:
            connector = reactor.connectTCP(host, self.port or 80, factory, timeout=self.connectTimeout)
        return deferred


def _unquoted(part: bytes | None) -> bytes | None:
    return None if part is None else unquote_to_bytes(part)
