"""What the tests of transports share: protocols that note what happens, and ends of real connections."""

import socket

from plait import ClientFactory, Deferred, Protocol, ServerFactory, reactor
from plait.failure import Failure
from plait.interfaces import IHalfCloseableProtocol, implementer


class Noting(Protocol):
    """Notes what happens; `made` and `lost` are Deferreds, and `wait_for(n)` fires when n bytes have come."""

    def __init__(self):
        self.data = b""
        self.made = Deferred()
        self.lost = Deferred()
        self._wait = None

    def connectionMade(self):
        self.made.callback(self)

    def dataReceived(self, data):
        self.data += data
        if self._wait is not None and len(self.data) >= self._wait[0]:
            d, self._wait = self._wait[1], None
            d.callback(self.data)

    def wait_for(self, count):
        d = Deferred()
        if len(self.data) >= count:
            d.callback(self.data)
        else:
            self._wait = (count, d)
        return d

    def connectionLost(self, reason):
        self.lost.callback(reason.value if isinstance(reason, Failure) else reason)


@implementer(IHalfCloseableProtocol)
class Ends:
    """A part for a protocol: goes on when one direction has ended. `read_closed` and `write_closed` are Deferreds."""

    def __init__(self):
        super().__init__()
        self.read_closed = Deferred()
        self.write_closed = Deferred()

    def readConnectionLost(self):
        self.read_closed.callback(None)

    def writeConnectionLost(self):
        self.write_closed.callback(None)


class HalfCloseable(Ends, Noting):
    pass


class Server:
    """A listening port whose protocols can be waited for."""

    def __init__(self, protocol=Noting, **listen):
        self.protocols = []
        self._next = []
        server = self

        class Factory(ServerFactory):
            noisy = False

            def buildProtocol(self, addr):
                p = protocol()
                p.factory = self
                server.addr = addr
                # once the protocol has its transport
                reactor.callLater(0, server._built, p)
                return p

        self.factory = Factory()
        self.port = self.listen(**listen)
        self.address = self.port.getHost()

    def listen(self, **options):
        options.setdefault("interface", "127.0.0.1")
        return reactor.listenTCP(0, self.factory, **options)

    def _built(self, p):
        if self._next:
            self._next.pop(0).callback(p)
        else:
            self.protocols.append(p)

    def accepted(self):
        d = Deferred()
        if self.protocols:
            d.callback(self.protocols.pop(0))
        else:
            self._next.append(d)
        return d

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.port.stopListening()


class Client(ClientFactory):
    """A client factory with Deferreds for each outcome."""

    noisy = False

    def __init__(self, protocol=Noting):
        self.protocol = protocol
        self.connected = Deferred()
        self.failed = Deferred()
        self.gone = Deferred()

    def buildProtocol(self, addr):
        p = super().buildProtocol(addr)
        reactor.callLater(0, self.connected.callback, p)  # once the protocol has its transport
        return p

    def clientConnectionFailed(self, connector, reason):
        self.failed.callback(reason.value)

    def clientConnectionLost(self, connector, reason):
        self.gone.callback(reason.value)


async def connection(server, protocol=Noting):
    """A client's protocol, a server's protocol, and the connector."""
    client = Client(protocol)
    connector = reactor.connectTCP(server.address.host, server.address.port, client)
    p = await client.connected
    return p, await server.accepted(), connector


def raw_connection(server):
    """A plain socket of a peer that does just what the test says."""
    sock = socket.create_connection((server.address.host, server.address.port))
    sock.setblocking(False)
    return sock


async def read_to_end(sock, limit=1 << 30):
    """All that comes at a raw socket until the other side closes."""
    import asyncio

    data = bytearray()
    while len(data) < limit:
        piece = await asyncio.get_running_loop().sock_recv(sock, 1 << 16)
        if not piece:
            break
        data += piece
    return bytes(data)
