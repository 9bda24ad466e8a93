"""ASGI applications (version 3 of the specification, HTTP and lifespan): Django, FastAPI, Starlette, Quart as a resource.

The application's coroutine is driven by Plait: an answer that does not wait is there at once, without a task and a turn of
the loop, and asyncio's tasks, timeouts and locks work in it as always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from types import CoroutineType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from plait.current import getReactor
from plait.deferred import Deferred, NotACoroutineError, ensureDeferred
from plait.deferred.coroutines import CoroutineDriver
from plait.errors import ConnectionLost
from plait.failure import Failure
from plait.log import Logger
from plait.web.asked import splitTarget
from plait.web.headers import MAX_CACHED_NAME, names, sanitize
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource
from plait.web.status import NO_BODY, usualHead

if TYPE_CHECKING:
    from plait.web.request import Request

__all__ = ["ASGIResource", "LifespanError"]

_log = Logger("plait.web")

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_DISCONNECT = {"type": "http.disconnect"}
_NO_BODY = {"type": "http.request", "body": b"", "more_body": False}


_MOST_CACHED = 200
"""Bytes of a header's value up to which its line is kept for the next answer."""

_MOST_LINES = 1024


class LifespanError(Exception):
    """The application says that it cannot start, or has not stopped well."""


class ASGIResource(Resource):
    """An ASGI application. As the root of a site it has the bodies of requests as they come; put below another resource,
    when they are complete.

    :param application: a function of scope, receive and send.

    `startup` and `shutdown` speak the lifespan protocol with it; what it keeps in its ``state`` is in each request's scope.
    """

    isLeaf = True
    streamsBody = True

    def __init__(self, application: Application) -> None:
        super().__init__()
        self._application: Any = application
        self._lifespan: _Lifespan | None = None
        self._state: dict[str, Any] | None = None
        self._starting: Deferred[None] | None = None

    async def startup(self) -> None:
        """Let the application begin, as soon as the reactor runs; requests wait for that. One that knows no lifespan is left
        alone. LifespanError if it says that it has failed.
        """
        lifespan = _Lifespan(self._application)
        starting = self._starting = Deferred()
        running: Deferred[None] = Deferred()
        getReactor().callWhenRunning(running.callback, None)
        try:
            await running
            if await lifespan.begin():
                self._lifespan = lifespan
                self._state = lifespan.state
        finally:
            self._starting = None
            starting.callback(None)

    async def shutdown(self) -> None:
        """Let it end. LifespanError if it says that this has failed."""
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.end()

    def render(self, request: Request) -> int:
        """Let the application answer; not before it has begun."""
        if self._starting is not None:
            ready: Deferred[None] = Deferred()
            self._starting.addCallback(lambda _: ready.callback(None))
            ready.addCallback(lambda _: None if request._disconnected else self.render(request))
            return NOT_DONE_YET
        template, loop = request.channel.asgi or _of_connection(request)
        _Answer(request, self._application, self._scope(request, template))._step(None, loop=loop)
        return NOT_DONE_YET

    def _scope(self, request: Request, template: dict[str, Any]) -> dict[str, Any]:
        raw_path, query = splitTarget(request)
        scope = template.copy()
        if not request._version11:
            scope["http_version"] = "1.0"
        scope["method"] = request.method.decode("ascii")
        scope["path"] = (unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path).decode("utf-8", "replace")
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        if request._prepath:
            scope["root_path"] = b"".join([b"/" + part for part in request._prepath]).decode("utf-8", "replace")
        scope["headers"] = [(name.lower(), value) for name, value in request._raw_headers]
        if self._state is not None:
            scope["state"] = self._state.copy()
        return scope


def _of_connection(request: Request) -> tuple[dict[str, Any], asyncio.AbstractEventLoop | None]:
    """What is the same in most scopes of a connection, and its loop; found once, and kept with it."""
    client, server = request.client, request.host
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "scheme": "https" if request.isSecure() else "http",
        "root_path": "",
        "client": (client.host, client.port) if hasattr(client, "port") else None,
        "server": (server.host, server.port) if hasattr(server, "port") else (_name(server), None),
        # what differs has its place already: a copy need not grow
        "method": "",
        "path": "",
        "raw_path": b"",
        "query_string": b"",
        "headers": (),
    }
    found = scope, asyncio._get_running_loop()
    request.channel.asgi = found
    return found


_lines: dict[tuple[bytes, bytes], bytes] = {}
"""Lines of headers that were in answers."""


def _line(name: bytes, value: bytes) -> bytes | None:
    """A header's line in an answer; None if it has to be looked at for what it says of the connection or the body."""
    key = name, value
    name = names.encode(name)
    if name in (b"Connection", b"Transfer-Encoding", b"Date"):
        return None
    # that of the body is known
    line = b"" if name == b"Content-Length" else b"%b: %b\r\n" % (name, sanitize(value))
    if len(value) < _MOST_CACHED and len(name) <= MAX_CACHED_NAME:
        if len(_lines) >= _MOST_LINES:
            _lines.clear()
        _lines[key] = line
    return line


def _name(address: object) -> str:
    name = getattr(address, "name", None)
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")


