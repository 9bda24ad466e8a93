"""Descriptors of the program's own, on each engine, over socket pairs, pipes and files."""

import os
import socket

import pytest

from plait.as_twisted.legacy.abstract import FileDescriptor, isIPAddress, isIPv6Address
from plait.errors import ConnectionDone, ConnectionFdescWentAway, ConnectionLost
from plait.interfaces import IHalfCloseableDescriptor, implementer


@pytest.fixture
def pair():
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


class Watched:
    """Reads what is there; notes what happens, and stops the reactor at the end."""

    def __init__(self, reactor, end, reads=None, writes=None):
        self.reactor = reactor
        self.end = end
        self.reads = reads or self.read_all
        self.writes = writes
        self.events = []

    def fileno(self):
        return self.end if isinstance(self.end, int) else self.end.fileno()

    def read_all(self):
        data = self.end.recv(100)
        self.events.append(data)
        return None if data else ConnectionDone()

    def doRead(self):
        return self.reads()

    def doWrite(self):
        return self.writes()

    def connectionLost(self, reason):
        self.events.append(reason.type)
        if self.reactor.running:
            self.reactor.stop()


def test_reads_until_the_end(reactor, pair):
    watched = Watched(reactor, pair[0])
    reactor.addReader(watched)
    reactor.addReader(watched)
    assert reactor.getReaders() == [watched] and reactor.getWriters() == []
    pair[1].send(b"hello")
    pair[1].shutdown(socket.SHUT_WR)
    reactor.run()
    assert watched.events == [b"hello", b"", ConnectionDone]
    assert reactor.getReaders() == []


def test_writes_while_there_is_room(reactor, pair):
    room = []

    def write():
        room.append(pair[0].send(b"x"))
        if len(room) == 3:
            reactor.removeWriter(watched)
            reactor.stop()

    watched = Watched(reactor, pair[0], writes=write)
    reactor.addWriter(watched)
    assert reactor.getWriters() == [watched]
    reactor.run()
    assert room == [1, 1, 1] and pair[1].recv(10) == b"xxx" and watched.events == []


def test_what_is_raised_ends_it_and_is_logged(reactor, pair, caplog):
    def fail():
        raise ZeroDivisionError("a mistake")

    watched = Watched(reactor, pair[0], reads=fail, writes=fail)
    reactor.addReader(watched)
    pair[1].send(b"x")
    reactor.run()
    assert watched.events == [ZeroDivisionError]


def test_half_a_descriptor_is_lost(reactor, pair):
    @implementer(IHalfCloseableDescriptor)
    class Half(Watched):
        def readConnectionLost(self, reason):
            self.events.append(("read", reason.type))
            reactor.addWriter(self)

        def writeConnectionLost(self, reason):
            self.events.append(("write", reason.type))
            reactor.stop()

    half = Half(reactor, pair[0], writes=ConnectionLost)
    reactor.addReader(half)
    pair[1].shutdown(socket.SHUT_WR)
    reactor.run()
    assert half.events == [b"", ("read", ConnectionDone), ("write", ConnectionLost)]


def test_removed_is_called_no_more(reactor, pair):
    watched = Watched(reactor, pair[0])
    reactor.addReader(watched)
    reactor.removeReader(watched)
    reactor.removeReader(watched)
    pair[1].send(b"x")
    reactor.callLater(0, reactor.callLater, 0, reactor.stop)
    reactor.run()
    assert watched.events == []


def test_remove_all_tells_nobody(reactor, pair):
    watched = Watched(reactor, pair[0])
    reactor.addReader(watched)
    reactor.addWriter(watched)
    assert reactor.removeAll() == [watched]
    assert reactor.getReaders() == reactor.getWriters() == watched.events == []


def test_the_end_of_the_reactor_ends_it(reactor, pair):
    watched = Watched(reactor, pair[0])
    reactor.addReader(watched)
    reactor.callWhenRunning(reactor.stop)
    reactor.run()
    assert watched.events == [ConnectionLost]


@pytest.mark.parametrize("while_idle", [True, False])
def test_a_descriptor_that_was_closed_is_noticed(reactor, pair, while_idle, monkeypatch):
    monkeypatch.setattr("plait.engine.descriptors.LOOK_EVERY", 0.01)
    watched = Watched(reactor, pair[0], reads=pair[0].close)
    reactor.addReader(watched)
    if while_idle:
        reactor.callLater(0, pair[0].close)
    else:
        pair[1].send(b"x")
    reactor.run()
    assert watched.events == [ConnectionFdescWentAway]


def test_no_copy_of_a_descriptor_is_left_open(reactor, pair):
    watched = Watched(reactor, pair[0])
    reactor.addReader(watched)
    reactor.addWriter(watched)
    reactor.removeReader(watched)
    reactor.removeWriter(watched)
    reactor.iterate()
    pair[0].close()
    assert pair[1].recv(1) == b""


