"""The answer to a request, and what is known of the client between two of them: cookies and a session.

It goes out as it is written; an answer that is there at once is one piece of bytes with its head.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from plait.deferred import Deferred, ensureDeferred, succeed
from plait.failure import Failure
from plait.log import Logger
from plait.transport.filesending import sendFile
from plait.web.asked import Asked, late
from plait.web.body import PIECE
from plait.web.conditions import parseDate, parseTags
from plait.web.connection import HTTPChannel
from plait.web.cookies import joinCookie, sameSiteName, toBytes
from plait.web.headers import Headers, sanitize
from plait.web.status import NO_BODY, RESPONSES, dateHeader, httpDate, statusLine, usualHead

_log = Logger("plait.web")

CACHED = "cached"
"""What `Request.setLastModified` and `Request.setETag` say if the client's copy is good: no body is to be sent."""


class Answered(Asked):
    """A request, as far as it is asked and answered; see `plait.web.request.Request`."""

    defaultContentType: bytes | None = b"text/html"
    code = 200
    code_message: bytes | None = None
    finished = False
    startedWriting = False
    persistent = True
    sentLength = 0
    chunked = False
    producer: Any = None
    encoder: Any = None
    etag: bytes | None = None
    lastModified: float | None = None
    _room: _Room | None = None
    _sessions: Mapping[bool, Any] = {}
    _disconnected = False
    _left: int | None = None
    _head = False
    _version11 = True

    responseHeaders: Headers = late(lambda request: Headers())
    cookies: list[bytes] = late(lambda request: [])
    notifications: list[Deferred[None]] = late(lambda request: [])

    _responseHeaders: Headers | None
    _cookies: list[bytes] | None
    _notifications: list[Deferred[None]] | None

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
                    if length is None or self._head:  # else it is known better
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
            return succeed(count)
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
            data = file.read(min(left, PIECE))
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

    # -- the session

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


def _number(values: list[bytes], otherwise: int | None) -> int | None:
    try:
        number = int(values[-1]) if values else -1
    except ValueError:
        return otherwise
    return number if number >= 0 else otherwise


# Headers of an answer that say how it is framed, or are looked at for another reason.
_OURS = frozenset((b"Content-Length", b"Transfer-Encoding", b"Connection"))


def _part(value: bytes | str) -> bytes:
    """A part of a cookie: what would begin another part becomes a blank."""
    return sanitize(toBytes(value)).replace(b";", b" ")
