"""Ports and connectors over real sockets."""

import errno
import os
import socket
import subprocess
import sys

import pytest

from plait import ClientFactory, Deferred, Protocol, ServerFactory, reactor
from plait.errors import (
    CannotListenError,
    ConnectBindError,
    ConnectError,
    ConnectionDone,
    ConnectionRefusedError,
    NotConnectingError,
    NotListeningError,
    ServiceNameUnknownError,
    TimeoutError,
    UnknownHostError,
    UserError,
)
from plait.transport import IPv4Address, IPv6Address
from plait.transport.network import Gate
from tests.transport.helpers import Client, Server, connection


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# -- listening


def test_a_taken_port_is_an_error_there_and_then():
    port = reactor.listenTCP(0, ServerFactory(), interface="127.0.0.1")
    number = port.getHost().port
    try:
        with pytest.raises(CannotListenError, match=f"Couldn't listen on 127.0.0.1:{number}: .*in use") as e:
            reactor.listenTCP(number, ServerFactory(), interface="127.0.0.1")
        assert e.value.socketError.errno == errno.EADDRINUSE
        assert (e.value.interface, e.value.port) == ("127.0.0.1", number)
    finally:
        port.stopListening()


@pytest.mark.parametrize(("interface", "number"), [("192.0.2.1", 0), ("no address", 0), ("", 70_000), ("", -1)])
def test_what_is_no_address_or_port_of_ours_is_an_error(interface, number):
    with pytest.raises(CannotListenError):
        reactor.listenTCP(number, ServerFactory(), interface=interface)


def test_the_port_is_free_when_stopListening_returns_and_can_be_taken_again():
    port = reactor.listenTCP(0, ServerFactory(), interface="127.0.0.1")
    number = port.getHost().port
    for _ in range(3):
        port.stopListening()
        with pytest.raises(NotListeningError):
            port.getHost()
        port = reactor.listenTCP(number, ServerFactory(), interface="127.0.0.1")
    port.stopListening()
    assert port.stopListening().called  # a second time does nothing


def test_the_factory_is_started_and_stopped_with_its_ports():
    class Counting(ServerFactory):
        noisy = False
        log_of = ()

        def startFactory(self):
            self.log_of += ("start",)

        def stopFactory(self):
            self.log_of += ("stop",)

    factory = Counting()
    ports = [reactor.listenTCP(0, factory, interface="127.0.0.1") for _ in range(2)]
    ports[0].stopListening()
    assert factory.log_of == ("start",)
    ports[1].stopListening()
    assert factory.log_of == ("start", "stop")


async def test_a_factory_that_cannot_be_stopped_fails_the_deferred_and_frees_the_port():
    class Stuck(ServerFactory):
        noisy = False

        def stopFactory(self):
            raise ZeroDivisionError

    port = reactor.listenTCP(0, Stuck(), interface="127.0.0.1")
    number = port.getHost().port
    with pytest.raises(ZeroDivisionError):
        await port.stopListening()
    reactor.listenTCP(number, ServerFactory(), interface="127.0.0.1").stopListening()


async def test_a_port_can_be_closed_as_a_descriptor_is():
    class Stuck(ServerFactory):
        noisy = False

        def stopFactory(self):
            raise ZeroDivisionError

    port = reactor.listenTCP(0, Stuck(), interface="127.0.0.1")
    number = port.getHost().port
    with pytest.raises(ZeroDivisionError):
        port.connectionLost(None)
    assert port.disconnected
    port.connectionLost(None)  # a second time does nothing
    reactor.listenTCP(number, ServerFactory(), interface="127.0.0.1").stopListening()


async def test_addresses_are_what_they_are_on_both_sides():
    async with Server() as server:
        client, there, connector = await connection(server)
        assert isinstance(server.addr, IPv4Address)
        assert client.transport.getPeer() == there.transport.getHost() == server.address
        assert client.transport.getHost() == there.transport.getPeer() == server.addr
        assert connector.getDestination() == server.address
        connector.disconnect()
        assert isinstance(await there.lost, ConnectionDone)
        await client.lost


