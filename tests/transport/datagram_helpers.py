"""What the tests of datagrams share."""

from plait import Deferred, reactor
from plait.protocol import ConnectedDatagramProtocol, DatagramProtocol


class Noting(DatagramProtocol):
    """Notes what happens; `wait_for(n)` fires when n datagrams have come, `refused` at the first refusal."""

    def __init__(self):
        self.got = []
        self.events = []
        self.refused = Deferred()
        self._wait = None

    def startProtocol(self):
        self.events.append("start")

    def stopProtocol(self):
        self.events.append("stop")

    def datagramReceived(self, datagram, addr):
        self.note((datagram, addr))

    def note(self, what):
        self.got.append(what)
        if self._wait is not None and len(self.got) >= self._wait[0]:
            d, self._wait = self._wait[1], None
            d.callback(self.got)

    def wait_for(self, count):
        d = Deferred()
        if len(self.got) >= count:
            d.callback(self.got)
        else:
            self._wait = (count, d)
        return d

    def connectionRefused(self):
        self.refused.callback(None)
        self.refused = Deferred()


class ConnectedNoting(ConnectedDatagramProtocol, Noting):
    """The same for a port with one peer."""

    failure = None

    def datagramReceived(self, datagram):
        self.note(datagram)

    def connectionRefused(self):
        Noting.connectionRefused(self)

    def connectionFailed(self, failure):
        self.failure = failure


class UDP:
    """A UDP port with a protocol, closed at the end."""

    def __init__(self, protocol=None, interface="127.0.0.1", listen="listenUDP", port=0, **options):
        self.protocol = Noting() if protocol is None else protocol
        self.port = getattr(reactor, listen)(port, self.protocol, interface=interface, **options)

    async def __aenter__(self):
        return self.protocol

    async def __aexit__(self, *_):
        await self.port.stopListening()


def where(protocol):
    """(host, port) of a protocol's own port."""
    address = protocol.transport.getHost()
    return address.host, address.port
