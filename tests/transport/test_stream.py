"""Connections over real sockets: order, flow control, half-close, every way to close, hooks that fail."""

import asyncio
import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait import Deferred, LineReceiver, Protocol, reactor
from plait.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.testing import runToEnd
from plait.transport.stream import HIGH_WATER
from tests.transport.helpers import HalfCloseable, Noting, Server, connection, raw_connection, read_to_end

BIG = bytes(range(256)) * 4 * 1024  # 1 MiB, more than the sockets' buffers hold


class Echo(Noting):
    def dataReceived(self, data):
        self.transport.write(data)


async def test_echo():
    async with Server(Echo) as server:
        client, _, _ = await connection(server)
        client.transport.write(b"hello ")
        client.transport.writeSequence([b"wor", b"ld"])
        assert await client.wait_for(11) == b"hello world"
        client.transport.loseConnection()
        await client.lost


@pytest.mark.parametrize("data", [bytearray(b"abc"), memoryview(b"abc")])
async def test_buffers_may_be_changed_after_write(data):
    async with Server() as server:
        client, there, _ = await connection(server)
        client.transport.write(data)
        if isinstance(data, bytearray):
            data[:] = b"xxx"
        assert await there.wait_for(3) == b"abc"
        client.transport.loseConnection()
        await there.lost


async def test_text_is_refused_with_a_word_of_advice():
    async with Server() as server:
        client, there, _ = await connection(server)
        with pytest.raises(TypeError, match="encode text first"):
            client.transport.write("text")
        client.transport.loseConnection()
        await there.lost


async def test_text_in_a_sequence_is_refused_too():
    async with Server() as server:
        client, _, _ = await connection(server)
        with pytest.raises(TypeError) as e:
            client.transport.writeSequence([b"bytes", "text"])
        assert str(e.value) == "Data must be bytes"
        assert "item 1: expected a bytes-like object, str found; encode text first" in e.value.__notes__[0]
        client.transport.loseConnection()


async def test_loseConnection_sends_all_that_was_written_first():
    async with Server() as server:
        client, there, _ = await connection(server)
        client.transport.write(BIG)
        client.transport.write(b"end")
        client.transport.loseConnection()
        client.transport.write(b"not this")
        assert isinstance(await there.lost, ConnectionDone)
        assert there.data == BIG + b"end"
        assert isinstance(await client.lost, ConnectionDone)


async def test_what_is_written_in_a_hook_goes_in_one_piece():
    class Chatty(Noting):
        def dataReceived(self, data):
            for _ in range(50):
                self.transport.write(b"0123456789")

    async with Server(Chatty) as server:
        sock = raw_connection(server)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"go")
        assert len(await loop.sock_recv(sock, 4096)) == 500
        sock.close()
        await (await server.accepted()).lost


async def test_abortConnection_drops_what_was_written():
    async with Server() as server:
        client, there, connector = await connection(server)
        there.transport.pauseProducing()
        client.transport.write(BIG * 8)
        client.transport.abortConnection()
        assert isinstance(await client.lost, ConnectionAborted)
        there.transport.resumeProducing()
        reason = await there.lost
        assert len(there.data) < len(BIG) * 8
        assert type(reason) is ConnectionLost  # the peer does not take it for all there was
        assert connector.state == "disconnected"


async def test_an_abort_that_drops_nothing_is_a_reset_too():
    async with Server() as server:
        client, there, _ = await connection(server)
        client.transport.abortConnection()
        client.transport.abortConnection()
        assert isinstance(await client.lost, ConnectionAborted)
        assert type(await there.lost) is ConnectionLost


async def test_a_program_of_old_gives_the_reason_of_an_end():
    class Mine(Exception):
        pass

    async with Server() as server:
        client, there, _ = await connection(server)
        client.transport.connectionLost(Failure(Mine()))
        assert isinstance(await client.lost, Mine)
        await there.lost
        client.transport.connectionLost(Failure(Mine()))  # it is over: nothing happens


async def test_a_reset_by_the_peer_is_a_connection_lost():
    async with Server() as server:
        sock = raw_connection(server)
        there = await server.accepted()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        reason = await there.lost
        assert isinstance(reason, ConnectionLost)
        assert "in a non-clean fashion: Connection reset by peer." in str(reason)


async def test_nothing_happens_on_a_connection_that_is_gone():
    async with Server() as server:
        client, there, _ = await connection(server)
        transport = client.transport
        there.transport.loseConnection()
        await client.lost
        for call in ("loseConnection", "abortConnection", "pauseProducing", "resumeProducing", "loseWriteConnection"):
            getattr(transport, call)()
        transport.write(b"x")
        stopped = []

        class Producer:
            def stopProducing(self):
                stopped.append(True)

        transport.registerProducer(Producer(), True)
        assert stopped == [True]


