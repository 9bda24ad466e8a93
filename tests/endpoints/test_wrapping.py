"""TLS around an endpoint, and a PROXY header before one."""

import ssl

import pytest

import plait
from plait import Deferred, Factory, Protocol
from plait.endpoints import (
    HostnameEndpoint,
    SSL4ServerEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    proxyEndpoint,
    wrapClientTLS,
    wrapServerTLS,
)
from plait.errors import SSLError
from plait.transport import IPv4Address
from plait.transport.tls import DefaultOpenSSLContextFactory, verifiedClientContextFactory
from tests.endpoints.test_direct import Echo, Noting


@pytest.mark.parametrize("bare", [False, True])
def test_tls_around_a_host_name(run, certificate, trust, bare):
    async def main():
        r = plait.reactor
        server = SSL4ServerEndpoint(r, 0, DefaultOpenSSLContextFactory(*certificate), interface="127.0.0.1")
        port = await server.listen(Factory.forProtocol(Echo))
        believed = trust if bare else verifiedClientContextFactory("localhost", trust)
        endpoint = wrapClientTLS(believed, HostnameEndpoint(r, "localhost", port.getHost().port))
        protocol = await endpoint.connect(Factory.forProtocol(Noting))
        protocol.transport.write(b"line\n")
        assert await protocol.got == b"line\n"
        protocol.transport.loseConnection()
        await protocol.lost
        await port.stopListening()

    run(main)


def test_tls_at_a_unix_socket(run, certificate, trust, tmp_path):
    async def main():
        r = plait.reactor
        path = str(tmp_path / "socket")
        server = wrapServerTLS(DefaultOpenSSLContextFactory(*certificate), UNIXServerEndpoint(r, path))
        port = await server.listen(Factory.forProtocol(Echo))
        believed = verifiedClientContextFactory("localhost", trust)
        protocol = await wrapClientTLS(believed, UNIXClientEndpoint(r, path)).connect(Factory.forProtocol(Noting))
        protocol.transport.write(b"line\n")
        assert await protocol.got == b"line\n"
        assert protocol.transport.getPeerCertificate()["subjectAltName"][0] == ("DNS", "localhost")
        protocol.transport.loseConnection()
        await protocol.lost
        await port.stopListening()

    run(main)


def test_name_that_the_certificate_does_not_have(run, certificate, trust):
    async def main():
        r = plait.reactor
        server = SSL4ServerEndpoint(r, 0, DefaultOpenSSLContextFactory(*certificate), interface="127.0.0.1")
        port = await server.listen(Factory.forProtocol(Echo))
        believed = verifiedClientContextFactory("example.com", trust)
        endpoint = wrapClientTLS(believed, HostnameEndpoint(r, "localhost", port.getHost().port))
        protocol = await endpoint.connect(Factory.forProtocol(Noting))
        reason = await protocol.lost
        assert isinstance(reason, (SSLError, ssl.SSLError))
        await port.stopListening()

    run(main)


def test_no_context():
    with pytest.raises((TypeError, AttributeError)):
        wrapClientTLS(None, HostnameEndpoint(None, "localhost", 1))
    with pytest.raises((TypeError, AttributeError)):
        wrapServerTLS(None, TCP4ServerEndpoint(None, 0))


def test_proxy_header(run):
    peers = Deferred()

    class Server(Protocol):
        def dataReceived(self, data):
            peers.callback((self.transport.getPeer(), data))

    async def main():
        r = plait.reactor
        endpoint = proxyEndpoint(TCP4ServerEndpoint(r, 0, interface="127.0.0.1"))
        port = await endpoint.listen(Factory.forProtocol(Server))
        protocol = await HostnameEndpoint(r, "127.0.0.1", port.getHost().port).connect(Factory.forProtocol(Noting))
        protocol.transport.write(b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 80\r\nhello")
        assert await peers == (IPv4Address("TCP", "192.0.2.7", 1234), b"hello")
        protocol.transport.loseConnection()
        await protocol.lost
        await port.stopListening()

    run(main)
