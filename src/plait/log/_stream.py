"""A log that leads to a pipe, a terminal or a socket, whose reader may stop reading.

A program must not stop with it. What there is room for is written at once, so that it is there if the program crashes, and in
order with what it prints. Once there is no room a thread waits for that, and what comes meanwhile waits in memory, up to a
limit; beyond it lines are refused, and so are counted by the observer (`plait.log.FileLogObserver`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import threading
import time
from collections import deque
from typing import TextIO

from plait.log._descriptor import Descriptor

# Bytes that wait for a slow reader: some ten thousand lines.
_MAX_WAITING = 1 << 20

# Seconds that a reader has, at the end, for what still waits.
_PATIENCE = 2.0


class LogStream:
    """What observers write to in place of `stream`, a text file with a descriptor. OSError if it has none. Not for Windows.

    :param limit: how many bytes may wait for the reader.
    """

    def __init__(self, stream: TextIO, limit: int = _MAX_WAITING) -> None:
        self.name = str(getattr(stream, "name", stream))
        self.encoding = stream.encoding or "utf-8"
        self._stream = stream
        self._file = _Unblocked(stream.fileno())
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.RLock()
        self._emptied = threading.Condition(self._lock)
        self._refusing = False
        self._broken: OSError | None = None

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def write(self, text: str) -> int:
        """Write it, now or later, never waiting. BlockingIOError if too much waits already; OSError if nobody will read it."""
        data = text.encode(self.encoding, "backslashreplace")
        with self._lock:
            if self._broken is not None:
                error, self._broken = self._broken, None
                raise error
            if not self._waiting:
                if self._file.hasRoom():
                    self._stream.flush()  # what the program has printed before
                data = self._file.putNow(data)
                if not data:
                    return len(text)
                threading.Thread(target=self._write_later, name="plait: writes the log", daemon=True).start()
            elif self._size + len(data) > (self._limit // 2 if self._refusing else self._limit):
                # until half of it is gone: one gap in the log tells more than many
                self._refusing = True
                raise BlockingIOError(errno.EAGAIN, "the reader was too slow")
            self._refusing = False
            self._waiting.append(data)
            self._size += len(data)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: what there is room for has been written."""

    def drain(self) -> None:
        """Give the reader a moment for what waits."""
        deadline = time.monotonic() + _PATIENCE
        with self._lock:
            while self._waiting and (left := deadline - time.monotonic()) > 0:
                self._emptied.wait(left)

    def close(self) -> None:
        """Write no more. The stream itself stays open."""
        with self._lock:
            if not self._waiting:  # else the thread has the descriptor still
                self._file.close()

    def _write_later(self) -> None:
        """In a thread, while something waits."""
        while True:
            with self._lock:
                data = self._waiting[0]
            try:
                while data:
                    self._file.waitForRoom()
                    data = self._file.putNow(data)
            except OSError as error:  # nobody will read the others either
                with self._lock:
                    self._waiting.clear()
                    self._size = 0
                    self._broken = error
                    self._emptied.notify_all()
                return
            with self._lock:
                self._size -= len(self._waiting.popleft())
                if not self._waiting:
                    self._emptied.notify_all()
                    return


class _Unblocked(Descriptor):
    """A second descriptor for what `number` leads to, on which writing does not wait for a reader."""

    def __init__(self, number: int) -> None:
        super().__init__(_second(number))
        self._poll = select.poll()
        self._poll.register(self.number, select.POLLOUT)

    def hasRoom(self) -> bool:
        """Whether something can be written without waiting, or never will be."""
        return bool(self._poll.poll(0))

    def waitForRoom(self) -> None:
        """Wait until something can be written."""
        self._poll.poll()

    def putNow(self, data: bytes) -> bytes:
        """Write what there is room for, and return the rest."""
        if self.isRegular:
            self.put(data)
            return b""
        with contextlib.suppress(BlockingIOError):
            while data and self.hasRoom():
                data = data[os.write(self.number, data[: select.PIPE_BUF]) :]
        return data


def _second(number: int) -> int:
    # A description of our own can be made not to block, without a word to those who share the other one. Where there is none to
    # be had (a socket, a terminal of another user's), there is room for a small piece whenever poll says that there is some.
    mode = os.fstat(number).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        with contextlib.suppress(OSError):
            return os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return os.dup(number)
