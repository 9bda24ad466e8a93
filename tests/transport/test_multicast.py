"""Groups, over IPv4 and IPv6."""

import socket

import pytest

from plait import reactor
from plait.errors import MulticastJoinError
from tests.transport.datagram_helpers import UDP, Noting, where


def group_works(family, group):
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            packed = socket.inet_pton(family, group)
            if family == socket.AF_INET:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed + bytes(4))
            else:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed + bytes(4))
    except OSError:
        return False
    return True


class Family:
    def __init__(self, group, any_interface, loopback, other):
        self.group, self.any, self.loopback, self.other = group, any_interface, loopback, other


LO = next((number for number, name in socket.if_nameindex() if name.startswith("lo")), 1)
IPV4 = Family("239.255.7.11", "0.0.0.0", "127.0.0.1", "::1")
IPV6 = Family("ff03::7:11", "::", LO, "127.0.0.1")


@pytest.fixture(
    params=[
        pytest.param(
            IPV4, id="ipv4", marks=pytest.mark.skipif(not group_works(socket.AF_INET, IPV4.group), reason="no groups")
        ),
        pytest.param(
            IPV6, id="ipv6", marks=pytest.mark.skipif(not group_works(socket.AF_INET6, IPV6.group), reason="no groups")
        ),
    ]
)
def family(request):
    return request.param


def member(family, **options):
    return UDP(interface=family.any, listen="listenMulticast", **options)


async def test_members_hear_what_is_sent_to_the_group_until_they_leave(family):
    async with member(family) as a, member(family) as b:
        to = (family.group, where(b)[1])
        await b.transport.joinGroup(family.group)
        a.transport.write(b"hello", to)
        await b.wait_for(1)
        await b.transport.leaveGroup(family.group)
        a.transport.write(b"to nobody", to)
        b.transport.write(b"to myself", ("127.0.0.1" if family is IPV4 else "::1", where(b)[1]))
        await b.wait_for(2)
        assert [data for data, _ in b.got] == [b"hello", b"to myself"]


async def test_several_ports_share_one_number(family):
    async with member(family, listenMultiple=True) as a:
        number = where(a)[1]
        async with member(family, port=number, listenMultiple=True) as b:
            for p in (a, b):
                await p.transport.joinGroup(family.group)
            a.transport.write(b"to all", (family.group, number))
            for p in (a, b):
                await p.wait_for(1)


async def test_options(family):
    async with member(family) as a:
        t = a.transport
        assert t.getTTL() == 1
        t.setTTL(3)
        assert t.getTTL() == 3
        for bad in (-1, 256):
            with pytest.raises(ValueError, match="from 0 to 255"):
                t.setTTL(bad)
        assert t.getLoopbackMode() is True
        t.setLoopbackMode(False)
        assert t.getLoopbackMode() is False
        assert t.getOutgoingInterface() == ("0.0.0.0" if family is IPV4 else 0)
        await t.setOutgoingInterface(family.loopback)
        assert t.getOutgoingInterface() == family.loopback


async def test_an_interface_may_have_a_name():
    async with member(IPV4) as a:
        await a.transport.setOutgoingInterface("localhost")
        assert a.transport.getOutgoingInterface() == "127.0.0.1"


async def test_what_cannot_be_joined_fails_the_Deferred(family):
    async with member(family) as a:
        t = a.transport
        for group, interface in [
            ("127.0.0.1", ""),
            ("::1", ""),
            ("no group", ""),
            (family.group, family.other),
            (family.group, "no interface"),
        ]:
            with pytest.raises(MulticastJoinError):
                await t.joinGroup(group, interface)
        with pytest.raises(MulticastJoinError):
            await t.leaveGroup(family.group)
        with pytest.raises(OSError):
            await t.setOutgoingInterface("192.0.2.1" if family is IPV4 else "no interface")


def test_without_listenMultiple_a_number_is_taken():
    port = reactor.listenMulticast(0, Noting())
    try:
        with pytest.raises(Exception, match="in use"):
            reactor.listenMulticast(port.getHost().port, Noting(), listenMultiple=True)
    finally:
        port.stopListening()
