"""`connect` and `serve` over real sockets, on each engine: reading, writing, backpressure, TLS, errors and the end."""

import asyncio
import ssl

import pytest

import plait
from plait import Deferred, Factory, Protocol, connect, serve
from plait.endpoints import SSL4ServerEndpoint, StreamLimitError, TCP4ServerEndpoint, streams
from plait.errors import CannotListenError, ConnectionClosed, ConnectionLost, ConnectionRefusedError, SSLError
from plait.log import globalLogPublisher
from plait.transport.tls import DefaultOpenSSLContextFactory

LOCAL = "tcp:0:interface=127.0.0.1"


def to(server):
    return f"tcp:host=127.0.0.1:port={server.address.port}"


async def shout(stream):
    async for line in stream.lines():
        await stream.write(line.upper() + b"\n")


@pytest.fixture
def logged():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def failures(events):
    """The errors that were logged here. (What was logged before anybody listened comes too, from other tests.)"""
    ours = [event for event in events if event["log_namespace"] == "plait.endpoints"]
    return [event["log_failure"].value for event in ours if event.get("log_failure") is not None]


def test_lines_there_and_back(run):
    async def main():
        async with serve(LOCAL, shout) as server:
            async with connect(to(server)) as stream:
                await stream.write(b"one\r\ntwo\nth")
                assert await stream.readUntil(b"\n") == b"ONE\n"
                assert await stream.readExactly(2) == b"TW"
                assert await stream.read(1) == b"O"
                assert await stream.read(100) == b"\n"
                await stream.write(b"ree\n")
                assert await stream.readUntil(b"EE") == b"THREE"
                assert stream.getPeer() == server.address
            assert await stream.readAll() == b"\n"

    run(main)


def test_last_line_without_an_end_and_half_close(run):
    async def main():
        async with serve(LOCAL, shout) as server, connect(to(server)) as stream:
            await stream.write(b"a\n\nb")
            stream.loseWriteConnection()
            assert [line async for line in stream.lines()] == [b"A", b"", b"B"]
            assert await stream.read() == b""

    run(main)


def test_end_in_the_midst(run):
    async def short(stream):
        await stream.write(b"abc")

    async def main():
        async with serve(LOCAL, short) as server:
            async with connect(to(server)) as stream:
                with pytest.raises(asyncio.IncompleteReadError) as caught:
                    await stream.readExactly(4)
                assert caught.value.partial == b"abc"
            async with connect(to(server)) as stream:
                with pytest.raises(asyncio.IncompleteReadError):
                    await stream.readUntil(b"\n")
            async with connect(to(server)) as stream:
                assert await stream.readAll() == b"abc"

    run(main)


def test_line_and_body_that_are_too_long(run):
    async def flood(stream):
        await stream.write(b"x" * 1001)
        await stream.read()

    async def main():
        async with serve(LOCAL, flood) as server:
            async with connect(to(server), maxLine=1000) as stream:
                with pytest.raises(StreamLimitError, match=r"a line is longer than 1000 bytes; .* maxLine"):
                    await stream.readUntil(b"\n")
            async with connect(to(server), maxLine=1000) as stream:
                with pytest.raises(StreamLimitError) as caught:
                    await stream.readAll(limit=1000)
                assert caught.value.limit == 1000

    run(main)


def test_line_of_just_the_length(run, logged):
    async def main():
        async with serve(LOCAL, shout, maxLine=5) as server, connect(to(server), maxLine=5) as stream:
            await stream.write(b"abcde\n")
            assert await stream.readUntil(b"\n") == b"ABCDE\n"
            await stream.write(b"abcdef\n")
            with pytest.raises(ConnectionLost):
                await stream.read()

    run(main)
    assert failures(logged) == []  # it is the peer's doing


