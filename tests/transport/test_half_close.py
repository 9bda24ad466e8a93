"""Half-close (`loseWriteConnection`): over TCP, over UNIX sockets and under TLS."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from plait import Deferred, reactor
from plait.errors import ConnectionDone
from plait.interfaces import IHandshakeListener, implementer
from tests.certificates import make_certificate
from tests.transport.helpers import Client, Ends, Server, connection
from tests.transport.tls_helpers import VERSIONS, Listening, SecureServer, connecting, secure_connection, trusting

BIG = os.urandom(1_000_000)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@implementer(IHandshakeListener)
class HalfCloseable(Ends, Listening):
    pass


class UNIXServer(Server):
    def __init__(self, path, protocol):
        self.path = path
        super().__init__(protocol)

    def listen(self, **options):
        return reactor.listenUNIX(str(self.path), self.factory)


async def pair(kind, certificate, tmp_path, here=HalfCloseable, there=HalfCloseable):
    """A server, and a connection to it: the protocols of both sides."""
    if kind == "tcp":
        server = Server(there)
        return server, *(await connection(server, here))[:2]
    if kind == "unix":
        server = UNIXServer(tmp_path / "s", there)
        client = Client(here)
        reactor.connectUNIX(str(server.path), client)
        return server, await client.connected, await server.accepted()
    server = SecureServer(certificate, there)
    return server, *await secure_connection(server, trusting(certificate, kind), here)


def kinds(*more):
    return pytest.mark.parametrize("kind", [*more, *VERSIONS], ids=[*more, "1.2", "1.3"])


@kinds("tcp", "unix")
async def test_one_side_then_the_other(kind, certificate, tmp_path):
    server, client, there = await pair(kind, certificate, tmp_path)
    async with server:
        client.transport.write(BIG)
        client.transport.loseWriteConnection()
        client.transport.write(b"too late")
        await client.write_closed
        await there.read_closed
        assert there.data == BIG
        there.transport.write(BIG)
        assert await client.wait_for(len(BIG)) == BIG
        there.transport.write(b"the end")
        there.transport.loseWriteConnection()
        assert isinstance(await client.lost, ConnectionDone)
        assert isinstance(await there.lost, ConnectionDone)
        assert client.data == BIG + b"the end"
        assert there.data == BIG


@kinds("tcp", "unix")
async def test_what_is_written_while_data_comes_after_the_half_close_is_dropped(kind, certificate, tmp_path):
    class Talkative(HalfCloseable):
        def dataReceived(self, data):
            self.transport.write(b"I hear you")
            self.transport.writeSequence([b"and", b"more"])
            super().dataReceived(data)

    server, client, there = await pair(kind, certificate, tmp_path, Talkative)
    async with server:
        client.transport.write(b"all")
        client.transport.loseWriteConnection()
        await there.read_closed
        for n in range(1, 4):
            there.transport.write(b"answer")
            await client.wait_for(6 * n)
        there.transport.loseConnection()
        await client.read_closed
        client.transport.loseConnection()
        assert isinstance(await client.lost, ConnectionDone)
        assert isinstance(await there.lost, ConnectionDone)
        assert there.data == b"all"


@kinds("tcp", "unix")
async def test_who_goes_on_to_read_after_the_end_is_not_told_twice(kind, certificate, tmp_path):
    server, client, there = await pair(kind, certificate, tmp_path)
    async with server:
        client.transport.loseWriteConnection()
        await there.read_closed
        there.transport.pauseProducing()
        await asyncio.sleep(0)
        there.transport.resumeProducing()
        for n in range(1, 4):  # time in which the end could come once more
            there.transport.write(b"answer")
            await client.wait_for(6 * n)
        there.transport.loseConnection()
        await client.read_closed
        client.transport.loseConnection()
        assert isinstance(await there.lost, ConnectionDone)


@kinds("tcp", "unix")
async def test_the_half_close_waits_for_a_producer(kind, certificate, tmp_path):
    class Producer:
        left = 5

        def resumeProducing(self):
            client.transport.write(b"piece")
            self.left -= 1
            if not self.left:
                client.transport.unregisterProducer()

        def stopProducing(self):
            pass

    server, client, there = await pair(kind, certificate, tmp_path)
    async with server:
        client.transport.registerProducer(Producer(), False)
        client.transport.loseWriteConnection()
        await there.read_closed
        assert there.data == b"piece" * 5
        there.transport.loseConnection()
        await client.read_closed
        client.transport.loseConnection()
        await client.lost


@kinds()
async def test_a_half_close_before_the_handshake_is_done(kind, certificate):
    async with SecureServer(certificate, HalfCloseable) as server:

        class Hasty(HalfCloseable):
            def connectionMade(self):
                super().connectionMade()
                self.transport.write(b"first and last")
                self.transport.loseWriteConnection()

        client = await connecting(server.address.port, trusting(certificate, kind), Hasty).connected
        there = await server.accepted()
        await there.read_closed
        assert there.data == b"first and last"
        there.transport.write(BIG)
        there.transport.loseConnection()
        await client.read_closed
        assert client.data == BIG
        client.transport.loseConnection()
        await client.lost


@kinds()
async def test_what_has_come_and_is_not_wanted_yet_survives_the_half_close(kind, certificate, tmp_path):
    """OpenSSL takes it for an error when it lies there as the end of our data is said."""
    server, client, there = await pair(kind, certificate, tmp_path)
    async with server:

        class Pausing:
            def __init__(self, protocol):
                self.protocol = protocol
                self.come = Deferred()

            def __call__(self, data):
                self.protocol.transport.pauseProducing()
                type(self.protocol).dataReceived(self.protocol, data)
                self.come.callback(None)
                del self.protocol.dataReceived

        pausing = Pausing(client)
        client.dataReceived = pausing
        there.transport.write(BIG)
        there.transport.loseConnection()
        await pausing.come
        await asyncio.sleep(0)
        client.transport.write(b"question")
        client.transport.loseWriteConnection()
        await there.lost
        client.transport.resumeProducing()
        await client.read_closed
        assert client.data == BIG
        client.transport.loseConnection()
        await client.lost


@kinds()
async def test_a_protocol_that_cannot_be_half_closed_ends_with_its_peer(kind, certificate):
    async with SecureServer(certificate) as server:  # echoes
        client, there = await secure_connection(server, trusting(certificate, kind), HalfCloseable)
        client.transport.write(BIG)
        client.transport.loseWriteConnection()
        await client.read_closed
        assert client.data == BIG
        client.transport.loseConnection()
        assert isinstance(await there.lost, ConnectionDone)
        await client.lost


async def test_a_connection_that_is_closed_with_unread_data_still_delivers_what_was_sent(certificate):
    """The server has had enough of what comes, answers and closes: the answer arrives."""

    class Enough(Listening):
        def dataReceived(self, data):
            if not self.data:
                self.data = data
                self.transport.pauseProducing()
                reactor.callLater(0, self.answer)

        def answer(self):
            self.transport.write(BIG)
            self.transport.loseConnection()

    async with SecureServer(certificate, Enough) as server:
        client, there = await secure_connection(server, trusting(certificate))
        client.transport.write(BIG)
        assert await client.wait_for(len(BIG)) == BIG
        assert isinstance(await client.lost, ConnectionDone)
        assert isinstance(await there.lost, ConnectionDone)


async def test_plain_socket_sees_the_half_close_at_once():
    async with Server(HalfCloseable) as server:
        sock = socket.create_connection((server.address.host, server.address.port))
        sock.setblocking(False)
        there = await server.accepted()
        there.transport.write(b"all")
        there.transport.loseWriteConnection()
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(sock, 10) == b"all"
        assert await loop.sock_recv(sock, 10) == b""
        await loop.sock_sendall(sock, b"heard")
        assert await there.wait_for(5) == b"heard"
        sock.close()
        assert isinstance(await there.lost, ConnectionDone)
