"""A host by its name: which address is tried when, who wins, and what the failure says."""

import pytest

import plait
from plait import Factory, Protocol
from plait.endpoints import HostnameEndpoint, TCP4ServerEndpoint, TCP6ClientEndpoint
from plait.endpoints.hostname import in_turn
from plait.endpoints.names import literal
from plait.errors import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
)
from plait.failure import Failure
from plait.testing import MemoryReactorClock, StringTransport
from plait.transport import HostnameAddress, IPv4Address, IPv6Address


class Resolution:
    cancelled = False

    def cancel(self):
        self.cancelled = True


class Resolver:
    """Knows the addresses; None: it does not answer."""

    def __init__(self, *hosts):
        self.hosts = hosts
        self.asked = []
        self.resolution = Resolution()

    def resolveHostName(self, receiver, name, port=0, addressTypes=None, transportSemantics="TCP"):
        self.asked.append(name)
        receiver.resolutionBegan(self.resolution)
        if self.hosts != (None,):
            for host in self.hosts:
                receiver.addressResolved(literal(host, port) or object())
            receiver.resolutionComplete()
        return self.resolution


def reactor_with(*hosts):
    reactor = MemoryReactorClock()
    assert reactor.installNameResolver(Resolver(*hosts)) is None
    return reactor


def tried(reactor):
    return [client[0] for client in reactor.tcpClients]


def fail(reactor, index, error):
    reactor.tcpClients[index][2].clientConnectionFailed(reactor.connectors[index], Failure(error))


def result_of(d):
    results = []
    d.addBoth(results.append)
    return results


def test_second_address_after_the_delay_and_the_first_answer_wins():
    reactor = reactor_with("2001:db8::1", "192.0.2.1")
    factory = Factory.forProtocol(Protocol)
    results = result_of(HostnameEndpoint(reactor, "example.com", 80, attemptDelay=2).connect(factory))
    assert tried(reactor) == ["2001:db8::1"]
    reactor.advance(1.5)
    assert tried(reactor) == ["2001:db8::1"]
    reactor.advance(0.5)
    assert tried(reactor) == ["2001:db8::1", "192.0.2.1"]
    protocol = reactor.tcpClients[1][2].buildProtocol(None)
    protocol.makeConnection(StringTransport())
    assert results[0].factory is factory
    assert reactor.connectors[0].stoppedConnecting
    assert reactor.getDelayedCalls() == []


def test_next_address_at_once_when_one_has_failed():
    reactor = reactor_with("192.0.2.1", "192.0.2.2", "192.0.2.3")
    results = result_of(HostnameEndpoint(reactor, "example.com", 80).connect(Factory.forProtocol(Protocol)))
    fail(reactor, 0, NoRouteError())
    assert tried(reactor) == ["192.0.2.1", "192.0.2.2"]
    fail(reactor, 1, ConnectionRefusedError())
    fail(reactor, 2, NoRouteError())
    # somebody has refused: that says more than that there is no way
    assert isinstance(results[0].value, ConnectionRefusedError)
    assert reactor.getDelayedCalls() == []


def test_error_of_the_factory_is_not_tried_at_another_address():
    class Failing(Factory):
        def buildProtocol(self, addr):
            raise ZeroDivisionError

    reactor = reactor_with("192.0.2.1", "192.0.2.2")
    results = result_of(HostnameEndpoint(reactor, "example.com", 80).connect(Failing()))
    assert reactor.tcpClients[0][2].buildProtocol(None) is None
    assert isinstance(results[0].value, ZeroDivisionError)
    assert tried(reactor) == ["192.0.2.1"]
    assert reactor.getDelayedCalls() == []


def test_cancelled_during_the_attempts_and_during_the_look_up():
    reactor = reactor_with("192.0.2.1", "192.0.2.2")
    d = HostnameEndpoint(reactor, "example.com", 80).connect(Factory.forProtocol(Protocol))
    results = result_of(d)
    d.cancel()
    assert isinstance(results[0].value, ConnectingCancelledError)
    assert results[0].value.address == HostnameAddress(b"example.com", 80)
    assert reactor.connectors[0].stoppedConnecting
    assert reactor.getDelayedCalls() == []

    reactor = reactor_with(None)
    d = HostnameEndpoint(reactor, "example.com", 80).connect(Factory.forProtocol(Protocol))
    results = result_of(d)
    d.cancel()
    assert isinstance(results[0].value, ConnectingCancelledError)
    assert reactor.nameResolver.resolution.cancelled
    assert tried(reactor) == []


def test_no_address():
    reactor = reactor_with()
    results = result_of(HostnameEndpoint(reactor, "example.com", 80).connect(Factory.forProtocol(Protocol)))
    assert isinstance(results[0].value, DNSLookupError)
    assert "example.com" in str(results[0].value)


def test_literal_address_asks_nobody():
    reactor = reactor_with()
    HostnameEndpoint(reactor, "2001:db8::1", 80).connect(Factory.forProtocol(Protocol))
    assert tried(reactor) == ["2001:db8::1"]
    assert reactor.nameResolver.asked == []


def test_international_name_goes_out_encoded():
    reactor = reactor_with("192.0.2.1")
    endpoint = HostnameEndpoint(reactor, "bücher.example", 80)
    assert repr(endpoint) == "<HostnameEndpoint xn--bcher-kva.example:80>"
    endpoint.connect(Factory.forProtocol(Protocol))
    assert reactor.nameResolver.asked == ["xn--bcher-kva.example"]


@pytest.mark.parametrize("name", [b"\xff", "⿰.example", "a" * 64 + "ü.example"])
def test_what_cannot_be_a_name_fails_when_connecting(name):
    results = result_of(HostnameEndpoint(reactor_with(), name, 80).connect(Factory.forProtocol(Protocol)))
    assert isinstance(results[0].value, ValueError)


def test_families_in_turn():
    six = [IPv6Address("TCP", f"2001:db8::{n}", 1) for n in (1, 2, 3)]
    four = [IPv4Address("TCP", f"192.0.2.{n}", 1) for n in (1,)]
    assert in_turn(six + four) == [six[0], four[0], six[1], six[2]]
    assert in_turn([]) == []


def test_tcp6_endpoint_asks_for_ipv6_only():
    reactor = reactor_with("192.0.2.1", "2001:db8::1")
    TCP6ClientEndpoint(reactor, "example.com", 80).connect(Factory.forProtocol(Protocol))
    assert tried(reactor) == ["2001:db8::1"]


def test_localhost_whatever_it_means(run):
    """A server on IPv4 only is reached, though localhost may mean ::1 too."""

    async def main():
        r = plait.reactor
        port = await TCP4ServerEndpoint(r, 0, interface="127.0.0.1").listen(Factory.forProtocol(Protocol))
        endpoint = HostnameEndpoint(r, "localhost", port.getHost().port)
        protocol = await endpoint.connect(Factory.forProtocol(Protocol))
        assert protocol.transport.getPeer().host == "127.0.0.1"
        protocol.transport.abortConnection()
        await port.stopListening()
        with pytest.raises(ConnectError):
            await endpoint.connect(Factory.forProtocol(Protocol))
        with pytest.raises((DNSLookupError, ValueError)):
            await HostnameEndpoint(r, "nobody.invalid", 80).connect(Factory.forProtocol(Protocol))

    run(main)
