from twisted.internet import defer, protocol, reactor
import sys


class ProbeProtocol(protocol.Protocol):
    def connectionMade(self):
        self.factory.deferred.callback("Connected!")
        self.transport.loseConnection()


class ProbeFactory(protocol.ClientFactory):
    protocol = ProbeProtocol

    def __init__(self):
        self.deferred = defer.Deferred()

    def clientConnectionFailed(self, connector, reason):
        self.deferred.errback(reason)


def probe(host, port):
    factory = ProbeFactory()
    reactor.connectTCP(host, port, factory)
    return factory.deferred


def handleSuccess(result, port):
    print("Connected to port %i" % port)
    reactor.stop()


def handleFailure(failure, port):
    print("Error connecting to port %i: %s" % (port, failure.getErrorMessage()))
    reactor.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.stderr.write("usage: deferred_connect.py HOST PORT\n")
        sys.exit(2)

    host, port = sys.argv[1], int(sys.argv[2])
    probing = probe(host, port)
    probing.addCallback(handleSuccess, port)
    probing.addErrback(handleFailure, port)
    reactor.run()
