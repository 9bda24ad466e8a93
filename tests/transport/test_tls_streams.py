"""Streams under TLS, over real sockets, as hypothesis thinks them up: whatever is done, each byte comes once and in order."""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait import Deferred, Factory, LineReceiver
from plait.errors import ConnectionDone
from plait.interfaces import IHandshakeListener, implementer
from plait.protocol import Int32StringReceiver, NetstringReceiver
from plait.testing import runToEnd
from plait.transport.tls import DefaultOpenSSLContextFactory, verifiedClientContextFactory
from tests.certificates import make_certificate
from tests.transport.helpers import Server, connection
from tests.transport.test_half_close import HalfCloseable
from tests.transport.tls_helpers import VERSIONS, SecureServer, secure_connection, trusting

# `EXAMPLES=2000 pytest tests/transport/test_tls_streams.py` looks harder.
quickly = settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
versions = st.sampled_from(VERSIONS)
PATIENCE = 60


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def contexts(certificate):
    """Of a server, and of clients by version: made once, as reading files takes longer than a handshake."""
    clients = {
        version: verifiedClientContextFactory("localhost", trusting(certificate, version)) for version in VERSIONS
    }
    return DefaultOpenSSLContextFactory(*certificate), clients


# -- framing


class Collecting:
    """What the framings have in common: all that was received, until the end."""

    def connectionMade(self):
        self.received = []
        self.over = self.factory.over

    def add(self, piece):
        self.received.append(piece)

    lineReceived = stringReceived = add

    def connectionLost(self, reason):
        self.over.callback((self.received, reason.value))


class Lines(Collecting, LineReceiver):
    pass


class Netstrings(Collecting, NetstringReceiver):
    pass


class Frames(Collecting, Int32StringReceiver):
    pass


FRAMINGS = {
    Lines: lambda piece: piece + b"\r\n",
    Netstrings: lambda piece: b"%d:%s," % (len(piece), piece),
    Frames: lambda piece: struct.pack("!I", len(piece)) + piece,
}


def cut(data, places):
    """`data` in pieces, cut at `places` (numbers from 0 to 1)."""
    edges = [0, *sorted(int(place * len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


places = st.lists(st.floats(0, 1), max_size=12)


@quickly
@given(
    framing=st.sampled_from(list(FRAMINGS)),
    version=versions,
    pieces=st.lists(st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"")), max_size=20),
    records=places,
    segments=places,
)
def test_any_splitting_gives_the_same(contexts, framing, version, pieces, records, segments):
    """`records`: where the plain data is cut into records of TLS; `segments`: where these are cut by the network."""

    async def scenario():
        class Server(SecureServer):
            def __init__(self):
                self.context = contexts[0]
                self.factory = Factory.forProtocol(framing)
                self.factory.over = Deferred()
                self.port = self.listen()

        async with Server() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port.getHost().port)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            context = contexts[1][version].context
            tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(1 << 16))
            for record in cut(b"".join(map(FRAMINGS[framing], pieces)), records):
                tls.write(record)
            with pytest.raises(ssl.SSLWantReadError):
                tls.unwrap()
            for segment in cut(outgoing.read(), segments):
                writer.write(segment)
                await asyncio.sleep(0)
            received, reason = await server.factory.over
            assert received == pieces
            assert isinstance(reason, ConnectionDone)
            writer.close()

    runToEnd(scenario, PATIENCE)


# -- interleaving

WORDS = ["pauseProducing", "resumeProducing", "turn", "loseWriteConnection"]


def steps_of(*more):
    """What the ends do: each step is the number of one of them, and bytes to write or a word."""
    step = st.one_of(st.integers(1, 300_000), st.sampled_from([*WORDS, *more]))
    return st.lists(st.tuples(st.integers(0, 1), step), max_size=30)


steps = steps_of("loseConnection")


