"""A stream connection: the one object between the event loop and a user's protocol.

This is the hot path, and two rules carry it:

* *No frame that is not needed.* `Connection` is at once the protocol that the event loop calls and the transport that the
  user's protocol writes to. `data_received` calls the user's `dataReceived` directly.
* *Corked writes.* On uvloop a raw write goes to the kernel at once. What is written while `dataReceived` runs is
  collected and sent with one call when it returns; what is written elsewhere, at the end of the loop's turn. Past
  `HIGH_WATER` it is handed on at once, so that the loop's own bookkeeping (and with it the producer) sees it.

``benchmarks/network.py`` measures both.

An error raised by a user's hook is logged, and closes this connection and no other.
"""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, cast

from plait.deferred import ensureDeferred
from plait.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.interfaces import (
    IHalfCloseableProtocol,
    IHandshakeListener,
    ILoggingContext,
    INegotiated,
    ITLSTransport,
    adapt,
    implementer,
)
from plait.log import Logger
from plait.transport.facts import Facts
from plait.transport.tls import machine_for
from plait.transport.tlslayer import TLSLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plait.transport.tlsmachine import TLSMachine

_log = Logger("plait.transport")

# Bytes that may wait in a corked buffer before they are handed to the loop. The loop's own mark is the same (asyncio's
# default since 3.4): what is above it makes the loop say pause_writing.
HIGH_WATER = 64 * 1024


class Owner(Protocol):
    """What a connection belongs to: a listening port or a connector."""

    is_client: bool

    def connection_ready(self, connection: Connection) -> Any:
        """The user's protocol for a connection that is there now, or None to close it."""

    def connection_gone(self, connection: Connection, reason: Failure) -> None:
        """The connection is gone, and its protocol has been told."""


