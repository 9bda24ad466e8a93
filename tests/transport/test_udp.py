"""UDP ports over real sockets."""

import asyncio
import errno
import os
import socket
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait import Deferred, reactor
from plait.errors import CannotListenError, InvalidAddressError, MessageLengthError, NotListeningError
from plait.protocol import DatagramProtocol
from plait.transport import IPv4Address, IPv6Address
from plait.transport.datagram import READS
from plait.transport.udp import UDPPort, udp_address
from tests.transport.datagram_helpers import UDP, Noting, where


def ipv6_works():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not ipv6_works(), reason="no IPv6 here")
FAMILIES = ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)]


# -- opening and closing


def test_a_taken_port_is_an_error_there_and_then():
    port = reactor.listenUDP(0, Noting(), interface="127.0.0.1")
    number = port.getHost().port
    try:
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{number}: .*in use") as e:
            reactor.listenUDP(number, Noting(), interface="127.0.0.1")
        assert e.value.socketError.errno == errno.EADDRINUSE
    finally:
        port.stopListening()


@pytest.mark.parametrize(("interface", "number"), [("192.0.2.1", 0), ("", 70_000), ("", -1)])
def test_what_is_no_address_or_port_of_ours_is_an_error(interface, number):
    with pytest.raises(CannotListenError):
        reactor.listenUDP(number, Noting(), interface=interface)


@pytest.mark.parametrize("interface", ["example.com", "127.0.0", "::g", b"127.0.0.1"])
def test_an_interface_that_is_no_address_is_an_error(interface):
    with pytest.raises(InvalidAddressError, match="not an IPv4 or IPv6 address"):
        reactor.listenUDP(0, Noting(), interface=interface)


async def test_the_protocol_starts_at_once_and_stops_before_the_Deferred_fires():
    protocol = Noting()
    port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
    assert protocol.events == ["start"]
    assert protocol.transport is port
    number = port.getHost().port
    done = [port.stopListening(), port.stopListening()]
    assert protocol.events == ["start"]  # not from within the call, which may be in a hook
    reactor.listenUDP(number, Noting(), interface="127.0.0.1").stopListening()  # but the number is free
    for d in done:
        await d
        assert protocol.events == ["start", "stop"]
    assert protocol.transport is None
    await port.stopListening()  # a third time does nothing
    assert protocol.events == ["start", "stop"]
    with pytest.raises(NotListeningError):
        port.getHost()
    assert "not listening" in repr(port)
    assert port.fileno() == -1


async def test_a_port_can_be_opened_again():
    protocol = Noting()
    port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
    await port.stopListening()
    port.startListening()
    async with UDP() as other:
        other.transport.write(b"again", where(protocol))
        await protocol.wait_for(1)
    await port.stopListening()
    assert protocol.events == ["start", "stop"] * 2


async def test_a_protocol_may_stop_its_port_as_it_starts():
    class Hasty(Noting):
        def startProtocol(self):
            super().startProtocol()
            self.stopped = self.transport.stopListening()

    protocol = Hasty()
    reactor.listenUDP(0, protocol, interface="127.0.0.1")
    await protocol.stopped
    assert protocol.events == ["start", "stop"]


def test_a_protocol_that_cannot_start_leaves_no_port():
    class Broken(DatagramProtocol):
        def startProtocol(self):
            raise RuntimeError("broken")

    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    with pytest.raises(RuntimeError, match="broken"):
        reactor.listenUDP(0, Broken(), interface="127.0.0.1")
    assert sys.platform != "linux" or len(os.listdir("/proc/self/fd")) == before


async def test_after_the_stop_nothing_is_sent_or_received():
    async with UDP() as receiver, UDP() as sender:
        port = sender.transport
        stopped = port.stopListening()
        port.write(b"too late", where(receiver))
        await stopped
        port.write(b"too late", where(receiver))
        async with UDP() as other:
            other.transport.write(b"last", where(receiver))
            await receiver.wait_for(1)
        assert [data for data, _ in receiver.got] == [b"last"]


