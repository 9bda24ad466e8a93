"""An echo server for lines, on port 5001, to talk to with stdio_proxy.py (or telnet).

usage: python echo_server.py
"""

from plait import LineReceiver, ServerFactory, reactor


class Echo(LineReceiver):
    """Says each line again. The line "quit" ends the connection."""

    def lineReceived(self, line):
        if line == b"quit":
            self.sendLine(b"Goodbye.")
            self.transport.loseConnection()
        else:
            self.sendLine(b"You said: " + line)


class EchoFactory(ServerFactory):
    """Makes an Echo for each client."""

    protocol = Echo


reactor.listenTCP(5001, EchoFactory())
reactor.run()
