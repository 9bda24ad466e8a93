from twisted.internet import interfaces, protocol, reactor, stdio
from zope.interface import implementer
import sys


@implementer(interfaces.IHalfCloseableProtocol)
class StdioProtocol(protocol.Protocol):
    def __init__(self, proxy):
        self.proxy = proxy

    def dataReceived(self, data):
        self.proxy.transport.write(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def readConnectionLost(self):
        self.proxy.transport.loseWriteConnection()

    def writeConnectionLost(self):
        self.transport.loseConnection()

    def connectionLost(self, reason):
        self.proxy.transport.loseConnection()
        reactor.stop()


class ProxyProtocol(protocol.Protocol):
    def connectionMade(self):
        self.stdio = StdioProtocol(self)
        stdio.StandardIO(self.stdio)

    def dataReceived(self, data):
        self.stdio.transport.write(data)

    def connectionLost(self, reason):
        self.stdio.transport.loseConnection()


class ProxyFactory(protocol.ClientFactory):
    protocol = ProxyProtocol

    def clientConnectionFailed(self, connector, reason):
        sys.stderr.write("Connection failed: %s\n" % reason.getErrorMessage())
        reactor.stop()


if len(sys.argv) != 3 or not sys.argv[2].isdigit():
    sys.stderr.write("usage: stdio_proxy.py HOST PORT\n")
    sys.exit(2)

reactor.connectTCP(sys.argv[1], int(sys.argv[2]), ProxyFactory())
reactor.run()
