"""Resolvers over functions that block."""

import socket

import pytest

from plait import Deferred, reactor
from plait.as_twisted.legacy.resolvers import FirstOneWins, GAIResolver, ThreadedResolver
from plait.errors import DNSLookupError
from plait.interfaces import IHostnameResolver, IResolutionReceiver, IResolverSimple, verifyObject
from plait.transport import IPv4Address
from plait.transport.names import Resolution, ask

ANSWER = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]


async def test_getaddrinfo_is_called_in_a_thread():
    asked = []
    pools = []

    def pool():
        pools.append(reactor.getThreadPool())
        return pools[-1]

    resolver = GAIResolver(reactor, pool, lambda *question: asked.append(question) or ANSWER)
    assert verifyObject(IHostnameResolver, resolver)
    assert await ask(resolver, "a.example", 80) == [IPv4Address("TCP", "192.0.2.1", 80)]
    assert asked == [("a.example", 80, socket.AF_UNSPEC, socket.SOCK_STREAM)]
    assert len(pools) == 1


async def test_it_is_the_systems_in_the_reactors_pool_by_itself():
    found = await ask(GAIResolver(reactor), "localhost", 80, [IPv4Address])
    assert found == [IPv4Address("TCP", "127.0.0.1", 80)]


async def test_gethostbyname(monkeypatch):
    resolver = ThreadedResolver(reactor)
    assert verifyObject(IResolverSimple, resolver)
    assert await resolver.getHostByName("127.0.0.1") == "127.0.0.1"

    def unknown(name):
        raise socket.gaierror(-2, "unknown")

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    with pytest.raises(DNSLookupError, match=r"no address of 'a\.example' found: \[Errno -2\] unknown"):
        await resolver.getHostByName("a.example")


async def test_gethostbyname_may_not_take_for_ever(monkeypatch):
    from threading import Event

    go_on = Event()
    monkeypatch.setattr(socket, "gethostbyname", lambda name: go_on.wait(60))
    try:
        with pytest.raises(DNSLookupError, match=r"'a\.example' found: it took too long"):
            await ThreadedResolver(reactor).getHostByName("a.example", (0.01,))
    finally:
        go_on.set()


@pytest.mark.parametrize("hosts", [["192.0.2.1", "192.0.2.2"], ["192.0.2.1"], []])
def test_the_first_address(hosts):
    found, answer, outcome = Deferred(), Deferred(), []
    receiver = FirstOneWins(found)
    assert verifyObject(IResolutionReceiver, receiver)
    Resolution(receiver, "a.example", answer)
    found.addCallbacks(outcome.append, lambda failure: outcome.append(failure.trap(DNSLookupError)))
    answer.callback([IPv4Address("TCP", host, 80) for host in hosts])
    assert outcome == (hosts[:1] or [DNSLookupError])
