"""TLS with the programs of OpenSSL on the other side, and what both sides agree on."""

from __future__ import annotations

import asyncio
import shutil
import ssl

import pytest

from plait import LineReceiver, reactor
from plait.endpoints import clientFromString, quoteStringArgument, serverFromString
from plait.errors import ConnectionDone, SSLError
from plait.protocol import Factory
from plait.transport.tls import ServerContexts, verifiedClientContextFactory
from tests.certificates import make_certificate
from tests.transport.helpers import Server
from tests.transport.tls_helpers import Echo, Listening, SecureServer, connecting, secure_connection, trusting

PATIENCE = 60
OPENSSL = shutil.which("openssl")

needs_openssl = pytest.mark.skipif(
    OPENSSL is None, reason="the openssl command is not installed: TLS is NOT tested against it; install it"
)
versions = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def client_certificate(tmp_path_factory):
    """A key and a certificate that a client shows; alone in their folder."""
    key, certificate = make_certificate(tmp_path_factory.mktemp("client"), "a client")
    key = key.rename(key.with_suffix(".key"))  # so that the folder has no other *.pem
    return key, certificate


class Program:
    """A run of ``openssl``: what is written to it, and what it has written."""

    def __init__(self, process):
        self.process = process
        self.text = b""

    @classmethod
    async def start(cls, *arguments):
        process = await asyncio.create_subprocess_exec(
            OPENSSL,
            *map(str, arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process)

    def write(self, data):
        self.process.stdin.write(data)

    async def wait_for(self, words):
        """Read until it has written `words`; fails if it ends before."""
        async with asyncio.timeout(PATIENCE):
            while words not in self.text:
                data = await self.process.stdout.read(1 << 16)
                assert data, f"openssl has ended without {words!r}:\n{self.text.decode(errors='replace')}"
                self.text += data

    async def end(self):
        """All that it has written, when it has ended."""
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            self.text += await self.process.stdout.read()
            await self.process.wait()
        return self.text.decode(errors="replace")


async def s_client(number, *arguments):
    return await Program.start("s_client", "-connect", f"127.0.0.1:{number}", "-servername", "localhost", *arguments)


@needs_openssl
@versions
async def test_s_client(certificate, version):
    contexts = ServerContexts({"localhost": certificate[::-1]}, lambda c: c.set_alpn_protocols(["h2", "http/1.1"]))
    async with SecureServer(contexts) as server:
        trust = ["-CAfile", certificate[1], "-verify_hostname", "localhost", "-verify_return_error"]
        program = await s_client(server.address.port, version, "-alpn", "spdy,http/1.1", *trust)
        there = await server.accepted()
        program.write(b"hello from openssl\n")
        await there.wait_for(19)
        assert there.data == b"hello from openssl\n"
        assert there.transport.negotiatedProtocol == b"http/1.1"
        await program.wait_for(b"hello from openssl\n")
        text = await program.end()
        assert "Verify return code: 0 (ok)" in text and "ALPN protocol: http/1.1" in text
        assert ("TLSv1.2" if version == "-tls1_2" else "TLSv1.3") in text
        await there.lost


@needs_openssl
@versions
async def test_s_client_resumes(certificate, version, tmp_path):
    async with SecureServer(certificate) as server:
        for expected, option in (("New, ", "-sess_out"), ("Reused, ", "-sess_in")):
            program = await s_client(server.address.port, version, option, tmp_path / "session")
            there = await server.accepted()
            program.write(b"hello\n")
            await program.wait_for(b"hello\n")
            assert expected in await program.end()
            assert there.transport.sessionReused is (option == "-sess_in")
            await there.lost


@needs_openssl
async def test_s_client_that_wants_to_renegotiate_is_refused(certificate):
    """In TLS 1.2; each new handshake would cost the server more than the client."""
    async with SecureServer(certificate) as server:
        program = await s_client(server.address.port, "-tls1_2")
        there = await server.accepted()
        await there.secured
        program.write(b"R\n")
        await program.wait_for(b"RENEGOTIATING")
        assert "no renegotiation" in (await program.end()).lower()
        await there.lost
        assert there.data == b""
        client, there = await secure_connection(server, trusting(certificate))
        client.transport.write(b"next")
        assert await client.wait_for(4) == b"next"
        client.transport.loseConnection()
        assert isinstance(await there.lost, ConnectionDone)


@needs_openssl
async def test_s_client_asks_for_new_keys(certificate):
    """KeyUpdate of TLS 1.3 (RFC 8446 section 4.6.3), which is answered with new keys of ours."""
    async with SecureServer(certificate) as server:
        program = await s_client(server.address.port, "-tls1_3")
        there = await server.accepted()
        await there.secured
        for n in range(3):
            program.write(b"K\n")
            await program.wait_for(b"KEYUPDATE")
            program.text = b""
            program.write(b"%d after new keys\n" % n)
            await program.wait_for(b"%d after new keys\n" % n)
        await program.end()
        await there.lost


@needs_openssl
@versions
async def test_s_client_shows_a_certificate(certificate, client_certificate, version):
    def configure(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_certificate[1])

    async with SecureServer(ServerContexts({"localhost": certificate[::-1]}, configure)) as server:
        program = await s_client(server.address.port, version)
        error = await (await server.accepted()).lost
        assert isinstance(error, SSLError) and "has shown no certificate, and one is needed" in str(error)
        await program.end()
        key, shown = client_certificate
        program = await s_client(server.address.port, version, "-cert", shown, "-key", key)
        there = await server.accepted()
        program.write(b"hello\n")
        await program.wait_for(b"hello\n")
        assert there.transport.getPeerCertificate()["subject"] == ((("commonName", "a client"),),)
        await program.end()
        await there.lost


async def s_server(certificate, *arguments):
    """A server of OpenSSL, and the number of its port."""
    program = await Program.start(
        "s_server", "-accept", "127.0.0.1:0", "-key", certificate[0], "-cert", certificate[1], *arguments
    )
    await program.wait_for(b"ACCEPT 127.0.0.1:")
    await program.wait_for(b"\n")
    return program, int(program.text.rpartition(b"ACCEPT 127.0.0.1:")[2].split()[0])


@needs_openssl
@versions
async def test_s_server(certificate, version):
    program, number = await s_server(certificate, version, "-alpn", "http/1.1", "-rev")
    context = trusting(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    factory = verifiedClientContextFactory("localhost", context)
    for visit in range(2):
        client = await connecting(number, factory).connected
        client.transport.write(b"strands of three\n")
        assert await client.wait_for(17) == b"eerht fo sdnarts\n"
        assert client.transport.negotiatedProtocol == b"http/1.1"
        assert client.transport.sessionReused is bool(visit)
        client.transport.write(b"CLOSE\n")  # which it does
        assert isinstance(await client.lost, ConnectionDone)
    program.process.kill()
    await program.end()


@needs_openssl
@versions
async def test_s_server_that_wants_a_certificate(certificate, client_certificate, version):
    wanting = ["-Verify", "1", "-verify_return_error", "-CAfile", client_certificate[1]]
    program, number = await s_server(certificate, version, *wanting, "-rev")
    client = connecting(number, trusting(certificate))
    error = await client.gone
    assert isinstance(error, SSLError) and "the peer has ended TLS with an alert" in str(error), error
    context = trusting(certificate)
    context.load_cert_chain(client_certificate[1], client_certificate[0])
    p = await connecting(number, context).connected
    p.transport.write(b"abc\n")
    assert await p.wait_for(4) == b"cba\n"
    p.transport.loseConnection()
    assert isinstance(await p.lost, ConnectionDone)
    program.process.kill()
    await program.end()


@needs_openssl
@versions
async def test_half_close_towards_s_server(certificate, version):
    """It answers our close_notify with its own, as a peer may: what it had sent before has come."""
    program, number = await s_server(certificate, version, "-rev")
    p = await connecting(number, trusting(certificate)).connected
    p.transport.write(b"abc\n")
    assert await p.wait_for(4) == b"cba\n"
    p.transport.loseWriteConnection()
    assert isinstance(await p.lost, ConnectionDone)
    program.process.kill()
    await program.end()


@needs_openssl
async def test_starttls_with_s_client(certificate):
    context = ServerContexts({"localhost": certificate[::-1]})

    class Mail(LineReceiver):
        def connectionMade(self):
            self.sendLine(b"220 localhost ESMTP")

        def lineReceived(self, line):
            if line.startswith(b"EHLO"):
                self.sendLine(b"250-localhost")
                self.sendLine(b"250 STARTTLS")
            elif line == b"STARTTLS":
                self.sendLine(b"220 go ahead")
                self.clearLineBuffer()
                self.transport.startTLS(context)
            else:
                self.sendLine(b"heard " + line)

    async with Server(Mail) as server:
        number = server.address.port
        arguments = ["-starttls", "smtp", "-CAfile", certificate[1], "-verify_return_error", "-crlf"]
        program = await s_client(number, *arguments)
        program.write(b"NOOP\n")
        await program.wait_for(b"heard NOOP\r\n")
        assert "Verify return code: 0 (ok)" in await program.end()


# -- by strings


async def test_a_server_that_wants_certificates_by_strings(certificate, client_certificate):
    """Both sides by nothing but strings: who shows no certificate is refused, and its protocol is told why."""
    key, cert = (quoteStringArgument(str(path)) for path in certificate)
    their_key, theirs = (quoteStringArgument(str(path)) for path in client_certificate)
    roots = quoteStringArgument(str(client_certificate[1].parent))
    ours = quoteStringArgument(str(certificate[1].parent))
    text = f"tls:0:interface=127.0.0.1:privateKey={key}:certKey={cert}:trustRoots={roots}"
    port = await serverFromString(reactor, text).listen(Factory.forProtocol(Echo))
    where = f"tls:localhost:{port.getHost().port}:trustRoots={ours}"
    client = await clientFromString(reactor, where).connect(Factory.forProtocol(Listening))
    assert "certificate required" in str(await client.lost).lower()
    where += f":certificate={theirs}:privateKey={their_key}"
    client = await clientFromString(reactor, where).connect(Factory.forProtocol(Listening))
    client.transport.write(b"hello")
    assert await client.wait_for(5) == b"hello"
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    await port.stopListening()


# -- what both agree on


@pytest.mark.parametrize(
    "ours, theirs, agreed",
    [
        (["h2", "http/1.1"], ["http/1.1", "h2"], b"h2"),  # the server's best
        (["http/1.1", "h2"], ["h2", "http/1.1"], b"http/1.1"),
        (["h2"], ["http/1.1"], None),
        (["h2"], [], None),
        ([], ["h2"], None),
    ],
)
async def test_alpn(certificate, ours, theirs, agreed):
    def protocols(context, names):
        if names:
            context.set_alpn_protocols(names)
        return context

    contexts = ServerContexts({"localhost": certificate[::-1]}, lambda context: protocols(context, ours))
    async with SecureServer(contexts) as server:
        client, there = await secure_connection(server, protocols(trusting(certificate), theirs))
        assert client.transport.negotiatedProtocol == there.transport.negotiatedProtocol == agreed
        client.transport.loseConnection()
        await there.lost
