"""Two programs that know each other by certificates of an authority of their own, as a program for Twisted writes it.

Run it by ``python -m plait.as_twisted examples/tls/own_authority.py``.
"""

from twisted.internet import reactor, ssl
from twisted.internet.protocol import ClientFactory, Protocol, ServerFactory

authority = ssl.KeyPair.generate().selfSignedCert(1, CN="the weavers' guild")


def member(name, number):
    """A certificate for a member, with its key."""
    key = ssl.KeyPair.generate()
    request = key.requestObject(ssl.DN(CN=name))
    return ssl.PrivateCertificate.fromCertificateAndKeyPair(authority.signRequestObject(request, number), key)


class Workshop(Protocol):
    def dataReceived(self, data):
        visitor = ssl.Certificate.peerFromTransport(self.transport).getSubject().commonName
        self.transport.write(b"welcome, " + visitor)
        self.transport.loseConnection()


class Visitor(Protocol):
    def connectionMade(self):
        self.transport.write(b"knock")

    def dataReceived(self, data):
        print(data.decode())

    def connectionLost(self, reason):
        print(reason.getErrorMessage())
        reactor.stop()


port = reactor.listenSSL(
    0, ServerFactory.forProtocol(Workshop), member("workshop", 2).options(authority), interface="127.0.0.1"
)
reactor.connectSSL(
    "127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Visitor), member("Ada", 3).options(authority)
)
reactor.run()
