"""Servers, clients and timers as services, with a real reactor's ports where there is something to open."""

from __future__ import annotations

import copy
import pickle
import socket
from pathlib import Path
from typing import Any

import pytest

from plait.deferred import Deferred
from plait.errors import CannotListenError
from plait.log import capturedLogs
from plait.protocol import ConnectedDatagramProtocol, DatagramProtocol, Factory, Protocol
from plait.service import (
    MulticastServer,
    MultiService,
    SSLClient,
    SSLServer,
    TCPClient,
    TCPServer,
    TimerService,
    UDPServer,
    UNIXClient,
    UNIXDatagramClient,
    UNIXDatagramServer,
    UNIXServer,
)
from plait.task import Clock


class Port:
    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def stopListening(self) -> Deferred[None]:
        return self.closed

    def getHost(self) -> str:
        return "here"


class Connector:
    disconnected = False

    def disconnect(self) -> None:
        self.disconnected = True


class Network:
    """Stands for a reactor: writes down which of its methods is called, and with what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((method, args, kwargs))
            self.made = Port() if method.startswith("listen") or "Datagram" in method else Connector()
            return self.made

        return call


@pytest.mark.parametrize(
    ("kind", "method", "args"),
    [(TCPServer, "listenTCP", (80, "factory", 5)), (SSLServer, "listenSSL", (443, "factory", "context", 5))],
)
def test_a_server_opens_and_closes_its_port(kind: Any, method: str, args: tuple[Any, ...]) -> None:
    network = Network()
    service = kind(*args, interface="::1", reactor=network)
    with pytest.raises(RuntimeError, match="does not listen"):
        service.getHost()
    service.privilegedStartService()
    service.startService()
    assert network.calls == [(method, args, {"interface": "::1"})]
    assert service.running and service.getHost() == "here"
    stopped = service.stopService()
    assert not service.running
    done: list[object] = []
    stopped.addCallback(done.append)
    assert done == []
    network.made.closed.callback(None)
    assert done == [None]
    assert service.stopService() is None


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (UDPServer, "listenUDP"),
        (MulticastServer, "listenMulticast"),
        (UNIXServer, "listenUNIX"),
        (UNIXClient, "connectUNIX"),
        (UNIXDatagramServer, "listenUNIXDatagram"),
        (UNIXDatagramClient, "connectUNIXDatagram"),
    ],
)
def test_other_services_do_what_the_reactor_calls_so(kind: Any, method: str) -> None:
    network = Network()
    service = kind("place", "user", option=1, reactor=network)
    service.startService()
    assert network.calls == [(method, ("place", "user"), {"option": 1})]
    stopped = service.stopService()
    if kind is UNIXClient:
        assert network.made.disconnected
    else:
        assert stopped is not None
        network.made.closed.callback(None)


async def test_datagram_services_on_real_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    got: Deferred[tuple[bytes, Any]] = Deferred()

    class Once(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            got.callback((datagram, addr))

    class Client(ConnectedDatagramProtocol):
        def startProtocol(self) -> None:
            self.transport.write(b"hello")

    server, client = UNIXDatagramServer("server", Once()), UNIXDatagramClient("server", Client(), bindAddress="client")
    for service in (server, client):
        service.startService()
    assert await got == (b"hello", "client")
    for service in (client, server):
        await service.stopService()
    assert list(tmp_path.iterdir()) == []


def test_a_server_opens_its_port_without_a_privileged_start() -> None:
    network = Network()
    service = TCPServer(80, "factory", reactor=network)
    service.startService()
    assert network.calls == [("listenTCP", (80, "factory"), {})]


def test_a_server_that_never_started_can_be_stopped() -> None:
    assert TCPServer(80, "factory").stopService() is None


@pytest.mark.parametrize(
    ("kind", "method", "args"),
    [
        (TCPClient, "connectTCP", ("example.org", 80, "factory")),
        (SSLClient, "connectSSL", ("example.org", 443, "factory", "context")),
    ],
)
def test_a_client_connects_and_disconnects(kind: Any, method: str, args: tuple[Any, ...]) -> None:
    network = Network()
    service = kind(*args, timeout=3, reactor=network)
    service.stopService()
    service.privilegedStartService()
    assert network.calls == []
    service.startService()
    assert network.calls == [(method, args, {"timeout": 3})]
    assert service.running
    service.stopService()
    assert network.made.disconnected and not service.running
    service.startService()
    assert len(network.calls) == 2


def test_a_real_port() -> None:
    first = TCPServer(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    first.startService()
    try:
        port = first.getHost().port
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
        second = MultiService()
        TCPServer(port, Factory.forProtocol(Protocol), interface="127.0.0.1").setServiceParent(second)
        with pytest.raises(CannotListenError, match=str(port)):
            second.startService()
    finally:
        first.stopService()


def make_timer(step: float, function: Any, *args: Any, **kwargs: Any) -> tuple[TimerService, Clock]:
    timer, clock = TimerService(step, function, *args, **kwargs), Clock()
    timer.clock = clock
    return timer, clock


def test_a_timer_calls_at_once_and_then_at_each_step() -> None:
    calls: list[Any] = []
    timer, clock = make_timer(5, lambda *args, **kwargs: calls.append((args, kwargs)), 1, a=2)
    timer.startService()
    assert calls == [((1,), {"a": 2})]
    clock.advance(4)
    assert len(calls) == 1
    clock.advance(1)
    assert len(calls) == 2
    timer.stopService()
    clock.advance(50)
    assert len(calls) == 2 and not timer.running
    timer.startService()
    assert len(calls) == 3


def test_the_stop_of_a_timer_waits_for_the_call_that_runs() -> None:
    working: Deferred[None] = Deferred()
    timer, clock = make_timer(5, lambda: working)
    timer.startService()
    clock.advance(20)
    done: list[object] = []
    timer.stopService().addCallback(done.append)
    assert done == [] and timer.running
    working.callback(None)
    assert done == [None] and not timer.running


def test_a_timer_that_is_started_again_while_it_stops() -> None:
    working: Deferred[None] = Deferred()
    timer, clock = make_timer(5, lambda: working)
    timer.startService()
    done: list[object] = []
    timer.stopService().addCallback(done.append)
    timer.startService()
    working.callback(None)
    assert done == [None] and timer.running
    timer.stopService()
    assert not timer.running and clock.getDelayedCalls() == []


def test_a_copy_runs_not() -> None:
    network = Network()
    server, client = TCPServer(80, "factory", reactor=network), TCPClient("a", 80, "factory", reactor=network)
    timer = TimerService(1, print)
    timer.clock = Clock()
    for service in (server, client, timer):
        service.startService()
    assert not any(copy.copy(service).running for service in (server, client, timer))
    assert copy.copy(server)._port is None and copy.copy(client)._connection is None
    again = pickle.loads(pickle.dumps(timer))
    assert again.stopService().called and again.call == timer.call
    timer.stopService()


def test_a_timer_that_fails_says_so_and_stops() -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("worn out")

    timer, clock = make_timer(1, work)
    with capturedLogs() as seen:
        timer.startService()
        clock.pump([1, 1, 1])
    assert len(calls) == 2
    (event,) = [event for event in seen if "log_failure" in event]
    assert event["log_failure"].getErrorMessage() == "worn out"
    done: list[object] = []
    timer.stopService().addCallback(done.append)
    assert done == [None]


def test_a_timer_that_never_started_can_be_stopped() -> None:
    assert TimerService(1, print).stopService().called
