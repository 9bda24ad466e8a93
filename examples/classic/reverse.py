from twisted.application import internet
from twisted.internet import protocol
from twisted.protocols import basic


class ReverserProtocol(basic.LineReceiver):
    def lineReceived(self, line):
        handler = getattr(self, "handle_" + line.decode("latin-1"), None)
        if handler is not None:
            handler()
        else:
            self.sendLine(line[::-1])

    def handle_quit(self):
        self.transport.loseConnection()


class ReverserFactory(protocol.ServerFactory):
    protocol = ReverserProtocol


class ReverserService(internet.TCPServer):
    def __init__(self):
        internet.TCPServer.__init__(self, 2323, ReverserFactory())
