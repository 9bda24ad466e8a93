"""A transport over a UNIX socket, for streams of bytes among which descriptors travel (unix(7), SCM_RIGHTS).

The event loops' own transports read with ``read`` and throw descriptors away, so this one reads with ``recvmsg``. It is to a
`Connection` what a transport of the loop's is.

A descriptor travels with one byte, and each byte carries one at most: the receiver has it before that byte.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from plait.errors import FileDescriptorOverrun
from plait.failure import Failure
from plait.interfaces import IFileDescriptorReceiver, IUNIXTransport, adapt, implementer
from plait.log import Logger
from plait.transport.stream import HIGH_WATER, Connection
from plait.transport.watching import ErrorPoll, ends_at_errors, watch_again

if TYPE_CHECKING:
    from collections.abc import Callable

_log = Logger("plait.transport")

READ_SIZE = 64 * 1024

# The kernel lets one message carry 253 descriptors (SCM_MAX_FD in unix(7)).
_INT = array.array("i").itemsize
_ROOM = socket.CMSG_SPACE(253 * _INT) if hasattr(socket, "CMSG_SPACE") else 0
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

# A descriptor that waits to be sent counts as so many bytes against the high-water mark, since there are few of them: the
# producer is paused when 16 wait.
WEIGHT = 4096

# How many connections are taken in one turn of the loop: there must be time for all else.
ACCEPTS = 32


class UNIXStream(asyncio.Transport):
    """Reads and writes a connected UNIX socket for `connection`, on any event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, connection: asyncio.Protocol) -> None:
        sock.setblocking(False)
        super().__init__({"socket": sock, "sockname": sock.getsockname(), "peername": _peer_name(sock)})
        self._loop = loop
        self._socket = sock
        self._connection: Any = connection
        self._buffer = bytearray()
        self._sent = 0  # bytes since the beginning; what is in the buffer comes after them
        self._descriptors: deque[tuple[int, int]] = deque()  # with the number of the byte that each travels with
        self._held: bytes | None = None  # came with a descriptor that a hook still works on
        self._errors = ErrorPoll(sock.fileno()) if ends_at_errors(loop) else None
        self._reading = False
        self._writing = False
        self._paused = False
        self._full = False
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        self._ended = False  # write_eof was called
        self._closing = False
        self._gone = False
        connection.connection_made(self)
        if not self._paused:
            self._start_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Serve somebody else from now on, such as a TLS layer."""
        self._connection = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who is served."""
        protocol: asyncio.BaseProtocol = self._connection
        return protocol

    # -- reading

    def _start_reading(self) -> None:
        if not self._reading and not self._closing and not self._connection_ended():
            self._reading = True
            self._loop.add_reader(self._socket, self._readable)

    def _connection_ended(self) -> bool:
        return self._gone or self._peer_ended

    _peer_ended = False

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket)

    def is_reading(self) -> bool:
        """Whether what comes in is read."""
        return self._reading

    def pause_reading(self) -> None:
        """Read nothing more until `resume_reading`."""
        self._paused = True
        self._stop_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._paused = False
        if self._held is not None:
            self._loop.call_soon(self._deliver_held)
        else:
            self._start_reading()

    def _readable(self) -> None:
        try:
            data, ancillary, flags, _ = self._socket.recvmsg(READ_SIZE, _ROOM, _CLOSE_ON_EXEC)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as e:
            self._lose(e)
            return
        if self._errors is not None and self._errors.has_error():
            self._loop.call_soon(self._watch_again)  # behind this, there is a reset to be read
        if ancillary or flags & socket.MSG_CTRUNC:
            self._take_descriptors(ancillary, flags)
            if self._paused and not self._closing:
                self._held = data
                return
        self._deliver(data)

    def _watch_again(self) -> None:
        if self._reading:
            watch_again(self._loop, self._socket, self._readable)

    def _deliver_held(self) -> None:
        data = self._held
        if data is not None and not self._paused:
            self._held = None
            self._start_reading()
            self._deliver(data)

    def _deliver(self, data: bytes) -> None:
        if self._closing:
            return
        if data:
            self._connection.data_received(data)
            return
        self._peer_ended = True
        self._stop_reading()
        if not self._connection.eof_received():
            self.close()

    def _take_descriptors(self, ancillary: list[tuple[int, int, bytes]], flags: int) -> None:
        numbers = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers.frombytes(data[: len(data) - len(data) % _INT])
        if flags & socket.MSG_CTRUNC:
            _log.warn(
                "{connection!r} has lost descriptors that the peer sent: we have none left", connection=self._connection
            )
        received = list(numbers)
        for number in received:
            os.set_inheritable(number, False)  # some systems have no MSG_CMSG_CLOEXEC
        if isinstance(self._connection, UNIXConnection):
            self._connection.descriptors_received(received)
        else:
            _refuse(received, self._connection)

    # -- writing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data` after all that was written before it."""
        if self._closing or self._ended:
            return
        if not self._buffer and not self._descriptors:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as e:
                self._lose(e)
                return
            self._sent += sent
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
        self._buffer += data
        self._start_writing()
        self._check_mark()

    def send_descriptor(self, number: int) -> None:
        """Send a copy of a descriptor with the next byte that is written."""
        if self._closing or self._ended:
            return
        at = self._sent + len(self._buffer)
        if self._descriptors:
            at = max(at, self._descriptors[-1][0] + 1)
        self._descriptors.append((at, os.dup(number)))
        self._check_mark()

    def _start_writing(self) -> None:
        if not self._writing:
            self._writing = True
            self._loop.add_writer(self._socket, self._writable)

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket)

    def _writable(self) -> None:
        try:
            while self._buffer:
                self._send_some()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as e:
            self._lose(e)
            return
        if not self._buffer:
            self._stop_writing()
            if self._closing:
                self._finish()
                return
            if self._ended:
                self._shut_down()
        if self._full and self.get_write_buffer_size() <= self._low:
            self._full = False
            self._connection.resume_writing()

    def _send_some(self) -> None:
        """Send up to the byte that the next descriptor but one travels with."""
        with memoryview(self._buffer) as view:
            if self._descriptors and self._descriptors[0][0] == self._sent:
                end = self._descriptors[1][0] - self._sent if len(self._descriptors) > 1 else len(view)
                rights = array.array("i", [self._descriptors[0][1]])
                sent = self._socket.sendmsg([view[:end]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
                os.close(self._descriptors.popleft()[1])
            else:
                end = self._descriptors[0][0] - self._sent if self._descriptors else len(view)
                sent = self._socket.send(view[:end])
        del self._buffer[:sent]
        self._sent += sent

    def _check_mark(self) -> None:
        if not self._full and self.get_write_buffer_size() > self._high:
            self._full = True
            self._connection.pause_writing()

    def get_write_buffer_size(self) -> int:
        """How many bytes wait to be sent; a descriptor counts as `WEIGHT`."""
        return len(self._buffer) + WEIGHT * len(self._descriptors)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The marks, low and high: below the one a producer goes on that was paused above the other."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the marks, in bytes. The low one is a quarter of the high one if it is not given."""
        self._high = HIGH_WATER if high is None else high
        self._low = self._high // 4 if low is None else low
        self._check_mark()

    def can_write_eof(self) -> bool:
        """True: a UNIX socket can be half closed."""
        return True

    def write_eof(self) -> None:
        """Tell the peer that nothing more comes, when all is sent."""
        if not self._ended and not self._closing:
            self._ended = True
            if not self._buffer:
                self._shut_down()

    def _shut_down(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the peer is gone, which reading will tell

    # -- closing

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._closing

    def close(self) -> None:
        """Close when all is sent."""
        if not self._closing:
            self._closing = True
            self._held = None
            self._stop_reading()
            if not self._buffer:
                self._finish()

    def abort(self) -> None:
        """Close now."""
        self._lose(None)

    def _finish(self) -> None:
        self._lose(FileDescriptorOverrun(f"{len(self._descriptors)} left") if self._descriptors else None)

    def _lose(self, error: BaseException | None) -> None:
        if self._gone:
            return
        self._gone = self._closing = True
        self._held = None
        self._stop_reading()
        self._stop_writing()
        self._buffer.clear()
        while self._descriptors:
            os.close(self._descriptors.popleft()[1])
        self._loop.call_soon(self._tell_lost, error)

    def _tell_lost(self, error: BaseException | None) -> None:
        try:
            self._connection.connection_lost(error)
        finally:
            self._socket.close()


@implementer(IUNIXTransport)
class UNIXConnection(Connection):
    """One connection over a UNIX socket: a `Connection` that sends and receives descriptors, too."""

    __slots__ = ()

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Give the peer a copy of a descriptor, with the next byte that is written. You may close yours at once.

        If the connection is closed before there was a byte for each, the reason is `plait.errors.FileDescriptorOverrun`.

        :raises OSError: if `descriptor` is not open, or there are no more descriptors for the copy.
        """
        if not self.disconnecting:
            self.flush()
            self._stream.send_descriptor(descriptor)

    @property
    def _stream(self) -> UNIXStream:
        stream: Any = self._transport
        return stream  # type: ignore[no-any-return]

    def descriptors_received(self, numbers: list[int]) -> None:
        """Called by the stream: hand descriptors to the protocol, which owns them then; or close them."""
        receiver = adapt(IFileDescriptorReceiver, self.protocol, None)
        if receiver is None:
            _refuse(numbers, self)
            return
        self._corked = True
        for at, number in enumerate(numbers):
            if self.disconnecting:
                _close_all(numbers[at:])
                break
            try:
                # an implementation may be ``async def``
                result: object = receiver.fileDescriptorReceived(number)  # type: ignore[func-returns-value]
            except BaseException as e:
                _close_all(numbers[at + 1 :])
                self._corked = False
                self.hookFailed(Failure(e), "fileDescriptorReceived")
                return
            if result is not None:
                self._hook_result(result)
        self._uncork()

    def getTcpNoDelay(self) -> bool:
        """False: that is a thing of TCP's."""
        return False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Does nothing: a UNIX socket sends at once in any case."""


class Acceptor:
    """Takes connections from a listening UNIX socket, and closes that in the end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        accepted: Callable[[socket.socket], object],
        failed: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._accepted = accepted
        self._failed = failed
        self._closed = False
        loop.add_reader(sock, self._readable)

    def _readable(self) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, _name = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._failed()  # there are no descriptors, or there is no memory
                return
            self._accepted(sock)
            if self._closed:
                return

    def close(self) -> None:
        """Take no more."""
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._socket.close()


def _peer_name(sock: socket.socket) -> Any:
    try:
        return sock.getpeername()
    except OSError:
        return None  # it is gone already


def _close_all(numbers: list[int]) -> None:
    for number in numbers:
        os.close(number)


def _refuse(numbers: list[int], connection: Any) -> None:
    """Close descriptors that nobody takes."""
    _close_all(numbers)
    protocol = getattr(connection, "protocol", connection)
    _log.warn(
        "{protocol!r} has been sent {count} descriptors and does not provide IFileDescriptorReceiver: they are closed",
        protocol=protocol,
        count=len(numbers),
    )
