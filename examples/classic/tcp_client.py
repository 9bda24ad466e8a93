from twisted.internet import protocol, reactor
import sys


class ByeProtocol(protocol.Protocol):
    def connectionMade(self):
        print("Connected to %s." % self.transport.getPeer().host)
        self.transport.loseConnection()


class ByeFactory(protocol.ClientFactory):
    protocol = ByeProtocol

    def clientConnectionLost(self, connector, reason):
        print("Lost connection: %s" % reason.getErrorMessage())
        reactor.stop()

    def clientConnectionFailed(self, connector, reason):
        print("Connection failed: %s" % reason.getErrorMessage())
        reactor.stop()


if len(sys.argv) != 3 or not sys.argv[2].isdigit():
    sys.stderr.write("usage: tcp_client.py HOST PORT\n")
    sys.exit(2)

reactor.connectTCP(sys.argv[1], int(sys.argv[2]), ByeFactory())
reactor.run()
