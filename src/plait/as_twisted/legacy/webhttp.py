"""``twisted.web.http``: requests and connections with the methods that old programs override or call.

They are Plait's own (`plait.web.request`, `plait.web.connection`) with what differs there: an answer has the headers that
were set and no others, a request is given the pieces of its body by `handleContentChunk`, and a connection has its own timer.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import IO, Any
from urllib import parse
from urllib.parse import ParseResultBytes

from plait.as_twisted.legacy.abnf import decimal
from plait.as_twisted.legacy.tlsproducers import PullToPush
from plait.as_twisted.legacy.webdates import combinedLogFormatter, datetimeToLogString
from plait.as_twisted.legacy.webinterfaces import IChannelRequest, INonQueuedRequestFactory, IRequest
from plait.current import getReactor
from plait.interfaces import ISSLTransport, implementer
from plait.log import Logger
from plait.protocol.lines import LineReceiver
from plait.web import connection, request, site
from plait.web.forms import FormError, parse_qs
from plait.web.headers import Headers, sanitize
from plait.web.limits import Limits
from plait.web.reading import Rejected
from plait.web.status import statusLine

__all__ = ["HTTPChannel", "HTTPClient", "HTTPFactory", "Request"]

_log = Logger("plait.web")

H2_ENABLED = False
"""Whether HTTP/2 is spoken."""


def urlparse(url: bytes) -> ParseResultBytes:
    """The parts of a URL. TypeError if it is text."""
    if isinstance(url, str):
        raise TypeError("url must be bytes, not text")
    scheme, netloc, path, params, query, fragment = parse.urlparse(url)
    return ParseResultBytes(scheme, netloc, path, params, query, fragment)


# Where a body of that many bytes, or of an unknown number, is kept in a file.
_LARGE = 100_000


def _provides(interface: Any, thing: object) -> bool:
    """Whether a thing does what the interface says."""
    return bool(interface.providedBy(thing))


def _warn(what: str) -> None:
    warnings.warn(f"twisted.web.http.Request.{what}", DeprecationWarning, stacklevel=3)


def contentFile(length: int | None) -> IO[bytes]:
    """A place for a body of so many bytes: a file if it is large, or nobody knows."""
    return io.BytesIO() if length is not None and length < _LARGE else tempfile.TemporaryFile()


@implementer(IRequest, IChannelRequest)
class Request(request.Request):
    """A request: override `process`. See `plait.web.request.Request`.

    :param parsePOSTFormSubmission: false: a form in the body is left to the program, and `args` are those of the query.
    """

    defaultContentType = None
    _received = 0

    def __init__(self, channel: Any, queued: object = None, parsePOSTFormSubmission: bool = True) -> None:
        super().__init__(channel, queued)
        self._parsePOSTFormSubmission = parsePOSTFormSubmission

    def parseCookies(self) -> None:
        """They are read when they are asked for."""

    def noLongerQueued(self) -> None:
        """Nothing is queued."""
        _warn("noLongerQueued was deprecated in Twisted 16.3.0")

    def getClientIP(self) -> str | None:
        """The client's address as text."""
        _warn("getClientIP was deprecated in Twisted 18.4.0; please use getClientAddress instead")
        return super().getClientIP()

    # -- from the connection

    def received(self, reader: Any) -> None:
        """The head."""
        super().received(reader)
        if self._version11 and b"close" in (self.getHeader(b"connection") or b"").lower():
            self.responseHeaders.setRawHeaders(b"connection", [b"close"])
        if not reader.hasBody:
            self.gotLength(0)

    def gotLength(self, length: int | None) -> None:
        """How long the body will be; None: not known. A long one is kept in a file."""
        maker = getattr(self.site, "getContentFile", contentFile)
        self.content = maker(length)

    def bodyBegins(self, length: int | None, expects: bool) -> None:
        """A body will come."""
        self._limit()
        self.gotLength(length)
        if expects:
            self.channel.sendContinue()

    def bodyReceived(self, data: bytes) -> bool:
        """A piece of it; false if it is too much."""
        self._received += len(data)
        self.handleContentChunk(data)
        return self.bodyLimit is None or self._received <= self.bodyLimit

    def allReceived(self) -> None:
        """It is complete, and its turn has come."""
        self.parseCookies()
        self.requestReceived(self.method, self.uri, self.clientproto)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The request is complete: process it."""
        self.method, self.uri, self.clientproto = command, path, version
        self._head = command == b"HEAD"
        self._version11 = version == b"HTTP/1.1"
        _ = self.client, self.host  # they are asked for when the connection is gone, too
        self.content.seek(0)
        try:
            # before the body is closed
            self.args = self.args if self._parsePOSTFormSubmission else parse_qs(path.partition(b"?")[2])
        except FormError as error:
            _log.warn("A form cannot be read: {reason}", reason=str(error))
            self.channel.transport.write(statusLine(400) + b"\r\n")
            self.channel.loseConnection()
            return
        self._process()

    def finish(self) -> None:
        """The answer is complete. RuntimeError when it was already, or the client has gone."""
        if self.producer is not None and not self.finished:
            _log.error("Producer was not unregistered for {uri}", uri=self.uri)
            self.unregisterProducer()
        super().finish()
        self.channel = None

    def connectionLost(self, reason: Any) -> None:
        """The client is gone."""
        super().connectionLost(reason)
        self.channel = None

    def process(self) -> None:
        """Answer it: for subclasses."""
        if self.site is not None and hasattr(self.site, "resource"):
            super().process()


class HTTPChannel(connection.HTTPChannel):
    """A connection, of a factory or by itself: it then makes `Request` objects by `requestFactory`.

    Attributes: `timeOut` (seconds without a byte after which it is closed), `abortTimeout` (seconds that closing may take).
    """

    requestFactory: Any = Request
    limits = replace(Limits(), maxHeld=0x4000)
    timeOut: float | None = None
    abortTimeout: float | None = 15
    maxHeaders = 500
    totalHeadersSize = 16384
    _optimisticEagerReadSize = 0x4000
    _negotiatedProtocol = b"http/1.1"
    needsHost = False

    _timer: Any = None
    _abort_timer: Any = None
    _requestProducer: Any = None

    @property
    def _channel(self) -> HTTPChannel:
        return self

    def callLater(self, seconds: float, function: Any, *args: Any) -> Any:
        """The timer of this connection; tests put another in its place."""
        reactor = getattr(self.factory, "reactor", None) or getReactor()
        return reactor.callLater(seconds, function, *args)

    def connectionMade(self) -> None:
        """A client is there."""
        self.secure = bool(_provides(ISSLTransport, self.transport) or getattr(self.transport, "TLS", False))
        self.site = self.factory
        if self.factory is not None:
            self.limits = getattr(self.factory, "limits", self.limits)
        self.limits = replace(self.limits, maxHeaders=self.maxHeaders, maxHeaderBytes=self.totalHeadersSize)
        negotiated = getattr(self.transport, "negotiatedProtocol", None)
        if negotiated == b"h2":
            raise ValueError("HTTP/2 was negotiated, which is not spoken here.")
        if negotiated not in (None, b"http/1.1"):
            raise AssertionError(f"{negotiated!r} was negotiated, which is not spoken here.")
        self._restart()

    def _restart(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if self.timeOut is not None and not self._closing:
            self._timer = self.callLater(self.timeOut, self.timeoutConnection)

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._abort_timer):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._abort_timer = None

    def timeoutConnection(self) -> None:
        """Nothing has come for too long."""
        _log.info("Timing out client: {peer}", peer=self.transport.getPeer())
        self._timer = None
        if self.abortTimeout is not None:
            self._abort_timer = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """Closing takes too long."""
        _log.info("Forcibly timing out client: {peer}", peer=self.transport.getPeer())
        self._abort_timer = None
        self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._timer is not None:
            self._restart()
        if self.limits.maxHeld != self._optimisticEagerReadSize:
            self.limits = replace(self.limits, maxHeld=self._optimisticEagerReadSize)
        super().dataReceived(data)

    def connectionLost(self, reason: Any) -> None:
        """It is gone."""
        self._stop_timers()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.spoilt = True
            reader.giveBack()
        self._held = b""
        requests, self.requests = self.requests, []
        for one in requests:
            one.connectionLost(reason)

    def headReceived(self, reader: Any) -> None:
        """A request's head."""
        factory = self.requestFactory
        if not _provides(INonQueuedRequestFactory, factory) and not isinstance(factory, type):
            self.requestFactory = lambda channel: factory(channel, False)
            try:
                super().headReceived(reader)
            finally:
                self.requestFactory = factory
            return
        super().headReceived(reader)

    def checkPersistence(self, one: Any, version: bytes) -> bool:
        """Whether the connection goes on after a request; if the client asks that it does not, the answer says so, too."""
        if version != b"HTTP/1.1":
            return False
        tokens = [
            token.strip().lower()
            for v in one.requestHeaders.getRawHeaders(b"connection", [])
            for token in v.split(b",")
        ]
        if b"close" in tokens:
            one.responseHeaders.setRawHeaders(b"connection", [b"close"])
            return False
        return True

    def _reject(self, code: int, why: str) -> None:
        self._read_no_more(Rejected(code, why))
        if self.requests:
            self.requests[-1].persistent = False
            return
        self.transport.write(statusLine(400 if code in (501, 505, 431) else code) + b"\r\n")
        self.loseConnection()

    def requestDone(self, request: Any) -> None:
        """The answer to a request is written. TypeError if it is not the one that is answered now."""
        if self.requests and self.requests[0] == request:
            if self._incoming is self.requests[0]:
                self._incoming = request
            self.requests[0] = request
        super().requestDone(request)

    def _next(self) -> None:
        self._feed_held()

    # -- producers: that of the request, and the connection itself for a transport that is full

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write the answer. RuntimeError if there is one."""
        if self._requestProducer is not None:
            raise RuntimeError(
                f"{self._requestProducer!r} was never unregistered, so {producer!r} cannot be registered"
            )
        if not streaming:
            producer = PullToPush(producer, self)
            producer.startStreaming()
        self._requestProducer = producer
        self.transport.registerProducer(producer, True)

    def unregisterProducer(self) -> None:
        """It is done. Does nothing if there is none."""
        producer, self._requestProducer = self._requestProducer, None
        if producer is not None:
            if isinstance(producer, PullToPush):
                producer.stopStreaming()
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """The client does not take what is written: nothing more is made, nor read from it."""
        self._told_to_pause = True
        if not self._paused:
            self.transport.pauseProducing()
        if self._requestProducer is not None:
            self._requestProducer.pauseProducing()

    def resumeProducing(self) -> None:
        """It has taken it."""
        self._told_to_pause = False
        if not self._paused:
            self.transport.resumeProducing()
        if self._requestProducer is not None:
            self._requestProducer.resumeProducing()
        if self._full:
            if self.transport.producer is self:
                self.transport.unregisterProducer()
            self._have_room()

    def stopProducing(self) -> None:
        """The connection is gone."""
        if self._requestProducer is not None:
            self._requestProducer.stopProducing()

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers | Iterable[Any]) -> None:
        """Write the head of an answer."""
        if isinstance(headers, Headers):
            headers = [(name, value) for name, values in headers.getAllRawHeaders() for value in values]
        super().writeHeaders(
            version, code, sanitize(reason), [(sanitize(name), sanitize(value)) for name, value in headers]
        )

    def loseConnection(self) -> None:
        """Close when all is sent."""
        self._closing = True
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        self.transport.loseConnection()


class StringTransport(io.BytesIO):
    """A transport that keeps what is written to it."""

    def writeSequence(self, pieces: Iterable[bytes]) -> None:
        """Write several pieces."""
        self.write(b"".join(pieces))

    def getPeer(self) -> tuple[str, int]:
        """Nobody."""
        return ("", 0)

    getHost = getPeer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """There is always room."""

    def unregisterProducer(self) -> None:
        """It is done."""

    def loseConnection(self) -> None:
        """There is no connection."""


def make_channel(_: bytes = b"") -> HTTPChannel:
    """A connection that speaks what is negotiated: HTTP/1.1."""
    return HTTPChannel()


class HTTPFactory(site.HTTPFactory):
    """Makes connections whose requests are of `requestFactory`."""

    protocol = HTTPChannel
    requestFactory: Any = None
    _logDateTime: str | None = None

    def __init__(
        self,
        logPath: Any = None,
        timeout: float | None = 60.0,
        logFormatter: Any = None,
        reactor: Any = None,
    ) -> None:
        chosen = type(self).requestFactory or Request
        super().__init__(logPath, timeout, logFormatter or combinedLogFormatter, reactor, requestFactory=chosen)

    def buildProtocol(self, addr: Any) -> Any:
        """A connection."""
        channel = super().buildProtocol(addr)
        if self.requestFactory is Request:  # nobody has chosen another one here: the protocol may
            del channel.requestFactory
        if self._reactor is not None:
            channel.callLater = self._reactor.callLater
        return channel

    def log(self, request: Any) -> None:  # type: ignore[override]
        """Write a line to the access log."""
        if self.logFile is not None:
            when = self._logDateTime or datetimeToLogString(self.reactor.seconds())
            self.logFile.write(self._formatter(when, request) + "\n")


class HTTPClient(LineReceiver):
    """A client that is told the parts of an answer: override `handleStatus`, `handleHeader`, `handleEndHeaders`,
    `handleResponse` or `handleResponsePart`. New programs have `plait.web.client`.
    """

    length: int | None = None
    firstLine = True
    _header: bytes | None = None

    def __init__(self) -> None:
        super().__init__()
        self._body = io.BytesIO()

    # -- sending

    def sendCommand(self, command: bytes, path: bytes) -> None:
        """Send the first line."""
        self.transport.writeSequence([sanitize(command), b" ", sanitize(path), b" HTTP/1.0\r\n"])

    def sendHeader(self, name: bytes, value: Any) -> None:
        """Send a header; `value` is bytes or an int."""
        raw = value if isinstance(value, bytes) else str(value).encode("ascii")
        self.transport.writeSequence([sanitize(name), b": ", sanitize(raw), b"\r\n"])

    def endHeaders(self) -> None:
        """Send the end of the headers."""
        self.transport.write(b"\r\n")

    # -- receiving

    def extractHeader(self, header: bytes) -> None:
        """A header is complete. ValueError if it tells a length that is none."""
        name, _, value = header.partition(b":")
        value = value.lstrip()
        self.handleHeader(name, value)
        if name.lower() == b"content-length":
            self.length = decimal(value)

    def lineReceived(self, line: bytes) -> None:
        """A line of the head."""
        if self.firstLine:
            self.firstLine = False
            version, _, rest = line.partition(b" ")
            status, _, message = rest.partition(b" ")
            self.handleStatus(version, status, message)
            return
        if line[:1] in (b" ", b"\t") and self._header is not None:
            self._header += line
            return
        header, self._header = self._header, line
        if header is not None:
            self.extractHeader(header)
        if not line:
            self._header = None
            self.handleEndHeaders()
            self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        """A piece of the body."""
        rest = b""
        if self.length is not None:
            data, rest = data[: self.length], data[self.length :]
            self.length -= len(data)
        self.handleResponsePart(data)
        if self.length == 0:
            self.handleResponseEnd()
            self.setLineMode(rest)

    def connectionLost(self, reason: Any = None) -> None:
        """The end of an answer without a length."""
        self.handleResponseEnd()

    # -- for subclasses

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """The first line."""

    def handleHeader(self, key: bytes, val: bytes) -> None:
        """A header."""

    def handleEndHeaders(self) -> None:
        """All headers are there."""

    def handleResponsePart(self, data: bytes) -> None:
        """A piece of the body; kept for `handleResponse`."""
        self._body.write(data)

    def handleResponseEnd(self) -> None:
        """The body is complete."""
        self.firstLine = True
        body, self._body = self._body, io.BytesIO()
        if body.tell():
            self.handleResponse(body.getvalue())

    def handleResponse(self, response: bytes) -> None:
        """The whole body."""
