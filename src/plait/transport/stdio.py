"""Standard input and output as a transport, from a terminal, a pipe or a file.

The descriptors are left in blocking mode: they are shared with the shell and with other programs, and a mode set here would be
theirs too. Input is read when the loop says that it is there; output goes in pieces that a pipe that is ready
takes without blocking (PIPE_BUF; POSIX.1-2017, pipe and write). Regular files are always ready, and no loop can
watch them, so they are read and written a piece in each turn.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from typing import TYPE_CHECKING, Any

from plait import current
from plait.errors import ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.interfaces import IConsumer, IHalfCloseableProtocol, ITransport, adapt, implementer
from plait.log import Logger
from plait.transport.address import UNIXAddress
from plait.transport.watching import ErrorPoll, ends_at_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_log = Logger("plait.transport")

_PIECE = 64 * 1024
HIGH_WATER = 64 * 1024


class PipeAddress(UNIXAddress):
    """The address of both ends of standard input and output: it has no name."""

    def __init__(self) -> None:
        super().__init__(None)


def _is_always_ready(fd: int) -> bool:
    """Whether `fd` is a regular file, which no loop can wait for."""
    return stat.S_ISREG(os.fstat(fd).st_mode)


def watch(add: Callable[[int, Callable[[], None]], object], fd: int, ready: Callable[[], None]) -> None:
    """Have the loop call `ready`, and leave `fd` in the mode that it is in: libuv's poll handles make it non-blocking."""
    blocking = os.get_blocking(fd)
    add(fd, ready)
    if blocking:
        os.set_blocking(fd, True)


