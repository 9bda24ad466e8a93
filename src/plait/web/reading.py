"""Reading requests: bytes in, requests out (RFC 9112). No socket, no clock.

The grammar is llhttp's, through httptools, which refuses what request smuggling lives on: two lengths, a length beside chunks,
bare line ends, blanks before a colon, folded lines. What it leaves open is closed here: any transfer coding but ``chunked``, any
at all in HTTP/1.0, a missing or second Host, other versions.

Making a parser takes time, and keeping one takes a kilobyte, so a connection that has been idle for some time has none: it
borrows one from a pool when something comes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from plait.web.limits import Limits

try:
    import httptools
except ImportError as error:  # pragma: no cover - tests run it in a process of its own
    raise ImportError("plait.web needs httptools: pip install plait[web]") from error

Header = tuple[bytes, bytes]


class Rejected(Exception):
    """A request that is not to be answered by a resource.

    :ivar code: the status to answer with before the connection is closed.
    """

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Receiver(Protocol):
    """Whoever gets the requests of a connection."""

    limits: Limits
    needsHost: bool
    """Whether a request of HTTP/1.1 must have a Host."""

    def headReceived(self, reader: Reader) -> None:
        """The head of a request is there, in the reader's attributes."""

    def bodyReceived(self, data: bytes) -> None:
        """A piece of its body, chunks already taken apart."""

    def messageReceived(self) -> None:
        """It is complete."""


# reg-name, IP literal, port (RFC 3986, 3.2.2); underscores are common and harmless
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.%A-Za-z]+\])(?::\d*)?")

_MOST_FREE = 64
_pool: list[Reader] = []

# Hosts that have been looked at: there are few, and they are asked for all the time.
_good_hosts: set[bytes] = set()


