"""A request without a connection: what resources of this room are tried on."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from plait.deferred import Deferred
from plait.failure import Failure
from plait.web.headers import Headers


class FakeRequest:
    """Keeps what is written to it."""

    def __init__(self, method: bytes = b"GET", path: list[bytes] | None = None, content: bytes = b"") -> None:
        self.method = method
        self.prepath: list[bytes] = []
        self.postpath = list(path or [])
        self.path = self.uri = b"/" + b"/".join(self.postpath)
        self.content = BytesIO(content)
        self.requestHeaders = Headers()
        self.code = 200
        self.responseHeaders = Headers()
        self.written = b""
        self.finished = False
        self.failed: Failure | None = None
        self.site: Any = None
        self.client: Any = SimpleNamespace(host="192.0.2.1")
        self.host: tuple[bytes, int] | None = None
        self.isSecure: Callable[[], bool] = lambda: False
        self._waiting: list[Deferred[None]] = []

    def getHeader(self, name: bytes) -> bytes | None:
        return (self.requestHeaders.getRawHeaders(name) or [None])[-1]

    def getClientAddress(self) -> Any:
        return self.client

    def prePathURL(self) -> bytes:
        return b"http://example.com/" + b"/".join(self.prepath)

    def setHost(self, name: bytes, port: int) -> None:
        self.host = (name, port)

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:
        self.code = code

    def setHeader(self, name: bytes, value: bytes) -> None:
        self.responseHeaders.setRawHeaders(name, [value])

    def write(self, data: bytes) -> None:
        assert not self.finished
        self.written += data

    def finish(self) -> None:
        assert not self.finished
        self.finished = True
        for waiting in self._waiting:
            waiting.callback(None)

    def notifyFinish(self) -> Deferred[None]:
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def render(self, resource: Any) -> None:
        """Let `resource` answer."""
        answer = resource.render(self)
        if isinstance(answer, bytes):
            self.write(answer)
            self.finish()

    def processingFailed(self, reason: Failure) -> None:
        self.failed = reason

    def connectionLost(self, reason: Exception) -> None:
        """The client goes away."""
        for waiting in self._waiting:
            waiting.errback(reason)
