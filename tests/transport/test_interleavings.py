"""Whatever is done in whatever order, over TCP and UNIX sockets: every byte comes once, in order, and before the end."""

import asyncio
import itertools
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from plait import reactor
from plait.errors import ConnectionAborted, ConnectionDone
from plait.interfaces import IHalfCloseableProtocol, implementer
from plait.testing import runToEnd
from tests.transport import helpers
from tests.transport.helpers import Client, Noting

# A period that is a prime: a piece that is lost, doubled or in the wrong place shows.
PATTERN = bytes(range(251)) * 2000


class Producer:
    """Writes `pieces` pieces and unregisters itself; a push producer as many as it may, a pull producer one for each time."""

    def __init__(self, side, streaming, pieces):
        self.side = side
        self.streaming = streaming
        self.left = list(pieces)
        self.paused = False

    def resumeProducing(self):
        self.paused = False
        while self.left and not self.paused:
            self.side.send(self.left.pop(0))
            if not self.streaming:
                break
        if not self.left and self.side.producer is self:
            self.side.producer = None
            self.side.transport.unregisterProducer()

    def pauseProducing(self):
        self.paused = True

    def stopProducing(self):
        self.left.clear()


class Side(Noting):
    """One end of a connection that does what it is told, some of it within its dataReceived."""

    producer = None
    inside = ()

    def __init__(self):
        super().__init__()
        self.sent = bytearray()

    def connectionMade(self):
        super().connectionMade()
        self.script = iter(self.inside)

    def dataReceived(self, data):
        super().dataReceived(data)
        self.do(*next(self.script, ("nothing", 0)))

    def send(self, size):
        at = len(self.sent) % 251
        data = PATTERN[at : at + size]
        self.sent += data
        self.transport.write(data)

    def do(self, what, size):
        transport = self.transport
        if what == "write":
            self.send(size)
        elif what == "writeSequence":
            at = len(self.sent) % 251
            data = PATTERN[at : at + size]
            self.sent += data
            transport.writeSequence([data[:7], b"", data[7:]])
        elif what == "pause":
            transport.pauseProducing()
        elif what == "resume":
            transport.resumeProducing()
        elif what == "pause for a turn":
            transport.pauseProducing()
            reactor.callLater(0, transport.resumeProducing)
        elif what in ("push", "pull") and self.producer is None:
            streaming = what == "push"
            self.producer = Producer(self, streaming, [size // 3 + 1, size, 0, size])
            transport.registerProducer(self.producer, streaming)
            if streaming and self.producer is not None and not self.producer.paused:
                self.producer.resumeProducing()


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Side):
    """One that goes on when one direction has ended; `ends` notes which."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def readConnectionLost(self):
        self.ends.append(("read", len(self.data)))

    def writeConnectionLost(self):
        self.ends.append(("write", len(self.sent)))


class UNIXServer(helpers.Server):
    """The same, at a UNIX socket."""

    numbers = itertools.count()

    def listen(self, **options):
        self.path = f"{self.folder}/{next(self.numbers)}"
        return reactor.listenUNIX(self.path, self.factory, **options)


@pytest.fixture(
    scope="module",
    params=[
        "TCP",
        pytest.param("UNIX", marks=pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")),
    ],
)
def kind(request):
    if request.param == "TCP":
        yield helpers.Server
        return
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is too long for a socket's name
        yield type("Here", (UNIXServer,), {"folder": Path(folder)})


def pair(kind, first, second, small):
    """Both ends of a new connection, with sockets that hold little if `small`, and their server."""

    async def connect():
        server = kind(second)
        client = Client(first)
        if isinstance(server, UNIXServer):
            reactor.connectUNIX(server.path, client)
        else:
            reactor.connectTCP(server.address.host, server.address.port, client)
        ours, theirs = await client.connected, await server.accepted()
        if small:
            for side in (ours, theirs):
                side.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return ours, theirs, server

    return connect()


PATIENCE = 5  # seconds

SIZES = st.one_of(st.integers(0, 50), st.sampled_from([16_384, 65_536, 65_537, 100_000, 300_000]))
WRITING = st.sampled_from(["write", "writeSequence", "push", "pull"])
READING = st.sampled_from(["pause", "resume", "pause for a turn"])
WRITES = st.tuples(WRITING, SIZES)
READS = st.tuples(READING, st.just(0))
TURN = st.tuples(st.just("turn"), st.just(0))
# Within dataReceived nothing pauses for good: who should resume it?
INSIDE = st.lists(st.tuples(st.sampled_from(["pause for a turn", "nothing"]), st.just(0)), max_size=6)
ANSWERS = st.lists(st.one_of(st.tuples(WRITING, SIZES), st.tuples(st.just("pause for a turn"), st.just(0))), max_size=5)

check = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])


async def play(steps, *sides):
    for number, (what, size) in steps:
        if what == "turn":
            await asyncio.sleep(0)
        else:
            sides[number].do(what, size)


@check
@given(
    steps=st.lists(
        st.one_of(st.tuples(st.just(0), WRITES), st.tuples(st.just(1), READS), st.tuples(st.just(0), TURN)), max_size=20
    ),
    inside=INSIDE,
    small=st.booleans(),
)
@example(steps=[(0, ("push", 300_000))], inside=[], small=True)
@example(steps=[(0, ("pull", 300_000)), (0, ("write", 10))], inside=[], small=True)
def test_loseConnection_comes_after_all_that_was_written(kind, steps, inside, small):
    async def scenario():
        ours, theirs, server = await pair(kind, Side, type("Theirs", (Side,), {"inside": inside}), small)
        async with server:
            await play(steps, ours, theirs)
            event(f"a producer is registered: {ours.producer is not None}")
            ours.transport.loseConnection()
            theirs.transport.resumeProducing()
            assert isinstance(await theirs.lost, ConnectionDone)
            assert isinstance(await ours.lost, ConnectionDone)
            assert theirs.data == ours.sent
            assert ours.producer is None, "it was waited for"

    runToEnd(scenario, PATIENCE)


@check
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 1), st.one_of(WRITES, READS, TURN)),
        max_size=20,
    ),
    answers=ANSWERS,
    first=st.integers(0, 1),
    small=st.booleans(),
)
@example(steps=[(0, ("push", 300_000)), (1, ("pause", 0))], answers=[], first=0, small=True)
@example(steps=[(0, ("pull", 300_000)), (1, ("push", 300_000))], answers=[], first=1, small=True)
def test_both_directions_end_after_all_that_was_written(kind, steps, answers, first, small):
    async def scenario():
        ours, theirs, server = await pair(
            kind, HalfCloseable, type("Theirs", (HalfCloseable,), {"inside": answers}), small
        )
        async with server:
            sides = (ours, theirs)
            await play(steps, *sides)
            for side in sides:
                side.transport.resumeProducing()
            if first:
                # what is read is answered, so the one who answers ends after the one who is answered
                ours.transport.loseWriteConnection()
                while ("read", len(ours.sent)) not in theirs.ends or theirs.producer is not None:
                    await asyncio.sleep(0)
                theirs.transport.loseWriteConnection()
            else:
                while len(theirs.data) < len(ours.sent) or ours.producer is not None:
                    await asyncio.sleep(0)
                theirs.transport.loseWriteConnection()
                await asyncio.sleep(0)
                ours.transport.loseWriteConnection()
            for side in sides:
                assert isinstance(await side.lost, ConnectionDone)
            assert theirs.data == ours.sent
            assert ours.data == theirs.sent
            for side, other in (sides, sides[::-1]):
                assert ("read", len(other.sent)) in side.ends
                assert ("write", len(side.sent)) in side.ends
                assert len(side.ends) == 2

    runToEnd(scenario, PATIENCE)


@check
@given(
    steps=st.lists(st.tuples(st.integers(0, 1), st.one_of(WRITES, READS, TURN)), max_size=12),
    after=st.lists(st.tuples(st.integers(0, 1), st.one_of(WRITES, READS)), max_size=4),
    half=st.booleans(),
    small=st.booleans(),
)
def test_abortConnection_leaves_a_beginning_of_what_was_written(kind, steps, after, half, small):
    async def scenario():
        what = HalfCloseable if half else Side
        ours, theirs, server = await pair(kind, what, what, small)
        async with server:
            await play(steps, ours, theirs)
            ours.transport.abortConnection()
            received = len(ours.data)
            await play(after, ours, theirs)
            theirs.transport.resumeProducing()
            assert isinstance(await ours.lost, ConnectionAborted)
            theirs.transport.loseConnection()  # one that is half-closeable may not have to
            await theirs.lost
            assert bytes(ours.sent).startswith(theirs.data)
            assert bytes(theirs.sent).startswith(ours.data)
            assert len(ours.data) == received, "nothing is read after it"

    runToEnd(scenario, PATIENCE)


@check
@given(
    steps=st.lists(st.tuples(st.integers(0, 1), st.one_of(WRITES, READS, TURN)), max_size=12),
    small=st.booleans(),
    close=st.sampled_from(["loseConnection", "loseWriteConnection"]),
)
def test_a_close_by_one_side_ends_the_other_whatever_that_does(kind, steps, small, close):
    """The other side, which is not half-closeable, may be writing: what it has not sent may be lost, and no more than that."""

    async def scenario():
        ours, theirs, server = await pair(kind, Side, Side, small)
        async with server:
            await play(steps, ours, theirs)
            for side in (ours, theirs):
                side.transport.resumeProducing()
            answering = theirs.producer is not None
            getattr(ours.transport, close)()
            await theirs.lost
            await ours.lost
            assert bytes(ours.sent).startswith(theirs.data)
            assert bytes(theirs.sent).startswith(ours.data)
            if close == "loseWriteConnection":
                assert theirs.data == ours.sent
                if not answering:
                    assert ours.data == theirs.sent

    runToEnd(scenario, PATIENCE)
