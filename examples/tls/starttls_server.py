"""A server of lines that goes under TLS when the client asks for it: `python starttls_server.py KEY.pem CERT.pem`.

Prints the port that it listens on. Without STARTTLS it tells no secrets.
"""

import sys

from plait import Factory, LineReceiver, reactor
from plait.interfaces import IHandshakeListener, INegotiated, implementer, provides
from plait.transport.tls import DefaultOpenSSLContextFactory


@implementer(IHandshakeListener)
class Secretive(LineReceiver):
    def lineReceived(self, line):
        if line == b"STARTTLS":
            self.sendLine(b"220 go ahead")  # the last words in the clear
            self.clearLineBuffer()  # what has come after STARTTLS was not under TLS: do not believe it
            self.transport.startTLS(self.factory.context)
        elif line == b"SECRET":
            secure = provides(INegotiated, self.transport)
            self.sendLine(b"200 plaits are made of three strands" if secure else b"530 say STARTTLS first")
        elif line == b"QUIT":
            self.transport.loseConnection()

    def handshakeCompleted(self):
        print("A client is under TLS.", flush=True)


factory = Factory.forProtocol(Secretive)
factory.context = DefaultOpenSSLContextFactory(*sys.argv[1:3])
port = reactor.listenTCP(0, factory, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