# -- sending and receiving


@pytest.mark.parametrize("interface", FAMILIES)
async def test_datagrams_come_whole_and_with_their_sender(interface):
    async with UDP(interface=interface) as a, UDP(interface=interface) as b:
        a.transport.write(b"one", where(b))
        a.transport.write(b"", where(b))
        a.transport.writeSequence([b"th", b"ree"], where(b))
        await b.wait_for(3)
        assert b.got == [(b"one", where(a)), (b"", where(a)), (b"three", where(a))]
        b.transport.write(b"answer", b.got[0][1])
        assert await a.wait_for(1) == [(b"answer", where(b))]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(datagrams=st.lists(st.binary(max_size=9000), min_size=1, max_size=40))
def test_any_datagrams_arrive_as_they_were_sent(datagrams):
    # On loopback none is lost that the receiver's buffer has room for, and 40 of 9 KB fit.
    receiver = UDPPort(0, Noting(), "127.0.0.1", 65535)
    receiver.startListening()
    receiver.stopReading()
    sender = UDPPort(0, Noting(), "127.0.0.1")
    sender.startListening()
    receiver.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sent = datagrams[:20]
    for datagram in sent:
        sender.write(datagram, where(receiver.protocol))
    while len(receiver.protocol.got) < len(sent):
        receiver.doRead()
    assert [data for data, _ in receiver.protocol.got] == sent
    sender.stopListening()
    receiver.stopListening()
    reactor.iterate()


async def test_of_a_datagram_that_is_too_long_to_receive_the_rest_is_lost():
    async with UDP(maxPacketSize=10) as b, UDP() as a:
        a.transport.write(b"0123456789abc", where(b))
        a.transport.write(b"next", where(b))
        await b.wait_for(2)
        assert [data for data, _ in b.got] == [b"0123456789", b"next"]


async def test_a_datagram_that_is_too_long_to_send_is_an_error():
    async with UDP() as a, UDP(maxPacketSize=65535) as b:
        with pytest.raises(MessageLengthError, match="65508 bytes"):
            a.transport.write(bytes(65508), where(b))
        a.transport.connect(*where(b))
        with pytest.raises(MessageLengthError):
            a.transport.write(bytes(65508))
        a.transport.write(bytes(65507))
        assert await b.wait_for(1) == [(bytes(65507), where(a))]


async def test_a_name_is_refused_and_so_is_the_other_family():
    async with UDP() as a:
        for name in ("localhost", "example.com", "", "1.2.3"):
            with pytest.raises(InvalidAddressError, match="look a name up first"):
                a.transport.write(b"", (name, 1))
            with pytest.raises(InvalidAddressError, match="look a name up first"):
                a.transport.connect(name, 1)
        with pytest.raises(InvalidAddressError, match="of IPv4 and cannot send to IPv6"):
            a.transport.write(b"", ("::1", 1))
        with pytest.raises(TypeError, match="needs the address"):
            a.transport.write(b"")


@needs_ipv6
async def test_a_port_of_ipv6_sends_to_ipv6_only():
    async with UDP(interface="::1") as a:
        with pytest.raises(InvalidAddressError, match="of IPv6 and cannot send to IPv4"):
            a.transport.write(b"", ("127.0.0.1", 1))


@needs_ipv6
def test_a_zone_goes_with_the_address():
    port = UDPPort(0, Noting(), "::1")
    name, number = socket.if_nameindex()[0][1], socket.if_nameindex()[0][0]
    assert port._sockaddr(f"fe80::1%{name}", 5) == ("fe80::1", 5, 0, number)
    assert port._sockaddr(f"fe80::1%{number}", 5) == ("fe80::1", 5, 0, number)
    port._deliver_ipv6(b"x", ("fe80::1", 5, 0, number))
    port._deliver_ipv6(b"x", ("::1", 5, 0, 0))
    assert port.protocol.got == [(b"x", (f"fe80::1%{number}", 5)), (b"x", ("::1", 5))]
    assert udp_address(("::1", 5, 1, 2)) == IPv6Address("UDP", "::1", 5, 1, 2)


