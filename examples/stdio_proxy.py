"""Standard input and output as a connection: what you type goes to a server, what it says comes back.

usage: python stdio_proxy.py HOST PORT
"""

import sys

from plait import ClientFactory, Protocol, reactor
from plait.interfaces import IHalfCloseableProtocol, implementer
from plait.transport.stdio import StandardIO


@implementer(IHalfCloseableProtocol)
class Terminal(Protocol):
    """Our standard input and output. They may be a terminal, pipes or files."""

    def __init__(self, server):
        self.server = server

    def dataReceived(self, data):
        # Line protocols end their lines as telnet does.
        self.server.write(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def readConnectionLost(self):
        """The input has ended. The server may still have something to say, so we only stop talking."""
        self.server.loseWriteConnection()

    def writeConnectionLost(self):
        """Nobody reads our output any more."""
        self.transport.loseConnection()

    def connectionLost(self, reason):
        self.server.loseConnection()
        reactor.stop()


class Server(Protocol):
    """The connection to the server."""

    def connectionMade(self):
        self.terminal = StandardIO(Terminal(self.transport))

    def dataReceived(self, data):
        self.terminal.write(data)

    def connectionLost(self, reason):
        # This writes what is left before it closes; then Terminal.connectionLost stops the reactor.
        self.terminal.loseConnection()


class ProxyFactory(ClientFactory):
    """Connects once."""

    protocol = Server

    def clientConnectionFailed(self, connector, reason):
        print("Connection failed:", reason.getErrorMessage(), file=sys.stderr)
        reactor.stop()


try:
    host, port = sys.argv[1], int(sys.argv[2])
except (IndexError, ValueError):
    print("usage: python stdio_proxy.py HOST PORT", file=sys.stderr)
    sys.exit(2)

reactor.connectTCP(host, port, ProxyFactory())
reactor.run()
