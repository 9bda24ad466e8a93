"""Sending a part of a file: by the kernel from the file's pages to the socket (sendfile(2)) where that is possible.

It is not under TLS, nor where the platform, the kind of file, or the transport has no way to do it: the bytes are then read and
written, a piece at a time, as fast as the peer takes them. Either way memory stays flat, and the file is read in the
thread of the reactor: on a disk that is slow to answer, that holds up the others.
"""

from __future__ import annotations

import os
from typing import IO, Any

from plait.deferred import Deferred
from plait.errors import ConnectionLost
from plait.failure import Failure
from plait.interfaces import IPushProducer, implementer
from plait.transport.stream import Connection

PIECE = 128 * 1024
"""Bytes that are read at a time."""

TURN = 1024 * 1024
"""Bytes that the kernel may be asked to send before others have their turn."""


class FileChangedError(Exception):
    """The file has become shorter than what was to be sent of it."""


def sendFile(transport: Any, file: IO[bytes], offset: int, count: int) -> Deferred[int]:
    """Send `count` bytes of a file, from `offset` on, behind what was written before.

    :param transport: a stream transport without a producer. It can be closed at once (``loseConnection``): that waits for the end
        of the sending.
    :param file: stays open, and stays the caller's; its position does not matter.
    :returns: fires with `count` when the last byte was handed to the kernel (or, where the bytes are written, to the
        transport). Fails with `FileChangedError` or an `OSError` of the file, the peer has then got less than it may have been
        promised; with `plait.errors.ConnectionLost` if the connection ends before that. Cancelled, it sends no more.
    """
    return _Sending(transport, file.fileno(), offset, count).begin()


@implementer(IPushProducer)
class _Sending:
    """One sending. The transport takes it for a producer, so that nobody else writes in between."""

    def __init__(self, transport: Any, file: int, offset: int, count: int) -> None:
        self._transport = transport
        self._file = file
        self._offset = offset
        self._end = offset + count
        self._count = count
        self._paused = self._running = False
        self._by_kernel = type(transport) is Connection and hasattr(os, "sendfile") and transport.fileno() >= 0
        self._lowered = False  # the loop's mark, so that it says when all is sent
        self._watched: int | None = None
        self.done: Deferred[int] = Deferred(lambda _: self._finish(None))

    def begin(self) -> Deferred[int]:
        """Send as much as goes at once."""
        self._transport.registerProducer(self, True)
        self._go()
        return self.done

    def pauseProducing(self) -> None:
        """Write no more for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Go on."""
        self._paused = False
        self._go()

    def stopProducing(self) -> None:
        """The connection is gone."""
        if self._transport is not None:
            self._let_go()
            self._transport = None
            self.done.errback(Failure(ConnectionLost("the connection was closed before the file was sent")))

    def _go(self) -> None:
        if self._running:
            return  # what the transport says while it is written to
        self._running = True
        try:
            while self._transport is not None and not self._paused:
                if self._offset >= self._end:
                    self._finish(self._count)
                elif self._by_kernel:
                    if not self._have_sent():
                        break
                else:
                    self._copy()
        finally:
            self._running = False

    def _copy(self) -> None:
        try:
            os.lseek(self._file, self._offset, os.SEEK_SET)  # there is no pread on Windows
            data = os.read(self._file, min(PIECE, self._end - self._offset))
        except OSError as error:
            self._finish(error)
            return
        if self._counts(len(data)):
            self._transport.write(data)

    def _have_sent(self) -> bool:
        """Let the kernel send. False if that has to wait: for what was written before, for the peer, for the others' turn."""
        transport: Connection = self._transport
        transport.flush()
        if transport._transport.get_write_buffer_size():
            self._lowered = True
            transport._transport.set_write_buffer_limits(0)
            return False
        try:
            sent = os.sendfile(transport.fileno(), self._file, self._offset, min(TURN, self._end - self._offset))
        except BlockingIOError:
            self._watch(transport)
            return False
        except (BrokenPipeError, ConnectionResetError):
            transport.abortConnection()  # which says stopProducing
            return False
        except OSError:  # not with this kind of file, or of file system
            self._by_kernel = False
            self._let_go()
            return True
        transport.bytesSent += sent
        self._counts(sent)
        if sent == TURN and self._offset < self._end:
            self._watch(transport)
            return False
        return True

    def _counts(self, size: int) -> bool:
        self._offset += size
        if not size:
            self._finish(FileChangedError(f"the file ends {self._end - self._offset} bytes too soon"))
        return bool(size)

    def _watch(self, transport: Connection) -> None:
        """Go on when the socket takes more. The loop has the descriptor for itself, so a copy of it is watched."""
        if self._watched is None:
            self._watched = os.dup(transport.fileno())
            transport._loop.add_writer(self._watched, self._go)

    def _let_go(self) -> None:
        """Undo what was done to the transport."""
        if self._watched is not None:
            self._transport._loop.remove_writer(self._watched)
            os.close(self._watched)
            self._watched = None
        if self._lowered and not self._transport.disconnected:
            self._transport._transport.set_write_buffer_limits()
        self._lowered = False

    def _finish(self, result: int | BaseException | None) -> None:
        """It is done, or will not be; None: somebody else tells."""
        if self._transport is None:
            return
        self._let_go()
        transport, self._transport = self._transport, None
        transport.unregisterProducer()
        if isinstance(result, BaseException):
            self.done.errback(Failure(result))
        elif result is not None:
            self.done.callback(result)
