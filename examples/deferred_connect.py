"""A Deferred: a result that is not there yet.

usage: python deferred_connect.py HOST PORT
"""

import sys

from plait import ClientFactory, Deferred, Protocol, reactor


class Tester(Protocol):
    """Tells its factory's Deferred that the connection was made, and closes it."""

    def connectionMade(self):
        self.transport.loseConnection()
        self.factory.connected.callback(self.transport.getPeer())


class TesterFactory(ClientFactory):
    """Carries a Deferred that fires when the connection is made, or fails with the reason why it is not."""

    protocol = Tester

    def __init__(self):
        self.connected = Deferred()

    def clientConnectionFailed(self, connector, reason):
        self.connected.errback(reason)


def testConnection(host, port):
    """A Deferred that fires with the peer's address if `port` accepts connections, and else fails."""
    factory = TesterFactory()
    reactor.connectTCP(host, port, factory)
    return factory.connected


def printSuccess(peer, port):
    print("Connected to port", port)


def printFailure(failure, port):
    print(f"Error connecting to port {port}: {failure.getErrorMessage()}")


def main():
    try:
        host, port = sys.argv[1], int(sys.argv[2])
    except (IndexError, ValueError):
        print("usage: python deferred_connect.py HOST PORT", file=sys.stderr)
        sys.exit(2)

    connected = testConnection(host, port)
    connected.addCallbacks(printSuccess, printFailure, callbackArgs=(port,), errbackArgs=(port,))
    connected.addBoth(lambda _: reactor.stop())
    reactor.run()


if __name__ == "__main__":
    main()
