"""What the tests of TLS share: servers and connections under TLS, and contexts that trust the tests' certificate."""

from __future__ import annotations

import ssl

from plait import Deferred, reactor
from plait.interfaces import IHandshakeListener, implementer
from plait.transport.tls import DefaultOpenSSLContextFactory, verifiedClientContextFactory
from tests.transport.helpers import Client, Noting, Server

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@implementer(IHandshakeListener)
class Listening(Noting):
    """`secured` fires when the handshake is done."""

    def __init__(self):
        super().__init__()
        self.secured = Deferred()

    def handshakeCompleted(self):
        self.secured.callback(self)


class Echo(Listening):
    """Sends back what comes."""

    def dataReceived(self, data):
        super().dataReceived(data)
        self.transport.write(data)


class SecureServer(Server):
    """A listening port under TLS. `context` is a pair of files, or anything that a port takes."""

    def __init__(self, context, protocol=Echo, **listen):
        self.context = DefaultOpenSSLContextFactory(*context) if isinstance(context, tuple) else context
        super().__init__(protocol, **listen)

    def listen(self, **options):
        return reactor.listenSSL(0, self.factory, self.context, interface="127.0.0.1", **options)


def trusting(certificate, version=None):
    """A client's context that trusts the second of the two files, and speaks `version` only."""
    context = ssl.create_default_context(cafile=certificate[1])
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def connecting(port, context, protocol=Listening, hostname="localhost"):
    """A `Client` that connects to the port of that number and believes whom `context` trusts."""
    if isinstance(context, ssl.SSLContext):
        context = verifiedClientContextFactory(hostname, context)
    client = Client(protocol)
    reactor.connectSSL("127.0.0.1", port, client, context)
    return client


async def secure_connection(server, context, protocol=Listening, hostname="localhost"):
    """A client's protocol and a server's, when both have done the handshake. Both must be `Listening`."""
    client = await connecting(server.address.port, context, protocol, hostname).connected
    there = await server.accepted()
    await client.secured
    await there.secured
    return client, there
