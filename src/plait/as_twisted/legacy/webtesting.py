"""``twisted.web.test.requesthelper``: requests and connections for the tests of resources, without a socket."""

from __future__ import annotations

import io
from typing import Any

from plait.as_twisted.legacy.webinterfaces import IRequest
from plait.deferred import Deferred
from plait.failure import Failure
from plait.interfaces import implementer
from plait.task import Clock
from plait.transport.address import IPv4Address
from plait.web.headers import Headers
from plait.web.later import NOT_DONE_YET
from plait.web.session import Session

__all__ = ["DummyChannel", "DummyRequest", "NullAddress"]


class NullAddress:
    """An address that says nothing."""


class DummyChannel:
    """A connection for a `Request`: what it writes is in ``transport.written``, a `io.BytesIO`.

    :param peer: the client's address; None is one of documentation's (RFC 5737).
    """

    requestIsDone = False

    class TCP:
        """The transport."""

        port = 80
        disconnected = False
        disconnecting = False

        def __init__(self, peer: Any = None) -> None:
            self._peer = IPv4Address("TCP", "192.168.1.1", 12344) if peer is None else peer
            self.written = io.BytesIO()
            self.producers: list[tuple[Any, bool]] = []

        def getPeer(self) -> Any:
            """The client's address."""
            return self._peer

        def getHost(self) -> IPv4Address:
            """Our own address."""
            return IPv4Address("TCP", "10.0.0.1", self.port)

        def write(self, data: bytes) -> None:
            """Keep what is written. TypeError if it is no bytes."""
            if not isinstance(data, bytes):
                raise TypeError(f"bytes can be written, not {data!r}")
            self.written.write(data)

        def writeSequence(self, iovec: Any) -> None:
            """The same for several pieces."""
            for data in iovec:
                self.write(data)

        def getvalue(self) -> bytes:
            """All that was written."""
            return self.written.getvalue()

        def registerProducer(self, producer: Any, streaming: bool) -> None:
            """Note the producer."""
            self.producers.append((producer, streaming))

        def unregisterProducer(self) -> None:
            """Note that it is done."""

        def loseConnection(self) -> None:
            """Note that the connection is closed."""
            self.disconnected = True

    class SSL(TCP):
        """The transport of a connection under TLS."""

    site: Any = None

    def __init__(self, peer: Any = None) -> None:
        self.transport = self.TCP(peer)

    def requestDone(self, request: Any) -> None:
        """The answer is complete."""
        self.requestIsDone = True

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Write the head of an answer; of a `Headers` or pairs."""
        pairs = (
            [(name, value) for name, values in headers.getAllRawHeaders() for value in values]
            if isinstance(headers, Headers)
            else headers
        )
        head = b"".join(b"%b: %b\r\n" % pair for pair in pairs)
        self.transport.write(b"%b %b %b\r\n%b\r\n" % (version, code, reason, head))

    def getPeer(self) -> Any:
        """The client's address."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """Our own address."""
        return self.transport.getHost()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """It is done."""
        self.transport.unregisterProducer()

    def write(self, data: bytes) -> None:
        """Write a piece of an answer."""
        self.transport.write(data)

    def writeSequence(self, iovec: Any) -> None:
        """The same for several pieces."""
        self.transport.writeSequence(iovec)

    def loseConnection(self) -> None:
        """Close the connection."""
        self.transport.loseConnection()

    def endRequest(self) -> None:
        """The request is over."""

    def isSecure(self) -> bool:
        """Whether the connection is under TLS."""
        return isinstance(self.transport, self.SSL)

    def abortConnection(self) -> None:
        """Close now."""
        self.transport.loseConnection()


