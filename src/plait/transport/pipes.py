"""Our ends of the pipes to a child process, or of its terminal. Each closes its descriptor at its end, and says so once."""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop
from typing import Any, Protocol

PIECE = 64 * 1024
HIGH_WATER = 64 * 1024


class Owner(Protocol):
    """The process, as far as its pipes know it."""

    def childDataReceived(self, childFD: int, data: bytes) -> None: ...

    def childConnectionLost(self, childFD: int) -> None: ...


class Pipe:
    """What both kinds have."""

    def __init__(self, loop: AbstractEventLoop, owner: Owner, number: int, fd: int, watches_end: bool = True) -> None:
        os.set_blocking(fd, False)
        self._loop = loop
        self._owner = owner
        self._number = number
        self._fd: int | None = fd
        self._watches_end = watches_end
        self._closing = False

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
        self._owner.childConnectionLost(self._number)


class PipeReader(Pipe):
    """The child writes, we read."""

    _paused = False
    _held = False

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
        except OSError:
            data = b""  # a terminal at whose other end nobody is says EIO
        if data:
            self._owner.childDataReceived(self._number, data)
        else:
            self.cut()


class PipeWriter(Pipe):
    """We write, the child reads."""

    def __init__(self, loop: AbstractEventLoop, owner: Owner, number: int, fd: int, watches_end: bool = True) -> None:
        super().__init__(loop, owner, number, fd, watches_end)
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
        except OSError:
            # the child has closed its end: told in the next turn, for it may be the protocol that writes
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
                self._producer.resumeProducing()
        elif self._closing:
            self.cut()

    def close(self) -> None:
        self._closing = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._closing and self._producer is None and not self._buffer:
            self._loop.call_soon(self.cut)

    def cut(self) -> None:
        if self._fd is None:
            return
        self._buffer.clear()
        producer, self._producer = self._producer, None
        super().cut()
        if producer is not None:
            producer.stopProducing()

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
