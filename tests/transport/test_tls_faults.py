"""TLS with peers that go away, say nothing, or say what they should not: a clear error, nothing is left, the next is served."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import socket
import ssl
import stat
import struct

import pytest

from plait import connect, reactor
from plait.endpoints import HostnameEndpoint, wrapClientTLS
from plait.errors import ConnectionDone, ConnectionLost, SSLError
from plait.transport.tlslayer import TLSLayer
from tests.certificates import make_certificate
from tests.transport.helpers import read_to_end
from tests.transport.tls_helpers import VERSIONS, Listening, SecureServer, connecting, secure_connection, trusting

versions = pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
endings = pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])

# Bytes from one cut to the next, but in the slow tests, which take each byte.
STEP = 23


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def server_side(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


@pytest.fixture
def nothing_left():
    """No layer and no socket is left of the test's connections."""
    before, known = sockets(), layers()
    yield
    gc.collect()
    assert sockets() <= before
    assert [layer for layer in layers() if not any(layer is other for other in known)] == []


def layers():
    """Those that are in memory: a failed test before this one may have left some."""
    return [thing for thing in gc.get_objects() if isinstance(thing, TLSLayer)]


def sockets():
    """The descriptors of TCP sockets that this process has open, where the system tells."""
    found = set()
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
        except OSError:
            continue  # that of the list itself
        with socket.socket(fileno=os.dup(int(name))) as copy:
            if copy.family == socket.AF_INET:
                found.add(name)
    return found


class Peer:
    """One end of TLS over a plain socket, which can be cut after any number of bytes that it has sent."""

    def __init__(self, sock, context, server_side):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side, None if server_side else "localhost")

    async def handshake(self, limit=1 << 30):
        """Do it, until it is done or `limit` bytes have gone out: how many were sent, or None if that was all."""
        loop = asyncio.get_running_loop()
        sent = 0
        while True:
            try:
                self.tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            data = self.outgoing.read()
            await loop.sock_sendall(self.sock, data[: limit - sent])
            sent += len(data)
            if sent >= limit:
                return None
            if done:
                return sent
            self.incoming.write(await loop.sock_recv(self.sock, 1 << 16))

    def close(self, reset):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


async def connected_to(server):
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.address.port))
    return sock


async def still_serves(server, context):
    client, there = await secure_connection(server, context)
    client.transport.write(b"still here")
    assert await client.wait_for(10) == b"still here"
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    assert isinstance(await there.lost, ConnectionDone)


def check(error):
    """What a protocol is told of a handshake that was cut."""
    assert isinstance(error, (SSLError, ConnectionLost)) and not isinstance(error, ConnectionDone), repr(error)
    assert "the connection has ended in the TLS handshake" in str(error) or "reset by peer" in str(error)


@versions
@endings
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), STEP])
async def test_a_client_that_goes_after_any_byte_of_the_handshake(certificate, version, reset, step, nothing_left):
    context = trusting(certificate, version)
    async with SecureServer(certificate) as server:
        peer = Peer(await connected_to(server), context, False)
        length = await peer.handshake()
        peer.close(False)
        await (await server.accepted()).lost
        for count in range(0, length - 8, step):
            peer = Peer(await connected_to(server), context, False)
            if count:
                assert await peer.handshake(count) is None
            peer.close(reset)
            check(await (await server.accepted()).lost)
        await still_serves(server, context)


@versions
@endings
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), STEP])
async def test_a_server_that_goes_after_any_byte_of_the_handshake(certificate, version, reset, step, nothing_left):
    context, theirs = trusting(certificate, version), server_side(certificate)
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        number = listener.getsockname()[1]
        length = 1 << 30
        for count in [None, *range(0, 100_000, step)]:
            if count is not None and count >= length - 8:
                break
            client = connecting(number, context)
            sock, _ = await loop.sock_accept(listener)
            peer = Peer(sock, theirs, True)
            if count is None:
                await peer.handshake()
                # what it had sent before the client's last message, which its tickets come after (in TLS 1.3)
                length = await before_the_end(context, theirs)
                peer.close(False)
                await client.gone
                continue
            if count:
                assert await peer.handshake(count) is None
            peer.close(reset)
            check(await client.gone)


