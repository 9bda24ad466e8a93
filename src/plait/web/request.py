"""A request to the server: what a resource is given to render.

`plait.web.asked` has what it can be asked, `plait.web.answer` what it can be told; here is the way from one to the other: the
body comes, the resource is found, and what that returns or raises becomes the answer.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from types import CoroutineType
from typing import Any

from plait.deferred import CancelledError, Deferred, ensureDeferred
from plait.errors import ConnectionClosed
from plait.failure import Failure
from plait.log import Logger
from plait.web.answer import CACHED, Answered
from plait.web.body import PIECE, BodyStream, KeptBody
from plait.web.connection import HTTPChannel
from plait.web.error import HTTPError, StreamEnded, UnsupportedMethod
from plait.web.later import NOT_DONE_YET
from plait.web.reading import Reader, Rejected

__all__ = ["CACHED", "Request"]

_log = Logger("plait.web")

# What is raised in a coroutine because its request is over.
_ENDS = (CancelledError, asyncio.CancelledError, ConnectionClosed, StreamEnded, Rejected)


class Request(Answered):
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

    endless = False
    errorAs: Callable[[int, str], tuple[bytes, bytes]] | None = None
    bodyLimit: int | None = None
    expects = False
    startedAt: float
    _work: Deferred[Any] | None = None
    _streamed = 0

    def __init__(self, channel: Any, queued: object = None) -> None:
        self.channel = channel
        self.transport = getattr(channel, "transport", None)
        self.site = getattr(channel, "site", None)
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

    async def stream(self) -> AsyncIterator[bytes]:
        """The pieces of the body as they come, for ``async for``; raises what ended the connection if that comes first.

        They come before the whole is there if the root of the site says so (`Resource.streamsBody`).
        """
        while data := await self.readBody():
            yield data

    async def readBody(self) -> bytes:
        """The next piece of the body; ``b""`` at the end."""
        if self._stream is not None:
            return await self._stream.read()
        return self.content.read(PIECE)

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
        over = self._disconnected or self.finished
        if not (over and failure.check(*_ENDS)) and not (self._disconnected and failure.check(HTTPError)):
            self.processingFailed(failure)

    def breakOff(self) -> None:
        """Let the answer be complete as it is, and cancel the coroutine or the Deferred that was to go on with it."""
        if not self.finished and not self._disconnected:
            self.finish()
            if self._work is not None:
                self._work.cancel()

    # -- what goes wrong, or another way

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


def _plain_error(code: int, message: str) -> tuple[bytes, bytes]:
    """An error told in plain text."""
    return b"text/plain; charset=utf-8", f"{message}\n".encode("utf-8", "replace")


def _nothing() -> None:
    """The client does not wait to be told."""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