class End:
    """One end of a connection in the midst of such steps."""

    def __init__(self, protocol, number):
        self.protocol = protocol
        self.number = number
        self.sent = bytearray()
        self.open = True  # for writing
        self.closed = False

    async def do(self, step):
        transport = self.protocol.transport
        if isinstance(step, int):
            piece = bytes([len(self.sent) % 251, self.number]) * (step // 2 + 1)
            transport.write(piece)
            if self.open:
                self.sent += piece
        elif step == "turn":
            await asyncio.sleep(0)
        else:
            getattr(transport, step)()
            self.open = self.open and not step.startswith("lose")
            self.closed = self.closed or step == "loseConnection"


async def interleave(protocols, steps):
    """Do `steps`, end what is open then, and look at what has come."""
    ends = [End(protocol, number) for number, protocol in enumerate(protocols)]
    for number, step in steps:
        if step == "loseConnection" and ends[1 - number].closed:
            continue  # if both close, neither can know how much the other has got
        await ends[number].do(step)
    for end in ends:
        end.protocol.transport.resumeProducing()
        if not end.closed:
            await end.do("loseWriteConnection")
    for end, other in (ends, ends[::-1]):
        if end.closed:
            assert other.sent.startswith(end.protocol.data)
        else:
            await end.protocol.read_closed
            assert end.protocol.data == other.sent
    for end in ends:
        end.protocol.transport.loseConnection()
        assert isinstance(await end.protocol.lost, ConnectionDone)


class Buffering(HalfCloseable):
    """Long data is not copied for each piece."""

    def __init__(self):
        super().__init__()
        self.data = bytearray()


@quickly
@given(version=versions, steps=steps)
def test_any_interleaving_delivers_every_byte_once_and_in_order(contexts, version, steps):
    async def scenario():
        async with SecureServer(contexts[0], Buffering) as server:
            await interleave(await secure_connection(server, contexts[1][version], Buffering), steps)

    runToEnd(scenario, PATIENCE)


@quickly
@given(steps=steps_of())
def test_any_interleaving_over_plain_tcp(steps):
    """But to close while the other one writes: TCP resets the connection then, and throws away what is under way."""

    async def scenario():
        async with Server(Buffering) as server:
            await interleave((await connection(server, Buffering))[:2], steps)

    runToEnd(scenario, PATIENCE)


# -- going under TLS in the middle


@implementer(IHandshakeListener)
class Upgrading(Buffering):
    """Begins TLS when it has got as many bytes in the clear as it was told."""

    def begin(self, context, normal):
        self.transport.startTLS(context, normal)


@quickly
@given(
    version=versions,
    normal=st.booleans(),
    before=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 100_000)), max_size=6),
    first=st.integers(0, 1),
    late=st.booleans(),
    steps=steps_of(),
)
def test_starttls_at_any_moment(contexts, version, normal, before, first, late, steps):
    """Both have sent something in the clear, one after the other begins TLS, and does all kinds of things at once.

    `late`: the second begins only when the first's handshake has arrived, in which time it has paused. Nobody closes: who does
    that in the midst of the handshake, and has written nothing, does not wait for its end.
    """

    async def scenario():
        async with Server(Upgrading) as server:
            protocols = (await connection(server, Upgrading))[:2]
            sent = [b"", b""]
            for number, size in before:
                piece = bytes([size % 256]) * size
                sent[number] += piece
                protocols[number].transport.write(piece)
            for number in (0, 1):
                await protocols[number].wait_for(len(sent[1 - number]))
                assert protocols[number].data == sent[1 - number]
                protocols[number].data.clear()
            roles = [contexts[1][version], contexts[0]]
            order = [first, 1 - first]
            if late:
                protocols[1 - first].transport.pauseProducing()
            for number in order:
                protocols[number].begin(roles[number if normal else 1 - number], normal)
                if late:
                    await asyncio.sleep(0)
            if late:
                protocols[1 - first].transport.resumeProducing()
            await interleave(protocols, steps)
            for protocol in protocols:
                assert protocol.data == b"" or protocol.secured.called

    runToEnd(scenario, PATIENCE)
