"""Whether what you have written keeps the promises of its interface. Run it with ``pytest``."""

from plait import ClientFactory, Deferred, LineReceiver, reactor
from plait.interfaces import IPullProducer, implementer
from plait.protocol import Factory
from plait.testing import checkConnection, checkProtocol, checkPullProducer


class Greeter(LineReceiver):
    """Greets each name."""

    def lineReceived(self, line):
        self.sendLine(b"hello " + line)


@implementer(IPullProducer)
class Countdown:
    """Writes 3, 2, 1, one each time that it is asked."""

    def __init__(self, consumer):
        self.consumer = consumer
        self.left = 3

    def resumeProducing(self):
        self.consumer.write(b"%d" % self.left)
        self.left -= 1
        if not self.left:
            self.consumer.unregisterProducer()

    def stopProducing(self):
        self.left = 0


def test_greeter():
    # The same answer wherever the network cuts the bytes.
    checkProtocol(Greeter, b"Ada\r\nBob\r\n", b"hello Ada\r\nhello Bob\r\n")


def test_countdown():
    checkPullProducer(Countdown)


async def connect(client, server):
    """Join two protocols by the transports that are to be checked: here, Plait's own over TCP."""
    joined = Deferred()

    def made(address):
        reactor.callLater(0, joined.callback, None)
        return server

    serving, calling = Factory(), ClientFactory()
    serving.buildProtocol = made
    calling.buildProtocol = lambda address: client
    port = reactor.listenTCP(0, serving, interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, calling)
    await joined
    await port.stopListening()


async def test_connection():
    await checkConnection(connect)
