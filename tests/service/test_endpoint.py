"""Services at endpoints: one that listens, and one that keeps a connection."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import plait
from plait.deferred import CancelledError, Deferred, fail
from plait.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from plait.engine.loops import new_loop
from plait.errors import CannotListenError, ConnectionDone
from plait.failure import Failure
from plait.interfaces import IHalfCloseableProtocol, IStreamClientEndpoint, implementer, provides
from plait.log import capturedLogs, formatEvent
from plait.protocol import Factory, Protocol
from plait.service import ClientService, StreamServerEndpointService, backoffPolicy
from plait.task import Clock
from plait.testing import MemoryReactor, StringTransport


def outcome(deferred: Deferred[Any]) -> list[Any]:
    """What a Deferred fires with, once it does; for an error, its class."""
    seen: list[Any] = []
    deferred.addCallbacks(seen.append, lambda failure: seen.append(failure.type))
    return seen


# A server


class Listening:
    """An endpoint that opens when it is told to."""

    def __init__(self) -> None:
        self.opened: list[Deferred[Any]] = []

    def listen(self, factory: Any) -> Deferred[Any]:
        self.factory = factory
        self.opened.append(Deferred())
        return self.opened[-1]


class Port:
    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def stopListening(self) -> Deferred[None]:
        return self.closed


def test_it_listens_from_the_start_to_the_stop() -> None:
    endpoint = Listening()
    service = StreamServerEndpointService(endpoint, "factory")
    assert outcome(service.stopService()) == [None]
    service.privilegedStartService()
    service.startService()
    assert (endpoint.factory, len(endpoint.opened), service.running) == ("factory", 1, 1)
    port = Port()
    endpoint.opened[0].callback(port)
    stopped = outcome(service.stopService())
    assert stopped == [] and not service.running
    port.closed.callback(None)
    assert stopped == [None]
    service.startService()
    assert len(endpoint.opened) == 2


def test_a_stop_before_it_listens() -> None:
    endpoint = Listening()
    service = StreamServerEndpointService(endpoint, "factory")
    service.startService()
    with capturedLogs() as events:
        assert outcome(service.stopService()) == [None]
    assert events == []


def test_what_an_endpoint_says_is_logged() -> None:
    endpoint = Listening()
    service = StreamServerEndpointService(endpoint, "factory")
    service.startService()
    with capturedLogs() as events:
        endpoint.opened[0].errback(ValueError("no ear"))
    assert formatEvent(events[0]) == "StreamServerEndpointService cannot listen"
    assert outcome(service.stopService()) == [None]


def test_a_string_for_an_endpoint() -> None:
    reactor = MemoryReactor()
    service = StreamServerEndpointService("tcp:8080:interface=127.0.0.1", Factory(), reactor=reactor)
    assert isinstance(service.endpoint, TCP4ServerEndpoint)
    service.startService()
    assert reactor.tcpServers[0][0] == 8080
    with pytest.raises(ValueError, match="Unknown endpoint type"):
        StreamServerEndpointService("ftl:8080", Factory(), reactor=reactor)


def test_a_port_that_is_taken_fails_the_start() -> None:
    reactor = MemoryReactor()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise CannotListenError("", 8080, OSError("taken"))

    reactor.listenTCP = refuse  # type: ignore[method-assign]
    service = StreamServerEndpointService("tcp:8080", Factory(), reactor=reactor)
    for start in (service.privilegedStartService, service.startService):
        with pytest.raises(CannotListenError):
            start()


# A client


@implementer(IStreamClientEndpoint)
class Endpoint:
    """Connects when it is told to. `attempts` are its answers, `protocols` what the factory has made for it."""

    def __init__(self) -> None:
        self.attempts: list[Deferred[Any]] = []
        self.protocols: list[Any] = []
        self.factories: list[Any] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        self.factories.append(factory)
        self.attempts.append(Deferred())
        return self.attempts[-1]

    def connected(self) -> Any:
        """The last attempt succeeds."""
        protocol = self.factories[-1].buildProtocol(None)
        self.protocols.append(protocol)
        protocol.makeConnection(StringTransport())
        self.attempts[-1].callback(protocol)
        return protocol

    def refused(self, error: Exception | None = None) -> None:
        """The last attempt fails."""
        self.attempts[-1].errback(error or ValueError("refused"))

    def lost(self) -> None:
        """The last connection is lost."""
        self.protocols[-1].connectionLost(Failure(ConnectionDone()))


class Client:
    """A service under test."""

    def __init__(self, **kwargs: Any) -> None:
        self.clock = Clock()
        self.endpoint = Endpoint()
        self.factory = Factory.forProtocol(Protocol)
        self.service = ClientService(
            self.endpoint, self.factory, retryPolicy=lambda n: n * 10.0, clock=self.clock, **kwargs
        )

    @property
    def attempts(self) -> int:
        return len(self.endpoint.attempts)


def test_a_connection_that_is_lost_is_made_again() -> None:
    client = Client()
    waiting = outcome(client.service.whenConnected())
    client.service.startService()
    first = client.endpoint.connected()
    assert [type(protocol) for protocol in waiting] == [Protocol]
    assert outcome(client.service.whenConnected()) == waiting
    assert first.factory is client.factory
    client.endpoint.lost()
    again = outcome(client.service.whenConnected())
    client.clock.advance(9.9)
    assert client.attempts == 1 and again == []
    client.clock.advance(0.1)
    client.endpoint.connected()
    assert len(again) == 1 and again != waiting


def test_the_wait_grows_until_a_connection_is_made() -> None:
    client = Client()
    client.service.startService()
    for wait in (10, 20, 30):
        client.endpoint.refused()
        client.clock.advance(wait - 0.1)
        before = client.attempts
        client.clock.advance(0.1)
        assert client.attempts == before + 1
    client.endpoint.connected()
    client.endpoint.lost()
    client.clock.advance(10)
    assert client.attempts == 5


def test_an_endpoint_that_raises() -> None:
    client = Client()
    client.endpoint.connect = lambda factory: 1 // 0  # type: ignore[assignment,return-value]
    client.service.startService()
    assert len(client.clock.getDelayedCalls()) == 1
    assert outcome(client.service.stopService()) == [None]
    assert client.clock.getDelayedCalls() == []


def test_those_who_wait_for_so_many_failures() -> None:
    client = Client()
    client.service.startService()
    ever, once, twice = (outcome(client.service.whenConnected(n)) for n in (None, 1, 2))
    client.endpoint.refused()
    assert (ever, once, twice) == ([], [ValueError], [])
    late = outcome(client.service.whenConnected(1))
    client.clock.advance(10)
    client.endpoint.refused(KeyError())
    assert (ever, twice, late) == ([], [KeyError], [KeyError])
    stopped = outcome(client.service.stopService())
    assert ever == [CancelledError] and stopped == [None]
    assert outcome(client.service.whenConnected()) == [CancelledError]


def test_the_stop_waits_for_the_end_of_the_connection() -> None:
    client = Client()
    assert outcome(client.service.stopService()) == [None]
    client.service.startService()
    protocol = client.endpoint.connected()
    stopped = [outcome(client.service.stopService()) for _ in range(2)]
    assert stopped == [[], []] and protocol.transport.disconnecting and not client.service.running
    waiting = outcome(client.service.whenConnected())
    client.endpoint.lost()
    assert stopped == [[None], [None]] and waiting == [CancelledError]
    assert client.clock.getDelayedCalls() == []


def test_a_start_while_it_stops() -> None:
    client = Client()
    client.service.startService()
    client.endpoint.connected()
    stopped = outcome(client.service.stopService())
    waiting = outcome(client.service.whenConnected())
    client.service.startService()
    assert client.attempts == 1
    client.endpoint.lost()
    assert (client.attempts, stopped, waiting) == (2, [None], [])
    client.endpoint.connected()
    assert len(waiting) == 1


def test_a_stop_while_it_connects() -> None:
    client = Client()
    client.service.startService()
    attempt = client.endpoint.attempts[0]
    assert outcome(client.service.stopService()) == [None]
    assert attempt.called
    client.service.startService()
    assert client.attempts == 2


def test_a_second_start_does_nothing() -> None:
    client = Client()
    client.service.startService()
    with capturedLogs() as events:
        client.service.startService()
    assert client.attempts == 1
    assert "Duplicate ClientService.startService" in formatEvent(events[0])


def test_the_connection_is_prepared_first() -> None:
    prepared: list[Any] = []
    working: Deferred[None] = Deferred()

    async def prepare(connection: Any) -> None:
        prepared.append(connection)
        connection.transport.write(b"login")
        await working

    client = Client(prepareConnection=prepare)
    client.service.startService()
    waiting = outcome(client.service.whenConnected())
    protocol = client.endpoint.connected()
    assert prepared == [protocol] and protocol.transport.value() == b"login" and waiting == []
    working.callback(None)
    assert waiting == [protocol._protocol]


def test_a_connection_that_cannot_be_prepared_is_cut() -> None:
    client = Client(prepareConnection=lambda connection: fail(KeyError("no login")))
    client.service.startService()
    waiting = outcome(client.service.whenConnected(1))
    protocol = client.endpoint.connected()
    assert waiting == [KeyError] and protocol.transport.aborting
    client.endpoint.lost()  # and that is not another failure
    client.clock.advance(10)
    assert client.attempts == 2 and len(client.clock.getDelayedCalls()) == 0


def test_a_connection_that_is_lost_while_it_is_prepared() -> None:
    working: Deferred[None] = Deferred()
    client = Client(prepareConnection=lambda connection: working)
    client.service.startService()
    waiting = outcome(client.service.whenConnected(1))
    client.endpoint.connected()
    client.endpoint.lost()
    assert working.called and waiting == [ConnectionDone]
    client.clock.advance(10)
    assert client.attempts == 2


def test_a_stop_while_it_is_prepared() -> None:
    working: Deferred[None] = Deferred()
    client = Client(prepareConnection=lambda connection: working)
    client.service.startService()
    protocol = client.endpoint.connected()
    stopped = outcome(client.service.stopService())
    assert working.called and protocol.transport.disconnecting and stopped == []
    client.endpoint.lost()
    assert stopped == [None]


def test_a_connection_that_is_gone_as_soon_as_it_is_there() -> None:
    client = Client()
    client.service.startService()
    protocol = client.endpoint.factories[0].buildProtocol(None)
    protocol.makeConnection(StringTransport())
    protocol.connectionLost(Failure(ConnectionDone()))
    client.endpoint.attempts[0].callback(protocol)
    assert len(client.clock.getDelayedCalls()) == 1
    assert outcome(client.service.stopService()) == [None]


def test_who_asks_while_a_connection_is_lost_gets_the_next() -> None:
    class Asking(Protocol):
        def connectionLost(self, reason: Failure) -> None:
            waiting.append(outcome(client.service.whenConnected()))

    waiting: list[list[Any]] = []
    client = Client()
    client.factory.protocol = Asking
    client.service.startService()
    client.endpoint.connected()
    client.endpoint.lost()
    assert waiting == [[]]
    client.clock.advance(10)
    protocol = client.endpoint.connected()
    assert waiting == [[protocol._protocol]]


def test_a_stop_while_a_connection_is_lost() -> None:
    class Stopping(Protocol):
        def connectionLost(self, reason: Failure) -> None:
            stopped.append(outcome(client.service.stopService()))

    stopped: list[list[Any]] = []
    client = Client()
    client.factory.protocol = Stopping
    client.service.startService()
    client.endpoint.connected()
    client.endpoint.lost()
    assert stopped == [[None]] and client.clock.getDelayedCalls() == []


def test_stop_and_start_from_within() -> None:
    def prepare(connection: Any) -> None:
        if client.attempts == 1:
            stopped.append(outcome(client.service.stopService()))
            client.service.startService()

    client = Client(prepareConnection=prepare)
    stopped: list[list[Any]] = []
    client.service.startService()
    protocol = client.endpoint.connected()
    assert protocol.transport.disconnecting and stopped == [[]]
    client.endpoint.lost()
    assert stopped == [[None]] and client.attempts == 2


def test_what_the_protocol_promises_is_seen() -> None:
    @implementer(IHalfCloseableProtocol)
    class Halves(Protocol):
        def readConnectionLost(self) -> None: ...

        def writeConnectionLost(self) -> None: ...

    client = Client()
    client.factory.protocol = Halves
    client.service.startService()
    seen = client.endpoint.connected()
    assert provides(IHalfCloseableProtocol, seen)
    assert repr(seen._protocol) in repr(seen) and repr(client.factory) in repr(client.endpoint.factories[0])
    client.endpoint.factories[0].doStart()
    assert client.factory.numPorts == 1 == client.endpoint.factories[0].numPorts
    client.endpoint.factories[0].doStop()
    assert client.factory.numPorts == 0


def test_a_factory_that_refuses() -> None:
    client = Client()
    client.service.startService()
    client.factory.buildProtocol = lambda addr: None  # type: ignore[method-assign]
    assert client.endpoint.factories[0].buildProtocol(None) is None


def test_back_off() -> None:
    policy = backoffPolicy(1.0, 60.0, 2.0, jitter=lambda: 0.5)
    assert [policy(n) for n in (0, 1, 2, 10, 10**6)] == [1.5, 2.5, 4.5, 60.5, 60.5]
    assert all(1.5 <= backoffPolicy()(1) < 2.5 for _ in range(20))


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.loseConnection()


class Asking(Protocol):
    def connectionMade(self) -> None:
        self.got: Deferred[bytes] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self.transport.write(b"x")

    def dataReceived(self, data: bytes) -> None:
        self.got.callback(data)

    def connectionLost(self, reason: Failure) -> None:
        self.lost.callback(None)


@pytest.mark.parametrize("engine", ["asyncio", "uvloop"])
def test_over_the_network(engine: str) -> None:
    async def main() -> None:
        server = StreamServerEndpointService("tcp:0:interface=127.0.0.1", Factory.forProtocol(Echo))
        with pytest.raises(RuntimeError, match="does not listen"):
            server.getHost()
        server.startService()
        endpoint = TCP4ClientEndpoint(plait.reactor, "127.0.0.1", server.getHost().port)
        service = ClientService(endpoint, Factory.forProtocol(Asking), retryPolicy=lambda n: 0)
        service.startService()
        for _ in range(3):
            protocol = await service.whenConnected()
            assert await protocol.got == b"x"
            await protocol.lost
        await service.whenConnected()
        await service.stopService()
        await server.stopService()

    with asyncio.Runner(loop_factory=lambda: new_loop(engine)) as runner:
        runner.run(asyncio.wait_for(main(), 30))
