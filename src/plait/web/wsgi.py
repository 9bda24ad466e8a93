"""WSGI applications (PEP 3333): Flask, Django, Bottle as a resource. Each request is answered in a thread of a pool.

An answer that comes in pieces is sent as they come: the thread waits until the client has taken what it has been given, so that
memory stays bounded. The request's body is complete before the application is called.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred, ensureDeferred
from plait.engine import blockingCallFromThread
from plait.failure import Failure
from plait.log import Logger, LogLevel
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource

if TYPE_CHECKING:
    from plait.web.request import Request

__all__ = ["WSGIResource"]

_log = Logger("plait.web")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class WSGIResource(Resource):
    """A WSGI application.

    :param reactor: the one that the requests are of.
    :param threadpool: where it is called, such as ``reactor.getThreadPool()``.
    :param application: a function of environ and start_response.
    """

    isLeaf = True

    def __init__(self, reactor: Any, threadpool: Any, application: Callable[..., Iterable[bytes]]) -> None:
        super().__init__()
        self._reactor = reactor
        self._threadpool = threadpool
        self._application = application

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """There is nothing below it. RuntimeError."""
        raise RuntimeError("A WSGIResource has no children: the application answers for all that is below it.")

    def putChild(self, path: bytes, child: Any) -> None:
        """Nothing can be put below it. RuntimeError."""
        raise RuntimeError("A WSGIResource has no children: put it beside what the application is not to answer for.")

    def render(self, request: Request) -> int:
        """Let the application answer, in a thread."""
        call = _Call(self._reactor, request, self._application)
        request.notifyFinish().addErrback(lambda _: call.clientGone())
        self._threadpool.callInThread(call.run)
        return NOT_DONE_YET


def environ_of(request: Request) -> dict[str, Any]:
    """What the application is told of a request."""
    query = request.uri.partition(b"?")[2]
    script = b"".join(b"/" + part for part in request.prepath)
    if script.endswith(b"/"):  # below the root, or with a slash at the end
        script = script[:-1]
    info = b"/" + b"/".join(request.postpath) if request.postpath else b""
    host = request.host
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "SCRIPT_NAME": script.decode("latin-1"),
        "PATH_INFO": info.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REMOTE_ADDR": request.getClientIP() or "",
        "REMOTE_PORT": str(getattr(request.client, "port", "")),
        "SERVER_NAME": request.getRequestHostname().decode("latin-1"),
        "SERVER_PORT": str(getattr(host, "port", "")),
        "SERVER_PROTOCOL": request.clientproto.decode("latin-1"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if request.isSecure() else "http",
        "wsgi.input": request.content,
        "wsgi.input_terminated": True,
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_URI": request.uri.decode("latin-1"),
    }
    length = request.getHeader(b"content-length") or b""
    environ["CONTENT_LENGTH"] = length.decode("latin-1") if request._body is None else str(request._body.size)
    environ["CONTENT_TYPE"] = ""
    for name, values in request.requestHeaders.getAllRawHeaders():
        key = name.decode("latin-1")
        if "_" in key or key in ("Content-Length", "Transfer-Encoding"):
            continue  # an underscore could pass for a dash, and so for another header
        key = key.upper().replace("-", "_")
        separator = b"; " if key == "COOKIE" else b", "
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = separator.join(values).decode("latin-1")
    return environ


def _encode(headers: Any) -> list[tuple[bytes, bytes]]:
    """The headers of an answer as they go out. TypeError for what the specification (PEP 3333) forbids; where other servers are
    not as strict, a warning.
    """
    if not isinstance(headers, Sequence):
        raise TypeError(f"headers must be a list, not {headers!r} ({type(headers).__name__})")
    if not isinstance(headers, list):
        _warn(f"headers should be a list, not {headers!r} ({type(headers).__name__})")
    encoded = []
    for header in headers:
        if not isinstance(header, Sequence):
            raise TypeError(f"header must be a (str, str) tuple, not {header!r} ({type(header).__name__})")
        if len(header) != 2:
            raise TypeError(f"header must be a (str, str) tuple, not {header!r}")
        name, value = header
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"header must be (str, str) tuple, not {header!r}")
        if not isinstance(header, tuple):
            _warn(f"header should be a (str, str) tuple, not {header!r} ({type(header).__name__})")
        encoded.append((name.encode("latin-1"), value.encode("latin-1")))
    return encoded


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=4)


class _Errors:
    """Where the application writes what has gone wrong: the log."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {text!r} ({type(text).__name__})")
        for line in text.splitlines():
            if line.strip():
                _log.emit(LogLevel.error, "{line}", line=line)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """A line is logged at once."""


