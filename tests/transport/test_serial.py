"""Serial ports, on terminals of the test's own: what the port has open is one end, the test has the other."""

import errno
import os
import subprocess
import sys
import termios
import weakref

import pytest
import serial

from plait import Deferred, reactor
from plait.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from plait.transport import serial as module
from plait.transport.address import SerialAddress
from plait.transport.pipes import HIGH_WATER
from plait.transport.serial import SerialPort
from tests.transport.helpers import Noting

MUCH = os.urandom(1_000_000)


class Line:
    """A line: the test reads and writes `far`; `near` is the port's device, `name` its name."""

    def __init__(self):
        self.far, self.near = os.openpty()
        self.name = os.ttyname(self.near)
        os.set_blocking(self.far, False)
        self._open = {self.far, self.near}

    def open(self, protocol=None, make=SerialPort, **options):
        return make(protocol or Noting(), self.name, reactor, **options)

    def send(self, data):
        assert os.write(self.far, data) == len(data)

    async def read(self, count):
        """At least `count` bytes that the port has sent."""
        data = bytearray()
        while len(data) < count:
            await readable(self.far)
            data += os.read(self.far, 1 << 16)
        return bytes(data)

    def close(self, *ends):
        for fd in ends or tuple(self._open):
            if fd in self._open:
                self._open.remove(fd)
                os.close(fd)


@pytest.fixture
def line():
    line = Line()
    yield line
    line.close()


async def readable(fd):
    copy = os.dup(fd)  # the descriptor itself may be watched by the port
    ready = Deferred()
    reactor.loop.add_reader(copy, lambda: ready.called or ready.callback(None))
    try:
        await ready
    finally:
        reactor.loop.remove_reader(copy)
        os.close(copy)


class Producer:
    """A push producer that notes what it is told."""

    def __init__(self):
        self.told = []
        self.resumed = Deferred()

    def pauseProducing(self):
        self.told.append("pause")

    def resumeProducing(self):
        self.told.append("resume")
        self.resumed.callback(None)

    def stopProducing(self):
        self.told.append("stop")


async def test_bytes_go_both_ways(line):
    p = Noting()
    port = line.open(p)
    assert p.transport is port and p.made.called and port.connected
    assert port.getHost() == port.getPeer() == SerialAddress(line.name)
    every = bytes(range(256))
    line.send(every)
    assert await p.wait_for(256) == every
    port.write(every)
    port.writeSequence([b"in ", b"pieces"])
    assert await line.read(265) == every + b"in pieces"
    port.loseConnection()
    assert isinstance(await p.lost, ConnectionDone)
    assert (port.connected, port.disconnected, port.fileno()) == (False, True, -1)
    port.write(b"dropped")


async def test_only_bytes_are_written(line):
    port = line.open()
    with pytest.raises(TypeError, match="must be bytes, not str"):
        port.write("text")
    port.abortConnection()


async def test_the_end_waits_until_all_is_written(line):
    p = Noting()
    port = line.open(p)
    line.close(line.near)
    port.write(MUCH)
    port.loseConnection()
    assert port.disconnecting
    port.write(b"too late")
    assert not p.lost.called
    assert await line.read(len(MUCH)) == MUCH
    assert isinstance(await p.lost, ConnectionDone)
    with pytest.raises(OSError) as closed:
        os.read(line.far, 1)
    assert closed.value.errno == errno.EIO


async def test_nothing_is_read_any_more_once_it_shall_end(line):
    p = Noting()
    port = line.open(p)
    port.write(MUCH)
    port.loseConnection()
    port.resumeProducing()
    line.send(b"too late")
    await line.read(len(MUCH))
    await p.lost
    assert p.data == b""


async def test_the_end_waits_until_the_device_has_sent_all(line):
    looks = [4096, 1, 0]

    class Slow(serial.Serial):
        @property
        def out_waiting(self):
            return looks.pop(0)

    class Port(SerialPort):
        _serialFactory = Slow

    p = Noting()
    line.open(p, Port).loseConnection()
    assert isinstance(await p.lost, ConnectionDone)
    assert looks == []


