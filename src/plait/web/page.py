"""Fetching a page into memory: `HTTPClientFactory`, which carries one request through its redirects to one Deferred.

Use it with any way to connect: ``factory = HTTPClientFactory(url)``, ``reactor.connectTCP(host, port, factory)``,
``factory.deferred``. For each redirect it makes the next connection itself.

What may follow a redirect is decided by its *origin* (RFC 6454: scheme, host and port). The caller's credentials (Cookie,
Authorization, Proxy-Authorization, Host, and the `cookies`) are for the origin that was asked first, and for its upgrade from
http to https; they are not shown to another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.current import getReactor
from plait.deferred import CancelledError, Deferred
from plait.errors import NotConnectingError
from plait.failure import Failure
from plait.protocol import ClientFactory
from plait.web import outgoing
from plait.web import url as web_url
from plait.web.error import InfiniteRedirection, PageRedirect, PageTimeout
from plait.web.getter import HTTPPageGetter
from plait.web.https import BrowserLikePolicyForHTTPS, ContextFactory, contextFor
from plait.web.outgoing import Header, HeaderDict, to_bytes

if TYPE_CHECKING:
    from plait.interfaces import IAddress, IConnector, IDelayedCall

__all__ = ["HTTPClientFactory"]

# Headers that are meant for one origin only (RFC 9110, 15.4: "remove … other than those allowed to be sent to the new one").
_PRIVATE = (b"authorization", b"proxy-authorization", b"cookie", b"host", b"referer")
# Headers that speak of a body, and go when a redirect drops it.
_OF_BODY = (b"content-length", b"content-type", b"content-encoding", b"content-language", b"content-location")


class HTTPClientFactory(ClientFactory):
    """Fetches one page, following redirects.

    :ivar deferred: fires with the page as bytes, or fails: `plait.web.error.Error` for a status that is not a success, the
        other errors of `plait.web.error`, or why there was no connection. Cancelling it aborts the connection.
    :ivar url: the URL that is asked now; `scheme`, `host`, `port` and `path` are its parts, as bytes and int.
    :ivar status: the last response's status, ``b"200"``; None before. Likewise `version`, ``b"HTTP/1.1"``, and `message`,
        ``b"OK"``.
    :ivar response_headers: its headers, the list of values for each lower-case name; None before.
    :ivar waiting: whether there is no result yet.
    :ivar contextFactory: what `connect` and redirects to https take for TLS. None verifies the certificate; a context
        factory is used for the first URL's host only, a `plait.web.https.BrowserLikePolicyForHTTPS` for every host.

    :param url: what to fetch, bytes or str.
    :param method: the method of the first request.
    :param postdata: its body.
    :param headers: headers beside those that are made here; names in any case.
    :param agent: the User-Agent header.
    :param timeout: seconds that all of it may take, from the begin of the first connection on; 0 is for ever.
    :param cookies: names and values to send. What the server sets is put into it.
    :param followRedirect: whether to ask at the new place when the server says that the page has moved; if not, the
        Deferred fails with `PageRedirect`.
    :param redirectLimit: how many redirects are followed before it fails with `InfiniteRedirection`.
    :param afterFoundGet: follow 301 and 302 after a POST with a GET, as browsers do.
    :param maxSize: the most bytes that a page may have; None for any number.
    :raises plait.web.error.InvalidURL: `url` cannot be fetched.
    :raises ValueError: a method, header or cookie cannot be sent.
    :raises TypeError: `postdata` is not bytes.
    """

    protocol = HTTPPageGetter

    def __init__(
        self,
        url: bytes | str,
        method: Header = b"GET",
        postdata: bytes | None = None,
        headers: HeaderDict | None = None,
        agent: Header = b"Plait PageGetter",
        timeout: float = 0,
        cookies: dict[Any, Any] | None = None,
        followRedirect: bool = True,
        redirectLimit: int = 20,
        afterFoundGet: bool = False,
        maxSize: int | None = None,
    ) -> None:
        self.method: bytes = to_bytes(method, "The method")
        if isinstance(postdata, str):
            raise TypeError("postdata must be bytes; encode it as its Content-Type says (often UTF-8)")
        self.postdata: bytes | None = postdata
        self.headers: dict[bytes, list[bytes]] = outgoing.clean_headers(headers)
        self.headers.setdefault(b"user-agent", [to_bytes(agent, "The agent")])
        self.agent: bytes = self.headers[b"user-agent"][0]
        self.timeout: float = timeout
        self.cookies: dict[Any, Any] = {} if cookies is None else cookies
        self.followRedirect: bool = followRedirect
        self.redirectLimit: int = redirectLimit
        self.afterFoundGet: bool = afterFoundGet
        self.maxSize: int | None = maxSize
        self.contextFactory: ContextFactory | BrowserLikePolicyForHTTPS | None = None
        self.waiting: bool = True
        self.status: bytes | None = None
        self.version: bytes | None = None
        self.message: bytes | None = None
        self.response_headers: dict[bytes, list[bytes]] | None = None
        self._redirects = 0
        self._jars: dict[tuple[bytes, bytes, int], dict[Any, Any]] = {}
        self._getter: HTTPPageGetter | None = None
        self._connector: IConnector | None = None
        self._timer: IDelayedCall | None = None
        self.setURL(url)
        HTTPClientFactory.buildRequest(self)  # what cannot be sent is the caller's mistake: say so now
        self.deferred: Deferred[Any] = Deferred(lambda _: self._give_up(CancelledError()))

    def setURL(self, url: bytes | str) -> None:
        """Ask for `url` instead. It is the caller's own: what is private may be shown to it."""
        self._first = web_url.parse(url)
        self._set_parts(self._first)

    def _set_parts(self, parts: web_url.URL) -> None:
        self._parts = parts
        self.url: bytes = bytes(parts)
        self.scheme, self.host, self.port, self.path = parts

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.url.decode('ascii')}>"

    # The connection.

    def startedConnecting(self, connector: IConnector) -> None:
        """Note whom to stop when the page is cancelled, and start the clock."""
        self._connector = connector
        self._start_timer()

    def buildProtocol(self, addr: IAddress) -> HTTPPageGetter:
        """The protocol for the new connection."""
        self._start_timer()  # an endpoint does not call startedConnecting
        getter: HTTPPageGetter = self.protocol()
        getter.factory = self
        self._getter = getter
        return getter

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """There is no page, for there is no connection."""
        self.noPage(reason)

    def _start_timer(self) -> None:
        if self.timeout and self._timer is None and self.waiting:
            self._timer = getReactor().callLater(self.timeout, self._timed_out)

    def _timed_out(self) -> None:
        url = self.url.decode("ascii")
        self._give_up(PageTimeout(f"Getting {url} took longer than {self.timeout} seconds."))

    def _give_up(self, error: Exception) -> None:
        getter, connector = self._getter, self._connector
        try:
            self.noPage(Failure(error))
        finally:
            # Afterwards, for an attempt that is stopped reports at once that it has failed.
            if getter is not None:
                getter.quit()
            elif connector is not None:
                try:
                    connector.stopConnecting()
                except NotConnectingError:
                    pass

    # What the connection tells. These are what a subclass overrides.

    def gotStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """The status line has come: ``b"HTTP/1.1"``, ``b"200"``, ``b"OK"``. Called for redirects and errors too."""
        self.version, self.status, self.message = version, status, message

    def gotHeaders(self, headers: dict[bytes, list[bytes]]) -> None:
        """The headers have come, after `gotStatus`: the list of values for each lower-case name."""
        self.response_headers = headers
        jar = self._jar()
        for line in headers.get(b"set-cookie", ()):
            name, equals, value = line.partition(b";")[0].partition(b"=")
            name = name.strip()
            if equals and name:
                jar.pop(name.decode("latin-1"), None)  # the caller may have given it as str
                jar[name] = value.strip()

    def page(self, page: bytes) -> None:
        """The page is complete."""
        if self.waiting:
            self._done()
            self.deferred.callback(page)

    def noPage(self, reason: Failure | BaseException) -> None:
        """There is no page, because of `reason`."""
        if self.waiting:
            self._done()
            self.deferred.errback(reason)

    def _done(self) -> None:
        self.waiting = False
        self._getter = self._connector = None
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    # The request, and the next one.

    def buildRequest(self) -> bytes:
        """The bytes of the request for `url`."""
        headers = dict(self.headers)
        if not self._at_home():
            for name in _PRIVATE:
                headers.pop(name, None)
        cookies = self._jar()
        if cookies:
            pairs = [b"%b=%b" % (_cookie_part(key), _cookie_part(value)) for key, value in cookies.items()]
            headers[b"cookie"] = [b"; ".join([*headers.get(b"cookie", []), *pairs])]
        return outgoing.build(self.method, self.path, self._parts.netloc, headers, self.postdata)

    def _at_home(self) -> bool:
        """Whether `url` is of the origin that was asked first, or of its upgrade to https."""
        here, first = self._parts, self._first
        if here[:3] == first[:3]:
            return True
        upgrade = (first.scheme, first.port, here.scheme, here.port) == (b"http", 80, b"https", 443)
        return upgrade and here.host == first.host

    def _jar(self) -> dict[Any, Any]:
        return self.cookies if self._at_home() else self._jars.setdefault(self._parts[:3], {})

    def redirect(self, status: bytes, message: bytes, location: bytes, withGet: bool) -> None:
        """Ask at `location`, relative or absolute, instead; or fail, if that is not to be done.

        :param withGet: change the method to GET, and drop the body.
        """
        if not self.followRedirect:
            self.noPage(PageRedirect(status, message, location=location))
            return
        target = web_url.join(self._parts, location)
        if self._redirects >= self.redirectLimit:
            message = b"Infinite redirection: %d were followed; the next leads" % self._redirects
            self.noPage(InfiniteRedirection(status, message, location=bytes(target)))
            return
        self._redirects += 1
        if withGet:
            self.method, self.postdata = b"GET", None
            for name in _OF_BODY:
                self.headers.pop(name, None)
        self._set_parts(target)
        self.connect()

    def connect(self) -> None:
        """Connect to the host of `url`, by TLS where that says https."""
        self._getter = self._connector = None
        host = self.host.decode("ascii")
        if self.scheme == b"https":
            given = self.contextFactory
            if self.host != self._first.host and not isinstance(given, BrowserLikePolicyForHTTPS):
                given = None  # it may be made for the first host's name, or trust it without a look at its certificate
            getReactor().connectSSL(host, self.port, self, contextFor(given, self.host, self.port))
        else:
            getReactor().connectTCP(host, self.port, self)


def _cookie_part(value: Header) -> bytes:
    part = to_bytes(value, "The cookie")
    if b";" in part:
        raise ValueError(f"A cookie's name or value cannot hold a semicolon: {part!r}.")
    return part
