"""A peer that stops reading: what waits for it stays within bounds, however much there is to send."""

import asyncio
import socket

import pytest

from plait.transport.stream import HIGH_WATER
from tests.transport.helpers import Server, raw_connection

resource = pytest.importorskip("resource")

PIECE = bytes(range(256)) * 1024  # 256 KiB: what a program may write in one go before it is told to pause

# Bytes by which the process may grow: the high-water mark, one piece, and the loop's copies of both, many times over.
MAY_GROW = 32 << 20


def resident():
    """Bytes of memory that this process has in use now."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()
    except OSError:
        pytest.skip("reads /proc/self/statm")


class Push:
    """Writes a piece whenever it may, until `total` bytes are written."""

    streaming = True

    def __init__(self, transport, total):
        self.transport = transport
        self.left = total
        self.paused = False
        self.most = 0

    def write_one(self):
        self.left -= len(PIECE)
        self.transport.write(PIECE)
        self.most = max(self.most, waiting(self.transport))
        if self.left <= 0:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def resumeProducing(self):
        self.paused = False
        while self.left > 0 and not self.paused:
            self.write_one()

    def pauseProducing(self):
        self.paused = True

    def stopProducing(self):
        raise AssertionError("the peer reads on in the end")


class Pull(Push):
    """Writes a piece each time that it is asked."""

    streaming = False

    def resumeProducing(self):
        self.write_one()


class Relay(Push):
    """A program that writes without a producer's order, in turns of its own, and looks at what it was told meanwhile."""

    def resumeProducing(self):
        self.paused = False
        asyncio.get_running_loop().call_soon(self.turn)

    def turn(self):
        if self.left > 0 and not self.paused:
            self.write_one()
            asyncio.get_running_loop().call_soon(self.turn)


def waiting(transport):
    """Bytes that are written and not with the system yet."""
    return transport._size + transport._transport.get_write_buffer_size()


async def produce(kind, total):
    async with Server() as server:
        sock = raw_connection(server)
        there = await server.accepted()
        await there.made
        before = resident()
        producer = kind(there.transport, total)
        there.transport.registerProducer(producer, kind.streaming)
        if kind.streaming:
            producer.resumeProducing()
        while waiting(there.transport) <= HIGH_WATER:
            await asyncio.sleep(0)  # the sockets hold some
        held = producer.left
        for _ in range(100):
            await asyncio.sleep(0)
        assert producer.left == held, "nothing is produced while the peer does not read"
        loop = asyncio.get_running_loop()
        got = 0
        grown = resident() - before
        room = bytearray(1 << 20)
        stops = 0
        while size := await loop.sock_recv_into(sock, room):
            got += size
            if got // (total // 16) > stops:  # now and then it stops reading for a while
                stops += 1
                for _ in range(20):
                    await asyncio.sleep(0)
                grown = max(grown, resident() - before)
        sock.close()
        await there.lost
        assert got == total
        assert grown < MAY_GROW, f"grew by {grown >> 20} MiB"
        assert producer.most <= HIGH_WATER + 2 * len(PIECE), f"{producer.most} bytes waited"


@pytest.mark.parametrize("kind", [Push, Pull, Relay])
async def test_64_MiB_for_a_peer_that_stops_reading(kind):
    await produce(kind, 64 << 20)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Push, Pull, Relay])
async def test_1_GiB_for_a_peer_that_stops_reading(kind):
    await produce(kind, 1 << 30)


async def test_what_a_paused_protocol_does_not_read_waits_with_its_peer():
    """The other direction: a peer that sends on and on to a protocol that has paused."""
    async with Server() as server:
        sock = raw_connection(server)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        there = await server.accepted()
        await there.made
        there.transport.pauseProducing()
        before = resident()
        sent = 0
        blocked = 0
        while blocked < 20:
            try:
                sent += sock.send(PIECE)
            except BlockingIOError:
                blocked += 1
                await asyncio.sleep(0)
        assert there.data == b"" and len(there.transport._held) <= len(PIECE)
        assert resident() - before < MAY_GROW
        there.transport.resumeProducing()
        assert len(await there.wait_for(sent)) == sent
        sock.close()
        await there.lost
