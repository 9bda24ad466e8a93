"""How to test a protocol: with bytes alone, and over a real connection. Run it with ``pytest``."""

import pytest

from plait import Deferred, Factory, LineReceiver, reactor
from plait.protocol import ClientFactory
from plait.testing import StringTransport


class Reverser(LineReceiver):
    """Answers each line with the line reversed; "quit" ends the connection."""

    def lineReceived(self, line):
        if line == b"quit":
            self.sendLine(b"Goodbye.")
            self.transport.loseConnection()
        else:
            self.sendLine(line[::-1])


# With bytes alone: no reactor, no port, no waiting.


def test_lines_are_reversed():
    protocol = Reverser()
    protocol.makeConnection(StringTransport())
    for byte in b"hello\r\nworld\r\n":
        protocol.dataReceived(bytes([byte]))  # the network may cut anywhere
    assert protocol.transport.value() == b"olleh\r\ndlrow\r\n"


def test_quit():
    protocol = Reverser()
    protocol.makeConnection(StringTransport())
    protocol.dataReceived(b"quit\r\n")
    assert protocol.transport.value() == b"Goodbye.\r\n"
    assert protocol.transport.disconnecting


# Over a connection: the tests are coroutines or return a Deferred, and the plugin runs them on the reactor.


@pytest.fixture
async def server():
    port = reactor.listenTCP(0, Factory.forProtocol(Reverser), interface="127.0.0.1")
    yield port.getHost()
    await port.stopListening()


class Asker(LineReceiver):
    """Sends lines, and fires `answers` with what came back when the connection is closed."""

    def connectionMade(self):
        self.lines = []
        for line in self.factory.questions:
            self.sendLine(line)

    def lineReceived(self, line):
        self.lines.append(line)

    def connectionLost(self, reason):
        self.factory.answers.callback(self.lines)


def ask(address, *questions):
    factory = ClientFactory.forProtocol(Asker)
    factory.questions = questions
    factory.answers = Deferred()
    reactor.connectTCP(address.host, address.port, factory)
    return factory.answers


async def test_a_conversation(server):
    assert await ask(server, b"hello", b"quit") == [b"olleh", b"Goodbye."]


@pytest.mark.plait_timeout(30)
def test_a_conversation_with_a_deferred(server):
    def check(lines):
        assert lines == [b"Goodbye."]

    return ask(server, b"quit").addCallback(check)
