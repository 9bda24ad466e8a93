"""A resolver of the program's own: it knows the names of a table, and leaves all others to the one before it."""

from plait import ClientFactory, Protocol, ServerFactory, reactor
from plait.deferred import succeed
from plait.errors import DNSLookupError
from plait.interfaces import IHostnameResolver, implementer
from plait.transport import IPv4Address
from plait.transport.names import Resolution


@implementer(IHostnameResolver)
class Table:
    def __init__(self, hosts, others):
        self.hosts = hosts
        self.others = others

    def resolveHostName(self, resolutionReceiver, hostName, portNumber=0, addressTypes=None, transportSemantics="TCP"):
        if hostName not in self.hosts:
            return self.others.resolveHostName(
                resolutionReceiver, hostName, portNumber, addressTypes, transportSemantics
            )
        address = IPv4Address(transportSemantics, self.hosts[hostName], portNumber)
        return Resolution(resolutionReceiver, hostName, succeed([address]))


class Greeter(Protocol):
    def connectionMade(self):
        self.transport.write(b"hello")
        self.transport.loseConnection()


class Reader(Protocol):
    def dataReceived(self, data):
        print(data.decode(), "from", self.transport.getPeer().host)


class Client(ClientFactory):
    protocol = Reader

    def clientConnectionLost(self, connector, reason):
        reactor.resolve("nowhere.invalid").addErrback(unknown).addBoth(lambda _: reactor.stop())


def unknown(failure):
    failure.trap(DNSLookupError)
    print("nowhere.invalid has no address")


reactor.installNameResolver(Table({"the-database": "127.0.0.1"}, reactor.nameResolver))
port = reactor.listenTCP(0, ServerFactory.forProtocol(Greeter), interface="127.0.0.1")
reactor.connectTCP("the-database", port.getHost().port, Client())
reactor.run()