async def test_pausing_stops_reading_until_it_is_resumed():
    async with Server() as server:
        client, there, _ = await connection(server)
        there.transport.pauseProducing()
        client.transport.write(b"held back")
        pause = Deferred()
        reactor.callLater(0.02, pause.callback, None)
        await pause
        assert there.data == b""
        there.transport.resumeProducing()
        assert await there.wait_for(9) == b"held back"
        client.transport.loseConnection()
        await there.lost


# -- producers


class Producer:
    """A push producer that writes until it is told to pause, `total` bytes in all."""

    def __init__(self, transport, total):
        self.transport = transport
        self.left = total
        self.paused = False
        self.pauses = 0
        self.stopped = False

    def resumeProducing(self):
        self.paused = False
        while self.left and not self.paused:
            piece = min(self.left, 1000)
            self.left -= piece
            self.transport.write(b"p" * piece)
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self):
        self.paused = True
        self.pauses += 1

    def stopProducing(self):
        self.stopped = True


async def test_a_push_producer_is_paused_and_resumed_and_nothing_is_lost():
    async with Server() as server:
        client, there, _ = await connection(server)
        producer = Producer(client.transport, 5_000_000)
        client.transport.registerProducer(producer, True)
        producer.resumeProducing()
        await there.lost
        assert len(there.data) == 5_000_000
        assert producer.pauses > 0


async def test_a_producer_is_held_at_the_high_water_mark_while_the_peer_does_not_read():
    async with Server() as server:
        sock = raw_connection(server)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        there = await server.accepted()
        await there.made
        there.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        producer = Producer(there.transport, 100_000_000)
        there.transport.registerProducer(producer, True)
        producer.resumeProducing()
        assert producer.paused
        waiting = there.transport._transport.get_write_buffer_size() + there.transport._size
        assert waiting <= 4 * HIGH_WATER
        sock.close()
        await there.lost
        assert producer.stopped


async def test_a_pull_producer_is_asked_again_and_again():
    class Pull:
        left = 300

        def __init__(self, transport):
            self.transport = transport

        def resumeProducing(self):
            self.left -= 1
            self.transport.write(b"q" * 10_000)
            if not self.left:
                self.transport.unregisterProducer()

        def stopProducing(self):
            raise AssertionError("it ends by itself")

    async with Server() as server:
        client, there, _ = await connection(server)
        client.transport.registerProducer(Pull(client.transport), False)
        client.transport.loseConnection()  # when the producer is done
        await there.lost
        assert len(there.data) == 3_000_000


async def test_a_second_producer_is_an_error():
    async with Server() as server:
        client, there, _ = await connection(server)
        producer = Producer(client.transport, 0)
        client.transport.registerProducer(producer, True)
        with pytest.raises(RuntimeError, match="never unregistered"):
            client.transport.registerProducer(producer, True)
        client.transport.unregisterProducer()
        client.transport.loseConnection()
        await there.lost


async def test_a_proxy_of_two_connections_holds_the_faster_side():
    """Data goes through a forwarder whose far side does not read: the near side is paused, memory stays bounded."""

    class Sink(Noting):
        def connectionMade(self):
            super().connectionMade()
            self.transport.pauseProducing()

    async with Server(Sink) as far, Server() as near:
        out, sink, _ = await connection(far)
        client, inside, _ = await connection(near)
        inside.dataReceived = out.transport.write
        out.transport.registerProducer(inside.transport, True)
        client.transport.write(BIG * 32)
        pause = Deferred()
        reactor.callLater(0.1, pause.callback, None)
        await pause
        held = out.transport._transport.get_write_buffer_size()
        assert held <= HIGH_WATER + 512 * 1024, "what was read before the pause, and no more"
        sink.transport.resumeProducing()
        assert len(await sink.wait_for(len(BIG) * 32)) == len(BIG) * 32
        out.transport.unregisterProducer()
        for p in (client, out):
            p.transport.loseConnection()
            await p.lost


# -- half-close


async def test_half_close_from_one_side_then_the_other():
    async with Server(HalfCloseable) as server:
        client, there, _ = await connection(server, HalfCloseable)
        client.transport.write(BIG)
        client.transport.loseWriteConnection()
        await client.write_closed
        await there.read_closed
        assert there.data == BIG
        there.transport.write(b"answer after your end")
        there.transport.loseConnection()
        await client.read_closed
        assert client.data == b"answer after your end"
        client.transport.loseConnection()
        assert isinstance(await client.lost, ConnectionDone)
        assert isinstance(await there.lost, ConnectionDone)