async def test_a_device_that_is_unplugged_while_the_end_waits(line):
    class Gone(serial.Serial):
        @property
        def out_waiting(self):
            raise OSError(errno.EIO, "gone")

    class Port(SerialPort):
        _serialFactory = Gone

    p = Noting()
    line.open(p, Port).loseConnection()
    lost = await p.lost
    assert isinstance(lost, ConnectionLost) and "gone" in str(lost)


async def test_a_reader_that_does_not_read_pauses_the_producer(line):
    p, producer = Noting(), Producer()
    port = line.open(p)
    port.registerProducer(producer, True)
    with pytest.raises(RuntimeError, match="never unregistered"):
        port.registerProducer(Producer(), True)
    port.write(MUCH)
    assert producer.told == ["pause"]
    port.loseConnection()
    assert await line.read(len(MUCH)) == MUCH
    await producer.resumed
    assert not p.lost.called, "the producer may have more to give"
    port.write(b"the last words")
    port.unregisterProducer()
    assert await line.read(14) == b"the last words"
    assert isinstance(await p.lost, ConnectionDone)
    assert producer.told == ["pause", "resume"]


async def test_a_pull_producer_is_asked_no_faster_than_the_line_takes_it(line):
    p = Noting()
    port = line.open(p)
    most = 0

    class Pull:
        left = 20

        def resumeProducing(self):
            nonlocal most
            self.left -= 1
            port.write(bytes([self.left]) * 50_000)
            most = max(most, len(port._writer._buffer))
            if not self.left:
                port.unregisterProducer()
                port.loseConnection()

        def stopProducing(self):
            raise AssertionError("it was done")

    port.registerProducer(Pull(), False)
    assert await line.read(1_000_000) == b"".join(bytes([n]) * 50_000 for n in reversed(range(20)))
    assert isinstance(await p.lost, ConnectionDone)
    assert most <= HIGH_WATER


async def test_a_producer_that_fails_closes_the_port(line, flushLoggedErrors):
    class Bad:
        asked = stopped = 0

        def resumeProducing(self):
            self.asked += 1
            if self.asked == 2:
                raise ZeroDivisionError
            port.write(b"once")

        def stopProducing(self):
            self.stopped += 1

    p, bad = Noting(), Bad()
    port = line.open(p)
    port.registerProducer(bad, False)
    assert isinstance(await p.lost, ZeroDivisionError)
    assert (bad.asked, bad.stopped) == (2, 1)
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_the_other_end_is_closed(line):
    told = []

    class Ends(Noting):
        def connectionLost(self, reason):
            told.append("lost")
            super().connectionLost(reason)

    p, producer = Ends(), Producer()
    producer.told = told
    port = line.open(p)
    port.registerProducer(producer, True)
    line.close(line.far)
    assert isinstance(await p.lost, ConnectionLost)
    assert told == ["stop", "lost"]
    late = Producer()
    port.registerProducer(late, True)
    assert late.told == ["stop"]


async def test_the_other_end_is_closed_while_we_write(line):
    p = Noting()
    port = line.open(p)
    port.write(MUCH)
    port.loseConnection()
    line.close(line.far)
    lost = await p.lost
    assert isinstance(lost, ConnectionLost) and os.strerror(errno.EIO) in str(lost)


async def test_the_other_end_is_closed_while_we_are_paused(line):
    p = Noting()
    port = line.open(p)
    port.pauseProducing()
    line.close(line.far)
    port.resumeProducing()
    assert isinstance(await p.lost, ConnectionLost)


