"""TLS over TCP: who is believed, both ways of data, handshakes that fail."""

import socket
import ssl

import pytest

from plait import Deferred, deferToThread, reactor
from plait.errors import ConnectionDone, ConnectionLost, SSLError
from plait.failure import Failure
from plait.interfaces import INegotiated
from plait.task import deferLater
from plait.transport.tls import (
    ClientContextFactory,
    DefaultOpenSSLContextFactory,
    context_of,
    verifiedClientContextFactory,
)
from tests.certificates import make_certificate
from tests.transport.helpers import Client, Server, connection, read_to_end
from tests.transport.tls_helpers import Echo, Listening


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


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


async def connect(number, contextFactory, host="localhost", protocol=Listening):
    client = Client(protocol)
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
        error = await client.gone
        assert isinstance(error, SSLError)
        assert "certificate is not accepted" in str(error)
    trusting = verifiedClientContextFactory("localhost", ssl.create_default_context(cafile=certificate[1]))
    client = await connect(server.number, trusting, host="127.0.0.1")
    p = await client.connected
    assert p.transport.getPeerCertificate() is None
    await p.secured
    assert p.transport.getPeerCertificate()["subjectAltName"] == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))
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
        assert isinstance(await client.gone, SSLError)
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
    assert context_of(context) is context
    assert context_of(verifiedClientContextFactory("h", context)) is context
    assert ClientContextFactory().getContext().verify_mode == ssl.CERT_NONE
    assert "NOT verified" in ClientContextFactory.__doc__

    class Odd:
        def getContext(self):
            return "odd"

    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        context_of(Odd())


def test_a_server_without_its_files_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*no\.(key|pem): No such file"):
        DefaultOpenSSLContextFactory(tmp_path / "no.key", tmp_path / "no.pem")


# -- objects of pyOpenSSL


async def test_contexts_of_pyopenssl(certificate):
    library = pytest.importorskip("OpenSSL.SSL", reason="pyOpenSSL is not installed")

    class ServerContext:
        def getContext(self):
            context = library.Context(library.TLS_METHOD)
            context.use_privatekey_file(str(certificate[0]))
            context.use_certificate_file(str(certificate[1]))
            return context

    class ClientContext:
        def getContext(self):
            return library.Context(library.TLS_METHOD)

    server = Server(lambda: Upgrading(ServerContext()))
    client, there, _ = await connection(server, Listening)
    client.transport.write(b"STARTTLS")
    await client.wait_for(len(b"go ahead"))
    client.data = b""
    client.transport.startTLS(ClientContext())
    data = bytes(range(256)) * 4000
    client.transport.write(data)
    assert (await client.wait_for(len(data) + 21)).endswith(data)
    await client.secured
    assert "CN=localhost" in client.transport.getPeerCertificate().to_cryptography().subject.rfc4514_string()
    assert client.transport.negotiatedProtocol is None
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    assert isinstance(await there.lost, ConnectionDone)
    await server.port.stopListening()


@pytest.mark.parametrize("refuses", [False, True])
async def test_a_creator_of_connections_of_pyopenssl(certificate, refuses):
    library = pytest.importorskip("OpenSSL.SSL", reason="pyOpenSSL is not installed")

    class Creator:
        def clientConnectionForTLS(self, tls):
            context = library.Context(library.TLS_METHOD)

            def informed(connection, where, result):
                if refuses and where & library.SSL_CB_HANDSHAKE_DONE:
                    tls.failVerification(Failure(ValueError("not the one I know")))

            context.set_info_callback(informed)
            return library.Connection(context, None)

    server = TLSServer(certificate)
    client = await connect(server.number, Creator())
    p = await client.connected
    if refuses:
        assert "not the one I know" in str(await client.gone)
    else:
        p.transport.write(b"hello")
        assert await p.wait_for(5) == b"hello"
        p.transport.loseConnection()
        assert isinstance(await client.gone, ConnectionDone)
    await server.port.stopListening()


# -- going under TLS in the middle of a connection


class Upgrading(Listening):
    """Answers STARTTLS, goes under TLS and echoes what comes."""

    def __init__(self, context=None):
        super().__init__()
        self.context = context

    def dataReceived(self, data):
        super().dataReceived(data)
        if data == b"STARTTLS":
            self.transport.write(b"go ahead")
            self.transport.startTLS(self.context)
            self.transport.write(b"first words under TLS")
        else:
            self.transport.write(data)


async def upgraded(server_context, client_context):
    """A client and a server that have begun a handshake in the middle of their connection."""
    server = Server(lambda: Upgrading(server_context))
    client, there, _ = await connection(server, Listening)
    client.transport.write(b"STARTTLS")
    assert await client.wait_for(len(b"go ahead")) == b"go ahead"
    client.data = b""
    client.transport.startTLS(client_context)
    return server, client, there


async def test_starttls_loses_and_reorders_nothing(certificate):
    trust = verifiedClientContextFactory("localhost", ssl.create_default_context(cafile=certificate[1]))
    server, client, there = await upgraded(DefaultOpenSSLContextFactory(*certificate), trust)
    assert INegotiated.providedBy(client.transport)
    sent = b"".join(b"%d," % n for n in range(20_000))
    for begin in range(0, len(sent), 999):
        client.transport.write(sent[begin : begin + 999])
    greeting = b"first words under TLS"
    assert await client.wait_for(len(sent) + len(greeting)) == greeting + sent
    await client.secured
    await there.secured
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    assert isinstance(await there.lost, ConnectionDone)
    await server.port.stopListening()


