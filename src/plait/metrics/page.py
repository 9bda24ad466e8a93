"""A server of one page: GET or HEAD of ``/metrics``, one request for each connection (RFC 9112), and nothing else.

It is strict and small on purpose: a scraper is a simple client, and whoever is not gets an error and is gone. A request has to be
there in `PATIENCE` seconds and `LONGEST` bytes, and no more than `MOST` connections are served at once.
Once there is a server of Plait's own for HTTP (`plait.web`), `PageFactory` is what it takes the place of.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from plait.deferred import Deferred, ensureDeferred
from plait.failure import Failure
from plait.log import Logger
from plait.protocol import Factory, Protocol
from plait.protocol.policies import TimeoutMixin

_log = Logger(namespace="plait.metrics")

# Seconds that a request has to come, and then the answer to go. Prometheus itself gives up after ten.
PATIENCE = 10.0

# Bytes of a request's head. That of Prometheus has some 300.
LONGEST = 8192

# Connections at once. There is one scraper, or there are two.
MOST = 32

# The Prometheus text format.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# RFC 9112, section 3: the method is a token, the target has no spaces, the version is 1.x.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.([01])\Z")
# Section 5: no space before the colon, no folded lines, no control characters in the value (RFC 9110, section 5.5).
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\Z")

Render = Callable[[], Awaitable[bytes]]


class _Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, *fields: str) -> None:
        super().__init__(status.phrase)
        self.status = status
        self.fields = fields


class PageProtocol(Protocol, TimeoutMixin):
    """One connection, one request."""

    factory: PageFactory

    def __init__(self) -> None:
        self._head = bytearray()
        self._answering: Deferred[Any] | None = None
        self._done = False

    def connectionMade(self) -> None:
        """Wait for a request, unless there are too many who do."""
        self.factory.open += 1
        if self.factory.open > MOST:
            self._done = True
            self.transport.abortConnection()
        else:
            self.setTimeout(PATIENCE)

    def dataReceived(self, data: bytes) -> None:
        """Read the head. What follows it is of no interest: there is one answer."""
        if self._done:
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end > LONGEST or (end < 0 and len(self._head) > LONGEST):
            self._refuse(_Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        elif end >= 0:
            try:
                body = self._check(bytes(self._head[:end]))
            except _Refused as refused:
                self._refuse(refused)
                return
            self._done = True
            self._head.clear()
            self.setTimeout(PATIENCE)
            self._answering = ensureDeferred(self._answer(body))
            self._answering.addErrback(self._failed)

    def _check(self, head: bytes) -> bool:
        """Whether the page is wanted, and not its head alone. _Refused if the request is none that we answer."""
        line, *fields = head.split(b"\r\n")
        parsed = _REQUEST_LINE.match(line)
        found = [_FIELD.match(field) for field in fields]
        if parsed is None or None in found:
            raise _Refused(HTTPStatus.BAD_REQUEST)
        names = [field[1].lower() for field in found if field is not None]
        method, target, minor = parsed.groups()
        if names.count(b"host") > 1 or (minor == b"1" and b"host" not in names) or b"transfer-encoding" in names:
            raise _Refused(HTTPStatus.BAD_REQUEST)
        if any(field is not None and field[1].lower() == b"content-length" and field[2] != b"0" for field in found):
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if target.partition(b"?")[0] != b"/metrics":
            raise _Refused(HTTPStatus.NOT_FOUND)
        if method not in (b"GET", b"HEAD"):
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Allow: GET, HEAD")
        return method == b"GET"

    async def _answer(self, body: bool) -> None:
        page = await self.factory.render()
        self._send(HTTPStatus.OK, page if body else b"", len(page), f"Content-Type: {CONTENT_TYPE}")

    def _failed(self, failure: Failure) -> None:
        if not self.transport.disconnecting and self._answering is not None:
            _log.failure("The page of metrics could not be made", failure)
            self._refuse(_Refused(HTTPStatus.INTERNAL_SERVER_ERROR))

    def _refuse(self, refused: _Refused) -> None:
        self._done = True
        self._head.clear()
        text = f"{refused.status.value} {refused.status.phrase}\n".encode()
        self._send(refused.status, text, len(text), "Content-Type: text/plain; charset=utf-8", *refused.fields)

    def _send(self, status: HTTPStatus, body: bytes, length: int, *fields: str) -> None:
        head = [f"HTTP/1.1 {status.value} {status.phrase}", *fields, f"Content-Length: {length}", "Connection: close"]
        self.transport.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        self.transport.loseConnection()

    def timeoutConnection(self) -> None:
        """It takes too long, on either side."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:
        """Nobody waits any more."""
        self.factory.open -= 1
        self.setTimeout(None)
        answering, self._answering = self._answering, None
        if answering is not None:
            answering.cancel()


class PageFactory(Factory):
    """Serves the page that `render` makes, a coroutine function of no arguments. Attribute: `open` (connections)."""

    protocol = PageProtocol
    noisy = False

    def __init__(self, render: Render) -> None:
        self.render = render
        self.open = 0
