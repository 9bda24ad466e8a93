"""A request without a connection: what resources of this room are tried on."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from plait.deferred import Deferred
from plait.web.headers import Headers


class FakeRequest:
    """Keeps what is written to it."""

    def __init__(self, method: bytes = b"GET", path: list[bytes] | None = None, content: bytes = b"") -> None:
        self.method = method
        self.prepath: list[bytes] = []
        self.postpath = list(path or [])
        self.content = BytesIO(content)
        self.requestHeaders = Headers()
        self.code = 200
        self.responseHeaders = Headers()
        self.written = b""
        self.finished = False
        self.site: Any = None
        self._waiting: list[Deferred[None]] = []

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

    def connectionLost(self, reason: Exception) -> None:
        """The client goes away."""
        for waiting in self._waiting:
            waiting.errback(reason)
