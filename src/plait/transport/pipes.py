"""Our ends of the pipes to a child process, or of its terminal; and both directions of a serial line.

Each closes its descriptor at its end, and says so once.
"""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from types import CoroutineType
from typing import Any

from plait.deferred import ensureDeferred
from plait.failure import Failure
from plait.log import Logger

_log = Logger("plait.transport")

PIECE = 64 * 1024
HIGH_WATER = 64 * 1024


class Pipe:
    """What both kinds have.

    Attributes: `error`, what has ended it: what the system said, or a producer that failed; None if nothing went wrong.
    """

    def __init__(self, loop: AbstractEventLoop, fd: int, ended: Callable[[], object]) -> None:
        os.set_blocking(fd, False)
        self._loop = loop
        self._fd: int | None = fd
        self._ended = ended
        self._closing = False
        self.error: Exception | None = None

    def fileno(self) -> int:
        """The descriptor; -1 when it is closed."""
        return -1 if self._fd is None else self._fd

    def start(self) -> None:
        """The protocol is there: begin."""
        raise NotImplementedError

    def close(self) -> None:
        """Close when everything is done."""
        raise NotImplementedError

    def cut(self) -> None:
        """Close now."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        if not self._loop.is_closed():
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)
        os.close(fd)
        self._last_words()

    def _last_words(self) -> None:
        """The descriptor is closed: say so."""
        self._ended()


class PipeReader(Pipe):
    """The other side writes, we read: `received` is called with each piece."""

    def __init__(
        self, loop: AbstractEventLoop, fd: int, received: Callable[[bytes], object], ended: Callable[[], object]
    ) -> None:
        super().__init__(loop, fd, ended)
        self._received = received
        self._paused = False
        self._held = False

    def start(self) -> None:
        if self._fd is not None and not (self._paused or self._held or self._closing):
            self._loop.add_reader(self._fd, self._read)

    def _stop(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)

    def pause(self) -> None:
        """Read nothing until `resume`: so the program wants it."""
        self._paused = True
        self._stop()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self.start()

    def hold(self) -> None:
        """Read nothing until `release`: a hook is not done with what was read last."""
        self._held = True
        self._stop()

    def release(self) -> None:
        """The hook is done."""
        self._held = False
        self.start()

    def close(self) -> None:
        if self._fd is not None and not self._closing:
            self._closing = True
            self._stop()
            self._loop.call_soon(self.cut)

    def _read(self) -> None:
        if self._fd is None or self._paused or self._held:
            return
        try:
            data = os.read(self._fd, PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as e:
            data = b""  # a terminal at whose other end nobody is says EIO
            self.error = e
        if data:
            self._received(data)
        else:
            self.cut()


class PipeWriter(Pipe):
    """We write, the other side reads."""

    def __init__(self, loop: AbstractEventLoop, fd: int, ended: Callable[[], object], watches_end: bool = True) -> None:
        super().__init__(loop, fd, ended)
        self._watches_end = watches_end
        self._buffer = bytearray()
        self._writing = False
        self._producer: Any = None
        self._streaming = False
        self._paused = False

    def start(self) -> None:
        if self._fd is not None and self._watches_end:
            # nothing is ever to be read here, but the end of the reader is an event (POLLERR)
            self._loop.add_reader(self._fd, self.cut)

    def write(self, data: bytes) -> None:
        """Send `data`, after all that was written before.

        :raises TypeError: if it is not bytes.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data to be written must be bytes, not {type(data).__name__}; encode text first")
        if self._fd is None or (self._closing and self._producer is None) or not data:
            return
        if not self._buffer:
            data = data[self._send(data) :]
        self._buffer += data
        if self._buffer or (self._producer is not None and not self._streaming):
            self._wait_for_room()
        if self._producer is not None and self._streaming and len(self._buffer) > HIGH_WATER and not self._paused:
            self._paused = True
            self._producer.pauseProducing()

    def _send(self, data: bytes | bytearray) -> int:
        assert self._fd is not None
        try:
            return os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as e:
            # the other side has closed its end: told in the next turn, for it may be the protocol that writes
            self.error = e
            self._loop.call_soon(self.cut)
            return len(data)

    def _wait_for_room(self) -> None:
        if not self._writing and self._fd is not None:
            self._writing = True
            self._loop.add_writer(self._fd, self._ready)

    def _ready(self) -> None:
        if self._fd is None:
            return
        if self._buffer:
            del self._buffer[: self._send(self._buffer)]
        if self._buffer:
            return
        self._writing = False
        self._loop.remove_writer(self._fd)
        if self._producer is not None:
            if not self._streaming or self._paused:
                self._paused = False
                self._resume_producer()
        elif self._closing:
            self.cut()

    def _resume_producer(self) -> None:
        try:
            self._producer.resumeProducing()
        except Exception as e:
            _log.failure("Unhandled error in resumeProducing of {producer!r}", producer=self._producer)
            self.error = e
            self.cut()

    def close(self) -> None:
        self._closing = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._closing and self._producer is None and not self._buffer:
            self._loop.call_soon(self.cut)

    def discard(self) -> None:
        """Forget what was written and is not sent."""
        self._buffer.clear()
        self._close_if_done()

    def _last_words(self) -> None:
        self._buffer.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.stopProducing()
            except Exception:
                _log.failure("Unhandled error in stopProducing of {producer!r}", producer=producer)
        self._ended()

    def register(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError(f"cannot register producer {producer!r}: {self._producer!r} was never unregistered")
        self._producer = producer
        self._streaming = streaming
        self._paused = False
        if not streaming:
            producer.resumeProducing()

    def unregister(self) -> None:
        self._producer = None
        self._close_if_done()


def call_hook(
    protocol: Any, name: str, *args: object, reader: PipeReader | None, failed: Callable[[Failure, str], object]
) -> None:
    """Call a hook of `protocol`. While one that is ``async def`` runs, nothing is read; if it raises, `failed` is told."""
    try:
        result = getattr(protocol, name)(*args)
    except BaseException as e:
        failed(Failure(e), name)
        return
    if type(result) is not CoroutineType:
        return
    d = ensureDeferred(result)
    if reader is not None:
        reader.hold()
        d.addBoth(_passing, reader.release)
    d.addErrback(failed, name)


def _passing(result: object, call: Callable[[], object]) -> object:
    call()
    return result