class Reader:
    """A parser, and what it has read of the head of a request.

    Attributes: `method`, `target` (as it came), `version` ("1.1"), `headers` (names as they came, with their values), `keepAlive`
    (whether the client will go on), `hasBody` (a length above 0, or chunks), `length` (None with chunks), `expects` (the client
    waits for 100 Continue), `behind` (what has come behind a request for another protocol; None: there is none).
    """

    __slots__ = (
        "_body",
        "_fed",
        "_marked",
        "_overhead",
        "_receiver",
        "behind",
        "expects",
        "hasBody",
        "headDone",
        "headers",
        "keepAlive",
        "length",
        "method",
        "parser",
        "spoilt",
        "target",
        "underWay",
        "version",
    )

    method: bytes
    version: str

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self._receiver: Any = None
        self.target = b""
        self.headers: list[Header] = []
        self.headDone = False
        self.keepAlive = True
        self.underWay = False
        self._fed = 0
        self.spoilt = False
        """Whether nothing more can be read with it."""
        self.behind: bytes | None = None
        self._begin()

    def _begin(self) -> None:
        """What is the same at the beginning of every message, and is after most."""
        self._marked = False
        self.hasBody = False
        self.length: int | None = 0
        self.expects = False
        self._body = 0
        self._overhead = 0

    # -- called by the connection

    @staticmethod
    def borrow(receiver: Receiver) -> Reader:
        """One from the pool."""
        reader = _pool.pop() if _pool else Reader()
        reader._receiver = receiver
        return reader

    def giveBack(self) -> None:
        """To the pool, if it can be used again."""
        self._receiver = None
        self._fed = 0
        # llhttp takes nothing more behind the last request of a connection, not even on another one
        if self.keepAlive and not self.spoilt and not self.underWay and len(_pool) < _MOST_FREE:
            _pool.append(self)

    def feed(self, data: bytes) -> None:
        """Read on. The receiver is told what is there. `Rejected` if a request is wrong; nothing more can be read then."""
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            # to another protocol, or a tunnel; if nobody makes one of it, it is a request like others, and the last one
            self.spoilt = True
            self.keepAlive = False
            self.behind = data[error.args[0] :]
            return
        except httptools.HttpParserCallbackError as error:
            self.spoilt = True
            if isinstance(error.__context__, Rejected):
                raise error.__context__ from None
            raise  # with what it comes from
        except httptools.HttpParserError as error:
            self.spoilt = True
            if not self.keepAlive and not self.underWay:
                return  # something behind the last request: not looked at
            code = 501 if isinstance(error, httptools.HttpParserInvalidMethodError) else 400
            raise Rejected(code, str(error) or type(error).__name__) from None
        if self.underWay:
            self._check()
        else:
            self._fed = 0  # of empty lines, if anything

    def _check(self) -> None:
        limits = self._receiver.limits
        if self.headDone:
            # what stands between the chunks (sizes, extensions) is not to outweigh what they hold by much
            if self._fed > limits.maxHeaderBytes + 10 * self._body:
                self.spoilt = True
                raise Rejected(400, "the chunks hold next to nothing")
            return
        if not self._fed:  # it has begun behind another one, in the same piece
            self._fed = self._size()
        if self._fed > limits.maxHeaderBytes:
            self.spoilt = True
            if len(self.target) > limits.maxRequestLine or not self.target:
                raise Rejected(414, "the target is too long")
            raise Rejected(431, "the headers are too long")

    def _size(self) -> int:
        """Bytes of the head, as far as its headers are complete."""
        return len(self.target) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    # -- called by httptools

    def on_message_begin(self) -> None:
        self.underWay = True
        self.target = b""
        self.headers = []
        if self._marked:
            self._begin()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.headDone:  # a trailer: nobody asks for those
            self._overhead += len(name) + len(value)
            if self._overhead > self._receiver.limits.maxHeaderBytes:
                raise Rejected(431, "the trailers are too long")
            return
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        receiver, headers = self._receiver, self.headers
        limits = receiver.limits
        self.headDone = True
        if len(self.target) > limits.maxRequestLine:
            raise Rejected(414, "the target is too long")
        if len(headers) > limits.maxHeaders:
            raise Rejected(431, "there are too many headers")
        # 0: it stands behind another one, in the same piece
        if (not self._fed or self._fed > limits.maxHeaderBytes) and self._size() > limits.maxHeaderBytes:
            raise Rejected(431, "the headers are too long")
        self._fed = 0
        parser = self.parser
        self.method = method = parser.get_method()
        self.version = version = parser.get_http_version()
        self.keepAlive = parser.should_keep_alive() and method != b"CONNECT"
        hosts = 0
        for name, value in headers:
            # by length first: this loop is run for every header of every request
            size = len(name)
            if size == 4:
                if name.lower() == b"host":
                    hosts += 1
                    if value not in _good_hosts:
                        if not _HOST.fullmatch(value):
                            raise Rejected(400, "the Host is malformed")
                        if len(_good_hosts) < _MOST_FREE and len(value) < 100:
                            _good_hosts.add(value)
            elif size == 14:
                if name.lower() == b"content-length":
                    self.length = int(value)
                    self.hasBody = self.length > 0
                    self._marked = True
            elif size == 17:
                if name.lower() == b"transfer-encoding":
                    if value.strip().lower() != b"chunked":
                        raise Rejected(501, "there is no transfer coding but chunked")
                    if version == "1.0":
                        raise Rejected(400, "HTTP/1.0 has no transfer codings")
                    self.hasBody = self._marked = True
                    self.length = None
            elif size == 7:
                if name.lower() == b"upgrade":  # see `feed`: it is the last one
                    self.keepAlive = False
            elif size == 6 and name.lower() == b"expect":
                if value.lower() != b"100-continue":
                    raise Rejected(417, "there is nothing to expect but 100-continue")
                self.expects = version == "1.1"
                self._marked = True
        if version == "1.1":
            if hosts != 1 and (hosts or receiver.needsHost):
                raise Rejected(400, "there must be one Host")
        elif version != "1.0":
            raise Rejected(505, "the versions are 1.1 and 1.0")
        elif hosts > 1:
            raise Rejected(400, "there must be one Host")
        receiver.headReceived(self)

    def on_body(self, data: bytes) -> None:
        self._body += len(data)
        self._receiver.bodyReceived(data)

    def on_message_complete(self) -> None:
        self.underWay = False
        self.headDone = False
        self._fed = 0
        self._receiver.messageReceived()
