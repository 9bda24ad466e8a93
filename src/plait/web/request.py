"""A request to the server, and the answer to it: what a resource is given to render.

What most requests never ask for (the headers as `Headers`, the arguments, cookies, the parts of the path) is made when it
is first asked for. The answer goes out as it is written; an answer that is there at once is one piece of bytes with its head.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import CoroutineType
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

from plait.deferred import CancelledError, Deferred, ensureDeferred
from plait.failure import Failure
from plait.log import Logger
from plait.transport.filesending import sendFile
from plait.web.body import BodyStream, KeptBody
from plait.web.conditions import parseDate, parseTags
from plait.web.connection import HTTPChannel
from plait.web.cookies import joinCookie, parseCookies, sameSiteName, toBytes
from plait.web.error import HTTPError, StreamEnded, UnsupportedMethod
from plait.web.forms import arguments
from plait.web.headers import Headers, sanitize
from plait.web.later import NOT_DONE_YET
from plait.web.status import NO_BODY, RESPONSES, dateHeader, httpDate, statusLine, usualHead

if TYPE_CHECKING:
    from plait.web.reading import Reader

_log = Logger("plait.web")

CACHED = "cached"
"""What `Request.setLastModified` and `Request.setETag` say if the client's copy is good: no body is to be sent."""

_COPY = 65536


