"""Plait, as its users write it: `python plait_server.py echo|lines|int32|udp|tls [KEY CERTIFICATE]`.

Prints the port that it listens on.
"""

import sys

from plait import Factory, LineReceiver, Protocol, reactor
from plait.protocol import DatagramProtocol, Int32StringReceiver


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Lines(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line)


class Strings(Int32StringReceiver):
    def stringReceived(self, string: bytes) -> None:
        self.sendString(string)


class Datagrams(DatagramProtocol):
    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        self.transport.write(datagram, addr)


if sys.argv[1] == "udp":
    port = reactor.listenUDP(0, Datagrams(), interface="127.0.0.1")
elif sys.argv[1] == "tls":
    from plait.transport.tls import DefaultOpenSSLContextFactory

    context = DefaultOpenSSLContextFactory(sys.argv[2], sys.argv[3])
    port = reactor.listenSSL(0, Factory.forProtocol(Echo), context, backlog=4096, interface="127.0.0.1")
else:
    factory = Factory.forProtocol({"echo": Echo, "lines": Lines, "int32": Strings}[sys.argv[1]])
    port = reactor.listenTCP(0, factory, backlog=4096, interface="127.0.0.1")
print(port.getHost().port, flush=True)
reactor.run()
