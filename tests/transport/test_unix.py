"""UNIX streams: files and locks, connections, and descriptors that travel."""

import array
import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait import ClientFactory, Deferred, ServerFactory, reactor
from plait.deferred.filelock import isLocked
from plait.errors import (
    BadFileError,
    CannotListenError,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    FileDescriptorOverrun,
    TimeoutError,
)
from plait.interfaces import IFileDescriptorReceiver, IHalfCloseableProtocol, implementer
from plait.testing import runToEnd
from plait.transport import UNIXAddress
from plait.transport.stream import HIGH_WATER
from plait.transport.unixstream import WEIGHT
from tests.transport import helpers
from tests.transport.helpers import Client, Noting, read_to_end

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

BIG = bytes(range(256)) * 4 * 1024


@implementer(IFileDescriptorReceiver)
class Receiver(Noting):
    """Notes descriptors, and the bytes that had come before each."""

    def __init__(self):
        super().__init__()
        self.descriptors = []

    def fileDescriptorReceived(self, descriptor):
        self.descriptors.append((len(self.data), descriptor))

    def close_all(self):
        for _, number in self.descriptors:
            os.close(number)


class Server(helpers.Server):
    """A listening UNIX socket whose protocols can be waited for."""

    def __init__(self, path, protocol=Noting, **options):
        self.path = path
        super().__init__(protocol, **options)

    def listen(self, **options):
        return reactor.listenUNIX(self.path, self.factory, **options)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a path of a hundred bytes is too long for the system
    return "socket"


async def connection(server, path, protocol=Noting):
    client = Client(protocol)
    reactor.connectUNIX(path, client)
    return await client.connected, await server.accepted()


