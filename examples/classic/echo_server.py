from twisted.internet import protocol, reactor
from twisted.protocols import basic


class EchoProtocol(basic.LineReceiver):
    def lineReceived(self, line):
        if line == b"quit":
            self.sendLine(b"Goodbye.")
            self.transport.loseConnection()
        else:
            self.sendLine(b"You said: " + line)


class EchoServerFactory(protocol.ServerFactory):
    protocol = EchoProtocol


if __name__ == "__main__":
    reactor.listenTCP(5001, EchoServerFactory())
    reactor.run()
