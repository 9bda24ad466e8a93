"""A UDP server that sends back what it gets, and a client that asks again when nothing comes."""

from plait import reactor
from plait.protocol import DatagramProtocol


class Echo(DatagramProtocol):
    def datagramReceived(self, datagram, addr):
        self.transport.write(datagram, addr)


class Client(DatagramProtocol):
    def __init__(self, host, port):
        self.server = (host, port)

    def startProtocol(self):
        self.transport.connect(*self.server)
        self.ask()

    def ask(self):
        self.transport.write(b"hello")
        self.again = reactor.callLater(1, self.ask)  # a datagram may be lost, and so may the answer

    def datagramReceived(self, datagram, addr):
        print("the answer is", datagram)
        self.again.cancel()
        reactor.stop()

    def connectionRefused(self):
        print("nobody listens there")


server = reactor.listenUDP(0, Echo(), interface="127.0.0.1")
reactor.listenUDP(0, Client("127.0.0.1", server.getHost().port), interface="127.0.0.1")
reactor.run()
