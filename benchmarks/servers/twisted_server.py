"""Twisted on its default reactor, as its users write it: `python twisted_server.py echo|lines`.

Prints the port that it listens on.
"""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import LineReceiver


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Lines(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line)


factory = Factory.forProtocol(Lines if sys.argv[1] == "lines" else Echo)
port = reactor.listenTCP(0, factory, backlog=4096, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
