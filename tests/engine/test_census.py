"""What a reactor tells of what it has under way."""

import asyncio
import threading

import pytest

from plait import Deferred, Protocol, ensureDeferred, reactor
from plait.deferred import setDebugging
from plait.engine import census
from tests.transport.helpers import Noting, Server, connection, raw_connection


class Answering(Noting):
    def dataReceived(self, data):
        super().dataReceived(data)
        self.transport.write(data * 2)


def port_facts(server):
    address = f"127.0.0.1:{server.address.port}"
    return next(port for port in census.totals(reactor).ports if port.address == address)


async def test_a_port_counts_its_connections_and_their_bytes_also_when_they_have_ended():
    async with Server(Answering) as server:
        before = census.totals(reactor)
        assert port_facts(server).accepts == 0
        client, there, _ = await connection(server)
        client.transport.write(b"x" * 1000)
        await client.wait_for(2000)
        facts = port_facts(server)
        assert (facts.kind, facts.accepts, facts.open) == ("TCP", 1, 1)
        assert (facts.bytesReceived, facts.bytesSent) == (1000, 2000)
        client.transport.loseConnection()
        await there.lost
        await client.lost
        await asyncio.sleep(0)  # the port learns it after the protocol
        facts = port_facts(server)
        assert (facts.accepts, facts.open, facts.bytesReceived, facts.bytesSent) == (1, 0, 1000, 2000)
        after = census.totals(reactor)
        assert after.bytesReceived - before.bytesReceived == 3000  # both ends are ours
        assert after.bytesSent - before.bytesSent == 3000
        assert after.accepts - before.accepts == 1
        assert after.connections == before.connections


async def test_a_connection_tells_who_is_there_and_what_it_has_carried():
    async with Server(Answering) as server:
        client, there, _ = await connection(server)
        client.transport.write(b"x" * 10)
        await client.wait_for(20)
        mine = client.transport.getHost().port
        everything = [facts for some in census.connections(reactor) for facts in some]
        facts = next(one for one in everything if one.peer == f"127.0.0.1:{mine}")
        assert (facts.local, facts.protocol) == (f"127.0.0.1:{server.address.port}", "Answering")
        assert (facts.direction, facts.tls, facts.bytesReceived, facts.bytesSent) == ("in", False, 10, 20)
        assert facts.age >= 0 and facts.buffered == 0
        ours = next(one for one in everything if one.local == f"127.0.0.1:{mine}")
        assert (ours.direction, ours.bytesReceived, ours.bytesSent) == ("out", 20, 10)
        client.transport.loseConnection()
        await there.lost


async def test_what_waits_to_be_sent_is_told():
    async with Server() as server:
        client, there, _ = await connection(server)
        there.transport.pauseProducing()
        client.transport.write(b"x" * 100)
        assert client.transport.bufferedBytes == 100
        client.transport.write(b"x" * (32 << 20))  # more than the system takes
        assert 0 < client.transport.bufferedBytes < 32 << 20
        client.transport.abortConnection()
        await client.lost
        assert client.transport.bufferedBytes == 0
        there.transport.resumeProducing()
        await there.lost


async def test_connections_come_in_slices_and_one_that_has_ended_meanwhile_is_left_out():
    async with Server() as server:
        pairs = [await connection(server) for _ in range(5)]
        slices = census.connections(reactor, 4)
        first = next(slices)
        assert len(first) == 4
        for client, there, _ in pairs:
            client.transport.abortConnection()
            await client.lost
            await there.lost
        assert [facts for some in slices for facts in some] == []


async def test_what_is_held_while_a_protocol_pauses_is_counted_once_it_is_delivered():
    class Paused(Noting):
        def connectionMade(self):
            self.transport.pauseProducing()
            super().connectionMade()

    async with Server(Paused) as server:
        sock = raw_connection(server)
        sock.sendall(b"held")
        there = await server.accepted()
        assert there.transport.bytesReceived == 0
        there.transport.resumeProducing()
        await there.wait_for(4)
        assert there.transport.bytesReceived == 4
        sock.close()
        await there.lost


async def test_timed_calls_are_told_by_function():
    def tick():
        pass

    calls = [reactor.callLater(delay, tick) for delay in (100, 50, 200)]
    before = census.totals(reactor).timers
    facts = next(timer for timer in census.timers(reactor) if timer.function.endswith("<locals>.tick"))
    assert facts.count == 3
    assert 40 < facts.due <= 50
    for call in calls:
        call.cancel()
    assert census.totals(reactor).timers == before - 3
    assert not [timer for timer in census.timers(reactor) if timer.function.endswith("<locals>.tick")]


async def test_the_pool_of_threads_tells_how_many_work():
    begun, go_on = threading.Event(), threading.Event()

    def work():
        begun.set()
        go_on.wait()

    done = Deferred()
    reactor.getThreadPool().callInThreadWithCallback(lambda *_: reactor.callFromThread(done.callback, None), work)
    begun.wait()
    try:
        facts = census.threads(reactor)
        assert facts.busy == 1 and facts.threads >= 1 and facts.limit >= 1
    finally:
        go_on.set()
    await done


async def test_a_coroutine_is_listed_with_the_place_where_it_waits():
    until = Deferred()

    async def inner():
        await until

    async def outer():
        await inner()

    ended = ensureDeferred(outer())
    task = asyncio.create_task(asyncio.sleep(100), name="the sleeper")
    await asyncio.sleep(0)
    count, listed = census.tasks(reactor)
    assert count == len(listed) >= 2
    mine = next(task for task in listed if task.name.endswith("outer"))
    assert "outer (" in mine.stack[0] and "inner (" in mine.stack[1]
    sleeper = next(task for task in listed if task.name == "the sleeper")
    assert sleeper.stack[0].startswith("sleep (")
    assert len(census.tasks(reactor, 1)[1]) == 1
    task.cancel()
    until.callback(None)
    await ended


async def test_deferreds_that_wait_are_told_in_debug_mode_alone():
    assert census.deferreds() is None
    setDebugging(True)
    try:
        waiting = [Deferred() for _ in range(3)]
        facts = next(one for one in census.deferreds() if "test_census.py" in one.made)
        assert facts.count == 3
        for d in waiting:
            d.callback(None)
        assert not [one for one in census.deferreds() if "test_census.py" in one.made]
    finally:
        setDebugging(False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (("127.0.0.1", 80), "127.0.0.1:80"),
        (("::1", 80, 0, 0), "[::1]:80"),
        ("/run/x.sock", "/run/x.sock"),
        (b"\0name", "\0name"),
        (None, ""),
    ],
)
def test_addresses_are_one_word(name, text):
    assert census.place(name) == text


def test_a_protocol_in_wrappers_is_called_by_its_own_name():
    class Wrapper(Protocol):
        def __init__(self, wrapped):
            self.wrappedProtocol = wrapped

    assert census.class_name(census._innermost(Wrapper(Wrapper(Answering())))) == "Answering"


def test_a_coroutine_that_began_to_wait_before_a_loop_ran_is_listed(reactor):
    until = Deferred()

    async def early():
        await until

    ended = ensureDeferred(early())
    count, listed = census.tasks(reactor)
    assert [task.name for task in listed if "early" in task.name] and count == len(listed)
    until.callback(None)
    assert ended.called
    assert not [task for task in census.tasks(reactor)[1] if "early" in task.name]
