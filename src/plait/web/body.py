"""The body of a request: kept until it is complete, or taken as it comes."""

from __future__ import annotations

import io
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import IO

from plait.deferred import Deferred
from plait.failure import Failure

PIECE = 65536
"""Bytes of a file that are read at once."""

HIGH_WATER = 65536
"""Bytes that may wait to be taken; then the client is not read for now."""


class KeptBody:
    """Grows in memory, and goes to a temporary file when it becomes long.

    :param inMemory: bytes up to which it stays in memory.
    """

    __slots__ = ("_file", "_inMemory", "_pieces", "size")

    def __init__(self, inMemory: int) -> None:
        self.size = 0
        self._inMemory = inMemory
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None

    def add(self, data: bytes) -> None:
        """One more piece."""
        self.size += len(data)
        if self._file is not None:
            self._file.write(data)
            return
        self._pieces.append(data)
        if self.size > self._inMemory:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - the request closes it
            self._file.writelines(self._pieces)
            self._pieces.clear()

    def asFile(self) -> IO[bytes]:
        """All of it, to be read from its beginning."""
        if self._file is None:
            return io.BytesIO(b"".join(self._pieces))
        self._file.seek(0)
        return self._file


class BodyStream:
    """Gives the pieces as they come, to one who asks. What is not asked for fast enough makes the client wait.

    :param wanted: called before the first piece is waited for.
    :param pause: reads no more of the client for now.
    :param resume: reads on.
    """

    def __init__(self, wanted: Callable[[], None], pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._wanted: Callable[[], None] | None = wanted
        self._pause = pause
        self._resume = resume
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._ended = False
        self._failure: Failure | None = None
        self._waiting: Deferred[None] | None = None

    def put(self, data: bytes) -> None:
        """A piece has come."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and not self._paused:
            self._paused = True
            self._pause()
        self._wake()

    def end(self, failure: Failure | None = None) -> None:
        """It is complete; or, with a failure, will never be."""
        self._ended = True
        self._failure = failure
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    @property
    def done(self) -> bool:
        """Whether all of it has been taken."""
        return self._ended and not self._pieces

    async def read(self) -> bytes:
        """The next piece; ``b""`` at the end. Raises what ended the connection, if that came first."""
        while not self._pieces:
            if self._ended:
                if self._failure is not None:
                    self._failure.raiseException()
                return b""
            if self._wanted is not None:
                wanted, self._wanted = self._wanted, None
                wanted()
            self._waiting = Deferred()
            await self._waiting
        data = self._pieces.popleft()
        self._size -= len(data)
        if self._paused and self._size <= HIGH_WATER // 2:
            self._paused = False
            self._resume()
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data