def test_error_in_a_handler_is_logged_and_closes_its_connection_only(run, logged):
    async def touchy(stream):
        async for line in stream.lines():
            if line == b"bad":
                raise ZeroDivisionError("the handler's own")
            await stream.write(line + b"\n")

    async def main():
        async with serve(LOCAL, touchy) as server, connect(to(server)) as good, connect(to(server)) as bad:
            await bad.write(b"bad\n")
            with pytest.raises(ConnectionLost):  # and no end that looks like a whole answer
                await bad.read()
            await good.write(b"good\n")
            assert await good.readUntil() == b"good\n"

    run(main)
    assert [type(error) for error in failures(logged)] == [ZeroDivisionError]


def test_writer_waits_for_a_peer_that_does_not_read(run):
    """Neither side keeps more than the kernel and its own bounds hold."""
    written = 0

    async def pour(stream):
        nonlocal written
        while written < 64 * 1024 * 1024:
            await stream.write(b"x" * 65536)
            written += 65536

    async def main():
        async with serve(LOCAL, pour) as server, connect(to(server)) as stream:
            await stream.readExactly(1)
            waiting = server.streams[0]
            while not waiting._writing_paused:
                await asyncio.sleep(0)
            assert written < 64 * 1024 * 1024
            assert len(stream._buffer) < 1024 * 1024
            total = 1
            while data := await stream.read(1 << 20):
                total += len(data)
            assert total == 64 * 1024 * 1024

    run(main)


def test_many_bytes_both_ways(run):
    async def echo(stream):
        while data := await stream.read():
            await stream.write(data)

    async def main():
        body = bytes(range(256)) * 8192
        async with serve(LOCAL, echo) as server, connect(to(server)) as stream:

            async def send():
                for start in range(0, len(body), 100_000):
                    await stream.write(body[start : start + 100_000])
                stream.loseWriteConnection()

            _, received = await asyncio.gather(send(), stream.readAll())
            assert received == body

    run(main)


def test_one_reader_at_a_time(run):
    async def main():
        async with serve(LOCAL, shout) as server, connect(to(server)) as stream:
            reading = asyncio.ensure_future(stream.read())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another coroutine is reading"):
                await stream.read()
            await stream.write(b"a\n")
            assert await reading == b"A\n"

    run(main)


def test_read_that_is_cancelled_loses_nothing(run):
    async def main():
        async with serve(LOCAL, shout) as server, connect(to(server)) as stream:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.readUntil(), 0)
            await stream.write(b"a\n")
            assert await stream.readUntil() == b"A\n"

    run(main)


def test_handlers_are_cancelled_at_the_end(run, logged):
    outcome = []

    async def wait(stream):
        await stream.write(b"ready\n")
        try:
            await stream.read()
        except BaseException as e:
            outcome.append(type(e).__name__)
            raise

    async def main():
        async with serve(LOCAL, wait) as server:
            client = connect(to(server))
            stream = await client.__aenter__()
            assert await stream.readUntil() == b"ready\n"
        assert outcome == ["CancelledError"]
        with pytest.raises(ConnectionLost):
            await stream.read()
        await client.__aexit__(None, None, None)
        with pytest.raises(ConnectionRefusedError):
            async with connect(to(server)):
                pass

    run(main)
    assert failures(logged) == []


def test_handlers_have_their_grace(run):
    done = []

    async def finish(stream):
        await stream.write(b"ready\n")
        done.append(await stream.readUntil())

    async def main():
        async with serve(LOCAL, finish, grace=20) as server:
            client = connect(to(server))
            stream = await client.__aenter__()
            await stream.readUntil()
            await stream.write(b"last\n")
        assert done == [b"last\n"]
        await client.__aexit__(None, None, None)

    run(main)


def test_block_that_fails_cuts_its_connection(run):
    gone = Deferred()

    async def wait(stream):
        try:
            await stream.read()
        except ConnectionLost:
            gone.callback("cut")
            raise

    async def main():
        async with serve(LOCAL, wait) as server:
            with pytest.raises(ZeroDivisionError):
                async with connect(to(server)):
                    raise ZeroDivisionError
            assert await gone == "cut"

    run(main)