def raw(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    sock.setblocking(False)
    return sock


# -- the file and its lock


async def test_the_file_is_there_until_the_port_is_stopped(path):
    async with Server(path, mode=0o600) as server:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert server.port.getHost() == UNIXAddress(path)
        assert repr(server.port).endswith("Factory on 'socket'>")
    assert not os.path.exists(path)
    assert "(not listening)" in repr(server.port)


async def test_a_path_may_be_bytes_or_a_path_object(path, tmp_path):
    for form in (os.fsencode(path), tmp_path / path):
        async with Server(form) as server:
            client, _ = await connection(server, form)
            client.transport.loseConnection()
            await client.lost


async def test_a_file_that_another_has_put_in_its_place_is_left(path):
    server = Server(path)
    os.unlink(path)
    other = Server(path)
    await server.port.stopListening()
    client, _ = await connection(other, path)
    client.transport.loseConnection()
    await client.lost
    await other.port.stopListening()


async def test_a_taken_name_is_an_error_there_and_then(path):
    async with Server(path):
        with pytest.raises(CannotListenError, match=r"socket: .*in use"):
            reactor.listenUNIX(path, ServerFactory())
    Path(path).touch()
    with pytest.raises(CannotListenError, match="in use"):
        reactor.listenUNIX(path, ServerFactory())
    assert os.path.exists(path)


@pytest.mark.parametrize("bad", ["no/such/folder/socket", "x" * 200, "a\0b"])
def test_what_is_no_name_is_an_error(bad, path):
    with pytest.raises(CannotListenError):
        reactor.listenUNIX(bad, ServerFactory(), wantPID="\0" not in bad and len(bad) < 200)


async def test_the_lock_is_held_while_the_port_listens(path):
    async with Server(path, wantPID=True):
        assert isLocked("socket.lock")
        with pytest.raises(CannotListenError, match=r"has the lock 'socket\.lock'"):
            reactor.listenUNIX(path, ServerFactory(), wantPID=True)
        assert isLocked("socket.lock")
    assert not isLocked("socket.lock")
    async with Server(path, wantPID=True):
        pass


def dead_server(path):
    """A process that listens with a lock and dies."""
    program = (
        "import os\nfrom plait import ServerFactory, reactor\n"
        f"reactor.listenUNIX({path!r}, ServerFactory(), wantPID=True)\nos._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert os.path.exists(path)


async def test_what_a_dead_process_has_left_is_removed_if_it_had_the_lock(path):
    dead_server(path)
    with pytest.raises(CannotListenError):
        reactor.listenUNIX(path, ServerFactory())
    async with Server(path, wantPID=True) as server:
        client, _ = await connection(server, path)
        client.transport.loseConnection()
        await client.lost


async def test_a_lock_alone_does_not_take_the_place_of_one_who_listens(path):
    async with Server(path) as server:
        with pytest.raises(CannotListenError, match="in use"):
            reactor.listenUNIX(path, ServerFactory(), wantPID=True)
        assert not isLocked("socket.lock")
        client, _ = await connection(server, path)
        client.transport.loseConnection()
        await client.lost


async def test_checkPID_knows_a_dead_server(path):
    dead_server(path)
    client = Client()
    reactor.connectUNIX(path, client, checkPID=True)
    assert isinstance(await client.failed, BadFileError)
    async with Server(path, wantPID=True):
        client = Client()
        reactor.connectUNIX(path, client, checkPID=True)
        p = await client.connected
        p.transport.loseConnection()
        await p.lost


@needs_linux
async def test_a_name_that_is_no_file(path):
    name = f"\0plait-test-{os.getpid()}"
    async with Server(name, wantPID=True) as server:
        assert server.port.getHost() == UNIXAddress(name)
        client, _ = await connection(server, name)
        assert client.transport.getPeer() == UNIXAddress(name)
        client.transport.loseConnection()
        await client.lost
    assert os.listdir() == []
    assert reactor.connectUNIX(name, quiet()).getDestination() == UNIXAddress(name)


def quiet():
    factory = ClientFactory()
    factory.noisy = False
    return factory


# -- connections


async def test_the_addresses_of_both_sides(path):
    async with Server(path) as server:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind("mine")
            sock.connect(path)
            p = await server.accepted()
            assert server.addr == p.transport.getPeer() == UNIXAddress("mine")
            assert p.transport.getHost() == UNIXAddress(path)
        await p.lost
        client, there = await connection(server, path)
        assert client.transport.getPeer() == there.transport.getHost() == UNIXAddress(path)
        assert client.transport.getHost() == there.transport.getPeer() == UNIXAddress(None)
        client.transport.loseConnection()
        await client.lost


async def test_bytes_travel_both_ways_and_the_end_is_a_good_one(path):
    async with Server(path) as server:
        client, there = await connection(server, path)
        client.transport.write(BIG)
        client.transport.write(b"end")
        client.transport.loseConnection()
        assert await there.wait_for(len(BIG) + 3) == BIG + b"end"
        assert isinstance(await there.lost, ConnectionDone)
        assert isinstance(await client.lost, ConnectionDone)


async def test_a_producer_is_paused_when_the_peer_does_not_read(path):
    events = []
    resumed = Deferred()

    class Producer:
        def pauseProducing(self):
            events.append("pause")

        def resumeProducing(self):
            events.append("resume")
            resumed.callback(None)

        def stopProducing(self):
            events.append("stop")

    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.registerProducer(Producer(), True)
        for _ in range(64):
            p.transport.write(BIG[: 64 * 1024])
        p.transport.flush()
        assert events == ["pause"]
        reading = asyncio.ensure_future(read_to_end(sock, 64 * 64 * 1024))
        await resumed
        p.transport.unregisterProducer()
        p.transport.loseConnection()
        assert len(await reading) == 64 * 64 * 1024
        await p.lost
        sock.close()


async def test_what_a_connection_tells_of_itself(path):
    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        assert repr(p.transport) == f"<Noting #0 on {path}>"
        assert p.transport.logstr == f"Noting,0,{path}"
        p.transport.bufferSize = 1000
        assert p.transport.bufferSize == 1000
        sock.close()
        await p.lost


async def test_a_peer_that_is_not_read_waits(path):
    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.pauseProducing()
        sent = 0
        with pytest.raises(BlockingIOError):
            while True:
                sent += sock.send(BIG)
        assert p.data == b""
        p.transport.resumeProducing()
        await p.wait_for(sent)
        sock.close()
        await p.lost


async def test_nothing_is_read_until_an_async_hook_is_done(path):
    gates = []
    begun = [Deferred(), Deferred()]

    class Slow(Noting):
        async def dataReceived(self, data):
            gates.append(Deferred())
            super().dataReceived(data)
            begun[len(gates) - 1].callback(None)
            await gates[-1]

    async with Server(path, Slow) as server:
        sock = raw(path)
        p = await server.accepted()
        sock.send(b"1")
        await begun[0]
        sock.send(b"2")
        await asyncio.sleep(0)
        assert p.data == b"1"
        gates[0].callback(None)
        await begun[1]
        assert p.data == b"12"
        gates[1].callback(None)
        sock.close()
        await p.lost


async def test_half_close(path):
    @implementer(IHalfCloseableProtocol)
    class Half(Noting):
        def readConnectionLost(self):
            self.transport.write(b"you have sent " + self.data)
            self.transport.loseWriteConnection()

        def writeConnectionLost(self):
            pass

    async with Server(path, Half) as server:
        sock = raw(path)
        await server.accepted()
        sock.send(b"all")
        sock.shutdown(socket.SHUT_WR)
        assert await read_to_end(sock) == b"you have sent all"
        sock.close()


async def test_abort_loses_what_was_not_sent(path):
    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.write(BIG * 4)
        p.transport.abortConnection()
        assert isinstance(await p.lost, ConnectionLost)
        assert len(await read_to_end(sock)) < len(BIG) * 4
        sock.close()


async def test_the_peers_death_is_a_loss(path):
    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.write(b"unread")
        p.transport.flush()
        sock.close()  # with something unread, which is a reset
        assert isinstance(await p.lost, ConnectionLost)


async def test_the_last_words_of_a_peer_that_has_not_read_all_are_followed_by_its_loss(path):
    """The kernel tells of the reset once, with the data that came before it; uvloop then watches no more."""
    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.write(b"unread")
        p.transport.flush()
        sock.send(b"last words")
        sock.close()
        assert isinstance(await p.lost, ConnectionLost)
        assert p.data == b"last words"


async def test_a_reset_that_comes_while_reading_is_paused_is_told_after_it(path):
    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.pauseProducing()
        p.transport.write(b"unread")
        p.transport.flush()
        sock.send(b"last words")
        sock.close()
        await asyncio.sleep(0)
        assert p.data == b""
        p.transport.resumeProducing()
        assert isinstance(await p.lost, ConnectionLost)
        assert p.data == b"last words"


async def test_an_error_in_a_hook_closes_this_connection_only(path, flushLoggedErrors):
    class Bad(Noting):
        def dataReceived(self, data):
            super().dataReceived(data)
            if data == b"bad":
                raise ZeroDivisionError

    async with Server(path, Bad) as server:
        one, _ = await connection(server, path)
        two, there = await connection(server, path)
        one.transport.write(b"bad")
        await one.lost
        two.transport.write(b"good")
        await there.wait_for(4)
        two.transport.loseConnection()
        await two.lost
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_a_factory_may_want_no_connection(path):
    class Nobody(ServerFactory):
        noisy = False

        def buildProtocol(self, addr):
            return None

    port = reactor.listenUNIX(path, Nobody())
    sock = raw(path)
    assert await read_to_end(sock) == b""
    sock.close()
    await port.stopListening()


async def test_connecting_to_nothing(path):
    client = Client()
    reactor.connectUNIX(path, client)
    assert isinstance(await client.failed, BadFileError)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    client = Client()
    connector = reactor.connectUNIX(path, client)
    assert isinstance(await client.failed, ConnectionRefusedError)
    assert (connector.state, repr(connector)) == ("disconnected", "<Connector to 'socket', disconnected>")


@needs_linux
async def test_a_full_queue_is_waited_for(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        first = raw(path)  # that is all there is room for
        early = Client()
        reactor.connectUNIX(path, early, timeout=0.05)
        assert isinstance(await early.failed, TimeoutError)
        patient = Client()
        reactor.connectUNIX(path, patient)
        for _ in range(2):
            await asyncio.sleep(0)
        assert not patient.connected.called
        accepted = [listener.accept()[0]]
        p = await patient.connected
        accepted.append(listener.accept()[0])
        p.transport.loseConnection()
        await p.lost
        for sock in (first, *accepted):
            sock.close()


async def test_many_connections_at_once(path):
    async with Server(path, backlog=128) as server:
        pairs = [await connection(server, path) for _ in range(100)]
        for client, there in pairs:
            client.transport.write(b"x")
            await there.wait_for(1)
            client.transport.loseConnection()
        for client, there in pairs:
            await client.lost
            await there.lost


async def test_without_descriptors_connections_wait_until_there_are_some(path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with Server(path) as server:
        one = raw(path)
        await server.accepted()
        two = raw(path)
        resource.setrlimit(resource.RLIMIT_NOFILE, (two.fileno(), hard))
        try:
            two.send(b"hello")
            for _ in range(5):
                await asyncio.sleep(0)
            assert server.protocols == []
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        p = await server.accepted()
        assert await p.wait_for(5) == b"hello"
        one.close()
        two.close()
        await p.lost


# -- descriptors


def same_file(a, b):
    return os.fstat(a)[:2] == os.fstat(b)[:2]


async def test_a_descriptor_comes_before_the_byte_that_it_was_sent_with(path):
    async with Server(path, Receiver) as server:
        client, there = await connection(server, path)
        with open("file", "w") as f:
            client.transport.write(b"before")
            client.transport.sendFileDescriptor(f.fileno())
            number = f.fileno()
            identity = os.fstat(number)[:2]
        # closed already: the transport has a copy
        client.transport.write(b"after")
        await there.wait_for(11)
        ((at, received),) = there.descriptors
        assert at == len(b"before")
        assert os.fstat(received)[:2] == identity
        assert not os.get_inheritable(received)
        there.close_all()
        client.transport.loseConnection()
        await client.lost


async def test_each_byte_carries_one_and_the_order_is_kept(path):
    files = [os.open(f"file{i}", os.O_CREAT) for i in range(5)]
    async with Server(path, Receiver) as server:
        client, there = await connection(server, path)
        for f in files:
            client.transport.sendFileDescriptor(f)
        client.transport.write(b"12")
        client.transport.write(b"3456")
        await there.wait_for(6)
        assert [at for at, _ in there.descriptors] == [0, 1, 2, 3, 4]
        assert all(same_file(f, got) for f, (_, got) in zip(files, there.descriptors, strict=True))
        there.close_all()
        client.transport.loseConnection()
        await client.lost
    for f in files:
        os.close(f)


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.one_of(st.none(), st.binary(min_size=1, max_size=70_000)), max_size=12))
def test_any_mixture_of_bytes_and_descriptors(pieces):
    """None stands for a descriptor."""
    pieces = [*pieces, b"." * 16]  # a byte for each descriptor

    async def run():
        ours, theirs = socket.socketpair()
        factory = ServerFactory.forProtocol(Receiver)
        factory.noisy = False
        here = reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
        there = reactor.adoptStreamConnection(theirs.fileno(), socket.AF_UNIX, factory)
        ours.close()
        theirs.close()
        for piece in pieces:
            if piece is None:
                here.sendFileDescriptor(0)
            else:
                here.write(piece)
        sent = b"".join(piece for piece in pieces if piece is not None)
        assert await there.protocol.wait_for(len(sent)) == sent
        expected, at, least = [], 0, 0
        for piece in pieces:
            if piece is None:
                expected.append(max(at, least))
                least = expected[-1] + 1
            else:
                at += len(piece)
        assert [at for at, _ in there.protocol.descriptors] == expected
        there.protocol.close_all()
        here.loseConnection()
        await there.protocol.lost

    runToEnd(run, 60)


async def test_many_in_one_message(path):
    async with Server(path, Receiver) as server:
        sock = raw(path)
        there = await server.accepted()
        with open("file", "w") as f:
            numbers = array.array("i", [f.fileno()] * 200)
            sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
            await there.wait_for(1)
            assert len(there.descriptors) == 200
            assert same_file(there.descriptors[-1][1], f.fileno())
        there.close_all()
        sock.close()
        await there.lost


async def test_what_a_protocol_does_not_take_is_closed(path):
    async with Server(path) as server:
        client, there = await connection(server, path)
        ours, theirs = socket.socketpair()
        client.transport.sendFileDescriptor(theirs.fileno())
        theirs.close()
        client.transport.write(b"x")
        await there.wait_for(1)
        ours.setblocking(False)
        assert ours.recv(1) == b""  # there is no copy any more
        ours.close()
        client.transport.loseConnection()
        await client.lost


async def test_a_connection_without_bytes_for_its_descriptors_is_lost(path):
    async with Server(path, Receiver) as server:
        client, there = await connection(server, path)
        before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
        client.transport.sendFileDescriptor(0)
        client.transport.loseConnection()
        assert isinstance(await client.lost, FileDescriptorOverrun)
        await there.lost
        assert there.descriptors == []
        assert sys.platform != "linux" or len(os.listdir("/proc/self/fd")) < before


async def test_descriptors_that_wait_pause_the_producer(path):
    paused = []

    class Producer:
        def pauseProducing(self):
            paused.append(True)

        def resumeProducing(self):
            pass

        def stopProducing(self):
            pass

    async with Server(path) as server:
        sock = raw(path)
        p = await server.accepted()
        p.transport.registerProducer(Producer(), True)
        for count in range(HIGH_WATER // WEIGHT + 1):
            assert paused == [], count
            p.transport.sendFileDescriptor(0)
        assert paused == [True]
        p.transport.abortConnection()
        sock.close()
        await p.lost


async def test_a_descriptor_that_is_not_open_is_an_error(path):
    async with Server(path) as server:
        client, _ = await connection(server, path)
        with pytest.raises(OSError):
            client.transport.sendFileDescriptor(12345678)
        client.transport.loseConnection()
        await client.lost


async def test_an_error_in_fileDescriptorReceived_closes_the_connection_and_the_rest(path, flushLoggedErrors):
    @implementer(IFileDescriptorReceiver)
    class Bad(Noting):
        def fileDescriptorReceived(self, descriptor):
            os.close(descriptor)
            raise ZeroDivisionError

    async with Server(path, Bad) as server:
        sock = raw(path)
        there = await server.accepted()
        ours, theirs = socket.socketpair()
        numbers = array.array("i", [theirs.fileno()] * 3)
        sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
        theirs.close()
        await there.lost
        assert there.data == b""
        ours.setblocking(False)
        assert ours.recv(1) == b""
        ours.close()
        sock.close()
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_bytes_wait_for_an_async_fileDescriptorReceived(path):
    gate = Deferred()
    begun = Deferred()

    @implementer(IFileDescriptorReceiver)
    class Slow(Noting):
        async def fileDescriptorReceived(self, descriptor):
            os.close(descriptor)
            begun.callback(None)
            await gate

    async with Server(path, Slow) as server:
        client, there = await connection(server, path)
        client.transport.sendFileDescriptor(0)
        client.transport.write(b"later")
        await begun
        await asyncio.sleep(0)
        assert there.data == b""
        gate.callback(None)
        assert await there.wait_for(5) == b"later"
        client.transport.loseConnection()
        await client.lost


async def test_a_port_that_is_closed_as_a_descriptor_is_removes_its_file(tmp_path):
    path = tmp_path / "socket"
    port = reactor.listenUNIX(str(path), ServerFactory())
    assert path.exists()
    port.connectionLost(None)
    port.connectionLost(None)  # a second time does nothing
    turn = asyncio.Event()
    reactor.callLater(0, turn.set)
    await turn.wait()
    assert not path.exists() and port.disconnected
