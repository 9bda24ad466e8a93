"""Names that nobody answers for: the attempt ends in its time, and holds up neither other work nor the reactor's end."""

import asyncio
import socket

import pytest

from plait import deferToThread, reactor
from plait.engine import Reactor
from plait.errors import ConnectError, DNSLookupError, TimeoutError, UnknownHostError
from tests.transport.helpers import Client, Server

SLOW = "slow.invalid"


class Lookups:
    """In the place of the loop's getaddrinfo: knows no answer for `SLOW`, and counts who asks."""

    def __init__(self, loop):
        self.begun = self.ended = 0
        self._real = loop.getaddrinfo

    async def __call__(self, host, port, **options):
        if host != SLOW:
            return await self._real(host, port, **options)
        self.begun += 1
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self.ended += 1


def replace(loop, lookup, monkeypatch):
    try:
        monkeypatch.setattr(loop, "getaddrinfo", lookup)
    except AttributeError:
        pytest.skip("the methods of this loop cannot be replaced")


async def test_the_attempt_ends_in_its_time_and_others_go_on_meanwhile(monkeypatch):
    loop = asyncio.get_running_loop()
    lookups = Lookups(loop)
    replace(loop, lookups, monkeypatch)
    async with Server() as server:
        slow = [Client() for _ in range(50)]
        connectors = [reactor.connectTCP(SLOW, 80, client, timeout=0.2) for client in slow]
        good = Client()
        reactor.connectTCP("127.0.0.1", server.address.port, good)
        p = await good.connected
        assert await deferToThread(lambda: "done") == "done"
        assert not any(client.failed.called for client in slow)
        for client in slow:
            error = await client.failed
            assert isinstance(error, TimeoutError) and "timeout" in str(error)
        assert {connector.state for connector in connectors} == {"disconnected"}
        await asyncio.sleep(0)
        assert lookups.begun == lookups.ended == 50, "none is left to be answered"
        p.transport.loseConnection()
        await p.lost


@pytest.mark.parametrize(
    "error, told",
    [
        (socket.gaierror(socket.EAI_AGAIN, "try again later"), UnknownHostError),
        (UnicodeError("label too long"), ConnectError),
        (RuntimeError("a mistake in the resolver"), ConnectError),
    ],
)
async def test_a_resolver_that_raises_is_an_attempt_that_fails(monkeypatch, flushLoggedErrors, error, told):
    loop = asyncio.get_running_loop()

    async def fails(*args, **options):
        raise error

    replace(loop, fails, monkeypatch)
    client = Client()
    connector = reactor.connectTCP("name.invalid", 80, client)
    failed = await client.failed
    assert isinstance(failed, told) and str(error.args[-1]) in str(failed)
    assert connector.state == "disconnected"
    with pytest.raises(DNSLookupError):
        await reactor.resolve("name.invalid")
    assert len(flushLoggedErrors(RuntimeError)) == isinstance(error, RuntimeError), "a mistake is told in the log"


def test_the_end_of_the_reactor_is_not_held_up(monkeypatch):
    loop = asyncio.new_event_loop()
    own = Reactor(loop)
    lookups = Lookups(loop)
    replace(loop, lookups, monkeypatch)
    client = Client()
    own.connectTCP(SLOW, 80, client, timeout=None)
    ended = []
    own.callLater(0.01, own.stop)
    own.addSystemEventTrigger("after", "shutdown", ended.append, True)
    own.run(installSignalHandlers=False)
    assert ended and lookups.begun == lookups.ended == 1
    loop.close()
