"""An echo server at a UNIX socket. The client also hands it an open file, and the server reads what is in it."""

import os
import tempfile

from plait import ClientFactory, Factory, Protocol, reactor
from plait.interfaces import IFileDescriptorReceiver, implementer


@implementer(IFileDescriptorReceiver)
class Server(Protocol):
    def fileDescriptorReceived(self, descriptor):
        with os.fdopen(descriptor) as file:  # it is ours now, and closed with the file
            print("the server reads:", file.read())

    def dataReceived(self, data):
        self.transport.write(data)


class Client(Protocol):
    def connectionMade(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"what only the client may read")
            file.seek(0)
            self.transport.sendFileDescriptor(file.fileno())
        self.transport.write(b"a file for you")  # the descriptor travels with the first byte of this

    def dataReceived(self, data):
        print("the client gets back:", data)
        self.transport.loseConnection()

    def connectionLost(self, reason):
        reactor.stop()


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "echo")
    reactor.listenUNIX(path, Factory.forProtocol(Server), mode=0o600)
    reactor.connectUNIX(path, ClientFactory.forProtocol(Client))
    reactor.run()