class _Answer(CoroutineDriver):
    """One request's receive and send, and what drives the application for it."""

    __slots__ = ("_body_taken", "_headers", "_request")

    def __init__(self, request: Request, application: Any, scope: Message) -> None:
        self._request = request
        self._body_taken = False
        self._headers: Iterable[tuple[bytes, bytes]] | None = None
        coro = application(scope, self.receive, self.send)
        if type(coro) is not CoroutineType and not isinstance(coro, Coroutine):
            raise NotACoroutineError(
                f"an ASGI application is an async function of scope, receive and send; this one has returned {coro!r}"
            )
        CoroutineDriver.__init__(self, coro)

    async def receive(self) -> Message:
        """The next piece of the body; then, when the client has gone or has its answer, the end."""
        request = self._request
        if not self._body_taken:
            stream = request._stream
            if stream is None:
                self._body_taken = True
                if request._body is None:
                    return dict(_NO_BODY)
                return {"type": "http.request", "body": request.content.read(), "more_body": False}
            try:
                data = await stream.read()
            except Exception:  # the connection is gone
                return dict(_DISCONNECT)
            self._body_taken = stream.done or not data
            return {"type": "http.request", "body": data, "more_body": not self._body_taken}
        if not request.finished and not request._disconnected:
            gone: Deferred[None] = Deferred()
            request.notifyFinish().addBoth(lambda _: None if gone.called else gone.callback(None))
            await gone
        return dict(_DISCONNECT)

    async def send(self, message: Message) -> None:
        """What the application has to say."""
        kind = message["type"]
        request = self._request
        if kind == "http.response.start":
            if self._headers is not None:
                raise RuntimeError("http.response.start was sent twice")
            request.code = int(message["status"])
            self._headers = message.get("headers", ())
            return
        if kind != "http.response.body":
            raise RuntimeError(f"an HTTP application sends no {kind!r}")
        headers = self._headers
        if headers is None:
            raise RuntimeError("http.response.body was sent before http.response.start")
        if request.finished:
            raise RuntimeError("http.response.body was sent after the last one")
        if request._disconnected:
            return
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = bytes(body)
        if message.get("more_body", False):
            if not request.startedWriting:
                self._set_headers(headers)
            request.write(body)
            if _is_full(request):
                await request.drained()
        elif not request.startedWriting:
            self._whole(headers, body)
        else:
            request.write(body)
            request.finish()

    def _whole(self, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """The answer is there at once: its head is put together without looking at it twice."""
        request = self._request
        code = request.code
        usual = not request._head and request.persistent and request._version11 and request.encoder is None
        if usual and code not in NO_BODY and code >= 200:
            head = usualHead(code)
            for name, value in headers:
                line = _lines.get((name, value))
                if line is None:
                    line = _line(name, value)
                    if line is None:
                        break
                head += line
            else:
                request.respondWith(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body), len(body))
                return
        self._set_headers(headers)
        request.respond(body)

    def _set_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        request = self._request
        request.defaultContentType = None
        for name, value in headers:
            if name.lower() != b"date":  # each answer has one
                request.responseHeaders.addRawHeader(bytes(name), bytes(value))

    def _finish(self, value: Any, failure: Failure | None) -> None:
        """The application has returned, or raised."""
        CoroutineDriver._finish(self, value, failure)
        request = self._request
        over = request.finished or request._disconnected
        if failure is None:
            if not over:
                request.processingFailed(
                    Failure(RuntimeError("the ASGI application has returned before its answer was complete"))
                )
        elif not over:
            request.defaultContentType = type(request).defaultContentType
            request.processingFailed(failure)
        elif not failure.check(asyncio.CancelledError, ConnectionLost):
            _log.failure("The ASGI application has raised an error after its answer", failure)


def _is_full(request: Request) -> bool:
    """Whether more waits to be sent than should pile up."""
    return bool(getattr(request.channel.transport, "full", False))


class _Lifespan:
    """The conversation about the application's beginning and end."""

    def __init__(self, application: Any) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._to_application: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: Deferred[Message] | None = None
        self._done: Deferred[None] | None = None
        self._spoke = False

    async def begin(self) -> bool:
        """False if the application knows no lifespan."""
        scope = {"type": "lifespan", "asgi": _ASGI, "state": self.state}
        self._done = ensureDeferred(self._application(scope, self._to_application.get, self._send))
        self._done.addCallbacks(self._ended, self._failed)
        try:
            await self._say("lifespan.startup")
        except _NotThere:
            return False
        return True

    async def end(self) -> None:
        try:
            await self._say("lifespan.shutdown")
        except _NotThere:
            pass  # it had ended before

    async def _say(self, kind: str) -> None:
        if self._done is None:
            raise _NotThere
        self._answer = Deferred()
        self._to_application.put_nowait({"type": kind})
        answer = await self._answer
        if answer["type"] == f"{kind}.failed":
            raise LifespanError(f"{kind} has failed: {answer.get('message', '') or 'no reason given'}")

    async def _send(self, message: Message) -> None:
        self._spoke = True
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.callback(message)

    def _ended(self, _: object) -> None:
        self._done = None
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.errback(Failure(_NotThere()))

    def _failed(self, failure: Failure) -> None:
        if self._spoke:
            _log.failure("The ASGI application's lifespan has ended with an error", failure)
        else:
            _log.debug("The ASGI application knows no lifespan: {why}", why=failure.getErrorMessage())
        self._ended(None)


class _NotThere(Exception):
    """The application is not in the conversation any more."""
