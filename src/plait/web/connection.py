"""A client's connection: requests one after the other, and their answers in the same order (RFC 9112, section 9).

The next request of a connection is looked at when the one before it is answered. What a client sends before that (pipelining) is
held as bytes, up to a bound, and then not read for now. The connection is read on meanwhile, so that a client that goes away is
noticed by who works for it. Nor is it looked at while the client does not take the answers that it has asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.failure import Failure
from plait.interfaces import IDrainable, implementer
from plait.protocol import Protocol
from plait.transport.stream import Connection
from plait.web.limits import Limits
from plait.web.reading import Reader, Rejected
from plait.web.status import RESPONSES, dateHeader, statusLine

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable

    from plait.web.request import Request

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# What a deadline is that never comes.
NEVER = float("inf")


@implementer(IDrainable)
class HTTPChannel(Protocol):
    """The server's side of a connection.

    Attributes: `site` (the factory), `requests` (the one that is answered now, and those that came in the same piece of bytes),
    `limits`, `deadline` (by `HTTPFactory.now`), `draining` (whether the server is about to end).
    """

    transport: Any
    limits = Limits()
    site: Any = None
    requestFactory: Any = None
    timeOut: float | None = 60.0
    deadline = NEVER
    secure = False
    needsHost = True

    _reader: Reader | None = None
    """Kept from a second request on, until `look` finds that the client asks for nothing more."""
    _feeding = False
    """Whether the reader is at work: what it has found is not all told yet."""
    _held: bytes = b""
    _closing = False
    """Whether nothing more is read: the connection ends with the answer to the last request."""
    _incoming: Request | None = None
    """The request whose message is not complete yet."""
    draining = False
    asgi: tuple[dict[str, Any], AbstractEventLoop | None] | None = None
    """What an ASGI application is told of the connection, once it has been, and the loop that runs it."""
    sendsFile = False
    """Whether the kernel sends a file: nothing is buffered here, and the client may still not take it."""
    _served = 0
    _served_before = 0
    """How many requests there had been at the last look."""
    _full = False
    """Whether the next request waits until the client has taken more of the answers before it."""
    _successor: Any = None
    """The protocol that has the connection now."""
    _upgradable = False
    """Whether the last request asks for another protocol, whose bytes may be here before there is one."""
    _told_to_pause = False
    """Whether a transport says by itself that it is full, without being asked."""
    _answering = False
    _paused = False
    _body_since = 0.0
    _body_bytes = 0
    _stuck_at = -1
    _stuck_since = 0.0

    def __init__(self) -> None:
        self.requests: list[Request] = []
        # What every request looks at. Found in the class it would be found slowly.
        self._reader = self._incoming = None
        self._held = b""
        self._closing = self._feeding = self._full = self._told_to_pause = self.draining = False
        self._served = 0

    # -- from the transport

    def connectionMade(self) -> None:
        """A client is there."""
        transport: Any = self.transport
        self.secure = bool(getattr(transport, "TLS", False))
        site = self.factory
        if site is not None:
            self.site = site
            self.limits = getattr(site, "limits", self.limits)
            site.channelOpened(self)
            self.deadline = site.now + self.limits.headerTimeout

    def connectionLost(self, reason: Failure) -> None:
        """It is gone: whoever still works on an answer is told."""
        if self.site is not None:
            self.site.channelClosed(self)
        if self._reader is not None:
            self._reader.spoilt |= self._feeding
            self._give_back()
        self._held = b""
        requests, self.requests = self.requests, []
        for request in requests:
            request.connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._closing and self._incoming is None and not (self._upgradable and self.requests):
            return  # behind the last request; but the body of that one may still be on its way
        if self._held or self._full or (self.requests and self._incoming is None):
            # the next request before the answer to this one, or behind what is still held
            self._held += data
            if len(self._held) > self.limits.maxHeld and not self._paused:
                self._paused = True
                self.transport.pauseProducing()
            return
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            reader = self._reader = Reader.borrow(self)
        begun, served = reader.underWay, self._served
        self._feeding = True
        try:
            reader.feed(data)
        except Rejected as error:
            self._reject(error.code, str(error))
            return
        finally:
            self._feeding = False
        if reader.underWay:
            if not begun and not reader.headDone and self.site is not None:
                self.deadline = self.site.now + self.limits.headerTimeout
            return
        if reader.spoilt:
            self._nothing_follows(reader)
        if reader.spoilt or self._served < 2:
            self._give_back()
        if self._served != served and not self.requests and not self._full and self.site is not None:
            self._idle()  # after a request: empty lines are none, and gain no time

    def _nothing_follows(self, reader: Reader) -> None:
        """No request can follow what the reader has read. It may be that another protocol does."""
        self._closing = True
        if reader.behind is not None:
            if self._successor is None:
                self._upgradable, self._held = True, reader.behind
            elif reader.behind:
                self._successor.dataReceived(reader.behind)

    def _give_back(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.giveBack()

    @property
    def _reading(self) -> bool:
        """Whether a request has come in part."""
        return self._reader is not None and self._reader.underWay

    def _idle(self) -> None:
        """Nothing is under way: the client may take its time with the next request."""
        self.deadline = NEVER if self.timeOut is None else self.site.now + self.timeOut

    def drain(self) -> None:
        """The server is about to end: close with the answer that is under way, at once if there is none."""
        self.draining = True
        for request in list(self.requests):
            request.persistent = False
            if getattr(request, "endless", False):
                request.breakOff()
        if not self.requests and not self._reading and not self._held:
            if self._full:
                self._full = False
                self.transport.unregisterProducer()
            self.loseConnection()

    # -- from the reader

    def headReceived(self, reader: Reader) -> None:
        """A request's head."""
        if self._closing:
            return  # behind the last one that is answered
        request: Request = self.requestFactory(self)
        request.received(reader)
        self._served += 1
        if not reader.keepAlive or self._served >= self.limits.requestsPerConnection or self.draining:
            request.persistent = False
            self._closing = True
        self.requests.append(request)
        self._incoming = request
        if not reader.hasBody:
            return
        if self.site is not None:
            self._body_since = self.site.now
            self._body_bytes = 0
            self.deadline = self.site.now + self.limits.bodyTimeout
        if reader.length is not None and not request.mayHaveBody(reader.length):
            raise Rejected(413, f"the body is longer than {request.bodyLimit} bytes")
        if reader.expects:
            # until it is told to go on, it is not the client who is slow
            self.deadline = self._body_since = NEVER
        request.bodyBegins(reader.length, reader.expects)

    def bodyReceived(self, data: bytes) -> None:
        """A piece of a body."""
        request = self._incoming
        if request is None:
            return
        self._body_bytes += len(data)
        site = self.site
        if site is not None and not self._paused:
            self.deadline = site.now + self.limits.bodyTimeout
        if not request.bodyReceived(data):
            raise Rejected(413, f"the body is longer than {request.bodyLimit} bytes")

    def messageReceived(self) -> None:
        """The whole request is there."""
        request = self._incoming
        if request is None:
            return
        self._incoming = None
        self.deadline = NEVER
        if not self._full and request is self.requests[0]:
            request.allReceived()

    def isTurnOf(self, request: Request) -> bool:
        """Whether it is this request that may be answered now."""
        return self.requests[0] is request and not self._full

    # -- what is wrong

    def _reject(self, code: int, why: str) -> None:
        """Answer with a status, if nothing of another answer is on the way, and close."""
        request = self._read_no_more(Rejected(code, why))
        if request is not None and request.startedWriting:
            self.transport.abortConnection()
            return
        if self.requests:
            # behind the answers to what came before; those are not persistent any more
            self.requests[-1].persistent = False
            return
        if self.site is not None:
            self.site.rejected(self, code, why)
        body = b"%d %b: %b\n" % (code, RESPONSES.get(code, b"Bad Request"), why.encode("ascii", "replace"))
        self.transport.write(
            b"%b%bContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (statusLine(code), dateHeader(), len(body), body)
        )
        if code == 408:
            self.loseConnection()
        else:
            self._linger()

    def _read_no_more(self, why: Rejected) -> Request | None:
        """Give up what is being read. Returns the request whose message it is, which has been told."""
        self._closing = True
        if self._reader is not None:
            self._reader.spoilt = True
            self._give_back()
        request, self._incoming = self._incoming, None
        if request is not None:
            self.requests.remove(request)
            request.connectionLost(Failure(why))
        return request

    def _linger(self) -> None:
        """Close towards a client that may still be sending: it is let for some time, and nobody looks at what it sends.

        Closed at once, its system would be told of a reset, and may drop the answer before it is read (RFC 9112, section 9.6).
        """
        transport, seconds = self.transport, self.limits.lingerTimeout
        if self.site is None or not seconds or not isinstance(transport, Connection):
            self.loseConnection()
            return
        self._closing = True
        self.deadline = self.site.now + seconds
        if self._paused:
            self._paused = False
            transport.resumeProducing()
        transport.loseWriteConnection()

    def timedOut(self) -> None:
        """The deadline has passed."""
        self.deadline = NEVER
        if self._reading or self._incoming is not None:
            self._reject(408, "the request takes too long")
        else:
            self.loseConnection()

    def look(self, now: float) -> None:
        """Called about once a second: has the client been too slow?"""
        if self._served == self._served_before and not self._reading:
            self._give_back()
        self._served_before = self._served
        if now >= self.deadline:
            self.timedOut()
            return
        limits = self.limits
        if self._incoming is not None:
            passed = now - self._body_since
            if not self._paused and passed > limits.bodyTimeout and self._body_bytes < passed * limits.minBodyRate:
                self._reject(408, "the body comes too slowly")
                return
        if self.requests or self._closing or self._full:
            waiting = getattr(self.transport, "bufferedBytes", 0)
            if not waiting and not self.sendsFile:
                self._stuck_at = -1
                return
            sent = self.transport.bytesSent - waiting
            if sent != self._stuck_at:
                self._stuck_at, self._stuck_since = sent, now
            elif now - self._stuck_since >= limits.writeTimeout:
                self.transport.abortConnection()

    # -- from requests

    def sendContinue(self, answered: bool = False) -> None:
        """Tell the client that its body is wanted; if it is being answered already it is not told, but has to send it now."""
        if self.site is not None:
            self._body_since = self.site.now
            self.deadline = self.site.now + self.limits.bodyTimeout
        if not answered:
            self.transport.write(_CONTINUE)

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Write the head of an answer. Names and values must be safe (`plait.web.headers`)."""
        head = b"".join([b"%b: %b\r\n" % header for header in headers])
        self.transport.write(b"%b %b %b\r\n%b\r\n" % (version, code, reason, head))

    def write(self, data: bytes) -> None:
        """Write a piece of an answer."""
        self.transport.write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """The same for several pieces."""
        self.transport.writeSequence(iovec)

    def requestDone(self, request: Request) -> None:
        """The answer to a request is written: go on with the next one, or close.

        :raises TypeError: `request` is not the one that is answered now.
        """
        if not self.requests or self.requests[0] is not request:
            raise TypeError("this is not the request that is answered now")
        del self.requests[0]
        if self._incoming is request:
            # answered before all of its body is there: that is not waited for
            self._incoming = None
            self.deadline = NEVER
            self._linger()
            return
        if not request.persistent or self.draining:
            self.loseConnection()
        elif self._told_to_pause or getattr(self.transport, "full", False):
            self._full = True
            self.deadline = NEVER  # `look` sees whether anything is taken
            if not self._told_to_pause:
                self.transport.registerProducer(self, True)
        elif self.requests:
            if not self._answering:
                self._answer_next()
        else:
            self._settle()

    def _answer_next(self) -> None:
        """Let the requests be answered that are here, as far as that needs no waiting."""
        self._answering = True
        try:
            while self.requests and not self._full:
                following = self.requests[0]
                if self._incoming is following:
                    if following.expects and not self._body_bytes:
                        self.sendContinue()
                    return
                following.allReceived()
                if self.requests and self.requests[0] is following:
                    return  # it takes its time
        finally:
            self._answering = False
        if not self._full and not self._closing:
            self._settle()

    def _settle(self) -> None:
        """All requests are answered: see what the client has sent meanwhile. Not while that is being read: it is told next."""
        reading = self._reading
        if self._feeding and not reading:
            return
        if self._held:
            self._next()
        elif self.site is not None:
            if reading:
                self.deadline = self.site.now + self.limits.headerTimeout
            else:
                self._idle()

    # -- as a producer, while the client does not take the answers

    def pauseProducing(self) -> None:
        """The transport is full: that is why it was told of us."""

    def resumeProducing(self) -> None:
        """The client has taken what was written: go on."""
        self.transport.unregisterProducer()
        self._have_room()

    def _have_room(self) -> None:
        self._full = False
        if self.transport.disconnecting:
            return
        if self.requests:
            self._answer_next()
        else:
            self._settle()

    def stopProducing(self) -> None:
        """The connection is gone."""

    def _next(self) -> None:
        """Look at what the client has sent meanwhile. Not from here: a queue of requests would be a heap of calls."""
        self.site.reactor.callLater(0, self._feed_held) if self.site is not None else self._feed_held()

    def _feed_held(self) -> None:
        data, self._held = self._held, b""
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()
        if data and not self._closing:
            if self._reading and self.site is not None:
                self.deadline = self.site.now + self.limits.headerTimeout
            self._feed(data)

    def pauseBody(self) -> None:
        """Read no more of the body for now."""
        if not self._paused:
            self._paused = True
            self.deadline = NEVER
            self.transport.pauseProducing()

    def resumeBody(self) -> None:
        """Read on."""
        if self._paused:
            self._paused = False
            if self._incoming is not None and self.site is not None:
                self._body_since, self._body_bytes = self.site.now, 0
                self.deadline = self.site.now + self.limits.bodyTimeout
            self.transport.resumeProducing()

    def upgrade(self, request: Request, protocol: Any) -> None:
        """The connection is another protocol's from now on; see `Request.upgrade`."""
        self._closing = True
        self._successor = protocol
        self.requests.remove(request)
        self._incoming = None
        if self.site is not None:
            self.site.channelClosed(self)
        held, self._held = self._held, b""
        transport = self.transport
        if getattr(transport, "protocol", None) is self:
            transport.protocol = protocol
        else:  # something stands between us and the transport, and knows only us
            self.dataReceived = protocol.dataReceived  # type: ignore[method-assign]
            self.connectionLost = protocol.connectionLost  # type: ignore[method-assign]
        protocol.makeConnection(transport)
        if self._paused:
            self._paused = False
            transport.resumeProducing()
        if held:
            protocol.dataReceived(held)

    # -- what requests pass on to the transport

    def getPeer(self) -> Any:
        """The client's address."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """Our own address."""
        return self.transport.getHost()

    def isSecure(self) -> bool:
        """Whether the connection is under TLS."""
        return self.secure

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write the answer."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """It is done."""
        self.transport.unregisterProducer()

    def loseConnection(self) -> None:
        """Close when all is sent."""
        self._closing = True
        self.transport.loseConnection()

    def abortConnection(self) -> None:
        """Close now."""
        self.transport.abortConnection()
