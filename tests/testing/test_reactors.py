"""The reactor that notes what it is asked."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from plait.engine import deferToThreadPool
from plait.failure import Failure
from plait.interfaces import (
    IConnector,
    IListeningPort,
    IReactorCore,
    IReactorFDSet,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorThreads,
    IReactorTime,
    IReactorUNIX,
    verifyObject,
)
from plait.protocol import ClientFactory, Factory
from plait.testing import MemoryReactor, MemoryReactorClock
from plait.transport import IPv4Address, IPv6Address
from plait.transport.address import UNIXAddress


@pytest.mark.parametrize("cls", [MemoryReactor, MemoryReactorClock])
def test_it_is_a_reactor(cls: type[MemoryReactor]) -> None:
    reactor = cls()
    for interface in (
        IReactorCore,
        IReactorTCP,
        IReactorSSL,
        IReactorUNIX,
        IReactorSocket,
        IReactorFDSet,
        IReactorThreads,
    ):
        assert verifyObject(interface, reactor)
    tcp: IReactorTCP = reactor
    assert tcp is reactor
    assert verifyObject(IListeningPort, reactor.listenTCP(1, Factory()))
    assert verifyObject(IConnector, reactor.connectTCP("::1", 1, ClientFactory()))
    if isinstance(reactor, MemoryReactorClock):
        assert verifyObject(IReactorTime, reactor)


def test_servers_are_kept() -> None:
    reactor, factory, context = MemoryReactor(), Factory(), object()
    port = reactor.listenTCP(80, factory, interface="127.0.0.1")
    reactor.listenTCP(81, factory, 7)
    secure = reactor.listenSSL(443, factory, context, interface="::1")
    assert reactor.tcpServers == [(80, factory, 50, "127.0.0.1"), (81, factory, 7, "")]
    assert reactor.sslServers == [(443, factory, context, 50, "::1")]
    assert port.getHost() == IPv4Address("TCP", "127.0.0.1", 80)
    assert secure.getHost() == IPv6Address("TCP", "::1", 443)
    assert port.listening
    closed: list[object] = []
    port.stopListening().addCallback(closed.append)
    assert closed == [None] and not port.listening
    port.startListening()
    assert port.listening


def test_clients_are_kept_and_told_that_it_begins() -> None:
    started: list[object] = []

    class Recording(ClientFactory):
        def startedConnecting(self, connector: IConnector) -> None:
            started.append(connector)

    reactor, factory, context = MemoryReactor(), Recording(), object()
    one = reactor.connectTCP("127.0.0.1", 80, factory)
    two = reactor.connectSSL("example.com", 443, factory, context, timeout=3, bindAddress=("::1", 0))
    assert reactor.tcpClients == [("127.0.0.1", 80, factory, 30.0, None)]
    assert reactor.sslClients == [("example.com", 443, factory, context, 3, ("::1", 0))]
    assert reactor.connectors == started == [one, two]
    assert one.getDestination() == IPv4Address("TCP", "127.0.0.1", 80)
    assert two.getDestination() == IPv4Address("TCP", "example.com", 443)
    assert (one.stoppedConnecting, one.disconnected, one.connects) == (False, False, 0)
    one.stopConnecting()
    one.disconnect()
    one.connect()
    assert (one.stoppedConnecting, one.disconnected, one.connects) == (True, True, 1)


def test_running_makes_the_calls_that_wait_for_it() -> None:
    reactor = MemoryReactor()
    calls: list[object] = []

    def first(n: int, *, key: str) -> None:
        calls.append((n, key, reactor.running))
        reactor.callWhenRunning(calls.append, "at once")

    reactor.callWhenRunning(first, 1, key="k")
    assert calls == [] and len(reactor.whenRunningHooks) == 1
    assert (reactor.running, reactor.hasRun, reactor.hasStopped) == (False, False, False)
    reactor.run()
    assert calls == [(1, "k", True), "at once"]
    assert (reactor.running, reactor.hasRun, reactor.hasStopped) == (True, True, False)
    reactor.callWhenRunning(calls.append, "still running")
    assert calls[-1] == "still running"
    reactor.stop()
    assert (reactor.running, reactor.hasStopped, reactor.hasCrashed) == (False, True, False)
    reactor.crash()
    assert reactor.hasCrashed


def test_unix_sockets_are_kept() -> None:
    reactor, server, client = MemoryReactor(), Factory(), ClientFactory()
    port = reactor.listenUNIX("/run/a", server, mode=0o600, wantPID=True)
    assert reactor.unixServers == [("/run/a", server, 50, 0o600, True)]
    assert port.getHost() == UNIXAddress("/run/a")
    connector = reactor.connectUNIX(b"/run/a", client, checkPID=True)
    assert reactor.unixClients == [(b"/run/a", client, 30, True)]
    assert connector.getDestination() == UNIXAddress("/run/a")
    assert reactor.connectors == [connector]


def test_sockets_that_are_there_already_are_kept() -> None:
    reactor, factory, protocol = MemoryReactor(), Factory(), object()
    port = reactor.adoptStreamPort(7, socket.AF_INET6, factory)
    assert reactor.adoptedPorts == [(7, socket.AF_INET6, factory)]
    assert isinstance(port.getHost(), IPv6Address)
    assert isinstance(reactor.adoptStreamPort(8, socket.AF_UNIX, factory).getHost(), UNIXAddress)
    reactor.adoptStreamConnection(8, socket.AF_INET, factory)
    assert reactor.adoptedStreamConnections == [(8, socket.AF_INET, factory)]
    reactor.adoptDatagramPort(9, socket.AF_INET, protocol, 512)
    assert reactor.adoptedDatagramPorts == [(9, socket.AF_INET, protocol, 512)]


def test_descriptors_are_kept_once() -> None:
    reactor = MemoryReactor()
    both: Any = object()
    writer: Any = object()
    for _ in range(2):
        reactor.addReader(both)
        reactor.addWriter(both)
    reactor.addWriter(writer)
    assert (reactor.getReaders(), reactor.getWriters()) == ([both], [both, writer])
    assert reactor.removeAll() == [both, writer]
    assert (reactor.getReaders(), reactor.getWriters()) == ([], [])
    reactor.addReader(both)
    reactor.addWriter(both)
    for _ in range(2):
        reactor.removeReader(both)
        reactor.removeWriter(both)
    assert (reactor.readers, reactor.writers) == ([], [])


@pytest.mark.parametrize("cls", [MemoryReactor, MemoryReactorClock])
def test_threads_that_are_none(cls: type[MemoryReactor], flushLoggedErrors: Callable[..., list[Failure]]) -> None:
    reactor = cls()
    calls: list[object] = []
    reactor.callInThread(calls.append, 1)
    assert calls == [1]
    reactor.callInThread(int, "x")
    assert len(flushLoggedErrors(ValueError)) == 1
    reactor.suggestThreadPoolSize(3)
    assert reactor.threadPoolSize == 3
    pool: Any = reactor.getThreadPool()
    deferToThreadPool(reactor, pool, int, "7").addBoth(calls.append)
    deferToThreadPool(reactor, pool, int, "y").addErrback(lambda failure: calls.append(failure.type))
    if isinstance(reactor, MemoryReactorClock):
        # The reactor's own calls come with its next turn.
        assert calls == [1]
        reactor.advance(0)
    assert calls == [1, 7, ValueError]


def test_triggers() -> None:
    reactor = MemoryReactor()
    calls: list[str] = []
    reactor.addSystemEventTrigger("after", "shutdown", calls.append, "after")
    gone = reactor.addSystemEventTrigger("during", "shutdown", calls.append, "gone")
    reactor.addSystemEventTrigger("before", "shutdown", calls.append, "before")
    assert reactor.triggers["before"]["shutdown"] == [(calls.append, ("before",), {})]
    reactor.removeSystemEventTrigger(gone)
    with pytest.raises(ValueError):
        reactor.removeSystemEventTrigger(gone)
    reactor.fireSystemEvent("shutdown")
    reactor.fireSystemEvent("shutdown")
    assert calls == ["before", "after"]


def test_names_cannot_be_looked_up() -> None:
    with pytest.raises(NotImplementedError, match="has no network"):
        MemoryReactor().resolve("example.com")


def test_a_clock_that_is_a_reactor() -> None:
    reactor = MemoryReactorClock()
    calls: list[str] = []
    reactor.callLater(10, calls.append, "now")
    assert len(reactor.getDelayedCalls()) == 1
    reactor.advance(9)
    assert calls == []
    reactor.advance(1)
    assert calls == ["now"] and reactor.seconds() == 10
    assert reactor.getDelayedCalls() == []
