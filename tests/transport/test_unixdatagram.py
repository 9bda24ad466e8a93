"""UNIX datagrams."""

import os
import socket
import stat
import sys

import pytest

from plait import reactor
from plait.errors import CannotListenError, MessageLengthError, NotListeningError
from plait.transport import UNIXAddress
from tests.transport.datagram_helpers import ConnectedNoting, Noting

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


async def stop(*ports):
    for port in ports:
        await port.stopListening()


async def test_an_exchange():
    server, client = Noting(), ConnectedNoting()
    s = reactor.listenUNIXDatagram("server", server, mode=0o640)
    c = reactor.connectUNIXDatagram("server", client, bindAddress="client")
    assert stat.S_IMODE(os.stat("server").st_mode) == 0o640
    client.transport.write(b"hello")
    assert await server.wait_for(1) == [(b"hello", "client")]
    server.transport.write(b"answer", "client")
    assert await client.wait_for(1) == [b"answer"]
    assert (s.getHost(), c.getHost(), c.getPeer()) == (
        UNIXAddress("server"),
        UNIXAddress("client"),
        UNIXAddress("server"),
    )
    assert "on 'server'" in repr(s)
    await stop(c, s)
    assert os.listdir() == []
    assert server.events == client.events == ["start", "stop"]
    with pytest.raises(NotListeningError):
        s.getHost()


async def test_without_a_name_one_cannot_be_answered():
    server, client = Noting(), ConnectedNoting()
    s = reactor.listenUNIXDatagram("server", server)
    c = reactor.connectUNIXDatagram("server", client)
    assert c.getHost() == UNIXAddress(None)
    client.transport.write(b"hello")
    assert await server.wait_for(1) == [(b"hello", None)]
    with pytest.raises(TypeError, match="needs the path"):
        server.transport.write(b"answer", server.got[0][1])
    await stop(c, s)


def test_a_taken_name_is_an_error_there_and_then():
    s = reactor.listenUNIXDatagram("server", Noting())
    with pytest.raises(CannotListenError, match="in use"):
        reactor.listenUNIXDatagram("server", Noting())
    s.stopListening()


def test_what_cannot_be_reached_is_told_to_the_protocol():
    client = ConnectedNoting()
    reactor.connectUNIXDatagram("nobody", client, bindAddress="client")
    assert client.failure.check(FileNotFoundError)
    assert client.events == []
    assert os.listdir() == []
    client = ConnectedNoting()
    reactor.connectUNIXDatagram("nobody", client, bindAddress="no/such/folder")
    assert client.failure.check(CannotListenError)


async def test_the_end_of_the_peer_is_a_refusal():
    client = ConnectedNoting()
    s = reactor.listenUNIXDatagram("server", Noting())
    c = reactor.connectUNIXDatagram("server", client)
    await stop(s)
    refused = client.refused
    client.transport.write(b"hello")
    await refused
    await stop(c)


async def test_too_long_and_too_many():
    server, client = Noting(), ConnectedNoting()
    s = reactor.listenUNIXDatagram("server", server, maxPacketSize=1 << 20)
    c = reactor.connectUNIXDatagram("server", client)
    with pytest.raises(MessageLengthError):
        client.transport.write(bytes(1 << 22))
    s.stopReading()
    for _ in range(5000):  # more than there is room for: dropped
        client.transport.write(b"x" * 100)
    s.startReading()
    await server.wait_for(1)
    client.transport.write(b"last")
    await stop(c, s)
    assert len(server.got) < 5000


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
async def test_names_that_are_no_files():
    name = f"\0plait-test-{os.getpid()}"
    server, client = Noting(), ConnectedNoting()
    s = reactor.listenUNIXDatagram(name, server)
    c = reactor.connectUNIXDatagram(name, client, bindAddress=name + "-client")
    client.transport.write(b"hello")
    await server.wait_for(1)
    server.transport.write(b"answer", server.got[0][1])
    assert await client.wait_for(1) == [b"answer"]
    await stop(c, s)