@implementer(ITransport, IConsumer)
class StandardIO:
    """Connects `proto` to standard input and output (or to the descriptors `stdin` and `stdout`).

    When the input ends, the protocol's `connectionLost` is called with `ConnectionDone` (or `readConnectionLost`, if it is
    half-closeable); what is written after that still goes out, until `loseConnection`. When whoever reads the output has gone,
    `connectionLost` is called with `ConnectionLost` (or `writeConnectionLost`, and reading goes on): of a pipe that is known at
    once, of other things when something is written.
    """

    disconnecting = False
    disconnected = False

    def __init__(self, proto: Any, stdin: int = 0, stdout: int = 1, reactor: Any = None) -> None:
        self.protocol = proto
        self._loop = (reactor or current.getReactor()).loop
        self._in: int | None = stdin
        self._out = stdout
        self._in_ready = _is_always_ready(stdin)
        self._errors = ErrorPoll(stdin) if ends_at_errors(self._loop) else None
        self._out_ready = _is_always_ready(stdout)
        self._piece = getattr(select, "PIPE_BUF", 512) if not self._out_ready else _PIECE
        self._buffer = bytearray()
        self._reading = False
        self._writing = False
        self._output_open = True
        self.producer: Any = None
        self.streamingProducer = False
        self._told = False
        self._told_pause = False
        self._watching_output = False
        proto.makeConnection(self)
        self._watch_output()
        self.resumeProducing()

    # -- input

    def resumeProducing(self) -> None:
        """Read (again)."""
        if self._in is None or self._reading:
            return
        self._reading = True
        if not self._in_ready:
            try:
                watch(self._loop.add_reader, self._in, self._read)
                return
            except (PermissionError, OSError, ValueError):
                self._in_ready = True  # a device that cannot be waited for, such as /dev/null
        self._loop.call_soon(self._read)

    def pauseProducing(self) -> None:
        """Read nothing more until `resumeProducing`."""
        if self._reading and self._in is not None and not self._in_ready:
            self._loop.remove_reader(self._in)
        self._reading = False

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    def _read(self) -> None:
        if not self._reading or self._in is None:
            return
        try:
            data = os.read(self._in, _PIECE)
        except (BlockingIOError, InterruptedError):
            data = None
        except OSError as e:
            # a terminal that has gone away says EIO
            self._input_ended(Failure(ConnectionLost(e.strerror or str(e))))
            return
        if data == b"":
            self._input_ended(Failure(ConnectionDone()))
            return
        if data:
            if self._errors is not None and self._errors.has_error():
                self._loop.call_soon(self._watch_again)  # behind this, there is an error to be read
            try:
                self.protocol.dataReceived(data)
            except BaseException as e:
                self._failed(Failure(e))
                return
        if self._in_ready and self._reading:
            self._loop.call_soon(self._read)

    def _watch_again(self) -> None:
        if self._reading:
            self.pauseProducing()
            self.resumeProducing()

    def _input_ended(self, reason: Failure) -> None:
        self._close_input()
        half_closeable = adapt(IHalfCloseableProtocol, self.protocol, None)
        if half_closeable is None:
            self._tell(reason)
            return
        try:
            half_closeable.readConnectionLost()
        except BaseException as e:
            self._failed(Failure(e))
            return
        if not self._output_open and not self._buffer:
            self._tell(reason)  # both directions are done

    def _close_input(self) -> None:
        self.pauseProducing()
        self._in = None

    # -- output

    def write(self, data: bytes) -> None:
        """Write `data` to standard output, after all that was written before.

        :raises TypeError: if `data` is not bytes.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data to be written must be bytes, not {type(data).__name__}; encode text first")
        if not self._output_open or not data or (self.disconnecting and self.producer is None):
            return
        self._buffer += data
        over = len(self._buffer) > HIGH_WATER
        if over and self.producer is not None and self.streamingProducer and not self._told_pause:
            self._told_pause = True
            self.producer.pauseProducing()
        self._start_writing()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write several pieces, one after the other."""
        self.write(b"".join(iovec))

    def _start_writing(self) -> None:
        if self._writing:
            return
        self._writing = True
        if not self._out_ready:
            try:
                watch(self._loop.add_writer, self._out, self._write)
                return
            except (PermissionError, OSError, ValueError):
                self._out_ready = True
        self._loop.call_soon(self._write)

    def _stop_writing(self) -> None:
        if self._writing and not self._out_ready:
            self._loop.remove_writer(self._out)
        self._writing = False

    def _write(self) -> None:
        if not self._writing:
            return
        if self._buffer:
            try:
                written = os.write(self._out, self._buffer[: self._piece])
            except (BlockingIOError, InterruptedError):
                written = 0
            except OSError as e:
                self._reader_gone(e.errno)
                return
            del self._buffer[:written]
        if not self._buffer:
            self._stop_writing()
            self._drained()
        elif self._out_ready:
            self._loop.call_soon(self._write)

    def _watch_output(self) -> None:
        """Nothing is ever to be read from this end of a pipe, but the end of its reader is an event (POLLERR)."""
        if self._output_open and not self.disconnecting and stat.S_ISFIFO(os.fstat(self._out).st_mode):
            try:
                watch(self._loop.add_reader, self._out, self._reader_gone)
                self._watching_output = True
            except (PermissionError, OSError, ValueError):
                pass  # it is told by the first write, then

    def _leave_output(self) -> None:
        if self._watching_output:
            self._watching_output = False
            self._loop.remove_reader(self._out)

    def _reader_gone(self, number: int | None = errno.EPIPE) -> None:
        """Whoever read our output has gone (EPIPE), or writing fails for another reason."""
        was_open, self._output_open = self._output_open, False
        self._stop_writing()
        self._leave_output()
        self._buffer.clear()
        self._stop_producer()
        half_closeable = adapt(IHalfCloseableProtocol, self.protocol, None)
        if half_closeable is not None and number == errno.EPIPE and not self.disconnecting:
            try:
                if was_open:
                    half_closeable.writeConnectionLost()
            except BaseException as e:
                self._failed(Failure(e))
                return
            if self._in is not None:
                return
        self._close_input()
        self._tell(Failure(ConnectionLost(os.strerror(number or errno.EIO))))

    def _drained(self) -> None:
        if self.producer is not None:
            if not self.streamingProducer:
                self.producer.resumeProducing()
            elif self._told_pause:
                self._told_pause = False
                self.producer.resumeProducing()
        elif self.disconnecting:
            self._output_open = False
            self._leave_output()
            self._tell(Failure(ConnectionDone()))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As of any consumer.

        :raises RuntimeError: if another producer is registered.
        """
        if self.producer is not None:
            raise RuntimeError(f"cannot register producer {producer!r}: {self.producer!r} was never unregistered")
        if not self._output_open:
            producer.stopProducing()
            return
        self.producer = producer
        self.streamingProducer = streaming
        self._told_pause = False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self.producer = None
        if self.disconnecting and not self._buffer:
            self._loop.call_soon(self._drained)

    # -- the end

    def loseConnection(self) -> None:
        """Read nothing more, write what is still to be written, and tell the protocol `connectionLost`."""
        if self.disconnecting:
            return
        self.disconnecting = True
        self._close_input()
        if not self._buffer and self.producer is None:
            self._loop.call_soon(self._drained)

    def loseWriteConnection(self) -> None:
        """Write nothing more (half-close): what is still to be written is written."""
        if self._output_open:
            self._output_open = False
            self._leave_output()
            half_closeable = adapt(IHalfCloseableProtocol, self.protocol, None)
            if half_closeable is not None:
                half_closeable.writeConnectionLost()

    def _failed(self, failure: Failure) -> None:
        _log.failure("Unhandled error in {protocol!r} on standard input", failure, protocol=self.protocol)
        self._close_input()
        self._leave_output()
        self.disconnecting = True
        self._tell(failure)

    def _tell(self, reason: Failure) -> None:
        """Say `connectionLost`, once."""
        if self._told:
            return
        self._told = True
        self._leave_output()  # there is nobody to be told of its end any more
        self.disconnected = True
        if not self._output_open:
            self._stop_producer()
        try:
            self.protocol.connectionLost(reason)
        except BaseException as e:
            _log.failure("Unhandled error in connectionLost of {protocol!r}", Failure(e), protocol=self.protocol)

    def _stop_producer(self) -> None:
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()

    def getPeer(self) -> PipeAddress:
        """An address without a name."""
        return PipeAddress()

    def getHost(self) -> PipeAddress:
        """An address without a name."""
        return PipeAddress()
