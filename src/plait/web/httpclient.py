"""A client of HTTP/1 for subclasses that say what to ask and what to do with the answer: one request for each connection.

The response is read by `plait.web.response`, with its bounds.
"""

from __future__ import annotations

from plait import errors
from plait.failure import Failure
from plait.protocol import Protocol
from plait.web.error import PageTooLarge
from plait.web.headers import sanitize
from plait.web.response import Broken, Data, End, Event, Head, ResponseParser

__all__ = ["HTTPClient"]


class HTTPClient(Protocol):
    """In `connectionMade`, call `sendCommand`, `sendHeader` for each header, and `endHeaders`; then write the body, if any.
    Each ``handle`` method may be overridden.

    :cvar maxBody: how many bytes of the body are kept for `handleResponse`; None sets no bound. One that is larger is an
        error.
    """

    maxBody: int | None = None

    def __init__(self) -> None:
        self._parser: ResponseParser | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._status: bytes = b""
        self._message: bytes = b""

    # What is sent.

    def sendCommand(self, command: bytes, path: bytes) -> None:
        """Begin the request, in HTTP/1.0, so that the connection ends with the response."""
        self._parser = ResponseParser(command)
        self.transport.write(b"%b %b HTTP/1.0\r\n" % (sanitize(command), sanitize(path).replace(b" ", b"%20")))

    def sendHeader(self, name: bytes, value: bytes | str | int) -> None:
        """One header. A line break in it becomes a space."""
        raw = value if isinstance(value, bytes) else str(value).encode("utf-8")
        self.transport.write(b"%b: %b\r\n" % (sanitize(name), sanitize(raw)))

    def endHeaders(self) -> None:
        """End the request's headers."""
        self.transport.write(b"\r\n")

    # What is received.

    def handleStatus(self, version: bytes, status: bytes, message: bytes) -> None:
        """The status line: ``b"HTTP/1.1", b"200", b"OK"``."""

    def handleHeader(self, key: bytes, val: bytes) -> None:
        """One header; its name in lower case."""

    def handleEndHeaders(self) -> None:
        """There are no more headers."""

    def handleResponsePart(self, data: bytes) -> None:
        """A piece of the body. Kept for `handleResponse`, unless this is overridden."""
        self._size += len(data)
        if self.maxBody is not None and self._size > self.maxBody:
            self._over(PageTooLarge(self._status, self._message, self.maxBody))
        else:
            self._pieces.append(data)

    def handleResponseEnd(self) -> None:
        """The body is complete."""
        pieces, self._pieces = self._pieces, []
        self.handleResponse(b"".join(pieces))

    def handleResponse(self, response: bytes) -> None:
        """The body as a whole."""

    def handleBroken(self, error: BaseException) -> None:
        """The response cannot be read to its end; closes the connection."""
        self.transport.abortConnection()

    # The connection.

    def dataReceived(self, data: bytes) -> None:
        """Read what of the response has come."""
        if self._parser is not None:
            self._handle(self._parser.feed(data))

    def connectionLost(self, reason: Failure) -> None:
        """The end of the connection, which may be the end of the body."""
        if self._parser is None:
            return
        if reason.check(errors.SSLError):
            self._over(reason.value)  # who does not get through the handshake has not been asked
            return
        events = self._parser.end(clean=reason.check(errors.ConnectionDone) is not None)
        for event in events:
            if isinstance(event, Broken):
                event.error.__cause__ = reason.value
        self._handle(events)

    def _over(self, error: BaseException) -> None:
        self._parser = None
        self.handleBroken(error)

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if self._parser is None:
                return
            match event:
                case Head(version, status, message, headers):
                    self._status, self._message = status, message
                    self.handleStatus(version, status, message)
                    for name, values in headers.items():
                        for value in values:
                            self.handleHeader(name, value)
                    self.handleEndHeaders()
                case Data(piece):
                    self.handleResponsePart(piece)
                case End():
                    self._parser = None
                    self.handleResponseEnd()
                case Broken(error):
                    self._over(error)