def test_writing_after_the_end(run):
    async def main():
        async with serve(LOCAL, shout) as server, connect(to(server)) as stream:
            await stream.close()
            with pytest.raises(ConnectionClosed):
                await stream.write(b"x")
            assert "gone" in repr(stream)

    run(main)


def test_tls_from_the_start(run, certificate, trust):
    async def main():
        endpoint = SSL4ServerEndpoint(
            plait.reactor, 0, DefaultOpenSSLContextFactory(*certificate), interface="127.0.0.1"
        )
        folder = certificate[1].parent
        async with serve(endpoint, shout) as server:
            port = server.address.port
            async with connect(f"tls:localhost:{port}:trustRoots={folder}") as stream:
                await stream.write(b"secret\n")
                assert await stream.readUntil() == b"SECRET\n"
            with pytest.raises(SSLError):
                async with connect(f"tls:localhost:{port}"):
                    pytest.fail("nobody knows this certificate")
            async with connect(f"tls:localhost:{port}:trustRoots={folder}") as stream:
                await stream.write(b"still there\n")
                assert await stream.readUntil() == b"STILL THERE\n"

    run(main)


def test_starttls(run, certificate, trust):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])

    async def upgrade(stream):
        assert await stream.readUntil() == b"STARTTLS\n"
        await stream.write(b"go\n")
        await stream.startTLS(context)
        await shout(stream)

    async def main():
        async with serve(LOCAL, upgrade) as server:
            async with connect(f"tcp:localhost:{server.address.port}") as stream:
                await stream.write(b"STARTTLS\n")
                assert await stream.readUntil() == b"go\n"
                await stream.startTLS(trust)
                await stream.write(b"secret\n")
                assert await stream.readUntil() == b"SECRET\n"
            async with connect(f"tcp:localhost:{server.address.port}") as stream:
                await stream.write(b"STARTTLS\n")
                assert await stream.readUntil() == b"go\n"
                with pytest.raises(SSLError):
                    await stream.startTLS(ssl.create_default_context())

    run(main)


def test_starttls_refuses_what_came_in_the_clear(run):
    async def eager(stream):
        await stream.write(b"go\nnot secure\n")
        await stream.read()

    async def main():
        async with serve(LOCAL, eager) as server, connect(to(server)) as stream:
            assert await stream.readUntil() == b"go\n"
            with pytest.raises(RuntimeError, match="11 bytes that came in the clear"):
                await stream.startTLS(ssl.create_default_context())

    run(main)


def test_peer_that_takes_nothing_does_not_hold_up_the_end(run, monkeypatch):
    monkeypatch.setattr(streams, "CLOSE_WAIT", 0)

    class Deaf(Protocol):
        def connectionMade(self):
            self.transport.pauseProducing()

    async def main():
        port = await TCP4ServerEndpoint(plait.reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(Deaf))
        async with connect(f"tcp:127.0.0.1:{port.getHost().port}") as stream:
            writing = asyncio.ensure_future(stream.write(b"x" * 64 * 1024 * 1024))
            await asyncio.sleep(0)
            assert not writing.done()
        with pytest.raises(ConnectionClosed):
            await writing
        plait.reactor.removeAll()

    run(main)


def test_port_is_taken(run):
    async def main():
        async with serve(LOCAL, shout) as server:
            with pytest.raises(CannotListenError):
                async with serve(f"tcp:{server.address.port}:interface=127.0.0.1", shout):
                    pass

    run(main)


async def test_under_the_reactor():
    """A coroutine that Plait drives, and no task of asyncio's."""
    async with serve(LOCAL, shout) as server, connect(to(server)) as stream:
        await stream.write(b"a\n")
        assert await stream.readUntil() == b"A\n"
