"""A server of netstrings, with two policies in front of it, and a client that talks to it."""

from plait import ClientFactory, Deferred, Factory, reactor
from plait.protocol import NetstringReceiver
from plait.protocol.policies import LimitConnectionsByPeer, TimeoutFactory
from plait.task import deferLater


class Shouting(NetstringReceiver):
    MAX_LENGTH = 1000

    async def stringReceived(self, string):
        await deferLater(reactor, 0.01, lambda: None)  # ask a database, say
        self.sendString(string.upper())


class Client(NetstringReceiver):
    def connectionMade(self):
        for string in (b"one", b"two,\r\nand more", b""):
            self.sendString(string)

    def stringReceived(self, string):
        print(string)
        if not string:
            self.transport.write(b"this is no netstring")

    def connectionLost(self, reason):
        print("closed by the server")
        done.callback(None)


done = Deferred()
done.addCallback(lambda _: reactor.stop())

server = TimeoutFactory(LimitConnectionsByPeer(Factory.forProtocol(Shouting)), 60)
port = reactor.listenTCP(0, server, interface="127.0.0.1")
reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Client))
reactor.run()
