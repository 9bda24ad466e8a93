"""Policies: timeouts, throttles, limits and logs, each on a clock or on fake transports, and one over a real socket."""

import asyncio

import pytest

from plait import Factory, LineReceiver, Protocol, reactor
from plait.errors import ConnectionDone
from plait.interfaces import ITCPTransport, provides
from plait.log import globalLogPublisher
from plait.protocol.policies import (
    LimitConnectionsByPeer,
    LimitTotalConnectionsFactory,
    ProtocolWrapper,
    SpewingFactory,
    ThrottlingFactory,
    TimeoutFactory,
    TimeoutMixin,
    TrafficLoggingFactory,
    WrappingFactory,
)
from plait.task import Clock
from plait.testing import StringTransportWithDisconnection
from plait.transport import IPv4Address, UNIXAddress
from tests.transport.helpers import Client

HERE = IPv4Address("TCP", "192.0.2.1", 1)


class Noting(Protocol):
    def __init__(self):
        self.events = []

    def connectionMade(self):
        self.events.append("made")

    def dataReceived(self, data):
        self.events.append(data)

    def connectionLost(self, reason):
        self.events.append(reason.type)


class EchoLines(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(line)


def connected(factory, addr=HERE):
    wrapper = factory.buildProtocol(addr)
    if wrapper is None:
        return None, None
    inner = wrapper.wrappedProtocol
    transport = StringTransportWithDisconnection()
    transport.protocol = wrapper
    wrapper.makeConnection(transport)
    return inner, transport


def on(clock, factory):
    factory.callLater = clock.callLater
    return factory


def test_a_wrapper_hands_on_all_and_provides_what_its_transport_does():
    factory = WrappingFactory(Factory.forProtocol(Noting))
    inner, transport = connected(factory)
    wrapper = inner.transport
    assert isinstance(wrapper, ProtocolWrapper) and provides(ITCPTransport, wrapper)
    transport.protocol.dataReceived(b"in")
    wrapper.write(b"o")
    wrapper.writeSequence([b"u", b"t"])
    wrapper.setTcpNoDelay(True)  # what it lacks it has from the transport
    assert transport.value() == b"out" and transport.noDelay
    assert list(factory.protocols) == [wrapper]
    wrapper.loseConnection()
    assert wrapper.disconnecting and inner.events == ["made", b"in", ConnectionDone]
    assert factory.protocols == {} and wrapper.wrappedProtocol is None


async def test_policies_around_policies_over_a_socket():
    class Counting(ThrottlingFactory):
        noisy = False

    counting = Counting(TimeoutFactory(Factory.forProtocol(EchoLines), 60))
    counting.wrappedFactory.noisy = counting.wrappedFactory.wrappedFactory.noisy = False
    port = reactor.listenTCP(0, counting, interface="127.0.0.1")
    number = port.getHost().port
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.write(b"one\r\ntwo\r\n")
    assert await reader.readexactly(10) == b"one\r\ntwo\r\n"
    assert (counting.readThisSecond, counting.writtenThisSecond, counting.connectionCount) == (10, 10, 1)
    writer.close()
    await writer.wait_closed()
    await port.stopListening()
    client = Client(Protocol)
    reactor.connectTCP("127.0.0.1", number, WrappingFactory(client))
    await client.failed


@pytest.mark.parametrize("what", ["read", "write", "writeSequence"])
def test_a_silent_connection_is_closed_and_a_busy_one_is_not(what):
    clock = Clock()
    inner, transport = connected(on(clock, TimeoutFactory(Factory.forProtocol(Noting), 3)))
    for _ in range(4):
        clock.advance(2)
        if what == "read":
            transport.protocol.dataReceived(b"x")
        elif what == "write":
            inner.transport.write(b"x")
        else:
            inner.transport.writeSequence([b"x"])
    assert transport.connected
    clock.advance(2.9)
    assert transport.connected
    clock.advance(0.2)
    assert inner.events[-1] is ConnectionDone and clock.getDelayedCalls() == []


def test_TimeoutMixin():
    clock = Clock()

    class Timed(TimeoutMixin, Protocol):
        callLater = staticmethod(clock.callLater)

    p = Timed()
    transport = p.transport = StringTransportWithDisconnection()
    transport.protocol = Noting()
    p.resetTimeout()  # nothing, as none is set
    assert p.setTimeout(3) is None and p.setTimeout(5) == 3
    clock.advance(4)
    p.resetTimeout()
    clock.advance(4)
    assert transport.connected
    assert p.setTimeout(None) == 5 and clock.getDelayedCalls() == []
    p.setTimeout(1)
    clock.advance(1)
    assert not transport.connected
    p.setTimeout(None)


def test_reading_pauses_for_as_long_as_the_bytes_should_have_taken():
    clock = Clock()
    _, transport = connected(on(clock, ThrottlingFactory(Factory.forProtocol(Noting), readLimit=10)))
    transport.protocol.dataReceived(b"x" * 30)
    clock.advance(1)
    assert transport.producerState == "paused"
    clock.advance(1.9)
    assert transport.producerState == "paused"
    clock.advance(0.2)
    assert transport.producerState == "producing"
    transport.loseConnection()
    assert clock.getDelayedCalls() == []


def test_the_throttle_does_not_undo_a_pause_of_the_protocols():
    clock = Clock()
    inner, transport = connected(on(clock, ThrottlingFactory(Factory.forProtocol(Noting), readLimit=10)))
    transport.protocol.dataReceived(b"x" * 20)
    clock.advance(1)
    inner.transport.resumeProducing()  # the throttle's is not undone by the protocol either
    assert transport.producerState == "paused"
    inner.transport.pauseProducing()
    clock.advance(1.1)
    assert transport.producerState == "paused"
    inner.transport.resumeProducing()
    assert transport.producerState == "producing"


def test_writing_is_held_up_by_the_producer():
    class Producer:
        state = "producing"

        def pauseProducing(self):
            self.state = "paused"

        def resumeProducing(self):
            self.state = "producing"

    clock, producer = Clock(), Producer()
    inner, _ = connected(on(clock, ThrottlingFactory(Factory.forProtocol(Noting), writeLimit=10)))
    inner.transport.registerProducer(producer, True)
    inner.transport.write(b"x" * 20)
    clock.advance(1)
    assert producer.state == "paused"
    clock.advance(1)
    assert producer.state == "producing"


def test_as_many_connections_as_may_be():
    factory = on(Clock(), ThrottlingFactory(Factory.forProtocol(Noting), 2))
    first = connected(factory)[1]
    assert connected(factory)[1] and connected(factory)[1] is None
    first.loseConnection()
    assert connected(factory)[1] and factory.connectionCount == 2


def test_a_connection_that_the_wrapped_factory_refuses_is_not_counted():
    class Refusing(Factory):
        def buildProtocol(self, addr):
            return None

    for policy in (ThrottlingFactory(Refusing()), LimitConnectionsByPeer(Refusing())):
        assert connected(policy) == (None, None)
    assert ThrottlingFactory(Refusing()).connectionCount == 0


def test_those_beyond_the_limit_are_told_so():
    class Sorry(Noting):
        def connectionMade(self):
            self.transport.write(b"sorry")
            self.transport.loseConnection()

    factory = LimitTotalConnectionsFactory()
    factory.protocol, factory.connectionLimit = Noting, 1
    _, first = connected(factory)
    assert connected(factory) == (None, None)
    factory.overflowProtocol = Sorry
    assert connected(factory)[1].value() == b"sorry" and factory.connectionCount == 1
    first.loseConnection()
    assert factory.connectionCount == 0


def test_so_many_connections_from_one_host():
    factory = LimitConnectionsByPeer(Factory.forProtocol(Noting))
    factory.maxConnectionsPerPeer = 2
    transports = [connected(factory, IPv4Address("TCP", "192.0.2.1", n))[1] for n in range(3)]
    assert transports[2] is None
    assert connected(factory, IPv4Address("TCP", "192.0.2.2", 1))[1]
    assert connected(factory, ("192.0.2.1", 1))[1] is None
    assert connected(factory, UNIXAddress(None))[1]
    transports[0].loseConnection()
    transports[1].loseConnection()
    assert "192.0.2.1" not in factory.peerConnections and connected(factory)[1]


def test_the_traffic_is_written_to_a_file_for_each_connection(tmp_path):
    factory = TrafficLoggingFactory(Factory.forProtocol(EchoLines), str(tmp_path / "log"), lengthLimit=5)
    for _ in range(2):
        _, transport = connected(factory)
        transport.protocol.dataReceived(b"long line\r\n")
        transport.protocol.writeSequence([b"a", b"b"])
        transport.protocol.loseConnection()
    first, second = ((tmp_path / f"log-{n}").read_text().splitlines() for n in (1, 2))
    assert first[:5] == [
        "C 1: *",
        "C 1: b'long <... elided>'",
        "S 1: b'long <... elided>'",
        "SV 1: [b'a', b'b']",
        "S 1: *",
    ]
    assert "ConnectionDone" in first[5] and second[0] == "C 2: *"


def test_the_traffic_is_said_in_the_log():
    events = []
    globalLogPublisher.addObserver(events.append)
    try:
        _, transport = connected(SpewingFactory(Factory.forProtocol(EchoLines)))
        transport.protocol.dataReceived(b"hi\r\n")
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert [event["data"] for event in events if "data" in event] == [b"hi\r\n", b"hi\r\n"]