class Outbox:
    """The connections of one loop that have something to send at the end of this turn."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Connection] = []

    def add(self, connection: Connection) -> None:
        if not self._waiting:
            self._loop.call_soon(self.send)
        self._waiting.append(connection)

    def send(self) -> None:
        """Send what the connections have collected."""
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.flush()


@implementer(ITLSTransport, ILoggingContext)
class Connection(Facts, asyncio.Protocol):
    """One stream connection (TCP or TLS): the loop's protocol, and the user's transport.

    Attributes for users: `protocol` (may be replaced by another at any time; None when its `connectionLost` has been called),
    `connected`, `disconnecting` (`loseConnection` has been called), `disconnected`, `full` (more waits to be sent than
    `HIGH_WATER`, and not yet little enough again), `producer`, `streamingProducer`, `sessionno`
    (a number that its port counts up); `bytesReceived` and `bytesSent` (the application's bytes: under TLS, those inside it),
    `since` (when it was made, by the loop's clock). What it tells of itself is in `plait.transport.facts`.
    """

    __slots__ = (
        "__weakref__",
        "_corked",
        "_eof",
        "_eof_waits",
        "_held",
        "_holding",
        "_loop",
        "_out",
        "_outbox",
        "_owner",
        "_paused",
        "_queued",
        "_reason",
        "_size",
        "_transport",
        "_wait_for_hook",
        "_write_closed",
        "_write_closing",
        "_write_ended",
        "bytesReceived",
        "bytesSent",
        "connected",
        "disconnected",
        "disconnecting",
        "full",
        "producer",
        "protocol",
        "sessionno",
        "since",
        "streamingProducer",
    )

    protocol: Any
    _transport: asyncio.Transport

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, outbox: Outbox) -> None:
        self._owner = owner
        self._loop = loop
        self._outbox = outbox
        self._out: list[bytes] = []
        self._size = 0
        self._corked = True
        self._queued = False
        self.full = False
        self._eof = False
        # loseWriteConnection was called; nothing more is taken after it, and the loop knows; all is sent.
        self._write_closing = False
        self._write_closed = False
        self._write_ended = False
        self._wait_for_hook = 0
        self._paused = False
        # Paused, or waiting for a hook. What the loop still delivers then (it may have read before it was told, or begin to
        # read after connectionMade whatever that said) is held.
        self._holding = False
        self._held = b""
        self._eof_waits = False
        self._reason: Failure | None = None
        self.protocol = None
        self.connected = False
        self.disconnecting = False
        self.disconnected = False
        self.producer: Any = None
        self.streamingProducer = False
        self.sessionno = 0
        self.bytesReceived = 0
        self.bytesSent = 0
        self.since = loop.time()

    # -- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.connected = True
        try:
            protocol = self._owner.connection_ready(self)
            if protocol is None:
                self._corked = False
                self._transport.abort()
                return
            self.protocol = protocol
            result = protocol.makeConnection(self)
        except BaseException as e:
            self._corked = False
            self.hookFailed(Failure(e), "connectionMade")
            return
        if result is not None:
            self._hook_result(result)
        if self._paused or self._wait_for_hook:
            # uvloop begins to read after this, whatever was said before
            self._loop.call_soon(self._pause_after_all)
        self._uncork()

    def _pause_after_all(self) -> None:
        if (self._paused or self._wait_for_hook) and not self.disconnecting:
            self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        if self._holding:
            self._held += data
            return
        self.bytesReceived += len(data)
        self._corked = True
        try:
            result = self.protocol.dataReceived(data)
        except BaseException as e:
            self._corked = False
            self.hookFailed(Failure(e), "dataReceived")
            return
        if result is not None:
            self._hook_result(result)
        self._corked = False
        out = self._out
        if self.disconnecting:
            self._close_after_hook()
        elif out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._size = 0
            if not self._write_closed:
                self.bytesSent += len(data)
                self._transport.write(data)

    def eof_received(self) -> bool:
        """The peer will send nothing more. True keeps our side open."""
        if self._eof:
            return not self._write_closed  # the loop finds the end once more when reading goes on after a pause
        if self._held and not self.disconnecting:
            self._eof_waits = True  # for what came before it, until that is wanted
            return True
        if self._eof:
            return not self._write_ended  # libuv says it again when reading was paused and is resumed
        self._eof = True
        half_closeable = adapt(IHalfCloseableProtocol, self.protocol, None)
        if half_closeable is None or self.disconnecting:
            self.flush()
            return False
        self._corked = True
        try:
            half_closeable.readConnectionLost()
        except BaseException as e:
            self._corked = False
            self.hookFailed(Failure(e), "readConnectionLost")
            return False
        self._uncork()
        return not self._write_ended

    def pause_writing(self) -> None:
        """More waits to be sent than the high-water mark."""
        self.full = True
        if self.producer is not None and self.streamingProducer:
            self._tell_producer("pauseProducing")

    def resume_writing(self) -> None:
        """There is room again."""
        self.full = False
        if self._write_closed:
            self._loop.call_soon(self._writing_ended)
        if self.producer is None:
            return
        corked, self._corked = self._corked, True
        if self.streamingProducer:
            self._tell_producer("resumeProducing")
        else:
            self._pull()
        if not corked:
            self._corked = False
            self.flush()
            if self.disconnecting:
                # not from here: asyncio's loop, which is still writing, would then end the connection twice
                self._loop.call_soon(self._close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.connected = False
        self.disconnected = True
        self.disconnecting = True
        self._out.clear()
        self._size = 0
        reason = self._reason
        if reason is None:
            if exc is None or self._eof:
                reason = Failure(ConnectionDone())
            elif isinstance(exc, OSError):
                reason = Failure(ConnectionLost(exc.strerror or str(exc) or type(exc).__name__))
            else:
                reason = Failure(exc)  # what the TLS layer says
        self._reason = None
        if self.producer is not None:
            producer, self.producer = self.producer, None
            self._guard(producer.stopProducing, "stopProducing")
        if self.protocol is not None:
            self._guard(self.protocol.connectionLost, "connectionLost", reason)
        self._guard(self._owner.connection_gone, "connectionLost", self, reason)
        self.protocol = (
            None  # it holds us, too: so both are free when nobody else wants them, and not when the collector comes
        )

    # -- users' hooks that go wrong, or take their time

    def hookFailed(self, failure: Failure, hook: Any) -> None:
        """A hook of the user's has raised: log it and close this connection."""
        name = hook if isinstance(hook, str) else getattr(hook, "__name__", "hook")
        _log.failure(
            "Unhandled error in {hook} of {protocol!r}{consequence}",
            failure,
            hook=name,
            protocol=self.protocol,
            consequence="" if self.disconnected else ": its connection is closed",
        )
        if not self.disconnected:
            self._reason = failure
            self.disconnecting = True
            self._out.clear()
            self._transport.abort()

    def _guard(self, function: Callable[..., Any], name: str, *args: object) -> None:
        """Call a hook when the connection is gone: an error can only be logged."""
        try:
            result = function(*args)
        except BaseException as e:
            self.hookFailed(Failure(e), name)
        else:
            if type(result) is CoroutineType:
                ensureDeferred(result).addErrback(self.hookFailed, result.__qualname__)

    def _hook_result(self, result: object) -> None:
        """A hook that is ``async def``: nothing more is read until it is done."""
        if type(result) is not CoroutineType:
            return
        d = ensureDeferred(result)
        if d.called and not d.paused:
            d.addErrback(self.hookFailed, result.__qualname__)
            return
        self._wait_for_hook += 1
        self._holding = True
        self._transport.pause_reading()

        def done(_: object) -> None:
            self._wait_for_hook -= 1
            if not self._paused:
                self.resumeProducing()

        d.addCallbacks(done, self.hookFailed, errbackArgs=(result.__qualname__,))

    # -- writing

    def write(self, data: bytes) -> None:
        """Send `data`, after all that was written before it. Does nothing once the connection is gone or being closed.

        :raises TypeError: if `data` is not bytes.
        """
        if type(data) is bytes and self._corked and not self.disconnecting:
            # the hot path: what a hook answers
            self._out.append(data)
            self._size += len(data)
            if self._size > HIGH_WATER:
                self.flush()
            return
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"data to be written must be bytes, not {type(data).__name__}; encode text first")
            data = bytes(data)  # the caller may go on to change its buffer
        if self.disconnecting and self.producer is None:
            return
        self._out.append(data)
        self._size += len(data)
        if not self._corked and not self._queued:
            if self._size > HIGH_WATER:
                self.flush()
            else:
                self._queued = True
                self._outbox.add(self)
        elif self._size > HIGH_WATER:
            self.flush()

    def hookWrite(self) -> Callable[[bytes], object]:
        """The quickest way to write during the hook that runs now, for framing that has made the bytes itself.

        What it is given must be bytes that nobody else will change; it is not checked again.
        """
        return self._out.append if self._corked and not self.disconnecting else self.write

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send several pieces, one after the other.

        :raises TypeError: if one of them is not bytes.
        """
        try:
            data = b"".join(iovec)
        except TypeError as e:
            error = TypeError("Data must be bytes")
            error.add_note(f"{e}; encode text first")
            raise error from None
        self.write(data)

    def flush(self) -> None:
        """Hand what has been written to the loop, which sends it as far as the peer takes it."""
        self._queued = False
        out = self._out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._size = 0
            if not self.disconnected and not self._write_closed:
                self.bytesSent += len(data)
                self._transport.write(data)

    def _uncork(self) -> None:
        """A hook has returned: send what it wrote, and close if it said so."""
        self._corked = False
        if self.disconnecting:
            self._close_after_hook()
        else:
            self.flush()

    def _close_after_hook(self) -> None:
        """The hook has said loseConnection, which has sent what came before it; a producer's data may have come since."""
        if self.producer is None:
            self._out.clear()
            self._size = 0
        else:
            self.flush()
        self._close()

    # -- TLS

    def startTLS(self, contextFactory: Any, normal: bool = True) -> None:
        """Go under TLS: what was written before this goes out in the clear, what is written after it under TLS.

        :param contextFactory: who is believed and what is shown (`plait.transport.tls`), or an `ssl.SSLContext`.
        :param normal: take the part that this side has in the connection; False for the other (the one that has connected
            answers the handshake).
        :raises TypeError: if `contextFactory` gives no context.

        A protocol that provides `IHandshakeListener` is told when the handshake is done. If it fails, the connection is
        closed, with `plait.errors.SSLError`.
        """
        client = self._owner.is_client == bool(normal)
        self.secure(machine_for(contextFactory, client, getattr(self._owner, "host", None)))

    def secure(self, machine: TLSMachine) -> None:
        """Put a TLS layer under this connection."""
        self.flush()
        below = self._transport
        layer = TLSLayer(self._loop, machine, below, self)
        self._transport = cast("asyncio.Transport", layer)
        self.__class__ = SecureConnection
        if self._holding:
            # nothing is delivered until that is wanted, but the handshake goes on
            below.resume_reading()
            if self._paused or self._wait_for_hook:
                layer.pause_reading()
            else:
                self._holding = False
        layer.begin()
        if self._held:  # what has come behind the word for TLS is TLS
            held, self._held = self._held, b""
            layer.data_received(held)
        if self._eof_waits:
            self._eof_waits = False
            if not layer.eof_received():
                below.close()

    def handshake_done(self) -> None:
        """Called by the TLS layer."""
        listener = adapt(IHandshakeListener, self.protocol, None)
        if listener is not None:
            self._guard(listener.handshakeCompleted, "handshakeCompleted")

    # -- closing

    def loseConnection(self) -> None:
        """Close the connection when all that was written is sent; if a producer is registered, when it is done."""
        if self.disconnecting:
            return
        # also in a hook: what is appended to the buffer after this is not sent any more
        self.flush()
        self.disconnecting = True
        if not self._corked:
            self._close()

    def _close(self) -> None:
        if self.producer is None and not self.disconnected:
            self._transport.close()

    def abortConnection(self) -> None:
        """Close the connection now; what was written and is not sent is lost. The reason will be `ConnectionAborted`.

        The peer sees a reset (RFC 9293 section 3.10.5), so that it does not take what it has got for all there was.
        """
        if self.disconnected:
            return
        self.disconnecting = True
        if self._reason is None:
            self._reason = Failure(ConnectionAborted())
        self._out.clear()
        self._size = 0
        self._reset_when_closed()
        self._transport.abort()

    def connectionLost(self, reason: Failure) -> None:
        """End the connection now, as `abortConnection`; `reason` is what the protocol is told. For programs of old."""
        if not self.disconnected and self._reason is None:
            self._reason = reason
        self.abortConnection()

    def cut(self) -> None:
        """Called by the engine at its end: send what can be sent at once, and close with `ConnectionLost`."""
        if not self.disconnected:
            self.flush()
            if self._reason is None:
                self._reason = Failure(ConnectionLost("the reactor was stopped"))
            self.disconnecting = True
            self._transport.abort()

    def loseWriteConnection(self) -> None:
        """Send what was written, then tell the peer that nothing more comes; reading goes on (half-close).

        If a producer is registered, it is waited for. A half-closeable protocol is told `writeConnectionLost` when all is sent.
        Under TLS the peer is told by a close_notify (RFC 8446 section 6.1); one that speaks TLS 1.2 may then end the connection.
        """
        if not self._write_closing and not self.disconnecting:
            self._write_closing = True
            self._end_writing()

    def _end_writing(self) -> None:
        """Half-close, unless a producer has still something to give."""
        if self.producer is not None:
            return
        self.flush()
        self._write_closed = True
        transport = self._transport
        transport.write_eof()
        if transport.get_write_buffer_size():
            transport.set_write_buffer_limits(0)  # the loop says resume_writing when all is sent
        else:
            self._loop.call_soon(self._writing_ended)

    def _writing_ended(self) -> None:
        """What was written before `loseWriteConnection` is sent."""
        if self._write_ended or self.disconnected:
            return
        self._write_ended = True
        half_closeable = adapt(IHalfCloseableProtocol, self.protocol, None)
        if half_closeable is not None:
            self._guard(half_closeable.writeConnectionLost, "writeConnectionLost")
        if self._eof and not self.disconnected:
            self._transport.close()  # both directions are done

    # -- flow control, as a producer (what is read) and as a consumer (what is written)

    def pauseProducing(self) -> None:
        """Read nothing more until `resumeProducing`."""
        self._paused = self._holding = True
        if not self.disconnecting:
            self._transport.pause_reading()

    def resumeProducing(self) -> None:
        """Read again."""
        self._paused = False
        if self.disconnecting or self._wait_for_hook:
            return
        if self._held or self._eof_waits:
            self._loop.call_soon(self._deliver_held)  # not from here: the caller may be in the midst of a hook
        else:
            self._holding = False
            self._transport.resume_reading()

    def _deliver_held(self) -> None:
        if self._paused or self._wait_for_hook or self.disconnecting or not (self._held or self._eof_waits):
            return
        data, self._held = self._held, b""
        self._holding = False
        if data:
            self.data_received(data)
        if self._holding or self.disconnecting:
            return
        if not self._eof_waits:
            self._transport.resume_reading()
            return
        self._eof_waits = False
        if not self.eof_received():
            self._transport.close()

    # the names that they bear where a transport is seen as a file descriptor
    stopReading = pauseProducing
    startReading = resumeProducing

    def stopProducing(self) -> None:
        """As `loseConnection`: whoever consumes what we read wants nothing more."""
        self.loseConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` fill this connection, and be told when to stop and to go on.

        :param streaming: True: it writes by itself, and is told `pauseProducing` past the high-water mark (64 KiB waiting)
            and `resumeProducing` when there is room. False: it writes once for each `resumeProducing`.
        :raises RuntimeError: if another producer is registered.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"cannot register producer {producer!r}: producer {self.producer!r} was never unregistered"
            )
        if self.disconnected or self._write_closed:
            producer.stopProducing()
            return
        self.producer = producer
        self.streamingProducer = streaming
        if not streaming:
            producer.resumeProducing()
            self._loop.call_soon(self._pull_next)
        elif self.full:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """The producer is done; the connection, or our half of it, is closed now if that was waited for."""
        self.producer = None
        if self.disconnecting:
            self.flush()  # also in a hook: what is written after this is not sent any more
            if not self._corked:
                self._close()
        elif self._write_closing:
            self._end_writing()

    def stopConsuming(self) -> None:
        """Called by a producer that has nothing to give any more: do without it, and close."""
        self.unregisterProducer()
        self.loseConnection()

    def _tell_producer(self, what: str) -> None:
        try:
            getattr(self.producer, what)()
        except BaseException as e:
            self.hookFailed(Failure(e), what)

    def _pull(self) -> None:
        """Ask a pull producer for the next piece, and for one more in a turn, if it is then still wanted."""
        self._tell_producer("resumeProducing")
        self._loop.call_soon(self._pull_next)

    def _pull_next(self) -> None:
        if self.producer is None or self.streamingProducer or self.disconnected:
            return
        self.flush()
        if not self.full:
            self._pull()


@implementer(INegotiated)
class SecureConnection(Connection):
    """A connection under TLS. A `Connection` becomes one when it goes under TLS; it has nothing more to store."""

    __slots__ = ()

    TLS = True

    def getHandle(self) -> Any:
        """The object of the TLS library: an ``ssl.SSLObject``, or an ``OpenSSL.SSL.Connection`` if the context is pyOpenSSL's."""
        return cast("TLSLayer", self._transport).machine.object

    def getPeerCertificate(self) -> Any:
        """The certificate that the peer has shown, or None (before the handshake is done, too).

        With the standard library's contexts it is the dictionary of `ssl.SSLSocket.getpeercert`.
        """
        return cast("TLSLayer", self._transport).machine.peer_certificate()

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The protocol agreed on by ALPN (RFC 7301), or None."""
        return cast("TLSLayer", self._transport).machine.negotiated()

    @property
    def sessionReused(self) -> bool:
        """Whether the handshake was a short one that resumed an earlier session (RFC 8446 section 2.2, RFC 5246 section 7.3)."""
        reused = getattr(cast("TLSLayer", self._transport).machine.object, "session_reused", False)
        return bool(reused() if callable(reused) else reused)