async def test_a_producer_that_fails_at_the_end_hides_it_from_nobody(line, flushLoggedErrors):
    class Bad(Producer):
        def stopProducing(self):
            raise ZeroDivisionError

    p = Noting()
    line.open(p).registerProducer(Bad(), True)
    line.close(line.far)
    assert isinstance(await p.lost, ConnectionLost)
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_options_are_those_of_the_device(line):
    options = {"stopbits": module.STOPBITS_TWO, "xonxoff": True, "rtscts": True}
    port = line.open(baudrate=57600, **options)
    iflag, oflag, cflag, lflag, ispeed, ospeed, _ = termios.tcgetattr(line.near)
    assert (ispeed, ospeed, port.getBaudRate()) == (termios.B57600, termios.B57600, 57600)
    assert cflag & termios.CSTOPB and cflag & termios.CRTSCTS and iflag & termios.IXON
    assert not oflag & termios.OPOST and not lflag & (termios.ICANON | termios.ECHO | termios.ISIG)
    port.setBaudRate(1200)
    assert termios.tcgetattr(line.near)[4] == termios.B1200 and port.getBaudRate() == 1200
    port.abortConnection()

    port = line.open()
    iflag, _, cflag, _, ispeed, _, _ = termios.tcgetattr(line.near)
    assert ispeed == termios.B9600 and cflag & termios.CSIZE == termios.CS8
    assert not cflag & (termios.CSTOPB | termios.CRTSCTS | termios.PARENB) and not iflag & termios.IXON
    port.abortConnection()


async def test_xoff_holds_us_up_until_xon(line):
    port = line.open(xonxoff=True)
    line.send(b"\x13")
    port.write(b"held up")
    line.send(b"\x11!")
    assert await port.protocol.wait_for(1) == b"!"
    assert await line.read(7) == b"held up"
    port.abortConnection()


class Board(serial.Serial):
    """A device with control lines, which a terminal has not."""

    cts, dsr, ri, cd = True, False, True, False

    def __init__(self, *args, **options):
        self.options = options
        super().__init__(*args, **{**options, "parity": module.PARITY_NONE, "bytesize": module.EIGHTBITS})
        self.noted = []
        self.unbroken = Deferred()

    def _update_dtr_state(self):
        if self.is_open:
            self.noted.append(("dtr", self._dtr_state))

    def _update_rts_state(self):
        if self.is_open:
            self.noted.append(("rts", self._rts_state))

    def _update_break_state(self):
        self.noted.append(("break", self._break_state))
        if not self._break_state:
            self.unbroken.callback(None)


class BoardPort(SerialPort):
    _serialFactory = Board


async def test_control_lines(line):
    port = line.open(None, BoardPort, parity=module.PARITY_EVEN, bytesize=module.SEVENBITS)
    board = port.getHandle()
    assert (board.options["parity"], board.options["bytesize"]) == (serial.PARITY_EVEN, serial.SEVENBITS)
    assert (port.getCTS(), port.getDSR(), port.getRI(), port.getCD()) == (True, False, True, False)
    board.noted.clear()
    port.setDTR(False)
    port.setRTS(0)
    port.setDTR()
    port.setRTS()
    assert board.noted == [("dtr", False), ("rts", False), ("dtr", True), ("rts", True)]
    board.noted.clear()
    port.sendBreak(0)
    await board.unbroken
    assert board.noted == [("break", True), ("break", False)]
    port.sendBreak(0)
    port.abortConnection()


async def test_input_that_is_flushed_is_not_read(line):
    p = Noting()
    port = line.open(p)
    port.pauseProducing()
    line.send(b"of before")
    await readable(line.near)
    assert port.inWaiting() == 9
    port.flushInput()
    assert port.inWaiting() == 0
    port.resumeProducing()
    line.send(b"new")
    assert await p.wait_for(3) == b"new"
    port.abortConnection()


async def test_a_read_that_finds_nothing_is_no_end(line):
    """As when what has made the port readable was thrown away before it is read."""
    p = Noting()
    port = line.open(p)
    port._reader._read()
    port.setBaudRate(1200)
    port._reader._read()
    assert not p.lost.called
    line.send(b"new")
    assert await p.wait_for(3) == b"new"
    port.abortConnection()


async def test_output_that_is_flushed_is_not_waited_for(line):
    p = Noting()
    port = line.open(p)
    port.write(MUCH)
    port.loseConnection()
    port.flushOutput()
    assert isinstance(await p.lost, ConnectionDone)