async def test_the_one_who_has_connected_can_answer_the_handshake(certificate):
    server = Server(Listening)
    client, there, _ = await connection(server, Listening)
    client.transport.startTLS(DefaultOpenSSLContextFactory(*certificate), normal=False)
    there.transport.startTLS(ClientContextFactory(), normal=False)
    there.transport.write(b"hello")
    assert await client.wait_for(5) == b"hello"
    client.transport.loseConnection()
    assert isinstance(await there.lost, ConnectionDone)
    await server.port.stopListening()


async def test_last_words_and_the_end_right_behind_the_word_for_tls(certificate):
    """All in one hook: they wait for the handshake, and then all comes."""

    class Hasty(Listening):
        def dataReceived(self, data):
            self.transport.startTLS(ClientContextFactory())
            self.transport.write(b"first thing under TLS, ")
            self.transport.write(b"last thing ever")
            self.transport.loseConnection()

    class Ready(Listening):
        def dataReceived(self, data):
            super().dataReceived(data)
            if data == b"STARTTLS":
                self.transport.write(b"go ahead")
                self.transport.startTLS(DefaultOpenSSLContextFactory(*certificate))
                self.data = b""

    server = Server(Ready)
    client, there, _ = await connection(server, Hasty)
    client.transport.write(b"STARTTLS")
    assert isinstance(await client.lost, ConnectionDone)
    assert isinstance(await there.lost, ConnectionDone)
    assert there.data == b"first thing under TLS, last thing ever"
    await server.port.stopListening()


@pytest.mark.parametrize("resumed", [False, True])
async def test_tls_that_begins_while_the_connection_is_paused(certificate, resumed):
    """The handshake goes on; data waits until it is wanted, which may have been said the moment before."""
    server = Server(lambda: Upgrading(DefaultOpenSSLContextFactory(*certificate)))
    client, there, _ = await connection(server, Listening)
    client.transport.write(b"STARTTLS")
    await client.wait_for(len(b"go ahead"))
    client.data = b""
    client.transport.pauseProducing()
    if resumed:
        client.transport.resumeProducing()
    client.transport.startTLS(ClientContextFactory())
    await client.secured
    await there.secured
    if not resumed:
        assert client.data == b""
        client.transport.resumeProducing()
    assert await client.wait_for(len(b"first words under TLS")) == b"first words under TLS"
    client.transport.loseConnection()
    assert isinstance(await there.lost, ConnectionDone)
    await server.port.stopListening()


async def test_tls_in_tls(certificate):
    server, client, there = await upgraded(DefaultOpenSSLContextFactory(*certificate), ClientContextFactory())
    await client.secured
    await there.secured
    await client.wait_for(len(b"first words under TLS"))
    client.data, client.secured, there.secured = b"", Deferred(), Deferred()
    there.transport.startTLS(DefaultOpenSSLContextFactory(*certificate))
    client.transport.startTLS(ClientContextFactory())
    client.transport.write(b"inside")
    assert await client.wait_for(6) == b"inside"
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    assert isinstance(await there.lost, ConnectionDone)
    await server.port.stopListening()


async def test_a_producer_is_told_also_under_tls(certificate):
    """The peer reads nothing: what waits stays at the high-water mark, before and after the handshake."""

    class Much(Listening):
        def __init__(self):
            super().__init__()
            self.data = bytearray()  # which is not copied for each piece

    server = TLSServer(certificate, Listening)
    client = await connect(server.number, ClientContextFactory(), protocol=Much)
    p = await client.connected
    there = server.protocols[0]
    p.transport.pauseProducing()

    class Producer:
        written = 0
        going = True

        def resumeProducing(self):
            self.going = True
            while self.going and self.written < 50_000_000:
                self.written += 10_000
                there.transport.write(bytes(10_000))
            if self.going:
                there.transport.unregisterProducer()

        def pauseProducing(self):
            self.going = False

        def stopProducing(self):
            self.going = False

    producer = Producer()
    there.transport.registerProducer(producer, True)
    producer.resumeProducing()
    await there.secured
    await deferLater(reactor, 0, lambda: None)
    assert not producer.going
    assert producer.written < 20_000_000
    p.transport.resumeProducing()
    assert len(await p.wait_for(50_000_000)) == 50_000_000
    p.transport.loseConnection()
    assert isinstance(await client.gone, ConnectionDone)
    await server.port.stopListening()


async def test_who_is_silent_in_the_handshake_is_closed(certificate, monkeypatch):
    monkeypatch.setattr("plait.transport.tlslayer.HANDSHAKE_LIMIT", 0.01)
    server = TLSServer(certificate)
    with socket.create_connection(("127.0.0.1", server.number)) as silent:
        silent.setblocking(False)
        assert await read_to_end(silent) == b""
    assert "took longer" in str(await server.protocols[0].lost)
    await server.port.stopListening()


async def test_who_does_not_answer_the_end_is_closed(certificate, monkeypatch):
    monkeypatch.setattr("plait.transport.tlslayer.END_LIMIT", 0.01)
    server = TLSServer(certificate)
    with socket.create_connection(("127.0.0.1", server.number)) as sock:
        with await deferToThread(ClientContextFactory().getContext().wrap_socket, sock):
            there = server.protocols[0]
            there.transport.loseConnection()
            assert isinstance(await there.lost, ConnectionDone)
    await server.port.stopListening()


async def test_data_that_ends_without_close_notify_is_cut(certificate):
    server = TLSServer(certificate, Listening)
    with socket.create_connection(("127.0.0.1", server.number)) as sock:
        tls = await deferToThread(ClientContextFactory().getContext().wrap_socket, sock)
        tls.sendall(b"half a")
        assert await server.protocols[0].wait_for(6) == b"half a"
        with socket.socket(fileno=tls.detach()) as plain:
            plain.shutdown(socket.SHUT_WR)
            lost = await server.protocols[0].lost
    assert isinstance(lost, ConnectionLost) and "close_notify" in str(lost)
    await server.port.stopListening()