async def before_the_end(context, theirs):
    """How many bytes a server sends until the client's handshake is done."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = theirs.wrap_bio(to_server, to_client, server_side=True)
    sent = 0
    while True:
        try:
            client.do_handshake()
            return sent
        except ssl.SSLWantReadError:
            pass
        try:
            server.do_handshake()
        except ssl.SSLWantReadError:
            pass
        sent += to_client.pending


@endings
async def test_connect_says_what_was_wrong(certificate, reset, nothing_left):
    """The Deferred of an endpoint fires before the handshake; a coroutine that connects waits for it."""
    theirs = server_side(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        endpoint = wrapClientTLS(
            trusting(certificate), HostnameEndpoint(reactor, "localhost", listener.getsockname()[1])
        )

        async def go_away(count):
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            peer = Peer(sock, theirs, True)
            if count:
                await peer.handshake(count)
            peer.close(reset)

        for count in (0, 100, 600):
            going = asyncio.ensure_future(go_away(count))
            with pytest.raises((SSLError, ConnectionLost)) as caught:
                async with connect(endpoint):
                    pass
            check(caught.value)
            await going


# -- who says what he should not

GARBAGE = {
    "HTTP": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "plain HTTP request"),
    "CONNECT": (b"CONNECT localhost:443 HTTP/1.1\r\n\r\n", "plain HTTP request to a proxy"),
    "text": (b"SSH-2.0-anything\r\n" * 10, "is no TLS"),
    "zeros": (bytes(100_000), "is no TLS"),
    "long record": (b"\x16\x03\x01\xff\xff" + bytes(70_000), "longer than TLS allows"),
    "long message": (b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16380), "excessive message size"),
    "alert": (b"\x15\x03\x01\x00\x02\x02\x28", "unexpected message|alert: handshake failure"),
    "data": (b"\x17\x03\x03\x00\x05hello", "unexpected message"),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_no_client_hello(certificate, name, nothing_left):
    data, words = GARBAGE[name]
    async with SecureServer(certificate) as server:
        sock = await connected_to(server)
        await asyncio.get_running_loop().sock_sendall(sock, data)
        error = await (await server.accepted()).lost
        assert isinstance(error, SSLError) and re.search(words, str(error)), str(error)
        sock.close()
        await still_serves(server, trusting(certificate))


@pytest.mark.parametrize("name", ["text", "zeros", "long record", "alert"])
async def test_what_is_no_server_hello(certificate, name, nothing_left):
    data, words = GARBAGE[name]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        client = connecting(listener.getsockname()[1], trusting(certificate))
        sock, _ = await asyncio.get_running_loop().sock_accept(listener)
        await asyncio.get_running_loop().sock_sendall(sock, data)
        error = await client.gone
        assert isinstance(error, SSLError) and re.search(words, str(error)), str(error)
        sock.close()


RECORDS = {
    "too long": (b"\x17\x03\x03\x48\x01" + bytes(0x4801), "longer than TLS allows"),
    "the longest": (b"\x17\x03\x03\xff\xff" + bytes(0xFFFF), "longer than TLS allows"),
    "forged": (b"\x17\x03\x03\x00\x40" + bytes(0x40), "changed on its way"),
    "plain": (b"a plain text in the midst of TLS", "is no TLS"),
}


@versions
@pytest.mark.parametrize("name", RECORDS)
async def test_records_that_are_none(certificate, version, name, nothing_left):
    """In the midst of a connection, whose other data has come before."""
    data, words = RECORDS[name]
    context = trusting(certificate, version)
    async with SecureServer(certificate) as server:
        peer = Peer(await connected_to(server), context, False)
        await peer.handshake()
        there = await server.accepted()
        peer.tls.write(b"good data")
        await asyncio.get_running_loop().sock_sendall(peer.sock, peer.outgoing.read() + data)
        error = await there.lost
        assert there.data == b"good data"
        assert isinstance(error, SSLError) and re.search(words, str(error)), str(error)
        peer.close(False)
        await still_serves(server, context)


async def test_the_wrong_record_of_a_peer_that_takes_nothing(certificate, monkeypatch, nothing_left):
    """What waits to be sent to it does not keep the connection."""
    monkeypatch.setattr("plait.transport.tlslayer.END_LIMIT", 0.01)

    class Talkative(Listening):
        def dataReceived(self, data):
            super().dataReceived(data)
            self.transport.write(bytes(30_000_000))

    async with SecureServer(certificate, Talkative) as server:
        peer = Peer(await connected_to(server), trusting(certificate), False)
        await peer.handshake()
        there = await server.accepted()
        peer.tls.write(b"x")
        await asyncio.get_running_loop().sock_sendall(peer.sock, peer.outgoing.read() + RECORDS["plain"][0])
        assert "is no TLS" in str(await there.lost)
        peer.close(False)


@versions
async def test_a_handshake_of_one_byte_at_a_time(certificate, version, nothing_left):
    context = trusting(certificate, version)

    class Slow(Peer):
        async def handshake(self):
            loop = asyncio.get_running_loop()
            while True:
                try:
                    self.tls.do_handshake()
                    done = True
                except ssl.SSLWantReadError:
                    done = False
                for byte in self.outgoing.read():
                    await loop.sock_sendall(self.sock, bytes([byte]))
                if done:
                    return
                self.incoming.write(await loop.sock_recv(self.sock, 1))

    async with SecureServer(certificate) as server:
        peer = Slow(await connected_to(server), context, False)
        await peer.handshake()
        there = await server.accepted()
        await there.secured
        peer.tls.write(b"hello")
        await asyncio.get_running_loop().sock_sendall(peer.sock, peer.outgoing.read())
        assert await there.wait_for(5) == b"hello"
        peer.close(True)
        assert "reset" in str(await there.lost)


async def test_who_sends_only_a_byte_now_and_then_is_closed_as_well(certificate, monkeypatch, nothing_left):
    """The time for the handshake is for all of it."""
    monkeypatch.setattr("plait.transport.tlslayer.HANDSHAKE_LIMIT", 0.05)
    async with SecureServer(certificate) as server:
        sock = await connected_to(server)
        there = await server.accepted()
        lost = False

        def over(error):
            nonlocal lost
            lost = True
            return error

        there.lost.addCallback(over)
        loop = asyncio.get_running_loop()
        hello = b"\x16\x03\x01\x40\x00" + bytes(1 << 20)
        sent = 0
        while not lost:
            await loop.sock_sendall(sock, hello[sent : sent + 1])
            sent = min(sent + 1, 8)
            await asyncio.sleep(0)
        assert "took longer" in str(await there.lost) or lost
        sock.close()


async def test_a_server_that_says_nothing(certificate, monkeypatch, nothing_left):
    monkeypatch.setattr("plait.transport.tlslayer.HANDSHAKE_LIMIT", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        client = connecting(listener.getsockname()[1], trusting(certificate))
        sock, _ = await asyncio.get_running_loop().sock_accept(listener)
        assert "took longer" in str(await client.gone)
        assert (await read_to_end(sock)).startswith(b"\x16\x03\x01")
        sock.close()
