"""Sockets that somebody else has opened."""

import errno
import socket

import pytest

from plait import Deferred, ServerFactory, reactor
from plait.errors import ConnectionDone, UnsupportedAddressFamily, UnsupportedSocketType
from plait.protocol import DatagramProtocol
from plait.transport import IPv4Address, UNIXAddress
from tests.transport.datagram_helpers import UDP, where
from tests.transport.datagram_helpers import Noting as NotingDatagrams
from tests.transport.helpers import Client, Noting, read_to_end


class Factory(ServerFactory):
    noisy = False

    def __init__(self, protocol=Noting):
        self.built = Deferred()
        self.make = protocol

    def buildProtocol(self, addr):
        self.addr = addr
        p = self.make()
        reactor.callLater(0, self.built.callback, p)
        return p


def listener(family, address):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind(address)
    sock.listen()
    return sock


async def test_a_tcp_port():
    factory = Factory()
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as sock:
        port = reactor.adoptStreamPort(sock.fileno(), sock.family, factory)
        number = sock.getsockname()[1]
        assert port.fileno() != sock.fileno()
    assert port.getHost() == IPv4Address("TCP", "127.0.0.1", number)
    client = Client()
    reactor.connectTCP("127.0.0.1", number, client)
    p = await client.connected
    p.transport.write(b"hello")
    assert await (await factory.built).wait_for(5) == b"hello"
    p.transport.loseConnection()
    await p.lost
    await port.stopListening()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")
async def test_a_unix_port_whose_file_is_not_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    factory = Factory()
    with listener(socket.AF_UNIX, "socket") as sock:
        port = reactor.adoptStreamPort(sock.fileno(), sock.family, factory)
    assert port.getHost() == UNIXAddress("socket")
    client = Client()
    reactor.connectUNIX("socket", client)
    p = await client.connected
    p.transport.loseConnection()
    await p.lost
    await port.stopListening()
    assert (tmp_path / "socket").exists()


async def test_the_one_who_gave_a_port_can_go_on_with_it():
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as sock:
        await reactor.adoptStreamPort(sock.fileno(), sock.family, Factory()).stopListening()
        with socket.create_connection(sock.getsockname()):
            sock.accept()[0].close()


@pytest.mark.parametrize("family", [socket.AF_INET, getattr(socket, "AF_UNIX", None)])
async def test_a_connection(family):
    if family is None:
        pytest.skip("no UNIX sockets here")
    if family == socket.AF_INET:
        with listener(family, ("127.0.0.1", 0)) as sock:
            theirs = socket.create_connection(sock.getsockname())
            ours = sock.accept()[0]
    else:
        ours, theirs = socket.socketpair(family)
    theirs.setblocking(False)
    factory = Factory()
    connection = reactor.adoptStreamConnection(ours.fileno(), family, factory)
    ours.close()
    p = await factory.built
    await p.made
    assert p.transport is connection
    theirs.send(b"hello")
    assert await p.wait_for(5) == b"hello"
    connection.write(b"answer")
    connection.loseConnection()
    assert await read_to_end(theirs) == b"answer"
    theirs.close()
    assert isinstance(await p.lost, ConnectionDone)


async def test_a_connection_that_the_factory_does_not_want():
    class Nobody(ServerFactory):
        def buildProtocol(self, addr):
            return None

    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert reactor.adoptStreamConnection(ours.fileno(), ours.family, Nobody()) is None
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)  # the one who gave it has it still


async def test_a_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        protocol = NotingDatagrams()
        port = reactor.adoptDatagramPort(sock.fileno(), sock.family, protocol, 100)
    async with UDP() as other:
        other.transport.write(b"x" * 200, where(protocol))
        assert await protocol.wait_for(1) == [(b"x" * 100, where(other))]
    await port.stopListening()


METHODS = [
    ("adoptStreamPort", socket.SOCK_STREAM, ServerFactory),
    ("adoptStreamConnection", socket.SOCK_STREAM, ServerFactory),
    ("adoptDatagramPort", socket.SOCK_DGRAM, DatagramProtocol),
]


@pytest.mark.parametrize(("method", "kind", "user"), METHODS)
def test_what_cannot_be_adopted(method, kind, user):
    adopt = getattr(reactor, method)
    with socket.socket(socket.AF_INET, kind) as sock:
        number = sock.fileno()
        with pytest.raises(UnsupportedAddressFamily, match="12345 cannot be used here, only AF_INET"):
            adopt(number, 12345, user())
    with pytest.raises(OSError) as e:
        adopt(number, socket.AF_INET, user())
    assert e.value.errno == errno.EBADF
    other = socket.SOCK_DGRAM if kind == socket.SOCK_STREAM else socket.SOCK_STREAM
    with (
        socket.socket(socket.AF_INET, other) as sock,
        pytest.raises(UnsupportedSocketType, match="is needed here, not"),
    ):
        adopt(sock.fileno(), socket.AF_INET, user())
