"""What is left of a connection that has ended is free at once, by its reference counts alone."""

import weakref

import pytest

from plait import Deferred, Factory, Protocol
from plait.protocol import ClientFactory
from plait.task import deferLater
from plait.transport.tls import ClientContextFactory, DefaultOpenSSLContextFactory
from tests.certificates import make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("freed"))


class Ends:
    """Weak references to all there is of both ends of a connection, and `over`: both have been told of its end."""

    def __init__(self):
        self.refs = []
        self.over = Deferred()
        self._ended = 0

    def watch(self, protocol):
        self.refs += [weakref.ref(protocol), weakref.ref(protocol.transport)]

    def ended(self):
        self._ended += 1
        if self._ended == 2:
            self.over.callback(None)


class Watched(Protocol):
    def __init__(self, ends):
        self.ends = ends

    def connectionMade(self):
        self.ends.watch(self)

    def connectionLost(self, reason):
        self.ends.ended()


class Server(Watched):
    def dataReceived(self, data):
        self.transport.write(data)


class Client(Watched):
    def connectionMade(self):
        super().connectionMade()
        self.transport.write(b"x" * 1000)

    def dataReceived(self, data):
        getattr(self.transport, self.ends.way)()


@pytest.mark.parametrize("way", ["loseConnection", "abortConnection"])
@pytest.mark.parametrize("security", ["clear", "TLS"])
def test_both_ends_are_free(reactor, certificate, security, way, without_collector):
    ends = Ends()
    ends.way = way

    def factory(kind, protocol):
        made = kind()
        made.noisy = False
        made.buildProtocol = lambda addr: protocol(ends)
        return made

    server, client = factory(Factory, Server), factory(ClientFactory, Client)
    left = []

    async def go():
        if security == "TLS":
            port = reactor.listenSSL(0, server, DefaultOpenSSLContextFactory(*certificate), interface="127.0.0.1")
            reactor.connectSSL("127.0.0.1", port.getHost().port, client, ClientContextFactory())
        else:
            port = reactor.listenTCP(0, server, interface="127.0.0.1")
            reactor.connectTCP("127.0.0.1", port.getHost().port, client)
        await ends.over
        for _ in range(3):  # turns of the loop, in which it lets go of what it was about to call
            await deferLater(reactor, 0)
        left.extend(ref() for ref in ends.refs)
        await port.stopListening()

    def end(result):
        left.append(result)
        reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(go()).addBoth(end))
    reactor.run(installSignalHandlers=False)
    assert left == [None] * 5
