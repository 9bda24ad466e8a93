"""Two protocols joined without a network."""

from __future__ import annotations

from typing import Any

import pytest

from plait.deferred import CancelledError
from plait.errors import ConnectionDone, ConnectionLost, ConnectionRefusedError
from plait.failure import Failure
from plait.interfaces import IStreamClientEndpoint, ITCPTransport, verifyObject
from plait.protocol import ClientFactory, Factory, Protocol
from plait.task import Clock
from plait.testing import (
    AccumulatingProtocol,
    FakeTransport,
    LineSendingProtocol,
    MemoryReactor,
    NonStreamingProducer,
    connectedServerAndClient,
)
from plait.testing.pumps import ConnectionCompleter, MemoryEndpoint, connectableEndpoint
from plait.transport import IPv4Address


def joined(**options: Any) -> tuple[Any, Any, Any]:
    return connectedServerAndClient(AccumulatingProtocol, AccumulatingProtocol, **options)


def test_bytes_go_both_ways() -> None:
    client, server, pump = joined()
    assert client.made and server.made
    assert not pump.flush()
    client.transport.write(b"to ")
    client.transport.writeSequence([b"ser", b"ver"])
    server.transport.write(b"to client")
    assert (client.data, server.data) == (b"", b"")
    assert pump.pump()
    assert (client.data, server.data) == (b"to client", b"to server")
    assert not pump.pump()


def test_the_ends_are_transports() -> None:
    client, server, _ = joined()
    assert verifyObject(ITCPTransport, client.transport)
    assert client.transport.getPeer() == server.transport.getHost()
    assert client.transport.getHost() == server.transport.getPeer()


def test_a_greeting_is_carried_at_once_unless_it_is_not_to_be() -> None:
    def server() -> LineSendingProtocol:
        return LineSendingProtocol([b"hello"])

    assert connectedServerAndClient(server, AccumulatingProtocol)[0].data == b"hello\r\n"
    client, _, pump = connectedServerAndClient(server, AccumulatingProtocol, greet=False)
    assert client.data == b""
    assert pump.flush()
    assert client.data == b"hello\r\n"


def test_two_that_talk() -> None:
    first, second = LineSendingProtocol([b"a", b"b"]), LineSendingProtocol([b"c"], start=False)
    connectedServerAndClient(lambda: first, lambda: second)
    assert (first.response, second.response) == ([b"c"], [b"a", b"b"])


def test_a_close_comes_after_what_was_written() -> None:
    client, server, pump = joined()
    client.transport.write(b"last")
    client.transport.loseConnection()
    client.transport.write(b"too late")
    assert not client.closed
    pump.flush()
    assert server.data == b"last"
    for end in (client, server):
        assert end.closed and end.closedReason.check(ConnectionDone)
        assert end.transport.disconnected
    assert not pump.flush()


def test_an_abort_is_a_loss_at_both_ends() -> None:
    client, server, pump = joined()
    server.transport.abortConnection()
    pump.flush()
    assert client.closedReason.check(ConnectionLost) and server.closedReason.check(ConnectionLost)


def test_a_producer_is_asked_until_it_is_done() -> None:
    client, server, pump = joined()
    producer = NonStreamingProducer(client.transport)
    client.transport.registerProducer(producer, False)
    client.transport.loseConnection()
    pump.flush()
    assert server.data == b"0123456789"
    assert client.closed and producer.stopped


def test_a_clock_moves_with_the_pump() -> None:
    clock, called = Clock(), []
    _, _, pump = joined(clock=clock)
    clock.callLater(0, called.append, 1)
    pump.flush(advanceClock=False)
    assert called == []
    pump.pump()
    assert called == [1]


def test_debugging_prints_what_is_carried(capsys: pytest.CaptureFixture[str]) -> None:
    client, server, pump = joined(debug=True)
    client.transport.write(b"one")
    pump.flush()
    server.transport.write(b"two")
    pump.flush()
    assert capsys.readouterr().out == "C: b'one'\nS: b'two'\n"