@implementer(IRequest)
class DummyRequest:
    """A request that notes what a resource does with it.

    Attributes: `written` (the pieces of the body), `finished` (how often `finish` was called), `responseCode` (None: not set),
    `responseHeaders`, `requestHeaders`, `args`, `prepath`, `postpath`, `method`, `uri`, `session`, `client`.

    :param postpath: the parts of the path below the resource.
    :param session: what `getSession` gives; None: one is made.
    """

    uri = b"http://dummy/"
    method = b"GET"
    client: Any = None
    sitepath: list[bytes]
    written: list[bytes]
    prepath: list[bytes]
    content: Any = None
    isSecureRequest = False

    def __init__(self, postpath: list[bytes], session: Any = None, client: Any = None) -> None:
        self.sitepath, self.written, self.prepath = [], [], []
        self.postpath = postpath
        self.finished = 0
        self.session: Any = None
        self.protoSession = session if session is not None else Session(None, b"0", Clock())
        self.args: dict[bytes, Any] = {}
        self.requestHeaders = Headers()
        self.responseHeaders = Headers()
        self.responseCode: int | None = None
        self.responseMessage: bytes | None = None
        self.client = client
        self.producer: Any = None
        self._finished: list[Deferred[None]] = []

    # -- asking

    def getAllHeaders(self) -> dict[bytes, bytes]:
        """The last value of each header of the request, by its lower-case name."""
        return {name.lower(): values[-1] for name, values in self.requestHeaders.getAllRawHeaders()}

    def getHeader(self, name: bytes) -> bytes | None:
        """The last value of a header of the request."""
        values = self.requestHeaders.getRawHeaders(name.lower(), [None])
        last: bytes | None = values[-1]
        return last

    def addArg(self, name: bytes, value: Any) -> None:
        """Give the request an argument."""
        self.args[name] = [value]

    def getSession(self, sessionInterface: Any = None) -> Any:
        """The session."""
        assert not self.written, "a session cannot be asked for once the answer has begun"
        self.session = self.protoSession
        return self.session if sessionInterface is None else self.session.getComponent(sessionInterface)

    def getClientAddress(self) -> Any:
        """The client's address."""
        return NullAddress() if self.client is None else self.client

    def getClientIP(self) -> str | None:
        """The same as text, if it is one of TCP."""
        return self.client.host if isinstance(self.client, IPv4Address) else None

    def isSecure(self) -> bool:
        """Whether it came under TLS."""
        return self.isSecureRequest

    def getRequestHostname(self) -> bytes:
        """The host's name that was asked for."""
        return (self.getHeader(b"host") or b"dummy").partition(b":")[0]

    def prePathURL(self) -> bytes:
        """The URL of the resource."""
        return self.uri.rstrip(b"/") + b"".join(b"/" + part for part in self.prepath)

    # -- answering

    def setHeader(self, name: bytes, value: bytes) -> None:
        """Set a header of the answer, in place of what it was."""
        self.responseHeaders.setRawHeaders(name, [value])

    def setResponseCode(self, code: int, message: bytes | None = None) -> None:
        """Set the status; not once the answer has begun."""
        assert not self.written, f"the status cannot be set any more: {b''.join(self.written)!r} has been written"
        self.responseCode, self.responseMessage = code, message

    def setLastModified(self, when: float) -> None:
        """Accept a time; not once the answer has begun."""
        assert not self.written, "the time of the last change cannot be set any more"

    def setETag(self, tag: bytes) -> None:
        """Accept a version; not once the answer has begun."""
        assert not self.written, "the ETag cannot be set any more"

    def redirect(self, url: bytes) -> None:
        """Answer with 302."""
        self.setResponseCode(302)
        self.setHeader(b"location", url)

    def write(self, data: bytes) -> None:
        """Note a piece of the body. TypeError if it is no bytes."""
        if not isinstance(data, bytes):
            raise TypeError("write() takes bytes")
        self.written.append(data)

    def finish(self) -> None:
        """The answer is complete: whoever waits for that is told."""
        self.finished += 1
        waiting, self._finished = self._finished, []
        for deferred in waiting:
            deferred.callback(None)

    def processingFailed(self, reason: Failure) -> None:
        """The connection is gone, or the resource has failed: whoever waits for the end is told."""
        waiting, self._finished = self._finished, []
        for deferred in waiting:
            deferred.errback(reason)

    def notifyFinish(self) -> Deferred[None]:
        """A Deferred that fires when the answer is complete, or fails with what ended it before."""
        deferred: Deferred[None] = Deferred()
        self._finished.append(deferred)
        return deferred

    def render(self, resource: Any) -> None:
        """Let a resource answer."""
        result = resource.render(self)
        if result is NOT_DONE_YET:
            return
        self.write(result)
        self.finish()

    # -- producers

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write until it is done."""
        self.producer = producer
        while self.producer is not None:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """It is done."""
        self.producer = None