async def test_aborting_waits_for_nothing(line):
    p, producer = Noting(), Producer()
    port = line.open(p)
    port.registerProducer(producer, True)
    port.write(MUCH)
    port.abortConnection()
    port.abortConnection()
    assert isinstance(await p.lost, ConnectionAborted)
    assert producer.told == ["pause", "stop"]


async def test_nothing_is_read_while_an_async_hook_runs(line):
    class Slow(Noting):
        ready, done = Deferred(), Deferred()

        async def connectionMade(self):
            await self.ready

        async def dataReceived(self, data):
            super().dataReceived(data)
            await self.done

    p = Slow()
    port = line.open(p)
    line.send(b"first")
    await readable(line.near)
    assert p.data == b"" and port.inWaiting() == 5
    p.ready.callback(None)
    assert await p.wait_for(5) == b"first"
    line.send(b"second")
    await readable(line.near)
    turn = Deferred()
    reactor.callLater(0, turn.callback, None)
    await turn
    assert p.data == b"first" and port.inWaiting() == 6
    p.done.callback(None)
    assert await p.wait_for(11) == b"firstsecond"
    port.abortConnection()


@pytest.mark.parametrize("hook", ["connectionMade", "dataReceived"])
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_a_hook_that_fails_closes_the_port(line, flushLoggedErrors, hook, kind):
    def fails(*_):
        raise ZeroDivisionError

    async def fails_later(*_):
        raise ZeroDivisionError

    p = Noting()
    setattr(p, hook, fails if kind == "def" else fails_later)
    port = line.open(p)
    line.send(b"data")
    assert isinstance(await p.lost, ZeroDivisionError)
    assert port.disconnected and not port.getHandle().is_open
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


def test_the_reactor_stops(reactor, line):
    p = Noting()

    def begin():
        SerialPort(p, line.name, reactor)
        reactor.stop()

    reactor.callWhenRunning(begin)
    reactor.run()
    assert isinstance(p.lost.result, ConnectionLost) and "reactor was stopped" in str(p.lost.result)


async def test_a_port_that_has_ended_leaves_the_reactor_alone(line):
    triggers = []

    class Spy:
        loop = reactor.loop

        def addSystemEventTrigger(self, phase, event, function):
            triggers.append((phase, event))
            return phase, event

        def removeSystemEventTrigger(self, trigger):
            triggers.remove(trigger)

    p = Noting()
    port = SerialPort(p, line.name, Spy())
    assert triggers == [("after", "shutdown")]
    port.loseConnection()
    await p.lost
    assert triggers == []


async def test_a_port_that_has_ended_is_free(line, without_collector):
    p = Noting()
    port = line.open(p)
    port.write(b"something")
    port.loseConnection()
    await p.lost
    p.transport = None
    gone = weakref.ref(port)
    del port
    turn = Deferred()
    reactor.callLater(0, turn.callback, None)
    await turn
    assert gone() is None


async def test_a_port_that_cannot_be_watched_is_closed_again(line):
    class Port(SerialPort):
        def _finishPortSetup(self):
            super()._finishPortSetup()
            opened.append(self._serial)
            raise OSError(errno.EMFILE, "too many")

    opened, p = [], Noting()
    with pytest.raises(OSError, match="too many"):
        line.open(p, Port)
    assert not opened[0].is_open
    assert not p.made.called and not p.lost.called


async def test_no_such_device():
    with pytest.raises(OSError, match="/dev/no-such-line"):
        SerialPort(Noting(), "/dev/no-such-line", reactor)


async def test_where_there_is_no_posix_it_says_so(line, monkeypatch):
    monkeypatch.setattr(module, "_POSIX", False)
    with pytest.raises(NotImplementedError, match="POSIX"):
        line.open()


@pytest.mark.parametrize("name", ["plait.transport.serial", "twisted.internet.serialport"])
def test_without_pyserial_the_error_says_what_to_install(name):
    code = "import sys; sys.modules['serial'] = None; import plait.as_twisted as alias; alias.install(); "
    code += f"from {name} import SerialPort"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip().endswith("ImportError: serial ports need pyserial: pip install plait[serial]")