def test_a_file_is_always_ready(reactor, tmp_path):
    (tmp_path / "file").write_bytes(b"abcdef")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        pieces = []

        def read():
            pieces.append(os.read(fd, 4))
            return None if pieces[-1] else ConnectionDone()

        watched = Watched(reactor, fd, reads=read)
        reactor.addReader(watched)
        reactor.run()
        assert pieces == [b"abcd", b"ef", b""] and watched.events == [ConnectionDone]
    finally:
        os.close(fd)


def test_a_blocking_descriptor_stays_blocking(reactor, pair):
    pair[0].setblocking(True)
    reactor.addReader(Watched(reactor, pair[0]))
    assert os.get_blocking(pair[0].fileno())


def test_none_to_watch_is_refused(reactor):
    with pytest.raises(ValueError, match="has no descriptor to watch"):
        reactor.addReader(Watched(reactor, -1))
    assert reactor.getReaders() == []


# -- the transport of old programs


class Wire(FileDescriptor):
    connected = 1

    def __init__(self, reactor, end):
        super().__init__(reactor)
        self.end = end
        self.reason = None

    def fileno(self):
        return self.end.fileno()

    def writeSomeData(self, data):
        return self.end.send(data)

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.reason = reason
        self.reactor.stop()


def test_file_descriptor_writes_all_and_ends(reactor, pair):
    wire = Wire(reactor, pair[0])
    asked = []

    class Producer:
        def resumeProducing(self):
            asked.append("resume")
            if len(asked) == 2:
                wire.unregisterProducer()

        def stopProducing(self):
            asked.append("stop")

    wire.registerProducer(Producer(), False)
    wire.writeSequence([b"a", b"b"])
    wire.write(b"c")
    wire.loseConnection()
    with pytest.raises(TypeError, match="must be bytes"):
        wire.write("text")
    reactor.run()
    assert pair[1].recv(10) == b"abc"
    assert wire.reason.type is ConnectionDone and wire.disconnected and asked == ["resume", "resume"]


def test_file_descriptor_pauses_a_producer(reactor, pair):
    wire = Wire(reactor, pair[0])
    calls = []

    class Producer:
        pauseProducing = lambda self: calls.append("pause")  # noqa: E731
        resumeProducing = lambda self: calls.append("resume")  # noqa: E731
        stopProducing = lambda self: calls.append("stop")  # noqa: E731

    wire.registerProducer(Producer(), True)
    with pytest.raises(RuntimeError, match="never unregistered"):
        wire.registerProducer(Producer(), True)
    wire.write(bytes(wire.bufferSize + 1))
    assert calls == ["pause"]
    while wire._unsent:
        wire.doWrite()
    assert calls == ["pause", "resume"]


@pytest.mark.parametrize(
    "text, is_v4, is_v6",
    [
        ("127.0.0.1", True, False),
        (b"127.0.0.1", True, False),
        ("127.1", False, False),
        ("256.0.0.1", False, False),
        ("::1", False, True),
        (b"fe80::1%eth0", False, True),
        ("%eth0", False, False),
        ("\u0661.0.0.1", False, False),
        ("a\0b", False, False),
    ],
)
def test_what_is_an_address(text, is_v4, is_v6):
    assert isIPAddress(text) is is_v4
    assert isIPv6Address(text) is is_v6


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="unknown address family"):
        isIPAddress("127.0.0.1", socket.AF_UNIX)


@pytest.fixture
def refused():
    """A UDP socket that has an error, for nobody is at the address to which it has sent; and the one who will be there."""
    sender, peer = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with sender, peer:
        sender.setblocking(False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
            found.bind(("127.0.0.1", 0))
            sender.connect(found.getsockname())
        sender.send(b"is anybody there?")
        yield sender, peer


def test_one_that_had_an_error_is_read_on(reactor, refused):
    """libuv's loops watch a descriptor no more once it has an error."""
    sender, peer = refused

    def answer():
        peer.bind(sender.getpeername())
        peer.sendto(b"here", sender.getsockname())

    def read():
        try:
            watched.events.append(sender.recv(100))
            reactor.removeReader(watched)
            reactor.stop()
        except ConnectionRefusedError:
            watched.events.append("refused")
            reactor.callLater(0.01, answer)  # when the loop has forgotten it

    watched = Watched(reactor, sender, read)
    reactor.addReader(watched)
    reactor.run()
    assert watched.events == ["refused", b"here"]


def test_an_error_that_one_direction_has_taken_is_not_the_end_of_the_other(reactor, refused):
    sender, peer = refused
    events = []

    def read():
        try:
            events.append(sender.recv(100))
        except (BlockingIOError, ConnectionRefusedError):
            events.append("nothing")

    def write():
        taken = sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if "bound" not in events and (taken or "nothing" in events):
            peer.bind(sender.getpeername())
            reactor.callLater(0.01, peer.sendto, b"here", sender.getsockname())  # when the loop has forgotten it
            events.append("bound")
        elif b"here" in events:
            reactor.removeAll()
            reactor.stop()

    watched = Watched(reactor, sender, read, write)
    reactor.addWriter(watched)
    reactor.addReader(watched)
    reactor.run()
    assert b"here" in events
