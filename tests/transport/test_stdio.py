"""Standard input and output, on pipes, files and devices of the test's own."""

import os
import socket

import pytest

from plait import Deferred, Protocol, reactor
from plait.errors import ConnectionDone, ConnectionLost
from plait.interfaces import IHalfCloseableProtocol, implementer
from plait.transport.stdio import StandardIO
from tests.transport.helpers import HalfCloseable, Noting


@pytest.fixture
def pipes():
    """Two pipes: (what the protocol reads, what the test writes), (what the test reads, what the protocol writes)."""
    ends = [*os.pipe(), *os.pipe()]
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


async def test_both_ways_and_the_end_of_input(pipes):
    stdin, feed, out, stdout = pipes
    p = Noting()
    io = StandardIO(p, stdin, stdout, reactor)
    os.write(feed, b"hello")
    assert await p.wait_for(5) == b"hello"
    io.write(b"answer ")
    io.writeSequence([b"in ", b"pieces"])
    os.close(feed)
    assert isinstance(await p.lost, ConnectionDone)
    io.write(b", also after the end of the input")
    io.loseConnection()
    got = b""
    while len(got) < 49:
        turn = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn
        os.set_blocking(out, False)
        try:
            got += os.read(out, 4096)
        except BlockingIOError:
            pass
    assert got == b"answer in pieces, also after the end of the input"


async def test_a_file_as_input_and_output(tmp_path):
    data = os.urandom(300_000)
    (tmp_path / "in").write_bytes(data)

    class Copy(Noting):
        def dataReceived(self, data):
            super().dataReceived(data)
            self.transport.write(data)

        def connectionLost(self, reason):
            self.transport.loseConnection()
            super().connectionLost(reason)

    with (tmp_path / "in").open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        p = Copy()
        StandardIO(p, stdin.fileno(), stdout.fileno(), reactor)
        await p.lost
        while (tmp_path / "out").stat().st_size < len(data):
            turn = Deferred()
            reactor.callLater(0, turn.callback, None)
            await turn
    assert p.data == data and (tmp_path / "out").read_bytes() == data


async def test_a_device_that_cannot_be_waited_for():
    null = os.open(os.devnull, os.O_RDWR)
    p = Noting()
    StandardIO(p, null, null, reactor)
    assert isinstance(await p.lost, ConnectionDone)
    os.close(null)


async def test_more_than_a_pipe_holds_with_a_push_producer(pipes):
    stdin, _, out, stdout = pipes
    paused = []

    class Producer:
        def pauseProducing(self):
            paused.append("pause")

        def resumeProducing(self):
            paused.append("resume")

        def stopProducing(self):
            paused.append("stop")

    p = Noting()
    io = StandardIO(p, stdin, stdout, reactor)
    io.registerProducer(Producer(), True)
    with pytest.raises(RuntimeError, match="never unregistered"):
        io.registerProducer(Producer(), True)
    data = os.urandom(1_000_000)
    io.write(data)
    assert paused == ["pause"]
    got = bytearray()
    os.set_blocking(out, False)
    while len(got) < len(data):
        turn = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn
        try:
            got += os.read(out, 1 << 20)
        except BlockingIOError:
            pass
    assert bytes(got) == data
    assert os.get_blocking(stdout), "the descriptor is shared, and stays in the mode it was in"
    while paused[-1] != "resume":
        turn = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn
    io.unregisterProducer()
    io.loseConnection()
    assert isinstance(await p.lost, ConnectionDone)


async def test_a_reader_that_goes_away_is_a_connection_lost(pipes):
    stdin, _, out, stdout = pipes
    p = Noting()
    io = StandardIO(p, stdin, stdout, reactor)
    os.close(out)
    io.write(b"nobody reads this")
    assert isinstance(await p.lost, ConnectionLost)
    io.write(b"dropped")


async def test_a_reader_that_goes_away_is_noticed_without_writing(pipes):
    stdin, _, out, stdout = pipes
    p = Noting()
    io = StandardIO(p, stdin, stdout, reactor)
    stopped = []
    io.registerProducer(type("Producer", (), {"stopProducing": lambda self: stopped.append(True)})(), True)
    os.close(out)
    reason = await p.lost
    assert isinstance(reason, ConnectionLost) and "Broken pipe" in str(reason)
    assert stopped == [True]
    assert os.get_blocking(stdout)
    io.write(b"dropped")


@pytest.mark.parametrize("writes", [False, True])
async def test_one_that_is_half_closeable_reads_on_when_its_reader_has_gone(pipes, writes):
    stdin, feed, out, stdout = pipes
    p = HalfCloseable()
    io = StandardIO(p, stdin, stdout, reactor)
    os.close(out)
    if writes:
        io.write(b"nobody reads this")
    await p.write_closed
    os.write(feed, b"input")
    assert await p.wait_for(5) == b"input"
    assert not io.disconnected
    os.close(feed)
    await p.read_closed
    assert isinstance(await p.lost, ConnectionDone), "both directions are done"


async def test_a_reader_that_goes_away_after_the_end_of_the_input(pipes):
    stdin, feed, out, stdout = pipes
    p = HalfCloseable()
    StandardIO(p, stdin, stdout, reactor)
    os.close(feed)
    await p.read_closed
    os.close(out)
    await p.write_closed
    assert isinstance(await p.lost, ConnectionLost)


async def test_half_close(pipes):
    stdin, feed, _, stdout = pipes

    @implementer(IHalfCloseableProtocol)
    class Half(Noting):
        def __init__(self):
            super().__init__()
            self.closed = Deferred()

        def readConnectionLost(self):
            self.closed.callback("read")

        def writeConnectionLost(self):
            pass

    p = Half()
    io = StandardIO(p, stdin, stdout, reactor)
    os.close(feed)
    assert await p.closed == "read"
    assert not io.disconnected
    io.loseConnection()
    assert isinstance(await p.lost, ConnectionDone)


async def test_an_error_in_a_hook_is_logged_and_ends_it(pipes, flushLoggedErrors):
    class Bad(Protocol):
        def __init__(self):
            self.lost = Deferred()

        def dataReceived(self, data):
            raise KeyError("bad")

        def connectionLost(self, reason):
            self.lost.callback(reason.value)

    stdin, feed, _, stdout = pipes
    p = Bad()
    StandardIO(p, stdin, stdout, reactor)
    os.write(feed, b"x")
    assert isinstance(await p.lost, KeyError)
    assert len(flushLoggedErrors(KeyError)) == 1


async def test_text_is_refused(pipes):
    stdin, _, _, stdout = pipes
    p = Noting()
    io = StandardIO(p, stdin, stdout, reactor)
    with pytest.raises(TypeError, match="encode text first"):
        io.write("text")
    assert repr(io.getPeer()) == repr(io.getHost())
    io.loseConnection()
    await p.lost


async def test_a_socket_as_input_that_is_reset_behind_its_data(pipes):
    """libuv's loops watch a descriptor no more once it has an error, and the data comes first."""
    ours, peer = socket.socketpair()
    with ours:
        ours.send(b"what the peer does not read resets the connection at its end")
        peer.send(b"data")
        peer.close()
        p = Noting()
        StandardIO(p, ours.fileno(), pipes[3], reactor)
        assert isinstance(await p.lost, ConnectionLost)
        assert p.data == b"data"
        assert ours.getblocking(), "the mode is not ours to set"
    assert not reactor.loop.remove_reader(pipes[3]), "nothing of it is watched any more"
