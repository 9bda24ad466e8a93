"""The reverser: a protocol, its factory and a service, for reverse_app.py to put into an application."""

from plait import LineReceiver, ServerFactory, TCPServer


class Reverser(LineReceiver):
    """Answers each line with the line reversed. A line that names a handle_ method is a command."""

    def lineReceived(self, line):
        command = getattr(self, "handle_" + line.decode("latin-1"), None)
        if command is not None:
            command()
        else:
            self.sendLine(line[::-1])

    def handle_quit(self):
        self.transport.loseConnection()


class ReverserFactory(ServerFactory):
    """Makes a Reverser for each client."""

    protocol = Reverser


class ReverserService(TCPServer):
    """A service that listens on port 2323 while it runs."""

    def __init__(self):
        TCPServer.__init__(self, 2323, ReverserFactory())
