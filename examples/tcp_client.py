"""A TCP client: connect, say so, and close the connection.

usage: python tcp_client.py HOST PORT
"""

import sys

from plait import ClientFactory, Protocol, reactor


class Hello(Protocol):
    """One connection. It ends as soon as it has begun."""

    def connectionMade(self):
        print(f"Connected to {self.transport.getPeer().host}.")
        self.transport.loseConnection()


class HelloFactory(ClientFactory):
    """Makes the protocol, and hears what became of the connection."""

    protocol = Hello

    def clientConnectionLost(self, connector, reason):
        print("Lost connection:", reason.getErrorMessage())
        reactor.stop()

    def clientConnectionFailed(self, connector, reason):
        print("Connection failed:", reason.getErrorMessage())
        reactor.stop()


try:
    host, port = sys.argv[1], int(sys.argv[2])
except (IndexError, ValueError):
    print("usage: python tcp_client.py HOST PORT", file=sys.stderr)
    sys.exit(2)

reactor.connectTCP(host, port, HelloFactory())
reactor.run()
