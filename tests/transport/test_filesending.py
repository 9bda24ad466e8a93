"""Sending a part of a file."""

import os
import socket

import pytest

from plait.deferred import CancelledError
from plait.errors import ConnectionLost
from plait.testing import StringTransport
from plait.transport import filesending
from plait.transport.filesending import FileChangedError, sendFile
from tests.certificates import make_certificate
from tests.transport.helpers import Noting, Server, connection
from tests.transport.tls_helpers import Listening, SecureServer, secure_connection, trusting

BIG = os.urandom(1 << 16) * 80  # more than any buffers on the way


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(BIG)
    with open(path, "rb") as file:
        yield file


@pytest.fixture(params=["kernel", "copied"])
def way(request, monkeypatch):
    if request.param == "copied":
        monkeypatch.delattr(os, "sendfile")
    elif not hasattr(os, "sendfile"):
        pytest.skip("this platform has no sendfile")
    else:
        # that it is used, and not the other
        monkeypatch.setattr(filesending._Sending, "_copy", lambda self: pytest.fail("copied"))
    return request.param


@pytest.mark.parametrize(("offset", "count"), [(0, len(BIG)), (7, 100), (len(BIG) - 5, 5), (3, 0)])
async def test_behind_what_was_written_and_before_what_follows(way, file, offset, count):
    async with Server() as server:
        client, there, _ = await connection(server)
        there.transport.write(b"head " * 50000)
        sent = sendFile(there.transport, file, offset, count)
        assert await sent == count
        there.transport.write(b" tail")
        there.transport.loseConnection()
        await client.lost
        assert client.data == b"head " * 50000 + BIG[offset : offset + count] + b" tail"


async def test_closing_waits_for_it(way, file):
    async with Server() as server:
        client, there, _ = await connection(server)
        sent = sendFile(there.transport, file, 0, len(BIG))
        there.transport.loseConnection()
        await client.lost
        assert client.data == BIG
        assert there.transport.bytesSent == len(BIG)
        assert await sent == len(BIG)


async def test_in_a_hook(way, file):
    class Sender(Noting):
        def dataReceived(self, data):
            self.transport.write(b"head")
            sendFile(self.transport, file, 0, len(BIG)).addCallback(lambda _: self.transport.write(b"tail"))

    async with Server(Sender) as server:
        client, _, _ = await connection(server)
        client.transport.write(b"x")
        assert await client.wait_for(len(BIG) + 8) == b"head" + BIG + b"tail"
        client.transport.loseConnection()
        await client.lost


async def test_several_times(way, file):
    async with Server() as server:
        client, there, _ = await connection(server)
        for number in range(20):
            there.transport.write(b"%d" % number)
            await sendFile(there.transport, file, number, 300_000)
        there.transport.loseConnection()
        await client.lost
        assert client.data == b"".join(b"%d" % n + BIG[n : n + 300_000] for n in range(20))


async def test_a_peer_that_takes_nothing_and_goes(way, file):
    async with Server() as server:
        raw = socket.create_connection(("127.0.0.1", server.address.port))
        there = await server.accepted()
        sent = sendFile(there.transport, file, 0, len(BIG))
        assert not sent.called
        with pytest.raises(RuntimeError, match="cannot register producer"):
            sendFile(there.transport, file, 0, 1)
        raw.close()
        with pytest.raises(ConnectionLost):
            await sent
        await there.lost


async def test_the_file_has_become_shorter(way, tmp_path):
    path = tmp_path / "short"
    path.write_bytes(b"abc")
    with open(path, "rb") as file:
        async with Server() as server:
            client, there, _ = await connection(server)
            with pytest.raises(FileChangedError, match="2 bytes too soon"):
                await sendFile(there.transport, file, 1, 4)
            there.transport.loseConnection()
            await client.lost
            assert client.data == b"bc"


async def test_cancelled(way, file):
    async with Server() as server:
        raw = socket.create_connection(("127.0.0.1", server.address.port))
        there = await server.accepted()
        sent = sendFile(there.transport, file, 0, len(BIG))
        sent.cancel()
        with pytest.raises(CancelledError):
            await sent
        assert there.transport.producer is None
        there.transport.abortConnection()
        await there.lost
        raw.close()


async def test_a_file_that_the_kernel_cannot_send_is_copied(file, monkeypatch):
    if not hasattr(os, "sendfile"):
        pytest.skip("this platform has no sendfile")

    def refuse(*args):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "sendfile", refuse)
    async with Server() as server:
        client, there, _ = await connection(server)
        there.transport.write(b"head " * 50000)
        assert await sendFile(there.transport, file, 0, len(BIG)) == len(BIG)
        there.transport.loseConnection()
        await client.lost
        assert client.data == b"head " * 50000 + BIG


def test_to_a_transport_without_a_socket(file):
    transport = StringTransport()
    done = sendFile(transport, file, 5, 300_000)
    results = []
    done.addCallback(results.append)
    assert transport.value() == BIG[5:300_005]
    assert (results, transport.producer) == ([300_000], None)


async def test_under_tls(tmp_path, file):
    certificate = make_certificate(tmp_path)
    async with SecureServer(certificate, Listening) as server:
        client, there = await secure_connection(server, trusting(certificate))
        assert await sendFile(there.transport, file, 1, len(BIG) - 1) == len(BIG) - 1
        there.transport.loseConnection()
        await client.lost
        assert client.data == BIG[1:]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
async def test_no_descriptor_is_left(file):
    async with Server() as server:
        client, there, _ = await connection(server)
        before = len(os.listdir("/proc/self/fd"))
        await sendFile(there.transport, file, 0, len(BIG))
        assert len(os.listdir("/proc/self/fd")) == before
        client.transport.abortConnection()
        await there.lost
