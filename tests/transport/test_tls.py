"""TLS over TCP: who is believed, both ways of data, handshakes that fail."""

import shutil
import socket
import ssl
import subprocess

import pytest

from plait import reactor
from plait.errors import ConnectionDone, SSLError
from plait.transport.tls import (
    ClientContextFactory,
    DefaultOpenSSLContextFactory,
    context_of,
    verifiedClientContextFactory,
)
from tests.transport.helpers import Client, Noting

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs the openssl command to make a certificate"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    return key, cert


class Echo(Noting):
    def dataReceived(self, data):
        self.transport.write(data)


class TLSServer:
    """A listening port with the test's certificate."""

    def __init__(self, certificate, protocol=Echo):
        from plait import ServerFactory

        self.protocols = []

        class Factory(ServerFactory):
            noisy = False

            def buildProtocol(factory, addr):
                p = protocol()
                self.protocols.append(p)
                return p

        self.port = reactor.listenSSL(0, Factory(), DefaultOpenSSLContextFactory(*certificate), interface="127.0.0.1")
        self.number = self.port.getHost().port


async def connect(number, contextFactory, host="localhost"):
    client = Client()
    reactor.connectSSL(host, number, client, contextFactory)
    return client


async def test_data_goes_both_ways(certificate):
    server = TLSServer(certificate)
    client = await connect(server.number, ClientContextFactory())
    p = await client.connected
    data = bytes(range(256)) * 4000
    p.transport.write(data)
    assert await p.wait_for(len(data)) == data
    assert p.transport.negotiatedProtocol is None
    with pytest.raises(RuntimeError, match="half closed"):
        p.transport.loseWriteConnection()
    p.transport.loseConnection()
    assert isinstance(await client.gone, ConnectionDone)
    assert isinstance(await server.protocols[0].lost, ConnectionDone)
    await server.port.stopListening()


async def test_a_verified_client_believes_whom_it_trusts_and_nobody_else(certificate):
    server = TLSServer(certificate)
    for factory in (
        verifiedClientContextFactory("localhost"),
        verifiedClientContextFactory("other.example", ssl.create_default_context(cafile=certificate[1])),
    ):
        client = await connect(server.number, factory)
        error = await client.failed
        assert isinstance(error, SSLError)
        assert "certificate is not accepted" in str(error)
    trusting = verifiedClientContextFactory("localhost", ssl.create_default_context(cafile=certificate[1]))
    client = await connect(server.number, trusting, host="127.0.0.1")
    p = await client.connected
    assert p.transport.getPeerCertificate()["subjectAltName"] == (("DNS", "localhost"),)
    p.transport.loseConnection()
    await client.gone
    await server.port.stopListening()


async def test_a_peer_that_does_not_speak_tls_is_a_failed_connection(certificate):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = await connect(listener.getsockname()[1], ClientContextFactory(), host="127.0.0.1")

        async def answer():
            import asyncio

            listener.setblocking(False)
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            await asyncio.get_running_loop().sock_sendall(sock, b"220 plain text\r\n" * 10)
            return sock

        sock = await answer()
        assert isinstance(await client.failed, SSLError)
        sock.close()


async def test_plain_text_at_a_tls_port_does_not_disturb_the_others(certificate):
    server = TLSServer(certificate)
    with socket.create_connection(("127.0.0.1", server.number)) as intruder:
        intruder.sendall(b"GET / HTTP/1.0\r\n\r\n")
        client = await connect(server.number, ClientContextFactory())
        p = await client.connected
        p.transport.write(b"still here")
        assert await p.wait_for(10) == b"still here"
        p.transport.loseConnection()
        await client.gone
    await server.port.stopListening()


def test_contexts():
    context = ssl.create_default_context()
    assert context_of(context) == (context, None)
    assert context_of(verifiedClientContextFactory("h", context)) == (context, "h")
    assert ClientContextFactory().getContext().verify_mode == ssl.CERT_NONE
    assert "NOT verified" in ClientContextFactory.__doc__

    class Odd:
        def getContext(self):
            return "odd"

    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        context_of(Odd())


def test_a_server_without_its_files_says_so(tmp_path):
    with pytest.raises(OSError):
        DefaultOpenSSLContextFactory(tmp_path / "no.key", tmp_path / "no.pem")