class _Late:
    """An attribute that is made when it is first asked for, and kept in one with an underscore before its name, None until then.

    (Not in ``__dict__``: to ask an object for that makes all its attributes slower.)
    """

    __slots__ = ("_make", "_place")

    def __init__(self, make: Callable[[Request], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._place = "_" + name
        setattr(owner, self._place, None)

    def __get__(self, request: Request | None, owner: type) -> Any:
        if request is None:
            return self
        value = getattr(request, self._place)
        if value is None:
            value = self._make(request)
            setattr(request, self._place, value)
        return value

    def __set__(self, request: Request, value: Any) -> None:
        setattr(request, self._place, value)


def _late(make: Callable[[Request], Any]) -> Any:
    return _Late(make)


def _make_headers(request: Request) -> Headers:
    headers = Headers()
    for name, value in request._raw_headers:
        headers.addRawHeader(name, value)
    return headers


def _split(request: Request) -> tuple[bytes, bytes]:
    """The path and the query of the target; of one with a host (RFC 9112, section 3.2.2) that is left out."""
    target = request.uri
    if not target.startswith(b"/") and b"://" in target:
        rest = target.split(b"://", 1)[1]
        target = b"/" + rest.partition(b"/")[2]
    path, _, query = target.partition(b"?")
    return path, query


def _make_args(request: Request) -> dict[bytes, list[bytes]]:
    return arguments(request, _split(request)[1])


def _make_content(request: Request) -> IO[bytes]:
    return io.BytesIO() if request._body is None else request._body.asFile()


def _make_postpath(request: Request) -> list[bytes]:
    path = _split(request)[0]
    return [unquote_to_bytes(part) for part in path[1:].split(b"/")]


def _make_cookies(request: Request) -> dict[bytes, bytes]:
    pairs = request._raw_headers or _pairs(request)
    return parseCookies(value for name, value in pairs if name.lower() == b"cookie")


def _pairs(request: Request) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, values in request.requestHeaders.getAllRawHeaders() for value in values]


class Request:
    """One request.

    Attributes: `method`, `uri` (the target as it came), `path` (without the query), `clientproto` (``b"HTTP/1.1"``),
    `requestHeaders`, `responseHeaders` (`Headers`), `args` (from the query and, for a form, the body: a list of values for each
    name), `content` (the body, a file), `prepath` and `postpath` (the parts of the path that lead here, and those beyond),
    `received_cookies`, `cookies` (what is to be set), `code`, `code_message`, `finished`, `startedWriting`, `sentLength` (bytes
    of the body), `channel`, `transport`, `site`, `persistent` (whether the connection goes on after it),
    `encoder` (what changes the body on its way, see `plait.web.encoding`), `endless` (true: the answer has no end of its
    own, and is broken off when the server is about to end), `errorAs` (makes the content type and the body of an
    answer that tells of an error, from its status and a message; None for pages and plain text).

    :param channel: the connection.
    """

    defaultContentType: bytes | None = b"text/html"
    method = b"(no method yet)"
    uri = b"(no uri yet)"
    clientproto = b"(no clientproto yet)"
    code = 200
    code_message: bytes | None = None
    finished = False
    startedWriting = False
    persistent = True
    sentLength = 0
    chunked = False
    producer: Any = None
    encoder: Any = None
    endless = False
    _work: Deferred[Any] | None = None
    _room: _Room | None = None
    errorAs: Callable[[int, str], tuple[bytes, bytes]] | None = None
    site: Any = None
    etag: bytes | None = None
    lastModified: float | None = None
    _sessions: Mapping[bool, Any] = {}
    user = b""
    bodyLimit: int | None = None
    expects = False
    appRootURL: bytes | None = None
    _disconnected = False
    _inFakeHead = False
    _body: KeptBody | None = None
    _stream: BodyStream | None = None
    _streamed = 0
    _left: int | None = None
    _head = False
    _version11 = True

    path: bytes = _late(lambda request: _split(request)[0])
    requestHeaders: Headers = _late(_make_headers)
    responseHeaders: Headers = _late(lambda request: Headers())
    args: dict[bytes, list[bytes]] = _late(_make_args)
    content: IO[bytes] = _late(_make_content)
    prepath: list[bytes] = _late(lambda request: [])
    postpath: list[bytes] = _late(_make_postpath)
    sitepath: list[bytes] = _late(lambda request: [])
    received_cookies: dict[bytes, bytes] = _late(_make_cookies)
    cookies: list[bytes] = _late(lambda request: [])
    client: Any = _late(lambda request: None if request.channel is None else request.channel.getPeer())
    host: Any = _late(lambda request: None if request.channel is None else request.channel.getHost())
    notifications: list[Deferred[None]] = _late(lambda request: [])
    password: bytes = b""
    startedAt: float
    channel: Any

    _requestHeaders: Headers | None
    _responseHeaders: Headers | None
    _content: IO[bytes] | None
    _prepath: list[bytes] | None
    _cookies: list[bytes] | None
    _notifications: list[Deferred[None]] | None

    def __init__(self, channel: Any, queued: object = None) -> None:
        self.channel = channel
        self.transport = getattr(channel, "transport", None)
        self.site = getattr(channel, "site", None)
        self._raw_headers: list[tuple[bytes, bytes]] = []
        # What every answer looks at. Found in the class it would be found slowly.
        self.code = 200
        self.persistent = True
        self.startedWriting = self._disconnected = False
        self.code_message = self.encoder = None
        self._responseHeaders = self._cookies = self._notifications = self._content = None
        self._prepath = self._stream = self._room = None

    def __repr__(self) -> str:
        method, uri, proto = (
            part.decode("ascii", "backslashreplace") for part in (self.method, self.uri, self.clientproto)
        )
        return f"<{type(self).__name__} at {id(self):#x} method={method} uri={uri} clientproto={proto}>"

    # -- what comes in

    def received(self, reader: Reader) -> None:
        """The head, from the connection."""
        self.method = reader.method
        self.uri = reader.target
        self._raw_headers = reader.headers
        self._head = reader.method == b"HEAD"
        self._version11 = reader.version == "1.1"
        self.clientproto = b"HTTP/1.1" if self._version11 else b"HTTP/1.0"

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of it, from a connection of another kind; the body is in `content`. TypeError if `path` is no bytes."""
        if not isinstance(path, bytes):
            raise TypeError(f"the target of a request is bytes, not {path!r}")
        self.method, self.uri, self.clientproto = command, path, version
        self._head = command == b"HEAD"
        self._version11 = version == b"HTTP/1.1"
        if self._content is not None:
            self._content.seek(0)
        self.allReceived()

    def gotLength(self, length: int | None) -> None:
        """A connection of another kind tells how long the body will be; None: it does not know."""
        maker = getattr(self.site, "getContentFile", None)
        self.content = io.BytesIO() if maker is None else maker(length)

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body, from a connection of another kind."""
        self.content.write(data)

    def mayHaveBody(self, length: int) -> bool:
        """Whether a body of so many bytes is taken."""
        limit = self._limit()
        return limit is None or length <= limit

    def _limit(self) -> int | None:
        if self.bodyLimit is None:
            limits = self.channel.limits
            self.bodyLimit = limits.maxStreamedBody if self._streams() else limits.maxBody
        return self.bodyLimit

    def _streams(self) -> bool:
        """Whether it takes its body as it comes; one behind another (pipelined) is kept like those of other resources."""
        return self.site is not None and self.site.streamsBody and self.channel.isTurnOf(self)

    def bodyBegins(self, length: int | None, expects: bool) -> None:
        """A body will come. A resource that takes it as it comes is rendered now."""
        channel = self.channel
        self._limit()
        if self._streams():
            wanted = self._body_wanted if expects else _nothing
            self._stream = BodyStream(wanted, channel.pauseBody, channel.resumeBody)
            self._process()
            return
        self._body = KeptBody(channel.limits.bodyInMemory)
        self.expects = expects
        if expects and channel.isTurnOf(self):
            channel.sendContinue()

    def _body_wanted(self) -> None:
        self.channel.sendContinue(self.startedWriting)

    def bodyReceived(self, data: bytes) -> bool:
        """A piece of the body; false if it is too much."""
        if self._stream is not None:
            if not self.finished:
                self._streamed += len(data)
                if self.bodyLimit is not None and self._streamed > self.bodyLimit:
                    return False
                self._stream.put(data)
            return True
        body = self._body
        if body is not None:
            body.add(data)
            return self.bodyLimit is None or body.size <= self.bodyLimit
        return True

    def allReceived(self) -> None:
        """The request is complete, and those before it are answered."""
        if self._stream is not None:
            self._stream.end()
            return
        try:
            self.process()
        except Exception:
            self.processingFailed(Failure())

    @property
    def streamed(self) -> bool:
        """Whether the body is taken as it comes, and is not in `content`."""
        return self._stream is not None

    def stream(self) -> AsyncIterator[bytes]:
        """The pieces of the body as they come, for ``async for``; raises what ended the connection if that comes first.

        They come before the whole is there if the root of the site says so (`Resource.streamsBody`).
        """
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        while data := await self.readBody():
            yield data

    async def readBody(self) -> bytes:
        """The next piece of the body; ``b""`` at the end."""
        if self._stream is not None:
            return await self._stream.read()
        return self.content.read(_COPY)

    def _process(self) -> None:
        try:
            self.process()
        except Exception:
            self.processingFailed(Failure())

    def process(self) -> None:
        """Find the resource and let it render. A subclass may answer by itself instead."""
        site = self.site
        if self.uri == b"*":
            self._answer_for_server()
        elif site is not None:
            self.render(site.getResourceFor(self))

    def _answer_for_server(self) -> None:
        """The server itself is asked, not a resource (RFC 9112, section 3.2.4): it takes OPTIONS only."""
        if self.method != b"OPTIONS":
            self.setResponseCode(405)
            self.setHeader(b"allow", b"OPTIONS")
        self.respond(b"")

    def render(self, resource: Any) -> None:
        """Let a resource answer. Its errors are answered with 500 (`processingFailed`)."""
        try:
            result = resource.render(self)
        except Exception as error:
            self._render_failed(error, resource)
            return
        if type(result) is bytes:
            self.respond(result)
        elif result is not NOT_DONE_YET:
            self._answer_with(result)

    def _render_failed(self, error: Exception, resource: Any) -> None:
        from plait.web.resource import answer_unsupported

        if isinstance(error, UnsupportedMethod) and not self.startedWriting:
            self._answer_with(answer_unsupported(self, error, resource))
        else:
            self.processingFailed(Failure(error))

    def _answer_with(self, result: Any) -> None:
        if type(result) is bytes:
            self.respond(result)
        elif result == NOT_DONE_YET and not isinstance(result, bool):
            return
        elif isinstance(result, CoroutineType):
            self._wait_for(ensureDeferred(result))
        elif isinstance(result, Deferred):
            self._wait_for(result)
        elif isinstance(result, (bytes, bytearray, memoryview)):
            self.respond(bytes(result))
        else:
            kind = type(result).__name__
            self.processingFailed(
                Failure(
                    TypeError(f"a render method returns bytes, NOT_DONE_YET, a Deferred or a coroutine, not {kind}")
                )
            )

    def _wait_for(self, deferred: Deferred[Any]) -> None:
        deferred.addCallbacks(self._later, self._failed_later)
        if not deferred.called or deferred.paused:
            self._work = deferred
            self.notifyFinish().addErrback(lambda _: deferred.cancel())

    def _later(self, result: Any) -> None:
        if result is None and (self.startedWriting or self.finished):
            if not self.finished and not self._disconnected:
                self.finish()
        elif not self.finished and not self._disconnected:
            self._answer_with(b"" if result is None else result)

    def _failed_later(self, failure: Failure) -> None:
        if not (self._disconnected or (self.finished and failure.check(CancelledError, StreamEnded))):
            self.processingFailed(failure)

    def breakOff(self) -> None:
        """Let the answer be complete as it is, and cancel the coroutine or the Deferred that was to go on with it."""
        if not self.finished and not self._disconnected:
            self.finish()
            if self._work is not None:
                self._work.cancel()

    # -- the answer

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:
        """Set the status; its phrase is the registered one if `message` is None.

        :raises TypeError: if `code` is no int, or `message` no bytes.
        """
        if not isinstance(code, int):
            raise TypeError(f"the HTTP response code must be int, not {type(code).__name__}")
        if message is not None and not isinstance(message, bytes):
            raise TypeError("the HTTP response status message must be bytes")
        self.code = code
        self.code_message = message or RESPONSES.get(code, b"Unknown Status")

    def setHeader(self, name: bytes | str, value: bytes | str) -> None:
        """Set a header of the answer, in place of what it was. Line breaks in it become blanks."""
        headers = self._responseHeaders
        if headers is None:
            headers = self._responseHeaders = Headers()
        headers.set(name, value)

    def _begin(self, length: int | None) -> bytes:
        """The head of the answer, its empty line included. `length`: of a body that is complete."""
        self.startedWriting = True
        code = self.code
        head = usualHead(code) if self.code_message is None else statusLine(code, self.code_message) + dateHeader()
        no_body = code in NO_BODY or code < 200
        left = length
        typed = False
        headers = self._responseHeaders
        if headers is not None:
            for name, values in headers._raw.items():
                if name == b"Content-Type":
                    typed = True
                    head += b"Content-Type: %b\r\n" % values[-1]
                elif name not in _OURS:
                    for value in values:
                        head += b"%b: %b\r\n" % (name, value)
                elif name == b"Content-Length":
                    left = _number(values, length)
                elif name == b"Connection" and any(b"close" in value.lower() for value in values):
                    self.persistent = False
        if self._cookies is not None:
            for cookie in self._cookies:
                head += b"Set-Cookie: %b\r\n" % sanitize(cookie)
        if no_body:
            self._left = 0
        else:
            if not typed and self.defaultContentType is not None:
                head += b"Content-Type: %b\r\n" % self.defaultContentType
            if left is not None:
                head += b"Content-Length: %d\r\n" % left
                self._left = left
            elif self._version11:
                head += b"Transfer-Encoding: chunked\r\n"
                self.chunked = True
            else:
                self.persistent = False
        if not self.persistent:
            return head + b"Connection: close\r\n\r\n"
        if not self._version11:
            head += b"Connection: keep-alive\r\n"
        return head + b"\r\n"

    def respond(self, body: bytes) -> None:
        """Answer with a body that is complete, and finish."""
        if self.startedWriting or type(self.channel) is not HTTPChannel:
            if not self.startedWriting and self.encoder is None:
                self.setHeader(b"content-length", b"%d" % len(body))
            if body or not self.startedWriting:
                self.write(body)
            self.finish()
            return
        if self._disconnected:
            return
        if self.encoder is not None:
            # of the answer to HEAD there may be nothing but what it would say
            unknown = self._head and not body
            if self._start_encoding(None if unknown else len(body)):
                if unknown:
                    self.channel.transport.write(self._begin(None))
                    self._end()
                    return
                body = self.encoder.encode(body) + self.encoder.finish()
        size = len(body)
        if self._stream is not None and not self._stream.done:
            self.persistent = False  # the rest of the body is not waited for
        head = self._begin(size)
        if self._left != size and not self._head and self.code not in NO_BODY:
            # the length that was set says something else: that of the body counts
            self.responseHeaders.removeHeader(b"content-length")
            head = self._begin(size)
        self._left = 0
        if self._head or self.code in NO_BODY:
            self.channel.transport.write(head)
        else:
            self.sentLength = size
            self.channel.transport.write(head + body)
        self._end()

    def respondWith(self, answer: bytes, size: int) -> None:
        """Finish with an answer that somebody else has put together, head and all; `size` is that of its body, in bytes."""
        self.startedWriting = True
        self.sentLength = size
        self.channel.transport.write(answer)
        self._end()

    def _start_encoding(self, size: int | None) -> bool:
        """The headers of the answer are set: settle whether it is encoded. `size`: of all of it, if that is known."""
        choose = getattr(self.encoder, "choose", None)
        if choose is not None:
            self.encoder = choose(self, size)
        if self.encoder is None:
            return False
        self.responseHeaders.removeHeader(b"content-length")
        return True

    def _start(self) -> None:
        """Write the head before the first piece of the body."""
        channel = self.channel
        if self.encoder is not None:
            self._start_encoding(None)
        if type(channel) is HTTPChannel:
            channel.transport.write(self._begin(None))
            return
        self.startedWriting = True
        self._head = self.method == b"HEAD"
        self._version11 = self.clientproto == b"HTTP/1.1"
        headers = self.responseHeaders
        if self._version11 and not headers.hasHeader(b"content-length") and not self._head and self.code not in NO_BODY:
            headers.setRawHeaders(b"transfer-encoding", [b"chunked"])
            self.chunked = True
        if self.lastModified is not None and not headers.hasHeader(b"last-modified"):
            headers.setRawHeaders(b"last-modified", [httpDate(self.lastModified)])
        if self.etag is not None:
            headers.setRawHeaders(b"etag", [self.etag])
        empty = self.code in NO_BODY or headers.getRawHeaders(b"content-length") == [b"0"]
        if not headers.hasHeader(b"content-type") and self.defaultContentType is not None and not empty:
            headers.setRawHeaders(b"content-type", [self.defaultContentType])
        pairs = [(name, value) for name, values in headers.getAllRawHeaders() for value in values]
        pairs += [(b"Set-Cookie", sanitize(cookie)) for cookie in self.cookies]
        reason = self.code_message or RESPONSES.get(self.code, b"Unknown Status")
        channel.writeHeaders(self.clientproto, b"%d" % self.code, reason, pairs)

    def write(self, data: bytes) -> None:
        """Send a piece of the body; the first one sends the head, too.

        :raises RuntimeError: after `finish`.
        :raises TypeError: if `data` is no bytes.
        """
        if self.finished:
            raise RuntimeError("Request.write called on a request after Request.finish was called.")
        if not isinstance(data, bytes):
            raise TypeError(f"the data of an answer is bytes, not {type(data).__name__}; encode text first")
        if self._disconnected:
            return
        if not self.startedWriting:
            self._start()
        if self._head or self.code in NO_BODY or not data:
            return
        if self.encoder is not None:
            data = self.encoder.encode(data)
            if not data:
                return
        if self._left is not None:
            if len(data) > self._left:
                self._too_much()
                data = data[: self._left]
            self._left -= len(data)
        self.sentLength += len(data)
        if self.chunked:
            self.channel.writeSequence([b"%x\r\n" % len(data), data, b"\r\n"])
        else:
            self.channel.write(data)

    def _too_much(self) -> None:
        self.persistent = False
        _log.error("The answer to {request!r} is longer than its Content-Length: the rest is not sent.", request=self)

    def sendFile(self, file: IO[bytes], offset: int, count: int) -> Deferred[int]:
        """Send a part of a file as a piece of the body: by the kernel where it can (`plait.transport.filesending`).

        :returns: fires when it is sent, see there; while it is, nothing else is written.
        """
        if not self.startedWriting and not self._disconnected:
            self._start()
        if self._disconnected or self._head or self.code in NO_BODY:
            done: Deferred[int] = Deferred()
            done.callback(count)
            return done
        if self.chunked or self.encoder is not None or not isinstance(self.channel, HTTPChannel):
            return ensureDeferred(self._copy(file, offset, count))
        if self._left is not None:
            self._left -= count
        self.sentLength += count
        self.channel.sendsFile = True
        return sendFile(self.channel.transport, file, offset, count).addBoth(self._file_sent)

    def _file_sent(self, result: Any) -> Any:
        self.channel.sendsFile = False
        return result

    async def _copy(self, file: IO[bytes], offset: int, count: int) -> int:
        file.seek(offset)
        left = count
        while left and not self._disconnected:
            data = file.read(min(left, _COPY))
            if not data:
                break
            left -= len(data)
            self.write(data)
            await self.drained()
        return count - left

    async def drained(self) -> None:
        """Wait until the client has taken what was written, as far as it is not to pile up."""
        transport = getattr(self.channel, "transport", None)
        if self.producer is None and hasattr(transport, "registerProducer") and not self._disconnected:
            room = self._room = _Room()
            transport.registerProducer(room, True)  # type: ignore[union-attr]
            try:
                await room.there()
            finally:
                if self._room is room:
                    self._leave_room()

    def _leave_room(self) -> _Room | None:
        """Nobody waits for room any more."""
        room, self._room = self._room, None
        if room is not None and not self._disconnected:
            self.channel.transport.unregisterProducer()
        return room

    def finish(self) -> None:
        """The answer is complete.

        :raises RuntimeError: when it was called before, or the client has gone (see `notifyFinish`).
        """
        if self.finished:
            raise RuntimeError("Request.finish called on a request after its connection was finished already.")
        if self._disconnected:
            raise RuntimeError(
                "Request.finish called on a request after its connection was lost; use Request.notifyFinish to hear of that."
            )
        if not self.startedWriting:
            if type(self.channel) is HTTPChannel:
                self.respond(b"")
                return
            self.write(b"")
        if self.encoder is not None:
            encoder, self.encoder = self.encoder, None
            self.write(encoder.finish())
        if self.chunked and not self._head:
            self.channel.write(b"0\r\n\r\n")
        if self._left and not self._head:
            _log.error("The answer to {request!r} is shorter than its Content-Length.", request=self)
            self.persistent = False
            self._end()
            return
        self._end()

    def _end(self) -> None:
        self.finished = True
        site = self.site
        if site is not None and site.logFile is not None:
            site.log(self)
        waiting, self._notifications = self._notifications, None
        if self._stream is not None and not self._stream.done:
            self.persistent = False
        # the connection may have to wait for room itself
        room = None if self._room is None else self._leave_room()
        self.channel.requestDone(self)
        if waiting is not None:
            for deferred in waiting:
                deferred.callback(None)
        if room is not None:
            room.resumeProducing()
        if self._content is not None:
            self._content.close()

    def notifyFinish(self) -> Deferred[None]:
        """A Deferred that fires with None when the answer is complete, and fails when the connection is gone before that."""
        deferred: Deferred[None] = Deferred()
        self.notifications.append(deferred)
        return deferred

    def connectionLost(self, reason: Failure) -> None:
        """The client is gone."""
        self._disconnected = True
        if self._stream is not None:
            self._stream.end(reason)
        waiting, self._notifications = self._notifications, None
        if self._content is not None:
            self._content.close()
        for deferred in waiting or ():
            deferred.errback(reason)
        room = self._leave_room()
        if room is not None:
            room.resumeProducing()

    def processingFailed(self, reason: Failure) -> Any:
        """Log an error of the resource's, and answer with 500; an answer that has begun is cut off.

        An `HTTPError`, such as that of a form that it could not read, says itself what to answer.
        """
        error = reason.value
        if isinstance(error, HTTPError) and not (self.startedWriting or self.finished or self._disconnected):
            self._forget_answer()
            for name, value in error.headers.items():
                self.setHeader(name, value)
            self._tell_error(error.code, *(self.errorAs or _plain_error)(error.code, str(error)))
            return reason
        _log.failure("Cannot answer {method} {uri}", reason, method=_text(self.method), uri=_text(self.uri))
        if self.finished or self._disconnected:
            return reason
        if self.startedWriting:
            self.channel.abortConnection()
            return reason
        self._forget_answer()
        if self.errorAs is None or (self.site is not None and self.site.displayTracebacks):
            self._tell_error(500, b"text/html; charset=utf-8", self._failure_page(reason))
        else:
            self._tell_error(500, *self.errorAs(500, "Internal Server Error"))
        return reason

    def _forget_answer(self) -> None:
        self._responseHeaders = self._cookies = None
        self.encoder = None

    def _tell_error(self, code: int, kind: bytes, body: bytes) -> None:
        self.setResponseCode(code)
        self.setHeader(b"content-type", kind)
        self.respond(body)

    def _failure_page(self, reason: Failure) -> bytes:
        if self.site is not None and self.site.displayTracebacks:
            from plait.web.template.failures import formatFailure

            return (
                b"<!DOCTYPE html><html><head><title>500 - the server met an error</title></head><body>%b</body></html>"
                % (formatFailure(reason))
            )
        return (
            b"<!DOCTYPE html><html><head><title>500 - Internal Server Error</title></head>"
            b"<body><h1>Internal Server Error</h1><p>The server met an error and could not answer.</p></body></html>"
        )

    def upgrade(self, protocol: Any, answer: bytes) -> None:
        """Answer, and let the connection be another protocol's: it gets what the client sends from now on, and has sent
        behind this request. The protocol's `makeConnection` is called, in which it may write.

        :param answer: the head of the answer, its empty line included: ``101`` for an upgrade (RFC 9110, section 7.8), ``2xx``
            for ``CONNECT`` (section 9.3.6).
        :raises RuntimeError: if the request has not asked for that, or an answer has begun.
        """
        wanted = self.method == b"CONNECT" or self.getHeader(b"upgrade") is not None
        if not wanted or self.startedWriting or self._disconnected or not isinstance(self.channel, HTTPChannel):
            raise RuntimeError(
                f"{self!r} cannot be upgraded: the client has not asked for it, or is gone, or has an answer"
            )
        self.startedWriting = self.finished = True
        channel = self.channel
        if self.site is not None and self.site.logFile is not None:
            self.site.log(self)
        channel.transport.write(answer)
        channel.upgrade(self, protocol)
        waiting, self._notifications = self._notifications, None
        for deferred in waiting or ():
            deferred.callback(None)

    def loseConnection(self) -> None:
        """Close the connection: what has been written is sent first."""
        self.persistent = False
        if self.channel is not None:
            self.channel.loseConnection()

    def redirect(self, url: bytes | str) -> None:
        """Answer with 302 and this URL, unless another status for that is set."""
        if self.code // 100 != 3:
            self.setResponseCode(302)
        self.setHeader(b"location", url)

    def setLastModified(self, when: float) -> str | None:
        """Say when the resource was changed, in seconds since the epoch. `CACHED` if the client's copy is of no earlier time: the
        status is 304 then, and no body is to be sent.
        """
        seconds = int(-(-when // 1))
        if self.lastModified is None or seconds > self.lastModified:
            self.lastModified = seconds
        self.setHeader(b"last-modified", httpDate(self.lastModified))
        since = self.getHeader(b"if-modified-since")
        if since is not None:
            date = parseDate(since.split(b";")[0])
            if date is not None and date >= self.lastModified:
                self.setResponseCode(304)
                return CACHED
        return None

    def setETag(self, etag: bytes) -> str | None:
        """Say which version of the resource it is (with the quotes). `CACHED` if the client has it: see `setLastModified`."""
        if etag:
            self.etag = etag
            self.setHeader(b"etag", etag)
        tags = self.getHeader(b"if-none-match")
        if tags is not None:
            # by weak comparison (RFC 9110, section 13.1.2)
            found = [tag.removeprefix(b"W/") for tag in parseTags(tags) + tags.split()]
            if etag.removeprefix(b"W/") in found or b"*" in found:
                self.setResponseCode(304 if self.method in (b"HEAD", b"GET") else 412)
                return CACHED
        return None

    def addCookie(
        self,
        k: bytes | str,
        v: bytes | str,
        expires: bytes | str | None = None,
        domain: bytes | str | None = None,
        path: bytes | str | None = None,
        max_age: bytes | str | int | None = None,
        comment: bytes | str | None = None,
        secure: bool | None = None,
        httpOnly: bool = False,
        sameSite: bytes | str | None = None,
    ) -> None:
        """Set a cookie (RFC 6265, section 4.1).

        :raises ValueError: if `sameSite` is something else than lax, strict or none.
        """
        site = None if not sameSite else sameSiteName(_part(sameSite)).lower()
        cookie = joinCookie(
            _part(k),
            _part(v),
            [
                (name, None if value is None else _part(value))
                for name, value in (
                    (b"Expires", expires),
                    (b"Domain", domain),
                    (b"Path", path),
                    (b"Max-Age", str(max_age) if isinstance(max_age, int) else max_age),
                    (b"Comment", comment),
                )
            ],
            (b"Secure", secure),
            (b"HttpOnly", httpOnly),
            (b"SameSite=%b" % (site or b""), site is not None),
        )
        self.cookies.append(cookie)

    # -- asking

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

    @property
    def session(self) -> Any:
        """The session that `getSession` has given, or None."""
        return self._sessions.get(self.isSecure())

    @session.setter
    def session(self, session: Any) -> None:
        self._sessions = {} if session is None else {self.isSecure(): session}

    def getSession(self, sessionInterface: Any = None, forceNotSecure: bool = False) -> Any:
        """The session that the client's cookie names; a new one if there is none. Or what that is adapted to."""
        secure = self.isSecure() and not forceNotSecure
        name = b"_".join([b"TWISTED_SECURE_SESSION" if secure else b"TWISTED_SESSION", *self.sitepath])
        session = self._sessions.get(secure)
        if session is None or session.expired:
            session = None
            uid = self.getCookie(name)
            if uid:
                try:
                    session = self.site.getSession(uid)
                except KeyError:
                    session = None
        if session is None:
            session = self.site.makeSession()
            self.addCookie(name, session.uid, path=b"/", secure=secure, httpOnly=True, sameSite=b"lax")
        self._sessions = {**self._sessions, secure: session}
        session.touch()
        if sessionInterface is not None:
            return session.getComponent(sessionInterface)
        return session

    # -- producers

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write the answer, see `plait.transport.stream.Connection.registerProducer`.

        :raises ValueError: if there is one.
        """
        if self.producer is not None:
            raise ValueError(f"registering producer {producer} before previous one ({self.producer}) was unregistered")
        self.producer = producer
        self.channel.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """It is done."""
        self.producer = None
        self.channel.unregisterProducer()


class _Room:
    """A producer that has nothing to write, and wants to know when somebody could."""

    def __init__(self) -> None:
        self._full = False
        self._waiting: Deferred[None] | None = None

    def pauseProducing(self) -> None:
        self._full = True

    def resumeProducing(self) -> None:
        self._full = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        # not yet: who went on now would not see that the connection is lost, and might write for ever
        self._full = True

    async def there(self) -> None:
        if self._full:
            self._waiting = Deferred()
            await self._waiting


def _plain_error(code: int, message: str) -> tuple[bytes, bytes]:
    """An error told in plain text."""
    return b"text/plain; charset=utf-8", f"{message}\n".encode("utf-8", "replace")


def _nothing() -> None:
    """The client does not wait to be told."""


def _number(values: list[bytes], otherwise: int | None) -> int | None:
    try:
        number = int(values[-1]) if values else -1
    except ValueError:
        return otherwise
    return number if number >= 0 else otherwise


# Headers of an answer that say how it is framed, or are looked at for another reason.
_OURS = frozenset((b"Content-Length", b"Transfer-Encoding", b"Connection"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _part(value: bytes | str) -> bytes:
    """A part of a cookie: what would begin another part becomes a blank."""
    return sanitize(toBytes(value)).replace(b";", b" ")
