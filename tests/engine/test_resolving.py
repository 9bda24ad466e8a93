"""Resolvers that a program installs are asked for all names."""

import pytest

from plait import reactor
from plait.deferred import fail, succeed
from plait.endpoints import HostnameEndpoint
from plait.engine import Reactor
from plait.errors import DNSLookupError
from plait.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IResolverSimple,
    implementer,
    verifyObject,
)
from plait.protocol import Factory
from plait.transport import IPv4Address
from plait.transport.names import Resolution
from tests.transport.helpers import Client, Noting, Server


@implementer(IResolverSimple)
class Simple:
    """Knows names of the older kind."""

    def __init__(self, **hosts):
        self.hosts = hosts
        self.asked = []

    def getHostByName(self, name, timeout=()):
        self.asked.append(name)
        host = self.hosts.get(name.partition(".")[0])
        return succeed(host) if host else fail(DNSLookupError(f"unknown: {name}"))


@implementer(IHostnameResolver)
class Newer(Simple):
    def resolveHostName(self, resolutionReceiver, hostName, portNumber=0, addressTypes=None, transportSemantics="TCP"):
        def read(host):
            return [IPv4Address(transportSemantics, each, portNumber) for each in host.split()]

        return Resolution(resolutionReceiver, hostName, self.getHostByName(hostName).addCallback(read))


KINDS = [(Simple, "installResolver", "resolver"), (Newer, "installNameResolver", "nameResolver")]


@pytest.fixture(params=KINDS, ids=["older", "newer"])
def installed(request):
    """A resolver that knows one host, installed for one test."""
    kind, install, attribute = request.param
    resolver = kind(here="127.0.0.1")
    before = getattr(reactor, install)(resolver)
    assert getattr(reactor, attribute) is resolver
    yield resolver
    assert getattr(reactor, install)(before) is resolver
    assert getattr(reactor, attribute) is before


def test_promises():
    own = Reactor()
    assert verifyObject(IReactorPluggableNameResolver, own)
    assert verifyObject(IReactorPluggableResolver, own)
    assert verifyObject(IHostnameResolver, own.nameResolver)
    assert verifyObject(IResolverSimple, own.resolver)
    assert own.nameResolver is own.nameResolver and own.resolver is own.resolver


async def test_resolve(installed):
    assert await reactor.resolve("here.example") == "127.0.0.1"
    with pytest.raises(DNSLookupError):
        await reactor.resolve("nowhere.example")
    assert installed.asked == ["here.example", "nowhere.example"]


async def test_connectTCP(installed):
    async with Server() as server:
        client = Client()
        reactor.connectTCP("here.example", server.address.port, client)
        p = await client.connected
        assert p.transport.getPeer() == server.address
        p.transport.loseConnection()
        await (await server.accepted()).lost
    assert installed.asked == ["here.example"]


async def test_connectTCP_to_a_name_that_nobody_knows(installed):
    client = Client()
    reactor.connectTCP("nowhere.example", 80, client)
    assert isinstance(await client.failed, DNSLookupError)


async def test_an_address_needs_no_resolver(installed):
    async with Server() as server:
        client = Client()
        reactor.connectTCP("127.0.0.1", server.address.port, client)
        (await client.connected).transport.loseConnection()
        await (await server.accepted()).lost
    assert installed.asked == []


async def test_endpoints(installed):
    async with Server() as server:
        p = await HostnameEndpoint(reactor, "here.example", server.address.port).connect(Factory.forProtocol(Noting))
        p.transport.loseConnection()
        await (await server.accepted()).lost
    assert installed.asked == ["here.example"]


async def test_connectTCP_tries_all_addresses():
    # nobody listens at the first one
    before = reactor.installNameResolver(Newer(here="127.0.0.2 127.0.0.1"))
    try:
        async with Server() as server:
            client = Client()
            reactor.connectTCP("here.example", server.address.port, client)
            (await client.connected).transport.loseConnection()
            await (await server.accepted()).lost
    finally:
        reactor.installNameResolver(before)


def test_each_kind_is_there_as_the_other():
    own = Reactor()
    own.installResolver(Simple(here="192.0.2.1"))
    assert own.resolver.getHostByName("here").result == "192.0.2.1"
    own.installNameResolver(Newer(here="192.0.2.2"))
    assert own.resolver.getHostByName("here").result == "192.0.2.2"
    assert own.resolve("here").result == "192.0.2.2"
    own.loop.close()


def test_a_resolver_stays_when_the_reactor_gets_another_loop():
    own = Reactor()
    resolver = Newer(here="192.0.2.2")
    own.installNameResolver(resolver)
    own.loop.close()
    assert own._net.name_resolver is resolver
    own.loop.close()


@pytest.mark.parametrize("install", ["installResolver", "installNameResolver"])
def test_what_is_no_resolver(install):
    with pytest.raises(TypeError, match=f"{install} needs a resolver that provides I.*, not 'dns'"):
        getattr(reactor, install)("dns")
