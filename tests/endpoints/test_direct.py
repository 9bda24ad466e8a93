"""Endpoints over real sockets, on each engine; and what can go wrong with them."""

import socket

import pytest

import plait
from plait import Deferred, Factory, Protocol
from plait.endpoints import (
    AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    StandardIOEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    connectProtocol,
)
from plait.errors import (
    AlreadyListened,
    CannotListenError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    NoProtocol,
)
from plait.interfaces import (
    IHalfCloseableProtocol,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    implementer,
    verifyObject,
)
from plait.testing import MemoryReactorClock, StringTransport
from plait.transport import IPv4Address
from plait.transport.tls import DefaultOpenSSLContextFactory, verifiedClientContextFactory


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Noting(Protocol):
    def __init__(self):
        self.data = b""
        self.got = Deferred()
        self.lost = Deferred()

    def dataReceived(self, data):
        self.data += data
        if self.data.endswith(b"\n") and not self.got.called:
            self.got.callback(self.data)

    def connectionLost(self, reason):
        self.lost.callback(getattr(reason, "value", reason))


async def echoes(server, client_at):
    """A line goes to the server at `server`, and comes back."""
    port = await server.listen(Factory.forProtocol(Echo))
    try:
        protocol = await client_at(port.getHost().port).connect(Factory.forProtocol(Noting))
        assert protocol.transport.protocol is protocol  # nobody stands between the connection and the protocol
        protocol.transport.write(b"line\n")
        assert await protocol.got == b"line\n"
        protocol.transport.loseConnection()
        await protocol.lost
    finally:
        await port.stopListening()


def test_tcp(run):
    async def main():
        r = plait.reactor
        server = TCP4ServerEndpoint(r, 0, interface="127.0.0.1")
        await echoes(server, lambda port: TCP4ClientEndpoint(r, "127.0.0.1", port))

    run(main)


def test_tcp6(run):
    async def main():
        r = plait.reactor
        server = TCP6ServerEndpoint(r, 0, interface="::1")
        await echoes(server, lambda port: TCP6ClientEndpoint(r, "::1", port))

    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    run(main)


def test_tls(run, certificate, trust):
    async def main():
        r = plait.reactor
        server = SSL4ServerEndpoint(r, 0, DefaultOpenSSLContextFactory(*certificate), interface="127.0.0.1")
        believed = verifiedClientContextFactory("localhost", trust)
        await echoes(server, lambda port: SSL4ClientEndpoint(r, "127.0.0.1", port, believed))

    run(main)


def test_port_is_taken_and_nobody_there(run):
    async def main():
        r = plait.reactor
        port = await TCP4ServerEndpoint(r, 0, interface="127.0.0.1").listen(Factory.forProtocol(Echo))
        number = port.getHost().port
        with pytest.raises(CannotListenError):
            await TCP4ServerEndpoint(r, number, interface="127.0.0.1").listen(Factory.forProtocol(Echo))
        await port.stopListening()
        with pytest.raises(ConnectionRefusedError):
            await TCP4ClientEndpoint(r, "127.0.0.1", number).connect(Factory.forProtocol(Echo))

    run(main)


def test_factory_that_refuses_and_one_that_fails(run):
    class Refusing(Factory):
        def buildProtocol(self, addr):
            return None

    class Failing(Factory):
        def buildProtocol(self, addr):
            raise ZeroDivisionError

    class FailingProtocol(Protocol):
        def connectionMade(self):
            raise ZeroDivisionError

    async def main():
        r = plait.reactor
        port = await TCP4ServerEndpoint(r, 0, interface="127.0.0.1").listen(Factory.forProtocol(Echo))
        client = TCP4ClientEndpoint(r, "127.0.0.1", port.getHost().port)
        with pytest.raises(NoProtocol):
            await client.connect(Refusing())
        with pytest.raises(ZeroDivisionError):
            await client.connect(Failing())
        with pytest.raises(ZeroDivisionError):
            await client.connect(Factory.forProtocol(FailingProtocol))
        await port.stopListening()

    run(main)


def test_connect_protocol(run):
    async def main():
        r = plait.reactor
        port = await TCP4ServerEndpoint(r, 0, interface="127.0.0.1").listen(Factory.forProtocol(Echo))
        mine = Noting()
        assert await connectProtocol(TCP4ClientEndpoint(r, "127.0.0.1", port.getHost().port), mine) is mine
        mine.transport.loseConnection()
        await mine.lost
        await port.stopListening()

    run(main)


