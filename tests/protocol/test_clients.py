"""Factories that connect again, and connections without a factory."""

import pickle

import pytest

from plait import Protocol, reactor
from plait.deferred import CancelledError
from plait.errors import ConnectionRefusedError, NotConnectingError
from plait.failure import Failure
from plait.protocol import ClientCreator, ReconnectingClientFactory
from plait.task import Clock
from plait.testing import MemoryReactorClock, StringTransport
from tests.transport.helpers import Noting, Server

GONE = Failure(ConnectionRefusedError())


class Connector:
    connects = 0
    stopped = False

    def connect(self):
        self.connects += 1

    def stopConnecting(self):
        self.stopped = True
        raise NotConnectingError("not now")


def reconnecting(**settings):
    factory = ReconnectingClientFactory()
    factory.clock, factory.jitter, factory.noisy = Clock(), None, False
    for name, value in settings.items():
        setattr(factory, name, value)
    return factory


def waits_of(factory, count):
    """Fail `count` times, and give how long it waits after each."""
    connector, waits = Connector(), []
    for n in range(count):
        factory.clientConnectionFailed(connector, GONE)
        calls = factory.clock.getDelayedCalls()
        if not calls:
            break
        waits.append(calls[0].getTime() - factory.clock.seconds())
        factory.clock.advance(waits[-1])
        assert connector.connects == n + 1
    return waits


def test_it_waits_longer_each_time_and_no_longer_than_maxDelay():
    factory = reconnecting(factor=3.0, maxDelay=20)
    assert waits_of(factory, 5) == pytest.approx([1, 3, 9, 20, 20])
    factory.resetDelay()
    assert waits_of(factory, 2) == pytest.approx([1, 3])


def test_it_gives_up_after_maxRetries():
    assert len(waits_of(reconnecting(maxRetries=3), 10)) == 3


def test_jitter_spreads_the_waits_around_the_delay():
    waits = [waits_of(reconnecting(jitter=0.12), 1)[0] for _ in range(200)]
    assert len(set(waits)) == 200 and min(waits) >= 0
    assert 0.9 < sum(waits) / 200 < 1.1


def test_stopTrying_ends_the_wait_and_the_attempt():
    factory, connector = reconnecting(), Connector()
    factory.clientConnectionLost(connector, GONE)
    factory.stopTrying()
    assert connector.stopped and factory.clock.getDelayedCalls() == []
    factory.clientConnectionLost(connector, GONE)
    factory.retry(connector)
    assert factory.clock.getDelayedCalls() == []


def test_without_a_connector_there_is_nothing_to_retry():
    with pytest.raises(ValueError, match="no connector"):
        reconnecting().retry()


def test_pickle_leaves_out_what_belongs_to_this_run():
    factory = reconnecting(initialDelay=2.0)
    factory.clientConnectionLost(Connector(), GONE)
    copy = pickle.loads(pickle.dumps(factory))
    assert copy.initialDelay == 2.0
    assert (copy.clock, copy.connector, copy._callID, copy.retries, copy.continueTrying) == (None, None, None, 0, 1)


async def test_a_connection_without_a_factory():
    async with Server() as server:
        p = await ClientCreator(reactor, Noting).connectTCP("127.0.0.1", server.address.port)
        assert p.connected and p.transport.getPeer() == server.address
        p.transport.loseConnection()
        await p.lost


@pytest.mark.parametrize("connected", [False, True])
def test_it_can_be_cancelled(connected):
    memory = MemoryReactorClock()
    d = ClientCreator(memory, Protocol).connectTCP("h", 1)
    if connected:
        memory.tcpClients[0][2].buildProtocol(None).makeConnection(StringTransport())
    d.cancel()
    failures = []
    d.addErrback(failures.append)
    assert failures[0].check(CancelledError) and memory.connectors[0].disconnected
    assert memory.getDelayedCalls() == []


def test_its_arguments_reach_the_protocol_and_its_error_the_caller():
    class Named(Protocol):
        def __init__(self, name, loud=False):
            self.name, self.loud = name, loud

    memory = MemoryReactorClock()
    creator = ClientCreator(memory, Named, "Ann", loud=True)
    creator.connectTCP("h", 1)
    p = memory.tcpClients[0][2].buildProtocol(None)
    assert (p.name, p.loud) == ("Ann", True)
    d, failures = creator.connectTCP("h", 1), []
    memory.tcpClients[1][2].clientConnectionFailed(memory.connectors[1], GONE)
    d.addErrback(failures.append)
    memory.advance(0)
    assert failures[0].check(ConnectionRefusedError)