def test_two_that_never_fall_silent_are_a_mistake() -> None:
    class Echo(AccumulatingProtocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    client, _, pump = connectedServerAndClient(Echo, Echo)
    client.transport.write(b"x")
    with pytest.raises(RuntimeError, match="1000"):
        pump.flush()


def test_an_end_says_which_it_is() -> None:
    client, server, _ = joined()
    assert not client.transport.isServer and server.transport.isServer
    assert isinstance(client.transport, FakeTransport)


class Trust:
    """Stands for a context factory that trusts some others."""

    def __init__(self, *others: object) -> None:
        self.others = others

    def iosimVerify(self, other: object) -> bool:
        return not self.others or other in self.others


def test_what_is_written_after_start_tls_waits_for_the_peer() -> None:
    client, server, pump = joined()
    ours, theirs = object(), Trust()
    client.transport.write(b"plain ")
    client.transport.startTLS(ours)
    client.transport.write(b"secret")
    client.transport.write(b"")
    with pytest.raises(TypeError):
        client.transport.write("text")
    pump.flush()
    assert server.data == b"plain " and server.transport.getPeerCertificate() is None
    server.transport.startTLS(theirs)
    server.transport.write(b"too")
    pump.flush()
    assert (server.data, client.data) == (b"plain secret", b"too")
    assert server.transport.getPeerCertificate() is ours and client.transport.getPeerCertificate() is theirs
    client.transport.write(b"!")
    client.transport.loseConnection()
    pump.flush()
    assert server.data == b"plain secret!" and server.closed


def test_a_peer_that_is_not_trusted_is_cut_off() -> None:
    client, server, pump = joined()
    client.transport.startTLS(Trust("somebody else"))
    server.transport.startTLS(Trust())
    client.transport.write(b"secret")
    pump.flush()
    assert server.data == b"" and client.closed and server.closed
    assert server.closedReason.check(ConnectionLost)


# -- connections of a reactor without a network


def test_each_end_has_a_number() -> None:
    ends = [FakeTransport(Protocol()) for _ in range(3)]
    assert len({end.serial for end in ends}) == 3
    ends[0].write(b"a")
    ends[0].writeSequence([b"b", b"c"])
    assert b"".join(ends[0].stream) == b"abc"


def test_a_connection_is_made_once() -> None:
    reactor = MemoryReactor()
    completer = ConnectionCompleter(reactor)
    assert completer.succeedOnce() is None
    server = Factory.forProtocol(AccumulatingProtocol)
    reactor.listenTCP(80, server, interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", 81, ClientFactory.forProtocol(AccumulatingProtocol))
    reactor.connectTCP("127.0.0.2", 80, ClientFactory.forProtocol(AccumulatingProtocol))
    assert completer.succeedOnce() is None
    client = ClientFactory.forProtocol(AccumulatingProtocol)
    reactor.connectTCP("127.0.0.1", 80, client)
    pump = completer.succeedOnce()
    assert pump is not None and pump.client.factory is client and pump.server.factory is server
    pump.client.transport.write(b"hello")
    pump.flush()
    assert pump.server.data == b"hello"
    assert pump.client.transport.getPeer() == pump.server.transport.getHost() == IPv4Address("TCP", "127.0.0.1", 80)
    assert len(reactor.tcpClients) == len(reactor.connectors) == 2
    assert completer.succeedOnce() is None


def test_a_factory_may_refuse() -> None:
    reactor = MemoryReactor()
    refusing = Factory.forProtocol(AccumulatingProtocol)
    refusing.buildProtocol = lambda addr: None  # type: ignore[assignment, method-assign, return-value]
    reactor.listenTCP(80, refusing)
    reactor.connectTCP("example.com", 80, ClientFactory.forProtocol(AccumulatingProtocol))
    assert ConnectionCompleter(reactor).succeedOnce() is None


def test_an_endpoint_is_connected() -> None:
    endpoint, completer = connectableEndpoint()
    assert verifyObject(IStreamClientEndpoint, endpoint)
    factory = Factory.forProtocol(AccumulatingProtocol)
    got: list[Any] = []
    endpoint.connect(factory).addCallback(got.append)
    assert got == []
    pump = completer.succeedOnce()
    assert pump is not None
    [protocol] = got
    assert isinstance(protocol, AccumulatingProtocol) and protocol.factory is factory and protocol.made
    pump.server.transport.write(b"hi")
    pump.server.transport.loseConnection()
    pump.flush()
    assert protocol.data == b"hi" and protocol.closed


def test_an_endpoint_fails() -> None:
    endpoint, completer = connectableEndpoint()
    got: list[Any] = []
    for reason in (None, Failure(KeyError())):
        endpoint.connect(Factory.forProtocol(AccumulatingProtocol)).addErrback(lambda failure: got.append(failure.type))
        completer.failOnce(reason)
    assert got == [ConnectionRefusedError, KeyError]
    with pytest.raises(IndexError):
        completer.failOnce()


def test_an_endpoint_gives_up() -> None:
    reactor = MemoryReactor()
    got: list[Any] = []
    waiting = MemoryEndpoint(reactor, "example.com", 80).connect(Factory.forProtocol(AccumulatingProtocol))
    waiting.addErrback(lambda failure: got.append(failure.type))
    waiting.cancel()
    assert reactor.connectors[0].stoppedConnecting and got == [CancelledError]
    ConnectionCompleter(reactor).failOnce()
    assert got == [CancelledError]
