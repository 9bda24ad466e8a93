"""An answer that is cut short does not look like a whole one."""

from plait import ClientFactory, Protocol, ServerFactory, reactor

ENDS = ["loseConnection", "abortConnection"]


class Server(Protocol):
    def dataReceived(self, data):
        getattr(self.transport, data.decode())()


class Client(Protocol):
    def connectionMade(self):
        self.transport.write(ENDS.pop(0).encode())

    def connectionLost(self, reason):
        print(reason.type.__name__)


class Clients(ClientFactory):
    protocol = Client

    def clientConnectionLost(self, connector, reason):
        if ENDS:
            connector.connect()
        else:
            reactor.stop()


port = reactor.listenTCP(0, ServerFactory.forProtocol(Server), interface="127.0.0.1")
reactor.connectTCP("127.0.0.1", port.getHost().port, Clients())
reactor.run()