async def test_ipv6():
    try:
        server = Server(interface="::1")
    except CannotListenError as e:
        pytest.skip(f"no IPv6 here: {e}")
    async with server:
        client, there, connector = await connection(server)
        assert isinstance(server.addr, IPv6Address) and server.addr.host == "::1"
        assert isinstance(connector.getDestination(), IPv6Address)
        client.transport.loseConnection()
        await there.lost


async def test_a_factory_that_builds_nothing_closes_the_connection():
    class Refusing(ServerFactory):
        noisy = False

        def buildProtocol(self, addr):
            return None

    port = reactor.listenTCP(0, Refusing(), interface="127.0.0.1")
    client = Client()
    reactor.connectTCP("127.0.0.1", port.getHost().port, client)
    await client.connected
    await client.gone
    await port.stopListening()


async def test_a_client_factory_that_builds_nothing_is_told_of_the_end():
    class Nothing(Client):
        def buildProtocol(self, addr):
            return None

    async with Server() as server:
        client = Nothing()
        reactor.connectTCP("127.0.0.1", server.address.port, client)
        assert isinstance(await client.gone, ConnectionDone)


# -- connecting


async def test_refused():
    client = Client()
    connector = reactor.connectTCP("127.0.0.1", free_port(), client)
    assert connector.state == "connecting"
    error = await client.failed
    assert isinstance(error, ConnectionRefusedError)
    assert str(error) == "Connection was refused by other side: 111: Connection refused."
    assert connector.state == "disconnected"


async def test_a_connection_to_itself_is_none():
    # on loopback TCP connects a socket to itself if both ports are the same
    number = free_port()
    client = Client()
    reactor.connectTCP("127.0.0.1", number, client, bindAddress=("127.0.0.1", number))
    assert isinstance(await client.failed, ConnectionRefusedError)


async def test_a_name_without_an_address():
    client = Client()
    reactor.connectTCP("no-such-host.invalid", 80, client)
    assert isinstance(await client.failed, UnknownHostError)


async def test_a_name_with_one():
    async with Server() as server:
        client = Client()
        connector = reactor.connectTCP("localhost", server.address.port, client)
        await client.connected
        connector.disconnect()
        await client.gone


async def test_a_port_without_a_name():
    with pytest.raises(ServiceNameUnknownError, match="'no-such-service'"):
        reactor.connectTCP("127.0.0.1", "no-such-service", Client())


@pytest.mark.parametrize("number", [-1, 65536, 1 << 70])
async def test_a_number_that_is_no_ports_reaches_nobody(number):
    client = Client()
    reactor.connectTCP("127.0.0.1", number, client)
    error = await client.failed
    assert isinstance(error, ConnectError)
    assert str(error) == f"An error occurred while connecting: port must be 0-65535, not {number}."


async def test_a_peer_that_never_answers_is_given_up():
    # a port whose queue is full drops what comes
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(listener.getsockname())
            fillers.append(s)
        client = Client()
        reactor.connectTCP(*listener.getsockname(), client, timeout=0.2)
        error = await client.failed
        for s in fillers:
            s.close()
    assert isinstance(error, TimeoutError)
    assert str(error) == "User timeout caused connection failure."


async def test_calling_off():
    client = Client()
    connector = reactor.connectTCP("127.0.0.1", free_port(), client)
    connector.stopConnecting()
    assert isinstance(await client.failed, UserError)
    with pytest.raises(NotConnectingError):
        connector.stopConnecting()


async def test_calling_off_from_startedConnecting():
    class Off(Client):
        def startedConnecting(self, connector):
            connector.stopConnecting()

    client = Off()
    reactor.connectTCP("127.0.0.1", free_port(), client)
    assert isinstance(await client.failed, UserError)


async def test_connecting_again_from_the_factory():
    async with Server() as server:
        lost, starts = [], []

        class Again(ClientFactory):
            noisy = False
            protocol = Protocol

            def startFactory(self):
                starts.append("start")

            def stopFactory(self):
                starts.append("stop")
                done.callback(None)

            def clientConnectionLost(self, connector, reason):
                lost.append(reason.value)
                if len(lost) < 3:
                    connector.connect()

        done = Deferred()
        reactor.connectTCP("127.0.0.1", server.address.port, Again())
        for _ in range(3):
            p = await server.accepted()
            await p.made
            p.transport.loseConnection()
        await done
        assert len(lost) == 3 and starts == ["start", "stop"]


