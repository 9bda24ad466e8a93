"""Where a socket is bound, and sockets that share the place."""

import socket

import pytest

from plait import Protocol, ServerFactory, reactor
from plait.errors import CannotListenError, ConnectBindError
from plait.transport import Binding, makeBinding
from tests.transport.helpers import Client, Noting, Server

SHARED = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="no SO_REUSEPORT on this system")


class Quiet(ServerFactory):
    noisy = False
    protocol = Protocol


def options(sock):
    return tuple(
        bool(sock.getsockopt(socket.SOL_SOCKET, option)) for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT)
    )


@SHARED
def test_two_ports_share_a_number_if_both_say_so():
    first = reactor.listenTCP(makeBinding("127.0.0.1", 0, reusePort=True), Quiet())
    number = first.getHost().port
    second = reactor.listenTCP(makeBinding("127.0.0.1", number, reusePort=True), Quiet(), interface="127.0.0.1")
    try:
        assert options(first.socket) == options(second.socket) == (False, True)
        with pytest.raises(CannotListenError):
            reactor.listenTCP(number, Quiet(), interface="127.0.0.1")
    finally:
        first.stopListening()
        second.stopListening()
    assert first.socket is None


@SHARED
@pytest.mark.parametrize("address, port", [(True, True), (True, False), (False, False)])
def test_a_binding_says_it_all(address, port):
    listening = reactor.listenTCP(Binding("127.0.0.1", 0, address, port), Quiet())
    assert options(listening.socket) == (address, port)
    listening.stopListening()


@SHARED
def test_without_one_a_port_can_be_taken_again_and_not_shared():
    listening = reactor.listenTCP(0, Quiet(), interface="127.0.0.1")
    assert options(listening.socket) == (True, False)
    listening.stopListening()


def test_a_binding_and_an_interface_must_agree():
    with pytest.raises(ValueError, match=r"'127\.0\.0\.1' and `interface` says '127\.0\.0\.2'"):
        reactor.listenTCP(makeBinding("127.0.0.1", 0), Quiet(), interface="127.0.0.2")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@SHARED
@pytest.mark.parametrize("given", [tuple, Binding, lambda pair: Binding(*pair, reusePort=True)])
async def test_connecting_from_a_place(given):
    place = "127.0.0.1", free_port()
    binding = given(place) if given is tuple else given(*place) if given is Binding else given(place)
    async with Server() as server:
        client = Client()
        reactor.connectTCP("127.0.0.1", server.address.port, client, bindAddress=binding)
        p = await client.connected
        assert (p.transport.getHost().host, p.transport.getHost().port) == place
        assert options(p.transport.socket)[1] is getattr(binding, "reusePort", False)
        p.transport.loseConnection()
        await (await server.accepted()).lost


@SHARED
async def test_a_place_that_is_taken():
    async with Server() as server:
        client = Client()
        taken = Binding("127.0.0.1", server.address.port, reusePort=True)
        reactor.connectTCP("127.0.0.1", server.address.port, client, bindAddress=taken)
        assert isinstance(await client.failed, ConnectBindError)


def link_local():
    """An IPv6 address of ours that is valid on one link only (RFC 4291 section 2.5.6), with its zone; None if there is none."""
    try:
        with open("/proc/net/if_inet6") as file:
            rows = [line.split() for line in file]
    except OSError:
        return None
    for digits, _, _, _, _, name in rows:
        if digits.startswith("fe80"):
            return f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))}%{name}"
    return None


@pytest.mark.parametrize("bound", [False, True], ids=["to", "from"])
async def test_connecting_with_an_address_that_is_valid_on_one_link_only(bound):
    address = link_local()
    if address is None:
        pytest.skip("no link-local IPv6 address is known here")
    async with Server(interface=address) as server:
        assert server.address.host == address
        client = Client()
        reactor.connectTCP(address, server.address.port, client, bindAddress=(address, 0) if bound else None)
        p = await client.connected
        assert p.transport.getHost().host == p.transport.getPeer().host == address
        p.transport.loseConnection()
        await (await server.accepted()).lost


@SHARED
async def test_a_connection_that_is_closed_as_soon_as_it_is_there_closes_its_descriptor_once():
    numbers = []

    class Closing(Noting):
        def connectionMade(self):
            numbers.append(self.transport.fileno())
            self.transport.abortConnection()

    async with Server() as server:
        client = Client(Closing)
        binding = Binding("127.0.0.1", 0, reusePort=True)
        reactor.connectTCP("127.0.0.1", server.address.port, client, bindAddress=binding)
        p = await client.connected
        await p.lost
        await (await server.accepted()).lost
        # whoever gets the number next keeps it
        kept = []
        while not kept or kept[-1].fileno() < numbers[0]:
            kept.append(socket.socket())
        import gc

        del p, client
        gc.collect()
        assert all(sock.getsockname() for sock in kept)
        for sock in kept:
            sock.close()
