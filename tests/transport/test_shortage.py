"""Where there are no file descriptors left: what is asked for says so or waits, nothing leaks, and all goes on afterwards."""

import asyncio
import errno
import os
from contextlib import contextmanager

import pytest

from plait import Deferred, ServerFactory, deferToThread, reactor
from plait.errors import CannotListenError, TimeoutError
from plait.protocol import DatagramProtocol, ProcessProtocol
from plait.transport.unixstream import Acceptor
from tests.transport.helpers import Client, Noting, Server, raw_connection
from tests.transport.test_unix import Server as UNIXServer
from tests.transport.test_unix import raw

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts descriptors in /proc")


def in_use():
    return set(os.listdir("/proc/self/fd"))


@contextmanager
def only(count):
    """Only `count` descriptors can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fillers = []
    try:
        highest = max(int(n) for n in in_use())
        while not fillers or fillers[-1] < highest:
            fillers.append(os.open(os.devnull, os.O_RDONLY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + count, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in fillers:
            os.close(fd)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return "socket"


class Started(ServerFactory):
    noisy = False
    uses = 0

    def startFactory(self):
        self.uses += 1

    def stopFactory(self):
        self.uses -= 1


LISTEN = {
    "listenTCP": lambda factory: reactor.listenTCP(0, factory, interface="127.0.0.1"),
    "listenUNIX": lambda factory: reactor.listenUNIX("socket", factory, wantPID=True),
    "listenUDP": lambda factory: reactor.listenUDP(0, DatagramProtocol(), interface="127.0.0.1"),
    "listenMulticast": lambda factory: reactor.listenMulticast(0, DatagramProtocol(), interface="127.0.0.1"),
    "listenUNIXDatagram": lambda factory: reactor.listenUNIXDatagram("socket", DatagramProtocol()),
}


@pytest.mark.parametrize("what", LISTEN)
async def test_listening_says_it_and_leaves_nothing(what, path):
    before, factory = in_use(), Started()
    refused = 0
    for count in range(10):
        with only(count):
            try:
                port = LISTEN[what](factory)
            except CannotListenError as e:
                assert e.socketError.errno == errno.EMFILE
                assert "Too many open files" in str(e)
                refused += 1
                port = None
        if port is not None:
            break
        assert in_use() == before and factory.uses == 0 and os.listdir() == []
    assert refused and port is not None
    await port.stopListening()
    assert factory.uses == 0 and os.listdir() == []


@pytest.mark.parametrize("kw", [{}, {"usePTY": True}, {"childFDs": {0: "w", 1: "r", 2: "r", 7: "r"}}])
async def test_spawnProcess_says_it_and_leaves_nothing(kw):
    class Ended(ProcessProtocol):
        def __init__(self):
            self.ended = Deferred()

        def processEnded(self, reason):
            self.ended.callback(None)

    reactor.seconds()
    before = in_use()
    refused = 0
    for count in range(30):
        protocol = Ended()
        with only(count):
            try:
                reactor.spawnProcess(protocol, "/bin/true", ["true"], **kw)
            except OSError as e:
                assert e.errno == errno.EMFILE, e
                refused += 1
                protocol = None
            else:
                await protocol.ended
        assert in_use() == before, count
        if protocol is not None:
            break
    assert refused and protocol is not None


@pytest.mark.parametrize("kind", ["TCP", "UNIX"])
async def test_connecting_waits_for_a_descriptor_as_long_as_it_may(kind, path):
    def connect(client, timeout=30):
        if kind == "TCP":
            return reactor.connectTCP(server.address.host, server.address.port, client, timeout)
        return reactor.connectUNIX(path, client, timeout)

    async with Server() if kind == "TCP" else UNIXServer(path) as server:
        before = in_use()
        with only(0):
            late, patient = Client(), Client()
            connect(late, 0.05)
            connect(patient)
            assert isinstance(await late.failed, TimeoutError)
            assert not patient.connected.called and not patient.failed.called
        p = await patient.connected
        p.transport.loseConnection()
        await p.lost
        await (await server.accepted()).lost
        await asyncio.sleep(0)
        assert in_use() == before


async def test_a_unix_port_does_not_ask_again_and_again(path, monkeypatch):
    asked = []
    accept = Acceptor._readable

    def counting(self):
        asked.append(self)
        accept(self)

    monkeypatch.setattr(Acceptor, "_readable", counting)
    async with UNIXServer(path) as server:
        one, two = raw(path), raw(path)
        with only(0):
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(asked) == 1, "it is asked once, and then looks from time to time whether there are some"
            assert server.protocols == []
        for sock in (one, two):
            sock.send(b"hello")
            assert await (await server.accepted()).wait_for(5) == b"hello"
            sock.close()


async def test_connections_that_are_there_go_on(path):
    async with Server(
        type("Echo", (Noting,), {"dataReceived": lambda self, data: self.transport.write(data)})
    ) as server:
        sock = raw_connection(server)
        p = await server.accepted()
        with only(0):
            await asyncio.get_running_loop().sock_sendall(sock, b"still here")
            assert await asyncio.get_running_loop().sock_recv(sock, 99) == b"still here"
            assert await deferToThread(lambda: 1) == 1
        sock.close()
        await p.lost