def test_cancelled():
    reactor = MemoryReactorClock()
    failed = []
    d = TCP4ClientEndpoint(reactor, "192.0.2.1", 80).connect(Factory.forProtocol(Echo))
    d.addErrback(failed.append)
    d.cancel()
    assert isinstance(failed[0].value, ConnectingCancelledError)
    assert failed[0].value.address == IPv4Address("TCP", "192.0.2.1", 80)
    assert reactor.connectors[0].stoppedConnecting
    # what the connector says of it afterwards is no second result
    reactor.tcpClients[0][2].clientConnectionFailed(reactor.connectors[0], failed[0])


def test_arguments_reach_the_reactor():
    reactor, factory = MemoryReactorClock(), Factory.forProtocol(Echo)
    TCP4ServerEndpoint(reactor, 80, backlog=7, interface="127.0.0.1").listen(factory)
    assert reactor.tcpServers == [(80, factory, 7, "127.0.0.1")]
    UNIXServerEndpoint(reactor, "/a/socket", mode=0o600, wantPID=True).listen(factory)
    assert reactor.unixServers == [("/a/socket", factory, 50, 0o600, True)]
    UNIXClientEndpoint(reactor, "/a/socket", timeout=3, checkPID=True).connect(factory)
    assert reactor.unixClients[0][0] == "/a/socket"
    assert reactor.unixClients[0][2:] == (3, True)
    TCP4ClientEndpoint(reactor, "192.0.2.1", 80, timeout=4, bindAddress=("192.0.2.2", 0)).connect(factory)
    assert reactor.tcpClients[0][:2] == ("192.0.2.1", 80)
    assert reactor.tcpClients[0][3:] == (4, ("192.0.2.2", 0))


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Noting):
    ended = False

    def readConnectionLost(self):
        self.ended = True

    def writeConnectionLost(self):
        pass


def test_transport_that_does_not_know_its_protocol():
    """Everything that happens is handed on, and what the protocol can take is known from outside."""
    reactor = MemoryReactorClock()
    d = TCP4ClientEndpoint(reactor, "192.0.2.1", 80).connect(Factory.forProtocol(HalfCloseable))
    outer = reactor.tcpClients[0][2].buildProtocol(None)
    assert not d.called
    outer.makeConnection(StringTransport())
    protocol = d.result
    assert IHalfCloseableProtocol.providedBy(outer)
    outer.dataReceived(b"x\n")
    assert protocol.data == b"x\n"
    outer.readConnectionLost()
    assert protocol.ended
    outer.connectionLost("reason")
    assert protocol.lost.result == "reason"


def test_standard_io_is_one_connection():
    class Pipes:
        def __init__(self, protocol, reactor):
            self.protocol, self.reactor = protocol, reactor

    endpoint = StandardIOEndpoint("reactor")
    endpoint._stdio = Pipes
    d = endpoint.listen(Factory.forProtocol(Echo))
    assert isinstance(d.result.protocol, Echo)
    assert d.result.reactor == "reactor"


def test_adopted_socket_is_used_once_and_closed():
    adopted = []

    class Adopting:
        def adoptStreamPort(self, fileno, family, factory):
            adopted.append((fileno, family, factory))
            return "port"

    with socket.socket() as sock:
        copy = sock.dup().detach()
        endpoint = AdoptedStreamServerEndpoint(Adopting(), copy, socket.AF_INET)
        assert endpoint.listen("factory").result == "port"
        assert adopted == [(copy, socket.AF_INET, "factory")]
        with pytest.raises(OSError):
            socket.socket(fileno=copy)
        second = []
        endpoint.listen("factory").addErrback(second.append)
        assert isinstance(second[0].value, AlreadyListened)


@pytest.mark.parametrize(
    "endpoint",
    [
        TCP4ServerEndpoint(None, 0),
        TCP6ServerEndpoint(None, 0),
        SSL4ServerEndpoint(None, 0, None),
        UNIXServerEndpoint(None, "/x"),
        AdoptedStreamServerEndpoint(None, 0, 0),
    ],
)
def test_server_endpoints_keep_their_promise(endpoint):
    assert verifyObject(IStreamServerEndpoint, endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        TCP4ClientEndpoint(None, "h", 0),
        TCP6ClientEndpoint(None, "h", 0),
        SSL4ClientEndpoint(None, "h", 0, None),
        UNIXClientEndpoint(None, "/x"),
    ],
)
def test_client_endpoints_keep_their_promise(endpoint):
    assert verifyObject(IStreamClientEndpoint, endpoint)