class _Gone(Exception):
    """The client has gone."""


class _Call:
    """One request, on its way through a thread."""

    def __init__(self, reactor: Any, request: Request, application: Callable[..., Iterable[bytes]]) -> None:
        self._reactor = reactor
        self._request = request
        self._application = application
        self._environ = environ_of(request)
        self._status: tuple[int, bytes] | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._begun = False
        self._gone = False

    def clientGone(self) -> None:
        """The connection is gone."""
        self._gone = True

    # -- in the thread

    def run(self) -> None:
        """Call the application, and send what it gives."""
        try:
            result = self._application(self._environ, self._start_response)
            try:
                if isinstance(result, (list, tuple)):
                    result = [b"".join(result)]  # all of it is there: its length can be told
                    self._check_status()
                    if not self._begun:
                        self._reactor.callFromThread(self._or_fail, self._answer, result[0])
                        return
                for data in result:
                    if data:
                        self._send(data)
                self._check_status()
                self._reactor.callFromThread(self._or_fail, self._finish)
            finally:
                close = getattr(result, "close", None)
                if close is not None:
                    close()
        except _Gone:
            pass
        except BaseException:
            self._reactor.callFromThread(self._failed, Failure())

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        try:
            if exc_info is not None and exc_info[0] is not None and self._begun:
                raise exc_info[1].with_traceback(exc_info[2])
            if self._status is not None and exc_info is None:
                raise RuntimeError("start_response was called twice, the second time without exc_info")
        finally:
            exc_info = None
        if not isinstance(status, str):
            raise TypeError(f"status must be str, not {status!r} ({type(status).__name__})")
        code, _, reason = status.partition(" ")
        encoded = _encode(headers)
        self._status = int(code), reason.encode("latin-1")
        self._headers = encoded
        return self._send

    def _check_status(self) -> None:
        if self._status is None:
            raise RuntimeError("the WSGI application has returned without a call of start_response")

    def _send(self, data: bytes) -> None:
        self._check_status()
        if self._gone:
            raise _Gone
        if not isinstance(data, bytes):
            raise TypeError(f"Can only write bytes to a transport, not {data!r}")
        blockingCallFromThread(self._reactor, self._write, data)
        if self._gone:
            raise _Gone

    # -- in the reactor's thread

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        request = self._request
        assert self._status is not None
        request.setResponseCode(*self._status)
        request.defaultContentType = None
        for name, value in self._headers:
            if name.lower() != b"date":
                request.responseHeaders.addRawHeader(name, value)

    def _write(self, data: bytes) -> Deferred[None] | None:
        if self._gone:
            return None
        self._begin()
        self._request.write(data)
        return ensureDeferred(self._request.drained())

    def _or_fail(self, function: Callable[..., None], *args: Any) -> None:
        try:
            function(*args)
        except Exception:  # a header's name that is none, for example: nobody waits for this call
            self._failed(Failure())

    def _answer(self, data: bytes) -> None:
        if not self._gone:
            self._begin()
            self._request.respond(data)

    def _finish(self) -> None:
        if not self._gone:
            self._begin()
            self._request.finish()

    def _failed(self, failure: Failure) -> None:
        if self._gone:
            _log.failure("The WSGI application has raised an error after its client had gone", failure)
        else:
            self._request.defaultContentType = type(self._request).defaultContentType
            self._request.processingFailed(failure)
