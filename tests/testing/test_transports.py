"""The transport that is a buffer: it notes what is asked of it, and is as strict as a real one."""

from __future__ import annotations

import pytest

from plait.deferred import Deferred
from plait.errors import ConnectionDone, ConnectionLost
from plait.failure import Failure
from plait.interfaces import IPushProducer, ITCPTransport, implementer, provides, verifyObject
from plait.protocol import Factory, LineReceiver
from plait.testing import AccumulatingProtocol, StringTransport, StringTransportWithDisconnection
from plait.transport import IPv4Address


@implementer(IPushProducer)
class Producer:
    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def stopProducing(self) -> None: ...


@pytest.mark.parametrize("cls", [StringTransport, StringTransportWithDisconnection])
def test_it_is_a_transport(cls: type[StringTransport]) -> None:
    transport = cls()
    assert provides(ITCPTransport, transport)
    assert verifyObject(ITCPTransport, transport)
    typed: ITCPTransport = transport
    assert not typed.disconnecting


def test_what_is_written_can_be_read_and_cleared() -> None:
    transport = StringTransport()
    transport.write(b"one ")
    transport.writeSequence([b"two ", bytearray(b"three")])
    assert transport.value() == b"one two three"
    assert transport.io.getvalue() == transport.value() != b""
    transport.clear()
    assert transport.value() == b""
    transport.write(b"four")
    assert transport.value() == b"four"


@pytest.mark.parametrize("data", ["text", 3, None, [b"x"]])
def test_only_bytes_are_written(data: object) -> None:
    with pytest.raises(TypeError, match=r"a transport writes bytes, not (str|int|NoneType|list): encode it first"):
        StringTransport().write(data)  # type: ignore[arg-type]


def test_closing_is_noted() -> None:
    transport = StringTransport()
    assert (transport.disconnecting, transport.aborting) == (False, False)
    transport.loseConnection()
    assert (transport.disconnecting, transport.aborting) == (True, False)
    transport = StringTransport()
    transport.loseWriteConnection()
    assert transport.writeConnectionLost and not transport.disconnecting
    transport.abortConnection()
    assert (transport.disconnecting, transport.aborting) == (True, True)


def test_addresses() -> None:
    assert StringTransport().getHost() == IPv4Address("TCP", "10.0.0.1", 12345)
    assert StringTransport().getPeer() == IPv4Address("TCP", "192.168.1.1", 54321)
    host, peer = IPv4Address("TCP", "127.0.0.1", 1), IPv4Address("TCP", "127.0.0.1", 2)
    transport = StringTransport(hostAddress=host, peerAddress=peer)
    assert transport.getHost() is host and transport.getPeer() is peer


def test_a_producer_is_noted() -> None:
    transport = StringTransport()
    producer = Producer()
    transport.registerProducer(producer, True)
    assert transport.producer is producer and transport.streaming is True
    with pytest.raises(RuntimeError):
        transport.registerProducer(Producer(), True)
    transport.unregisterProducer()
    assert transport.producer is None and transport.streaming is None
    with pytest.raises(RuntimeError):
        transport.unregisterProducer()


def test_reading_can_be_paused_and_stopped() -> None:
    transport = StringTransport()
    assert transport.producerState == "producing"
    transport.pauseProducing()
    assert transport.producerState == "paused"
    transport.resumeProducing()
    assert transport.producerState == "producing"
    transport.stopProducing()
    assert transport.producerState == "stopped"
    with pytest.raises(RuntimeError, match="stopped"):
        transport.resumeProducing()
    transport = StringTransport()
    transport.loseConnection()
    with pytest.raises(RuntimeError, match="after loseConnection"):
        transport.pauseProducing()


def test_socket_options_are_noted() -> None:
    transport = StringTransport()
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    assert transport.getTcpNoDelay() and transport.getTcpKeepAlive()


def test_disconnection_reaches_the_protocol_once() -> None:
    protocol = AccumulatingProtocol()
    transport = StringTransportWithDisconnection()
    transport.protocol = protocol
    protocol.makeConnection(transport)
    transport.loseConnection()
    assert protocol.closed == 1
    assert protocol.closedReason is not None and protocol.closedReason.check(ConnectionDone)
    protocol.closed = 0
    transport.abortConnection()
    assert protocol.closed == 0


def test_a_line_protocol_is_tested_with_bytes() -> None:
    class Echo(LineReceiver):
        def lineReceived(self, line: bytes) -> None:
            self.sendLine(line[::-1])

    protocol = Echo()
    transport = StringTransport()
    protocol.makeConnection(transport)
    for byte in b"abc\r\nd\r\n":
        protocol.dataReceived(bytes([byte]))
    assert transport.value() == b"cba\r\nd\r\n"


def test_a_protocol_that_accumulates() -> None:
    factory = Factory.forProtocol(AccumulatingProtocol)
    made: list[object] = []
    waiting: Deferred[AccumulatingProtocol] = Deferred()
    waiting.addCallback(made.append)
    factory.protocolConnectionMade = waiting  # type: ignore[attr-defined]
    protocol = factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
    assert (protocol.made, protocol.closed, protocol.data) == (0, 0, b"")
    protocol.makeConnection(StringTransport())
    protocol.dataReceived(b"a")
    protocol.dataReceived(b"b")
    closed: list[object] = []
    protocol.closedDeferred = Deferred()
    protocol.closedDeferred.addCallback(closed.append)
    reason = Failure(ConnectionLost())
    protocol.connectionLost(reason)
    assert made == [protocol] and closed == [None]
    assert (protocol.made, protocol.closed, protocol.data, protocol.closedReason) == (1, 1, b"ab", reason)
    assert protocol.closedDeferred is None
