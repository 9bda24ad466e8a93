"""TLS as a layer: to the transport under it a protocol of the event loop, to the connection above it a transport.

A layer is put in when a connection is made, or in the middle of one (STARTTLS): what was written before has gone out in
the clear, what is written after it waits for the end of the handshake. Layers can lie on one another.

What comes from the network costs one call of the machine, and what is written another; the handshake and the end of a
connection have a time limit each, so that a peer that is silent there holds nothing for ever.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, cast

from plait import errors
from plait.transport.tlsmachine import TLSError, TLSMachine, cut, ssl_error

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle

# Seconds for a handshake, as in asyncio: slow networks and slow keys need some, a peer that says nothing gets no more.
HANDSHAKE_LIMIT = 60.0

# Seconds for the peer to answer our close_notify, or to take at least something of what waits to be sent before it.
END_LIMIT = 30.0

# Bytes that may be written before the handshake is done until the writer is told to wait.
EARLY_LIMIT = 64 * 1024

_HANDSHAKE, _OPEN, _ENDING, _CLOSED = range(4)


class Above(Protocol):
    """What is on top of a layer: the protocol of a connection, or another layer."""

    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def connection_lost(self, exc: BaseException | None) -> None: ...
    def handshake_done(self) -> None: ...


class TLSLayer(asyncio.Protocol):
    """One TLS connection between `below`, a transport of the loop that is connected, and `above`."""

    def __init__(self, loop: AbstractEventLoop, machine: TLSMachine, below: Any, above: Above) -> None:
        self.machine = machine
        self._loop = loop
        self._below = below
        self._above = above
        self._state = _HANDSHAKE
        self._early: list[bytes] = []  # written before the handshake is done
        self._early_size = 0
        self._early_limit = EARLY_LIMIT
        self._unread: deque[bytes | TLSError | None] = deque()  # what machine.read() gave before it was wanted
        self._paused = False  # reading, by the one above
        self._over_high_water = False  # writing, by the one below, or because of what is early
        self._closing = False  # close() has been called
        self._write_ended = False  # write_eof() has been called
        self._peer_ended = False  # by TLS's own word
        self._below_ended = False
        self._error: BaseException | None = None
        self._timer: TimerHandle | None = None
        self._unsent = -1
        below.set_protocol(self)

    def begin(self) -> None:
        """Begin the handshake."""
        self._timer = self._loop.call_later(HANDSHAKE_LIMIT, self._too_slow)
        self._go_on()

    # -- called by the transport below

    def data_received(self, data: bytes) -> None:
        machine = self.machine
        machine.receive(data)
        if self._state == _OPEN and not self._paused:
            self._deliver()
        elif self._state == _HANDSHAKE:
            self._go_on()
        elif self._state == _ENDING:
            self._await_end()

    def eof_received(self) -> bool:
        if self._state == _CLOSED:
            return False
        self._below_ended = True
        self.machine.receive_end()
        if self._state == _HANDSHAKE:
            self._fail(errors.SSLError(string="the connection has ended in the TLS handshake"))
        elif self._state == _OPEN and not self._paused:
            self._deliver()
        # Open still: there is data before the end that is not wanted yet, or the one above goes on to write.
        return self._state == _OPEN

    def pause_writing(self) -> None:
        self._over_high_water = True
        self._above.pause_writing()

    def resume_writing(self) -> None:
        self._over_high_water = False
        self._above.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        state, self._state = self._state, _CLOSED
        self._stop_timer()
        self._early.clear()
        if self._error is not None:
            exc = self._error
        elif state == _HANDSHAKE and not self._closing:
            exc = exc or errors.SSLError(string="the connection has ended in the TLS handshake")
        elif state == _OPEN and not self._peer_ended and not self._closing:
            exc = exc or cut()
        above = self._above
        del self._above  # it holds us, too
        above.connection_lost(exc)

    # -- inside

    def _go_on(self) -> None:
        """Go on with the handshake."""
        machine = self.machine
        try:
            done = machine.handshake()
        except TLSError as e:
            self._send()  # the alert that tells the peer why
            self._fail(e.reason)
            return
        if not done:
            self._send()
            return
        self._state = _OPEN
        self._stop_timer()
        early, self._early = self._early, []
        for data in early:
            machine.write(data)
        self._send()
        if self._write_ended:
            self._say_end()
        self._above.handshake_done()
        if self._early_size > self._early_limit:
            self._early_size = 0
            if not self._over_high_water:
                self._above.resume_writing()
        if self._closing:
            self._end()
        elif self._paused:
            self._below.pause_reading()
        elif self._state == _OPEN:
            self._deliver()

    def _deliver(self) -> None:
        """Hand up what can be read."""
        machine = self.machine
        while self._state == _OPEN and not self._paused and not self._peer_ended:
            try:
                data = self._take_unread() if self._unread else machine.read()
            except TLSError as e:
                self._send()
                self._fail(e.reason)
                return
            if data:
                self._above.data_received(data)
                if not machine.more and not self._unread and not self._below_ended:
                    break
            elif data is None:
                self._peer_ended = True
                if not self._above.eof_received():
                    self.close()
            else:
                break
        # an alert, or an answer to the peer's new keys
        if self._state == _OPEN:
            self._send()

    def _send(self) -> None:
        data = self.machine.to_send()
        if data:
            self._below.write(data)

    def _fail(self, error: BaseException) -> None:
        if self._state != _CLOSED:
            self._state = _CLOSED
            self._stop_timer()
            self._error = error
            self._unread.clear()
            # what is to be sent (an alert, at the end) still goes out, if the peer takes it
            self._timer = self._loop.call_later(END_LIMIT, self._below.abort)
            self._below.close()

    def _too_slow(self) -> None:
        self._timer = None
        self._fail(errors.SSLError(string=f"the TLS handshake took longer than {HANDSHAKE_LIMIT:g} seconds"))
        self._below.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the end

    def write_eof(self) -> None:
        """Send what was written, then say that our data ends; the peer's goes on (RFC 8446 section 6.1)."""
        if not self._write_ended and not self._closing:
            self._write_ended = True
            if self._state == _OPEN:
                self._say_end()

    def _say_end(self) -> None:
        # OpenSSL, when it says the end, takes what has come and is not read yet for an error
        try:
            while data := self.machine.read():
                self._unread.append(data)
            if data is None:
                self._unread.append(None)
        except TLSError as e:
            self._unread.append(e)
        self.machine.end()
        self._send()

    def _take_unread(self) -> bytes | None:
        data = self._unread.popleft()
        if isinstance(data, TLSError):
            raise data
        return data

    def _end(self) -> None:
        """Say that our data ends, and wait for the peer to say so too, so that all that we have sent arrives.

        A connection that is closed with unread data in it is reset, which may throw away what the peer has not read.
        """
        self._unread.clear()
        over = self._peer_ended or self._discard()
        over = self.machine.end() or over
        self._send()
        self._state = _ENDING
        if over:
            self._below.close()
            return
        self._unsent = -1
        self._timer = self._loop.call_later(END_LIMIT, self._end_too_slow)
        self._below.resume_reading()

    def _discard(self) -> bool:
        """What the peer still sends is of no use to anybody; that it ends is: true when it has."""
        try:
            while data := self.machine.read():
                pass
        except TLSError:
            return True
        return data is None

    def _await_end(self) -> None:
        if self._discard():
            self._stop_timer()
            self._below.close()

    def _end_too_slow(self) -> None:
        unsent = self._below.get_write_buffer_size()
        if unsent and unsent != self._unsent:
            self._unsent = unsent  # a slow reader, but it reads
            self._timer = self._loop.call_later(END_LIMIT, self._end_too_slow)
        else:
            self._timer = None
            self._below.abort()

    # -- the transport that the connection above sees

    def write(self, data: bytes) -> None:
        """Send `data`, when the handshake is done."""
        if self._state == _OPEN:
            try:
                self.machine.write(data)
            except Exception as e:
                if not self.machine.more:
                    self._fail(ssl_error(e) if isinstance(e, ssl.SSLError) else e)
                return  # what was wrong in what has come is said when that is read
            self._below.write(self.machine.to_send())
        elif self._state == _HANDSHAKE:
            self._early.append(data)
            below, self._early_size = self._early_size, self._early_size + len(data)
            if below <= self._early_limit < self._early_size and not self._over_high_water:
                self._above.pause_writing()

    def close(self) -> None:
        """Send what was written, end the TLS connection, and close the one below."""
        if self._closing:
            return
        self._closing = True
        if self._state == _OPEN:
            self._end()
        elif self._state == _HANDSHAKE and not self._early:
            self._below.close()

    def abort(self) -> None:
        """Close now."""
        self._closing = True
        self._below.abort()

    def is_closing(self) -> bool:
        """Whether it is being closed, or is."""
        return self._closing or bool(self._below.is_closing())

    def pause_reading(self) -> None:
        """Deliver nothing more; the handshake goes on."""
        self._paused = True
        if self._state == _OPEN:
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Deliver again, what has come meanwhile first."""
        if not self._paused:
            return
        self._paused = False
        if self._state == _OPEN:
            self._below.resume_reading()
            # not now: whoever resumes may not expect data in the middle of the call
            self._loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        """Bytes that wait to be sent."""
        return self._early_size if self._state == _HANDSHAKE else self._below.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """At how many waiting bytes `resume_writing` and `pause_writing` are said."""
        limits: tuple[int, int] = self._below.get_write_buffer_limits()
        return limits

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say `pause_writing` when more than `high` bytes wait to be sent, and `resume_writing` at `low`."""
        self._early_limit = EARLY_LIMIT if high is None else high
        self._below.set_write_buffer_limits(high, low)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Put something else on top: another layer."""
        self._above = cast("Above", protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As of a transport of the loop; "ssl_object" is the object of the library that does the work."""
        if name == "ssl_object":
            return self.machine.object
        return self._below.get_extra_info(name, default)

    def handshake_done(self) -> None:
        """A layer below has done its handshake: what is above begins by itself."""
