"""Plait, as its users write it: `python plait_server.py echo|lines`. Prints the port that it listens on."""

import sys

from plait import Factory, LineReceiver, Protocol, reactor


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