async def test_a_half_close_waits_for_the_producer_and_is_told_when_all_is_sent():
    async with Server(HalfCloseable) as server:
        client, there, _ = await connection(server, HalfCloseable)
        there.transport.pauseProducing()

        class Last(Producer):
            def resumeProducing(self):
                self.transport.write(BIG * 8)
                self.transport.unregisterProducer()

        producer = Last(client.transport, 0)
        client.transport.registerProducer(producer, True)
        client.transport.loseWriteConnection()
        producer.resumeProducing()
        client.transport.write(b"not this")
        for _ in range(5):
            await asyncio.sleep(0)
        assert not client.write_closed.called, "there is more to send than the sockets hold"
        there.transport.resumeProducing()
        await client.write_closed
        await there.read_closed
        assert there.data == BIG * 8
        there.transport.loseConnection()
        await client.lost


@pytest.mark.parametrize("streaming", [True, False])
async def test_after_a_half_close_nothing_is_written_and_no_producer_is_taken(streaming):
    class Late(HalfCloseable):
        def dataReceived(self, data):
            super().dataReceived(data)
            self.transport.loseWriteConnection()
            self.transport.write(b"dropped")

    async with Server(Late) as server:
        client, there, _ = await connection(server, HalfCloseable)
        client.transport.write(b"1")
        await client.read_closed
        assert client.data == b""
        client.transport.write(b"2")
        assert await there.wait_for(2) == b"12", "reading goes on"
        producer = Producer(there.transport, 10)
        there.transport.registerProducer(producer, streaming)
        assert producer.stopped and there.transport.producer is None
        client.transport.loseConnection()
        await client.lost
        assert isinstance(await there.lost, ConnectionDone)


async def test_what_a_producer_gives_within_a_hook_as_its_last_is_sent_before_the_close():
    class Asked(Noting):
        def connectionMade(self):
            super().connectionMade()
            self.transport.registerProducer(Producer(self.transport, 0), True)
            self.transport.loseConnection()

        def dataReceived(self, data):
            self.transport.write(b"the rest")
            self.transport.unregisterProducer()
            self.transport.write(b"not this")

    async with Server(Asked) as server:
        sock = raw_connection(server)
        there = await server.accepted()
        there.transport.data_received(b"go")
        assert await read_to_end(sock) == b"the rest"
        sock.close()
        assert isinstance(await there.lost, ConnectionDone)


async def test_a_peer_that_half_closes_gets_the_rest_of_the_answer():
    class Answer(Noting):
        def dataReceived(self, data):
            self.transport.write(BIG * 4)

    async with Server(Answer) as server:
        sock = raw_connection(server)
        await asyncio.get_running_loop().sock_sendall(sock, b"question")
        sock.shutdown(socket.SHUT_WR)
        assert await read_to_end(sock) == BIG * 4
        sock.close()
        assert isinstance(await (await server.accepted()).lost, ConnectionDone)


# -- hooks that fail, and hooks that take their time


@pytest.mark.parametrize("hook", ["connectionMade", "dataReceived"])
async def test_an_error_in_a_hook_closes_that_connection_only(hook, flushLoggedErrors):
    class Bad(Noting):
        def connectionMade(self):
            super().connectionMade()
            if hook == "connectionMade" and self.factory.bad:
                raise ValueError(hook)

        def dataReceived(self, data):
            super().dataReceived(data)
            if data == b"bad":
                raise ValueError(hook)
            self.transport.write(data)

    async with Server(Bad) as server:
        server.factory.bad = False
        good, _, _ = await connection(server)
        server.factory.bad = True
        bad, there, _ = await connection(server)
        bad.transport.write(b"bad")
        await bad.lost
        reason = await there.lost
        assert isinstance(reason, ValueError)
        (logged,) = flushLoggedErrors(ValueError)
        assert logged.value is reason
        good.transport.write(b"still here")
        assert await good.wait_for(10) == b"still here"
        good.transport.loseConnection()
        await good.lost


async def test_an_error_in_connectionLost_is_logged(flushLoggedErrors):
    class Bad(Noting):
        def connectionLost(self, reason):
            super().connectionLost(reason)
            raise KeyError("at the end")

    async with Server(Bad) as server:
        client, there, _ = await connection(server)
        client.transport.loseConnection()
        await there.lost
        await client.lost
        await asyncio.sleep(0)  # the hook's own end
        assert len(flushLoggedErrors(KeyError)) == 1


async def test_an_error_in_buildProtocol_closes_that_connection_only(flushLoggedErrors):
    class Bad(Noting):
        def __init__(self):
            raise KeyError("no protocol today")

    async with Server(Bad) as server:
        sock = raw_connection(server)
        assert await read_to_end(sock) == b""
        sock.close()
        assert len(flushLoggedErrors(KeyError)) == 1


