"""What a client asks: the head of a request, and all that can be read from it.

What most requests never ask for (the headers as `Headers`, the arguments, cookies, the parts of the path) is made when it is
first asked for.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any
from urllib.parse import quote, unquote_to_bytes

from plait.web.body import BodyStream, KeptBody
from plait.web.cookies import parseCookies
from plait.web.forms import arguments
from plait.web.headers import Headers


class _Late:
    """An attribute that is made when it is first asked for, and kept in one with an underscore before its name, None until then.

    (Not in ``__dict__``: to ask an object for that makes all its attributes slower.)
    """

    __slots__ = ("_make", "_place")

    def __init__(self, make: Callable[[Asked], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._place = "_" + name
        setattr(owner, self._place, None)

    def __get__(self, request: Asked | None, owner: type) -> Any:
        if request is None:
            return self
        value = getattr(request, self._place)
        if value is None:
            value = self._make(request)
            setattr(request, self._place, value)
        return value

    def __set__(self, request: Asked, value: Any) -> None:
        setattr(request, self._place, value)


def late(make: Callable[[Asked], Any]) -> Any:
    """See `_Late`; the attribute is declared by the type of what `make` gives."""
    return _Late(make)


def _make_headers(request: Asked) -> Headers:
    headers = Headers()
    for name, value in request._raw_headers:
        headers.addRawHeader(name, value)
    return headers


def splitTarget(request: Asked) -> tuple[bytes, bytes]:
    """The path and the query of the target; of one with a host (RFC 9112, section 3.2.2) that is left out."""
    target = request.uri
    if not target.startswith(b"/") and b"://" in target:
        rest = target.split(b"://", 1)[1]
        target = b"/" + rest.partition(b"/")[2]
    path, _, query = target.partition(b"?")
    return path, query


def _make_args(request: Asked) -> dict[bytes, list[bytes]]:
    return arguments(request, splitTarget(request)[1])


def _make_content(request: Asked) -> IO[bytes]:
    return io.BytesIO() if request._body is None else request._body.asFile()


def _make_postpath(request: Asked) -> list[bytes]:
    path = splitTarget(request)[0]
    return [unquote_to_bytes(part) for part in path[1:].split(b"/")]


def _make_cookies(request: Asked) -> dict[bytes, bytes]:
    pairs = request._raw_headers or _pairs(request)
    return parseCookies(value for name, value in pairs if name.lower() == b"cookie")


def _pairs(request: Asked) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, values in request.requestHeaders.getAllRawHeaders() for value in values]


class Asked:
    """A request, as far as it is the client's; see `plait.web.request.Request`."""

    method = b"(no method yet)"
    uri = b"(no uri yet)"
    clientproto = b"(no clientproto yet)"
    site: Any = None
    channel: Any
    user = b""
    password = b""
    appRootURL: bytes | None = None

    path: bytes = late(lambda request: splitTarget(request)[0])
    requestHeaders: Headers = late(_make_headers)
    args: dict[bytes, list[bytes]] = late(_make_args)
    content: IO[bytes] = late(_make_content)
    prepath: list[bytes] = late(lambda request: [])
    postpath: list[bytes] = late(_make_postpath)
    sitepath: list[bytes] = late(lambda request: [])
    received_cookies: dict[bytes, bytes] = late(_make_cookies)
    client: Any = late(lambda request: None if request.channel is None else request.channel.getPeer())
    host: Any = late(lambda request: None if request.channel is None else request.channel.getHost())

    _raw_headers: Sequence[tuple[bytes, bytes]] = ()
    _requestHeaders: Headers | None
    _content: IO[bytes] | None
    _prepath: list[bytes] | None
    _body: KeptBody | None = None
    _stream: BodyStream | None = None

    @property
    def streamed(self) -> bool:
        """Whether the body is taken as it comes, and is not in `content`."""
        return self._stream is not None

    def getHeader(self, key: Any) -> Any:
        """The last value of a header of the request, in the type of `key`; None if it is not there."""
        if type(key) is bytes and self._requestHeaders is None:
            wanted = key.lower()
            found = None
            for name, value in self._raw_headers:
                if name.lower() == wanted:
                    found = value
            return found
        values = self.requestHeaders.getRawHeaders(key)
        return values[-1] if values else None

    def getAllHeaders(self) -> dict[bytes, bytes]:
        """The last value of each header of the request, by its lower-case name."""
        return {name.lower(): values[-1] for name, values in self.requestHeaders.getAllRawHeaders()}

    def getCookie(self, key: bytes) -> bytes | None:
        """A cookie that the client has sent."""
        return self.received_cookies.get(key)

    def getClientAddress(self) -> Any:
        """The address that the request came from."""
        return self.client

    def getClientIP(self) -> str | None:
        """The same as text; None if it came by something else than IP."""
        host = getattr(self.client, "host", None)
        return host if isinstance(host, str) else None

    def getHost(self) -> Any:
        """Our own address; `setHost` can say that of a proxy before us."""
        return self.host

    def setHost(self, host: bytes, port: int, ssl: bool = False) -> None:
        """Say by which name and port the client has asked, if a proxy in between knows that."""
        self._forceSSL = ssl
        default = port == (443 if ssl else 80)
        self.requestHeaders.setRawHeaders(b"host", [host if default else b"%b:%d" % (host, port)])
        from plait.transport.address import IPv4Address

        self.host = IPv4Address("TCP", host.decode("ascii", "replace"), port)

    _forceSSL = False

    def isSecure(self) -> bool:
        """Whether the request has come under TLS."""
        return self._forceSSL or bool(self.channel is not None and self.channel.isSecure())

    def getRequestHostname(self) -> bytes:
        """The host's name that the client has asked for, without the port."""
        host: bytes | None = self.getHeader(b"host")
        if host is not None:
            match = host.rpartition(b":")
            name = match[0] if match[1] and match[2].isdigit() else host
            return name[1:-1] if name.startswith(b"[") and name.endswith(b"]") else name
        return str(getattr(self.getHost(), "host", "")).encode("ascii", "replace")

    def prePathURL(self) -> bytes:
        """The URL of the resource that answers."""
        return self._pathRef(self.prepath)

    def URLPath(self) -> Any:
        """The same as an object with parts, where `twisted.python.urlpath` is known."""
        from importlib import import_module

        return import_module("twisted.python.urlpath").URLPath.fromRequest(self)

    def rememberRootURL(self) -> None:
        """Remember the URL of the resource that answers as the application's own."""
        self.appRootURL = self._pathRef(self.prepath[:-1])

    def getRootURL(self) -> bytes | None:
        """What `rememberRootURL` has kept."""
        return self.appRootURL

    def childLink(self, name: bytes) -> bytes:
        """A relative link to a child of this resource."""
        beyond = len(self.postpath)
        if beyond > 1:
            return b"../" * (beyond - 1) + name
        if beyond == 1 or not self.prepath or not self.prepath[-1]:
            return name
        return self.prepath[-1] + b"/" + name

    def sibLink(self, name: bytes) -> bytes:
        """A relative link to a sibling of this resource."""
        return b"../" * len(self.postpath) + name if self.postpath else name

    def _pathRef(self, parts: Iterable[bytes]) -> bytes:
        secure = self.isSecure()
        port = getattr(self.getHost(), "port", None)
        name = self.getRequestHostname()
        if b":" in name:
            name = b"[%b]" % name
        where = b"" if port is None or port == (443 if secure else 80) else b":%d" % port
        path = "/".join(quote(part, safe="") for part in parts).encode("ascii")
        return b"%b://%b%b/%b" % (b"https" if secure else b"http", name, where, path)

    def getUser(self) -> bytes:
        """The name that Basic authentication (RFC 7617) gives; it has not been checked."""
        self._authorize()
        return self.user

    def getPassword(self) -> bytes:
        """The password that came with it."""
        self._authorize()
        return self.password

    def _authorize(self) -> None:
        self.user, self.password = b"", b""
        kind, _, value = (self.getHeader(b"authorization") or b"").partition(b" ")
        if kind.lower() == b"basic":
            try:
                user, colon, password = base64.b64decode(value.strip(), validate=True).partition(b":")
            except binascii.Error:
                return
            if colon:
                self.user, self.password = user, password
