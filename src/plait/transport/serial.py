"""A serial port as a transport, on POSIX systems (POSIX.1-2017, chapter 11: general terminal interface).

pyserial (the extra `plait[serial]`) opens the device, sets it up and knows its control lines. The loop watches a copy of its
descriptor for each direction, with the pumps that the pipes of children have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from plait.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.interfaces import IConsumer, ILoggingContext, IPushProducer, ITransport, implementer
from plait.log import Logger
from plait.transport.address import SerialAddress
from plait.transport.pipes import PipeReader, PipeWriter, call_hook

try:
    import serial  # type: ignore[import-untyped, import-not-found, unused-ignore]
    from serial import (
        EIGHTBITS,
        FIVEBITS,
        PARITY_EVEN,
        PARITY_MARK,
        PARITY_NONE,
        PARITY_ODD,
        PARITY_SPACE,
        SEVENBITS,
        SIXBITS,
        STOPBITS_ONE,
        STOPBITS_ONE_POINT_FIVE,
        STOPBITS_TWO,
    )
except ImportError as error:  # pragma: no cover - tests run it in a process of its own
    raise ImportError("serial ports need pyserial: pip install plait[serial]") from error

__all__ = [
    "EIGHTBITS",
    "FIVEBITS",
    "PARITY_EVEN",
    "PARITY_MARK",
    "PARITY_NONE",
    "PARITY_ODD",
    "PARITY_SPACE",
    "SEVENBITS",
    "SIXBITS",
    "STOPBITS_ONE",
    "STOPBITS_ONE_POINT_FIVE",
    "STOPBITS_TWO",
    "SerialPort",
]

_log = Logger("plait.transport")

_POSIX = os.name == "posix"

# Seconds between two looks at whether the device has sent all. No system tells of it, and closing it earlier would stop the
# whole loop until then.
_LOOK_EVERY = 0.02


@implementer(ITransport, IConsumer, IPushProducer, ILoggingContext)
class SerialPort:
    """Opens a serial port and connects `protocol` to it: `connectionMade` is called before this returns.

    :param deviceNameOrPortNumber: the name of the device, such as ``/dev/ttyUSB0``.
    :param baudrate: bits per second.
    :param bytesize: bits in each byte: `EIGHTBITS` and so on.
    :param parity: `PARITY_NONE` and so on.
    :param stopbits: `STOPBITS_ONE` and so on.
    :param timeout: of pyserial's own ``read`` (seconds); nothing here uses that.
    :param xonxoff: let the other side hold us up by XOFF, until XON.
    :param rtscts: let the other side hold us up by the line CTS, and hold it up by RTS.
    :raises OSError: (pyserial's ``SerialException``) if there is no such device, or it may not be opened.
    :raises ValueError: if pyserial does not know a value, or the device cannot do it.
    :raises NotImplementedError: on Windows.

    Attributes: `protocol`, `connected`, `disconnecting` (`loseConnection` has been called), `disconnected`, `reactor`.

    `connectionLost` is called with `ConnectionDone` after `loseConnection`, and with `ConnectionLost` when the device is
    unplugged or hung up. A hook that raises is logged, and closes the port. While an ``async def`` hook runs, nothing is read.
    """

    connected = False
    disconnecting = False
    disconnected = False

    _serialFactory: Callable[..., Any] = serial.Serial

    def __init__(
        self,
        protocol: Any,
        deviceNameOrPortNumber: str,
        reactor: Any,
        baudrate: int = 9600,
        bytesize: int = EIGHTBITS,
        parity: str = PARITY_NONE,
        stopbits: float = STOPBITS_ONE,
        timeout: float | None = 0,
        xonxoff: bool = False,
        rtscts: bool = False,
    ) -> None:
        if not _POSIX:
            raise NotImplementedError("serial ports are for POSIX systems so far: on Windows no loop can wait for one")
        self.protocol = protocol
        self.reactor = reactor
        self._device = deviceNameOrPortNumber
        self._reader: PipeReader | None = None
        self._writer: PipeWriter | None = None
        self._trigger: Any = None
        # Without an inter_byte_timeout a read that finds nothing says 0 (VMIN is 0), as it does when the line is hung up.
        self._serial = self._serialFactory(
            deviceNameOrPortNumber,
            baudrate=baudrate,
            bytesize=bytesize,
            parity=parity,
            stopbits=stopbits,
            timeout=timeout,
            xonxoff=xonxoff,
            rtscts=rtscts,
            inter_byte_timeout=0,
        )
        try:
            self._finishPortSetup()
        except BaseException:
            self._close()
            raise
        self.connected = True
        self._hook("makeConnection", self)
        if self._reader is not None:
            self._reader.start()

    def _finishPortSetup(self) -> None:
        """The device is open: get ready to watch it. For subclasses whose device is none that the system knows."""
        loop = self.reactor.loop
        number = self._serial.fileno()
        self._reader = PipeReader(loop, os.dup(number), self._received, self._hung_up)
        # the reader notices the end for both
        self._writer = PipeWriter(loop, os.dup(number), self._sent, watches_end=False)
        self._trigger = self.reactor.addSystemEventTrigger("after", "shutdown", self._stopped)

    # -- what happens

    def _hook(self, name: str, *args: object) -> None:
        call_hook(self.protocol, name, *args, reader=self._reader, failed=self._hook_failed)

    def _hook_failed(self, failure: Failure, name: str) -> None:
        _log.failure(
            "Unhandled error in {hook} of {protocol!r}{consequence}",
            failure,
            hook=name,
            protocol=self.protocol,
            consequence="" if self.disconnected else ": its serial port is closed",
        )
        self.connectionLost(failure)

    def _received(self, data: bytes) -> None:
        self._hook("dataReceived", data)

    def _hung_up(self) -> None:
        """Nothing more can be read."""
        self._lost(self._reader.error if self._reader is not None else None)

    def _sent(self) -> None:
        """The writer is done: the system has taken all that was written, or wants nothing more."""
        error = self._writer.error if self._writer is not None else None
        if error is not None:
            self._lost(error)
        else:
            self._close_when_sent()

    def _close_when_sent(self) -> None:
        if self.disconnected:
            return
        try:
            waiting = self._serial.out_waiting
        except OSError as error:  # unplugged meanwhile
            self._lost(error)
            return
        if waiting:
            self.reactor.loop.call_later(_LOOK_EVERY, self._close_when_sent)
        else:
            self.connectionLost(Failure(ConnectionDone()))

    def _stopped(self) -> None:
        self._trigger = None
        self.connectionLost(Failure(ConnectionLost("the reactor was stopped")))

    def _lost(self, error: Exception | None) -> None:
        if error is None:
            reason = Failure(ConnectionLost("the line was hung up, or the device unplugged"))
        elif isinstance(error, OSError):
            reason = Failure(ConnectionLost(error.strerror or str(error)))
        else:
            reason = Failure(error)
        self.connectionLost(reason)

    def connectionLost(self, reason: Failure) -> None:
        """Close the port now, and tell the protocol `reason`. What is not sent is lost."""
        if self.disconnected:
            return
        self._close()
        self._hook("connectionLost", reason)

    def _close(self) -> None:
        self.connected = False
        self.disconnecting = self.disconnected = True
        trigger, self._trigger = self._trigger, None  # it holds us
        if trigger is not None:
            self.reactor.removeSystemEventTrigger(trigger)
        for pipe in (self._reader, self._writer):
            if pipe is not None:
                pipe.cut()
        self._reader = self._writer = None
        self._serial.close()

    # -- output

    def write(self, data: bytes) -> None:
        """Send `data`, after all that was written before. Does nothing once the port is closed, or is being closed.

        :raises TypeError: if `data` is not bytes.
        """
        if self._writer is not None:
            self._writer.write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send several pieces, one after the other."""
        self.write(b"".join(iovec))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` write, no faster than the line takes it (64 KiB may wait).

        :raises RuntimeError: if another producer is registered.
        """
        if self._writer is None:
            producer.stopProducing()
        else:
            self._writer.register(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done; the port is closed now if that was waited for."""
        if self._writer is not None:
            self._writer.unregister()

    # -- input

    def pauseProducing(self) -> None:
        """Read nothing more until `resumeProducing`: what comes waits in the system, as far as it has room (some 4 KiB)."""
        if self._reader is not None:
            self._reader.pause()

    def resumeProducing(self) -> None:
        """Read (again)."""
        if self._reader is not None and not self.disconnecting:
            self._reader.resume()

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    # -- the end

    def loseConnection(self) -> None:
        """Read nothing more, and close the port when all that was written is sent and no producer is registered."""
        if self.disconnecting:
            return
        self.pauseProducing()
        self.disconnecting = True
        if self._writer is not None:
            self._writer.close()

    def abortConnection(self) -> None:
        """Close the port now; what is not sent is lost. The reason will be `ConnectionAborted`."""
        if self.disconnected:
            return
        try:
            self.flushOutput()  # closing would wait until it is sent
        except OSError:
            pass  # it is unplugged
        self.connectionLost(Failure(ConnectionAborted()))

    # -- the device. All of these raise OSError (pyserial's SerialException) when the port is closed or cannot do it.

    def getBaudRate(self) -> int:
        """Bits per second."""
        return int(self._serial.baudrate)

    def setBaudRate(self, baudrate: int) -> None:
        """Set the bits per second, from now on: also for what was written and is not sent."""
        self._serial.baudrate = baudrate

    def inWaiting(self) -> int:
        """How many bytes have come and are not read."""
        return int(self._serial.in_waiting)

    def flushInput(self) -> None:
        """Throw away what has come and is not read."""
        self._serial.reset_input_buffer()

    def flushOutput(self) -> None:
        """Throw away what was written and is not sent."""
        if self._writer is not None:
            self._writer.discard()
        self._serial.reset_output_buffer()

    def sendBreak(self, duration: float = 0.25) -> None:
        """Send a break for `duration` seconds. It begins now, and what is written meanwhile does not get through."""
        self._serial.break_condition = True
        self.reactor.loop.call_later(duration, self._end_break)

    def _end_break(self) -> None:
        if not self.disconnected:
            self._serial.break_condition = False

    def getCTS(self) -> bool:
        """Whether the line Clear To Send is set."""
        return bool(self._serial.cts)

    def getDSR(self) -> bool:
        """Whether the line Data Set Ready is set."""
        return bool(self._serial.dsr)

    def getRI(self) -> bool:
        """Whether the line Ring Indicator is set."""
        return bool(self._serial.ri)

    def getCD(self) -> bool:
        """Whether the line Carrier Detect is set."""
        return bool(self._serial.cd)

    def setDTR(self, on: bool = True) -> None:
        """Set or clear the line Data Terminal Ready."""
        self._serial.dtr = bool(on)

    def setRTS(self, on: bool = True) -> None:
        """Set or clear the line Request To Send."""
        self._serial.rts = bool(on)

    # -- what it tells of itself

    def getHost(self) -> SerialAddress:
        """The device."""
        return SerialAddress(self._device)

    def getPeer(self) -> SerialAddress:
        """The device: what is at the other end of the line has no name."""
        return SerialAddress(self._device)

    def getHandle(self) -> Any:
        """pyserial's object, for settings that have no method here. Do not read, write or close it."""
        return self._serial

    def fileno(self) -> int:
        """The number of the device's descriptor; -1 if it is closed."""
        return -1 if self.disconnected else int(self._serial.fileno())

    def logPrefix(self) -> str:
        """The protocol's name in the log."""
        prefix = getattr(self.protocol, "logPrefix", None)
        return prefix() if prefix is not None else type(self.protocol).__name__

    def __repr__(self) -> str:
        state = ", disconnected" if self.disconnected else ", disconnecting" if self.disconnecting else ""
        return f"<{type(self).__name__} {self._device!r} of {type(self.protocol).__name__}{state}>"
