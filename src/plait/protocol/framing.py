"""What the framings have in common: they can be paused, and they wait for hooks that are ``async def``.

A framing keeps what it cannot hand out yet. `resumeProducing` makes it go on by an empty `dataReceived`. Time is linear in
the bytes, however they are split: what has come is looked at again only when as much is there as the next step needs.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred, ensureDeferred
from plait.log import Logger
from plait.protocol.base import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from plait.failure import Failure

_log = Logger("plait.protocol")


class _Nowhere:
    """In the place of a transport where there is none, for loops that look at it often."""

    disconnecting = False


nowhere = _Nowhere()


class PauseableMixin:
    """For a protocol that cuts a stream into messages: hold them back, and reading with them, until it is told to go on.

    A class that uses it looks at `paused` after each message, and keeps the rest.
    """

    paused = False
    _held = False  # paused by somebody, and not (only) because a hook is not done
    _hook_runs = False
    _send: Callable[[bytes], object] | None = None  # while messages are handed out: the quickest way to write
    if TYPE_CHECKING:
        transport: Any

        def dataReceived(self, data: bytes) -> Any: ...

    def pauseProducing(self) -> None:
        """Hand out nothing more, and read nothing, until `resumeProducing`."""
        self._held = self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on with what is there, and with reading; with an ``async def`` hook under way, when that is done."""
        self._held = False
        if self._hook_runs:
            return
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def stopProducing(self) -> None:
        """Close the connection."""
        self._held = self.paused = True
        self.transport.stopProducing()

    def _quick_write(self) -> Callable[[bytes], object] | None:
        """The transport's quickest way to write while a hook runs, if it has one."""
        transport = self.transport
        # Asked of its class: one that hands on what it lacks to another transport wants to see what is written.
        hook_write = getattr(type(transport), "hookWrite", None)
        return None if hook_write is None else hook_write(transport)

    def _wait_for(self, coroutine: CoroutineType[Any, Any, Any], hook: Any) -> None:
        """Hand out nothing more until what `hook`, an ``async def``, has given is done."""
        d: Deferred[None] = ensureDeferred(coroutine)
        if d.called and not d.paused:
            d.addErrback(self._hook_failed, hook)
            return
        self._hook_runs = self.paused = True
        self.transport.pauseProducing()

        def go_on(_: object) -> None:
            self._hook_runs = False
            if not self._held and not self.transport.disconnecting:
                self.resumeProducing()

        # what the next messages' hooks do wrong is not lost either
        d.addCallbacks(go_on, self._hook_failed, errbackArgs=(hook,)).addErrback(self._hook_failed, self.dataReceived)

    def _hook_failed(self, failure: Failure, hook: Any) -> None:
        hook_failed = getattr(self.transport, "hookFailed", None)
        if hook_failed is not None:
            hook_failed(failure, hook)
            return
        # a transport in front of the real one, or one of a test
        _log.failure(
            "Unhandled error in {hook} of {protocol!r}: its connection is closed", failure, hook=hook, protocol=self
        )
        abort = getattr(self.transport, "abortConnection", None) or self.transport.loseConnection
        abort()


class Framing(PauseableMixin, Protocol):
    """Cuts the stream into messages whose length is known before they are there. What a message is, `hand_out` says.

    While messages are handed out, ``_data`` from ``_offset`` on is what has not been looked at. What comes meanwhile, and
    all that waits for more, is in ``_buffer``, of which no part is of use before ``_needed`` bytes are there.
    """

    _busy = False
    _data = b""
    _offset = 0
    _buffer: bytearray | None = None
    _needed = 0

    def dataReceived(self, data: bytes) -> Any:
        """Cut `data` into messages and hand them out."""
        buffer = self._buffer
        if buffer is None:
            buffer = self._buffer = bytearray()
            self.paused = self.paused  # looked at for each message, and quicker to find on the object than on the class
        if self._busy or self.paused:
            buffer += data
            return
        if self._data:  # a pause is over
            buffer += data
        elif buffer:
            buffer += data
            if len(buffer) < self._needed:
                return
            self._data = bytes(buffer)
            buffer.clear()
        else:
            self._data = data
        self._busy = True
        self._send = self._quick_write()
        try:
            self._go_on(buffer)
        finally:
            self._busy = False
            self._send = None

    def _go_on(self, buffer: bytearray) -> None:
        while True:
            self.hand_out()
            if self.transport is not None and self.transport.disconnecting:
                self._data = b""
                self._offset = 0
                buffer.clear()
                return
            if self.paused:
                return
            rest = self._data[self._offset :]
            self._offset = 0
            if not buffer:
                self._data = b""
                buffer += rest
                return
            # a hook has called dataReceived
            self._data = rest + buffer
            buffer.clear()
            if len(self._data) < self._needed:
                buffer += self._data
                self._data = b""
                return

    def hand_out(self) -> None:
        """Call the hook for each message of ``_data`` from ``_offset`` on, and set both to what is left.

        Ends with ``_needed``, the bytes without which there is no next message; or when the hook has paused it, or has closed
        the connection, to which any number does.
        """
        raise NotImplementedError

    def unread(self) -> bytes:
        """All that has come and is not yet handed out."""
        return self._data[self._offset :] + (self._buffer or b"")

    def read_instead(self, data: bytes) -> None:
        """Go on with `data` in place of what has come and is not yet handed out."""
        if self._busy:
            assert self._buffer is not None
            self._buffer.clear()  # the loop that hands out has it in its hand
            self._data = bytes(data)
        else:
            self._buffer = bytearray(data)
            self._data = b""
        self._offset = self._needed = 0
