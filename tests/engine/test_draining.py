"""Waiting for the end of the connections that others have made to us."""

import contextlib
import socket

import pytest

from plait import Deferred, Factory, Protocol, ensureDeferred, reactor
from plait.engine import Reactor, drain
from plait.interfaces import IDrainable, implementer
from plait.protocol.policies import WrappingFactory
from tests.transport.helpers import Client


@implementer(IDrainable)
class Polite(Protocol):
    def connectionMade(self):
        self.factory.made.callback(self)

    def drain(self):
        self.transport.loseConnection()


@implementer(IDrainable)
class Rude(Polite):
    def told(self):
        pass

    def drain(self):
        self.told()
        raise ValueError("no")


async def serve(protocol, wrap=lambda factory: factory):
    factory = Factory.forProtocol(protocol)
    factory.made = Deferred()
    port = reactor.listenTCP(0, wrap(factory), interface="127.0.0.1")
    client = Client()
    reactor.connectTCP("127.0.0.1", port.getHost().port, client)
    theirs = await client.connected
    await factory.made
    await port.stopListening()
    return theirs


async def test_nothing_to_wait_for():
    assert await drain(reactor, 60) == 0


@pytest.mark.parametrize("wrap", [lambda factory: factory, WrappingFactory])
async def test_a_protocol_is_told(wrap):
    theirs = await serve(Polite, wrap)
    assert await drain(reactor, 60) == 0
    await theirs.lost


async def test_what_was_sent_before_is_read_before_it_is_told():
    class Answering(Polite):
        def dataReceived(self, data):
            self.transport.write(data.upper())

    factory = Factory.forProtocol(Answering)
    factory.made = Deferred()
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    with socket.create_connection(("127.0.0.1", port.getHost().port), timeout=30) as theirs:
        await factory.made
        await port.stopListening()
        theirs.sendall(b"in time")
        assert await drain(reactor, 60) == 0
        with theirs.makefile("rb") as answer:
            assert answer.read() == b"IN TIME"


async def test_one_that_cannot_is_waited_for_and_keeps_nobody(flushLoggedErrors, monkeypatch):
    theirs = await serve(Rude)
    assert await drain(reactor, 0) == 1
    monkeypatch.setattr(Rude, "told", lambda _: reactor.callLater(0, theirs.transport.loseConnection))
    assert await drain(reactor, 60) == 0
    assert len(flushLoggedErrors(ValueError)) == 2


async def test_a_connection_of_ours_is_no_reason_to_wait():
    """The test has both ends in one process: only the one that was made to us counts."""
    theirs = await serve(Polite)
    assert len(reactor._net.connections) >= 2
    assert len(reactor._net.accepted()) == 1
    theirs.transport.loseConnection()
    assert await drain(reactor, 60) == 0
    await theirs.lost


@implementer(IDrainable)
class Last(Protocol):
    """The first one that is connected has the server stopped; what has been accepted with it is told of after that."""

    told = False

    def connectionMade(self):
        self.factory.all.append(self)
        if len(self.factory.all) == 1:
            self.factory.port.stopListening()
            ensureDeferred(drain(reactor, 60)).chainDeferred(self.factory.drained)

    def drain(self):
        self.told = True
        self.transport.write(b"last")
        self.transport.loseConnection()


async def test_what_was_accepted_before_and_is_told_of_after_that_is_drained_too():
    factory = Factory.forProtocol(Last)
    factory.all, factory.drained = [], Deferred()
    factory.port = port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    # connected by the system, before the loop has turned and seen them
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port.getHost().port))) for _ in range(5)]
        assert await factory.drained == 0
        assert [protocol.told for protocol in factory.all] == [True] * len(factory.all)
        # uvloop accepts one in each turn, and the others wait for whoever listens with a copy of the socket
        assert len(factory.all) > 1 or type(reactor.loop).__module__ == "uvloop"
        answers = [client.recv(10) for client in clients[: len(factory.all)]]
        assert answers == [b"last"] * len(answers)


def test_what_asyncio_has_taken_is_served_if_the_port_closes_at_once():
    own = Reactor(engine="asyncio")
    loop = own.loop
    factory = Factory.forProtocol(Polite)
    factory.made = Deferred()
    factory.made.addCallback(lambda _: own.stop())
    port = own.listenTCP(0, factory, interface="127.0.0.1")
    with socket.socket() as client:

        def connects():
            client.connect(("127.0.0.1", port.getHost().port))
            # In its next turn the loop takes the connection; then this is due, before anybody is told of it.
            loop.call_later(0, port.stopListening)

        own.callWhenRunning(connects)
        late = own.callLater(30, own.stop)
        own.run(installSignalHandlers=False)
        assert factory.made.called, "the connection was dropped"
        late.cancel()
        loop.close()