async def test_async_hooks_are_waited_for_and_keep_the_order():
    class Slow(Protocol):
        def __init__(self):
            self.lost = Deferred()
            self.log = []

        async def connectionMade(self):
            await asyncio.sleep(0.01)
            self.log.append("made")

        async def dataReceived(self, data):
            self.log.append(f"begin {len(data) > 0}")
            await asyncio.sleep(0.01)
            self.log.append("end")
            self.transport.write(data)

        async def connectionLost(self, reason):
            await asyncio.sleep(0)
            self.lost.callback(None)

    async with Server(Slow) as server:
        client, there, _ = await connection(server)
        client.transport.write(b"1")
        await client.wait_for(1)
        client.transport.write(b"22")
        assert await client.wait_for(3) == b"122"
        assert there.log == ["made", "begin True", "end", "begin True", "end"]
        client.transport.loseConnection()
        await there.lost


async def test_an_async_hook_that_fails_closes_the_connection(flushLoggedErrors):
    class Bad(Noting):
        async def dataReceived(self, data):
            await asyncio.sleep(0)
            raise KeyError("later")

    async with Server(Bad) as server:
        client, there, _ = await connection(server)
        client.transport.write(b"x")
        assert isinstance(await there.lost, KeyError)
        await client.lost
        assert len(flushLoggedErrors(KeyError)) == 1


async def test_a_line_without_an_end_closes_the_connection_and_memory_stays():
    class Lines(LineReceiver):
        def __init__(self):
            self.lost = Deferred()

        def connectionLost(self, reason):
            self.lost.callback(reason.value)

    async with Server(Lines) as server:
        sock = raw_connection(server)
        await asyncio.get_running_loop().sock_sendall(sock, b"x" * 20_000)
        assert isinstance(await (await server.accepted()).lost, ConnectionDone)
        sock.close()


async def test_the_protocol_can_be_replaced():
    class First(Noting):
        def dataReceived(self, data):
            second = Noting()
            second.makeConnection(self.transport)
            self.transport.protocol = second
            self.transport.write(b"switched")
            switched.callback(second)

    switched = Deferred()
    async with Server(First) as server:
        client, _, _ = await connection(server)
        client.transport.write(b"go")
        assert await client.wait_for(8) == b"switched"
        client.transport.write(b"for the second")
        second = await switched
        assert await second.wait_for(14) == b"for the second"
        client.transport.loseConnection()
        assert isinstance(await second.lost, ConnectionDone)


async def test_options_of_the_socket():
    async with Server() as server:
        client, there, _ = await connection(server)
        for option in ("TcpNoDelay", "TcpKeepAlive"):
            for value in (True, False):
                getattr(client.transport, f"set{option}")(value)
                assert getattr(client.transport, f"get{option}")() is value
        client.transport.loseConnection()
        await there.lost


# -- any interleaving


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.integers(1, 300_000),
            st.sampled_from(["pause", "resume", "turn"]),
        ),
        max_size=30,
    ),
    close=st.sampled_from(["loseConnection", "loseWriteConnection"]),
)
def test_any_interleaving_delivers_every_byte_once_and_in_order(steps, close):
    async def scenario():
        async with Server(HalfCloseable) as server:
            client, there, _ = await connection(server, HalfCloseable)
            sent = bytearray()
            for n, step in enumerate(steps):
                if isinstance(step, int):
                    piece = bytes([n % 256]) * step
                    sent += piece
                    client.transport.write(piece)
                elif step == "turn":
                    await asyncio.sleep(0)
                elif step == "pause":
                    there.transport.pauseProducing()
                else:
                    there.transport.resumeProducing()
            there.transport.resumeProducing()
            getattr(client.transport, close)()
            await there.read_closed
            assert there.data == bytes(sent)
            there.transport.loseConnection()
            if close == "loseWriteConnection":
                await client.read_closed
                client.transport.loseConnection()
            await client.lost
            await there.lost

    runToEnd(scenario, 60)


async def test_a_connection_that_is_paused_gets_nothing_before_it_goes_on():
    """Data that is there when the connection is made, and a loop that begins to read whatever was said."""

    class Paused(Noting):
        def connectionMade(self):
            super().connectionMade()
            self.transport.pauseProducing()

    async with Server(Paused) as server:
        reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
        writer.write(b"early")
        there = await server.accepted()
        for _ in range(5):  # turns of the loop in which it would read
            await asyncio.sleep(0)
        assert there.data == b""
        there.transport.resumeProducing()
        writer.write(b" late")
        assert await there.wait_for(10) == b"early late"
        there.transport.loseConnection()
        assert await reader.read() == b""
        writer.close()


async def test_an_end_that_comes_while_data_is_held_comes_after_it():
    """As uvloop brings them: data and end of a peer that has both sent at once, to a protocol that has paused."""
    async with Server() as server:
        client, there, _ = await connection(server)
        there.transport.pauseProducing()
        there.transport.data_received(b"last words")
        assert there.transport.eof_received() is True
        assert there.data == b""
        there.transport.resumeProducing()
        assert isinstance(await there.lost, ConnectionDone)
        assert there.data == b"last words"
        await client.lost