async def test_the_address_of_a_port():
    async with UDP() as a:
        address = a.transport.getHost()
        assert address == IPv4Address("UDP", "127.0.0.1", a.transport.getHandle().getsockname()[1])
        assert repr(a.transport).endswith(f"Noting on {address.port}>")


async def test_a_connected_port_has_one_peer():
    async with UDP() as a, UDP() as b, UDP() as stranger:
        a.transport.connect(*where(b))
        with pytest.raises(RuntimeError, match="connected already"):
            a.transport.connect(*where(b))
        with pytest.raises(ValueError, match="cannot send to"):
            a.transport.write(b"x", where(stranger))
        stranger.transport.write(b"from a stranger", where(a))
        a.transport.write(b"1")
        a.transport.write(b"2", None)
        a.transport.write(b"3", where(b))
        await b.wait_for(3)
        b.transport.write(b"answer", where(a))
        assert await a.wait_for(1) == [(b"answer", where(b))]


async def test_a_connected_port_is_told_that_nobody_listens_and_others_are_not():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        nobody = s.getsockname()
    async with UDP() as a, UDP() as b:
        b.transport.write(b"x", nobody)
        a.transport.connect(*nobody)
        for _ in range(2):  # and it goes on
            refused = a.refused
            a.transport.write(b"x")
            await refused
        b.transport.write(b"to myself", where(b))
        assert await b.wait_for(1) == [(b"to myself", where(b))]
        assert not b.refused.called


async def test_broadcast_has_to_be_allowed():
    async with UDP(interface="") as a:
        assert a.transport.getBroadcastAllowed() is False
        with pytest.raises(PermissionError):
            a.transport.write(b"x", ("<broadcast>", 9))
        a.transport.setBroadcastAllowed(True)
        assert a.transport.getBroadcastAllowed() is True
        try:
            a.transport.write(b"x", ("<broadcast>", 9))
        except OSError as e:
            assert e.errno == errno.ENETUNREACH  # no network here


# -- hooks that go wrong, or take their time


async def test_an_error_in_a_hook_is_logged_and_the_port_goes_on(flushLoggedErrors):
    class Bad(Noting):
        def datagramReceived(self, datagram, addr):
            super().datagramReceived(datagram, addr)
            raise ZeroDivisionError(datagram)

    async with UDP(Bad()) as b, UDP() as a:
        a.transport.write(b"1", where(b))
        a.transport.write(b"2", where(b))
        await b.wait_for(2)
    assert len(flushLoggedErrors(ZeroDivisionError)) == 2


class Slow(Noting):
    """Notes when each hook begins and ends; `gates` has a Deferred for each that runs."""

    def __init__(self):
        super().__init__()
        self.gates = []

    async def datagramReceived(self, datagram, addr):
        gate = Deferred()
        self.gates.append(gate)
        self.note((datagram, addr))
        await gate
        if datagram == b"bad":
            raise ZeroDivisionError


async def test_nothing_is_read_until_an_async_hook_is_done(flushLoggedErrors):
    async with UDP(Slow()) as b, UDP() as a:
        for data in (b"1", b"bad", b"3"):
            a.transport.write(data, where(b))
        for count in (1, 2, 3):
            await b.wait_for(count)
            await asyncio.sleep(0)
            assert len(b.gates) == count  # the next is not begun
            b.gates[-1].callback(None)
        assert [data for data, _ in b.got] == [b"1", b"bad", b"3"]
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_a_port_may_be_stopped_while_an_async_hook_runs():
    async with UDP() as a:
        b = Slow()
        port = reactor.listenUDP(0, b, interface="127.0.0.1")
        a.transport.write(b"1", where(b))
        await b.wait_for(1)
        await port.stopListening()
        b.gates[0].callback(None)
        assert b.events == ["start", "stop"]