async def test_connect_twice_is_an_error():
    async with Server() as server:
        client, _, connector = await connection(server)
        with pytest.raises(RuntimeError, match="connected"):
            connector.connect()
        client.transport.loseConnection()
        await client.lost


async def test_bind_address():
    async with Server() as server:
        number = free_port()
        client = Client()
        reactor.connectTCP("127.0.0.1", server.address.port, client, bindAddress=("127.0.0.1", number))
        p = await client.connected
        assert p.transport.getHost().port == number
        p.transport.abortConnection()
        await client.gone
        client = Client()
        reactor.connectTCP("127.0.0.1", server.address.port, client, bindAddress=("192.0.2.1", 0))
        assert isinstance(await client.failed, ConnectBindError)


def test_the_gate_lets_a_bounded_number_through():
    begun = []

    class Attempt:
        def __init__(self, n):
            self.n = n

        def begin(self):
            begun.append(self.n)

    gate = Gate(2)
    attempts = [Attempt(n) for n in range(5)]
    for a in attempts:
        gate.enter(a)
    assert begun == [0, 1]
    assert gate.give_up(attempts[2]) is True
    assert gate.give_up(attempts[0]) is False
    gate.leave()
    assert begun == [0, 1, 3]
    gate.leave()
    gate.leave()
    assert begun == [0, 1, 3, 4]


async def test_many_more_connections_at_once_than_there_are_descriptors():
    """A process with 64 descriptors starts 500 connections; each has its outcome."""
    program = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from plait import ClientFactory, Deferred, DeferredList, Protocol, ServerFactory, reactor

class Closing(Protocol):
    def connectionMade(self):
        self.transport.loseConnection()

class Client(ClientFactory):
    protocol = Closing
    noisy = False
    def __init__(self):
        self.done = Deferred()
    def clientConnectionLost(self, connector, reason):
        self.done.callback("made")
    def clientConnectionFailed(self, connector, reason):
        self.done.errback(reason)

server = ServerFactory.forProtocol(Closing)
port = reactor.listenTCP(0, server, interface="127.0.0.1", backlog=128)
clients = [Client() for _ in range(500)]
for c in clients:
    reactor.connectTCP("127.0.0.1", port.getHost().port, c)
def show(results):
    print(sum(ok for ok, _ in results), {str(f.value) for ok, f in results if not ok})
    reactor.stop()
DeferredList([c.done for c in clients], consumeErrors=True).addCallback(show)
reactor.run()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("500 "), done.stdout + done.stderr


async def test_running_out_of_descriptors_pauses_accepting_and_recovers(tmp_path):
    program = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
from plait import Protocol, ServerFactory, reactor
from plait.log import startLogging
startLogging(sys.stderr, setStdout=False)

class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)

port = reactor.listenTCP(0, ServerFactory.forProtocol(Echo), interface="127.0.0.1", backlog=128)
print(port.getHost().port, flush=True)
reactor.run()
import time
print("cpu", time.process_time())
"""
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            number = int(server.stdout.readline())
            sockets = [socket.create_connection(("127.0.0.1", number)) for _ in range(80)]
            served = 0
            # each is served in its turn, those in the queue when others have gone: nobody is turned away
            for s in sockets:
                s.settimeout(30)
                s.sendall(b"hello")
            for s in sockets:
                assert s.recv(5) == b"hello"
                served += 1
                s.close()
            assert served == 80
        finally:
            server.terminate()
            server.wait(30)
    text = (tmp_path / "log").read_text()
    assert "Out of file descriptors (the limit is 48)" in text
    assert "takes connections again" in text
    assert "Traceback" not in text, text


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts descriptors in /proc")
async def test_no_descriptor_is_left_behind():
    before = len(os.listdir("/proc/self/fd"))
    async with Server() as server:
        for _ in range(20):
            client, there, _ = await connection(server)
            client.transport.loseConnection()
            await there.lost
            await client.lost
        for _ in range(5):
            refused = Client()
            reactor.connectTCP("127.0.0.1", free_port(), refused)
            await refused.failed
    pause = Deferred()
    reactor.callLater(0, pause.callback, None)
    await pause
    assert len(os.listdir("/proc/self/fd")) <= before + 1
