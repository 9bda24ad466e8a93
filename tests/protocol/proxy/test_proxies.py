"""Forwarded ports and SOCKS over real sockets, and against curl."""

import asyncio
import http.server
import shutil
import threading

import pytest

from plait import Protocol, reactor
from plait.errors import ConnectionDone
from plait.protocol.proxy import ProxyFactory, SOCKSClientFactory, SOCKSError, SOCKSServerFactory
from plait.testing import MemoryReactor, StringTransport, StringTransportWithDisconnection
from tests.transport.helpers import Client, Noting, Server

BIG = bytes(range(256)) * 4 * 1024


class Greeting(Noting):
    """Speaks first, and sends back what it gets."""

    def connectionMade(self):
        super().connectionMade()
        self.transport.write(b"220 hello\r\n")

    def dataReceived(self, data):
        super().dataReceived(data)
        self.transport.write(data)


class Listening:
    """A port of a factory."""

    def __init__(self, factory):
        factory.noisy = False
        self.port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.address = self.port.getHost()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.port.stopListening()


async def test_a_forwarded_port_carries_both_ways_and_closes_both_ends():
    async with Server(Greeting) as server, Listening(ProxyFactory("127.0.0.1", server.address.port)) as proxy:
        client, _, _ = await connection_to(proxy)
        client.transport.write(BIG)
        assert await client.wait_for(11 + len(BIG)) == b"220 hello\r\n" + BIG
        there = await server.accepted()
        client.transport.loseConnection()
        assert isinstance(await there.lost, ConnectionDone)


async def test_what_nobody_listens_to_is_closed():
    async with Server() as server:
        nowhere = server.address.port
    async with Listening(ProxyFactory("127.0.0.1", nowhere)) as proxy:
        client, _, _ = await connection_to(proxy)
        assert isinstance(await client.lost, ConnectionDone)


def test_a_client_that_leaves_before_the_other_end_is_there():
    memory = MemoryReactor()
    server = ProxyFactory("h", 1).buildProtocol(None)
    server.reactor = memory
    transport = StringTransportWithDisconnection()
    transport.protocol = server
    server.makeConnection(transport)
    transport.loseConnection()
    far = memory.tcpClients[0][2].buildProtocol(None)
    far.makeConnection(StringTransport())
    assert far.transport.disconnecting and far.transport.producer is None
    far.connectionLost(None)


async def connection_to(listening):
    client = Client(Noting)
    connector = reactor.connectTCP("127.0.0.1", listening.address.port, client)
    return await client.connected, connector, client


def through(proxy, client, host, port, **arguments):
    reactor.connectTCP("127.0.0.1", proxy.address.port, SOCKSClientFactory(client, host, port, **arguments))


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_tunnel(version, host):
    async with Server(Greeting) as server, Listening(SOCKSServerFactory()) as proxy:
        client = Client(Noting)
        through(proxy, client, host, server.address.port, version=version)
        p = await client.connected
        await p.made
        p.transport.write(BIG)
        assert await p.wait_for(11 + len(BIG)) == b"220 hello\r\n" + BIG
        there = await server.accepted()
        there.transport.loseConnection()
        assert isinstance(await p.lost, ConnectionDone)
        await client.gone


@pytest.mark.parametrize("password, good", [(b"secret", True), (b"wrong", False)])
async def test_a_login(password, good):
    async with Server(Greeting) as server, Listening(SOCKSServerFactory({b"me": b"secret"})) as proxy:
        client = Client(Noting)
        through(proxy, client, "127.0.0.1", server.address.port, user=b"me", password=password)
        if good:
            p = await client.connected
            assert (await p.wait_for(11)) == b"220 hello\r\n"
            p.transport.loseConnection()
            await p.lost
        else:
            error = await client.failed
            assert isinstance(error, SOCKSError) and "password" in str(error)


async def test_a_refusal_has_its_reason():
    async with Server() as server:
        nowhere = server.address.port

    class Choosy(SOCKSServerFactory):
        async def authorize(self, request, client):
            return request.port != 25

    async with Listening(Choosy()) as proxy:
        for port, code in ((25, 2), (nowhere, 5)):
            client = Client(Noting)
            through(proxy, client, "127.0.0.1", port)
            error = await client.failed
            assert isinstance(error, SOCKSError) and error.code == code


async def test_BIND_waits_for_one_connection():
    async with Listening(SOCKSServerFactory()) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.address.port)
        writer.write(b"\4\2\0\0\x7f\0\0\1me\0")
        reply = await reader.readexactly(8)
        assert reply[:2] == b"\0\x5a"
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", int.from_bytes(reply[2:4], "big"))
        assert (await reader.readexactly(8))[:2] == b"\0\x5a"
        there_writer.write(b"ping")
        assert await reader.readexactly(4) == b"ping"
        writer.write(b"pong")
        assert await there_reader.readexactly(4) == b"pong"
        writer.close()
        assert await there_reader.read() == b""
        there_writer.close()


async def test_a_client_that_says_nothing_is_closed():
    class Hasty(SOCKSServerFactory):
        handshakeTimeout = 0.01

    async with Listening(Hasty()) as proxy:
        client, _, _ = await connection_to(proxy)
        assert isinstance(await client.lost, ConnectionDone)


async def test_an_async_connectionMade_is_done_before_data_comes():
    """Also over a tunnel, where the first data may come with the proxy's last word."""
    order = []

    class Slow(Protocol):
        async def connectionMade(self):
            order.append("begins")
            await asyncio.sleep(0)
            order.append("is made")

        def dataReceived(self, data):
            order.append("data")
            self.transport.loseConnection()

    async with Server(Greeting) as server, Listening(SOCKSServerFactory()) as proxy:
        for tunnel in (True, False):
            order.clear()
            client = Client(Slow)
            if tunnel:
                through(proxy, client, "127.0.0.1", server.address.port)
            else:
                reactor.connectTCP("127.0.0.1", server.address.port, client)
            await client.gone
            assert order == ["begins", "is made", "data"]


@pytest.fixture
def web():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"by proxy")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl, the peer of this test, is not installed")
@pytest.mark.parametrize("way", ["--socks4", "--socks4a", "--socks5", "--socks5-hostname"])
async def test_curl_goes_through(web, way):
    async with Listening(SOCKSServerFactory()) as proxy:
        argv = ["-sS", "--noproxy", "", way, f"127.0.0.1:{proxy.address.port}", f"http://localhost:{web}/"]
        assert await curl(argv) == (0, b"by proxy")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl, the peer of this test, is not installed")
@pytest.mark.parametrize("password, code", [("secret", 0), ("wrong", 97)])
async def test_curl_logs_in(web, password, code):
    async with Listening(SOCKSServerFactory({b"me": b"secret"})) as proxy:
        where = f"socks5h://me:{password}@127.0.0.1:{proxy.address.port}"
        assert (await curl(["-s", "--noproxy", "", "-x", where, f"http://localhost:{web}/"]))[0] == code


async def curl(arguments):
    process = await asyncio.create_subprocess_exec(
        "curl", "--max-time", "20", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode, output