async def test_reading_can_be_paused():
    async with UDP() as b, UDP() as a:
        b.transport.stopReading()
        a.transport.write(b"1", where(b))
        a.transport.write(b"to myself", where(a))
        await a.wait_for(1)
        assert b.got == []
        b.transport.startReading()
        await b.wait_for(1)


async def test_a_hook_may_stop_the_reading_or_the_port():
    class Once(Noting):
        def datagramReceived(self, datagram, addr):
            super().datagramReceived(datagram, addr)
            self.transport.stopListening().addCallback(stopped.callback)

    stopped = Deferred()
    async with UDP() as a:
        b = Once()
        reactor.listenUDP(0, b, interface="127.0.0.1")
        b.transport.stopReading()
        for _ in range(3):
            a.transport.write(b"x", where(b))
        b.transport.startReading()
        await stopped
        assert len(b.got) == 1


# -- faults


async def test_a_flood_is_bounded_and_leaves_time_for_others():
    turns = []

    class Flooded(Noting):
        def datagramReceived(self, datagram, addr):
            turns[-1] += 1
            self.note(datagram)

    async with UDP(Flooded()) as b, UDP() as a:
        b.transport.stopReading()
        for _ in range(20_000):  # far more than the socket's buffer holds: the rest is dropped, by the kernel
            a.transport.write(b"x" * 100, where(b))
        ended = Deferred()

        def count():
            if turns and turns[-1] == 0 and len(b.got) > READS:
                ended.callback(None)
            else:
                turns.append(0)
                asyncio.get_running_loop().call_soon(count)

        count()
        b.transport.startReading()
        await ended
        assert READS < len(b.got) < 20_000
        assert max(turns) <= READS


async def test_a_socket_that_fails_is_closed_and_logged(flushLoggedErrors):
    async with UDP() as b:
        port = b.transport

        class Failing:
            def __init__(self, real):
                self.real = real

            def recvfrom(self, size):
                raise OSError(errno.EIO, "broken")

            def __getattr__(self, name):
                return getattr(self.real, name)

        port.socket = Failing(port.socket)
        port._readable()
        await port.stopListening()
        assert b.events == ["start", "stop"]
    assert len(flushLoggedErrors(OSError)) == 1


def test_what_the_system_has_no_room_for_is_dropped():
    port = UDPPort(0, Noting(), "127.0.0.1")

    class Full:
        def sendto(self, *_):
            raise OSError(errno.ENOBUFS, "no room")

    port.socket = Full()
    port._send(b"x", ("127.0.0.1", 1))


async def test_hundreds_of_ports_at_once():
    ports = [UDP() for _ in range(300)]
    protocols = [p.protocol for p in ports]
    for a, b in zip(protocols, protocols[1:] + protocols[:1], strict=True):
        a.transport.write(b"hello", where(b))
    for p in protocols:
        await p.wait_for(1)
    for port in ports:
        await port.port.stopListening()


async def test_without_descriptors_a_port_is_an_error_there_and_then():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull) as f:
        used = f.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
    try:
        with pytest.raises(CannotListenError) as e:
            reactor.listenUDP(0, Noting(), interface="127.0.0.1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert e.value.socketError.errno == errno.EMFILE


async def test_a_connected_port_hears_its_peer_after_a_refusal():
    """The kernel tells of the refusal as an error of the socket; uvloop then watches it no more."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        address = s.getsockname()
    async with UDP() as p:
        p.transport.connect(*address)
        for n in range(2):
            refused = p.refused
            p.transport.write(b"is anybody there?")
            await refused
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind(address)
                s.sendto(b"now there is", where(p))
                await p.wait_for(n + 1)
        assert [data for data, _ in p.got] == [b"now there is"] * 2
