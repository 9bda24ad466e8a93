"""TLS: verified unless the caller says otherwise, also where a redirect leads."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import textwrap

import pytest

from plait import errors
from plait.current import getReactor
from plait.transport.tls import ClientContextFactory, VerifiedClientContextFactory, verifiedClientContextFactory
from plait.web.client import BrowserLikePolicyForHTTPS, HTTPClientFactory, getPage
from plait.web.error import PartialDownloadError

from .conftest import Certificate
from .raw_server import RawServer, redirection, response


async def test_an_unknown_authority_is_refused(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as server:
        with pytest.raises(errors.SSLError, match=r"(?i)certificate verify failed|self.signed"):
            await getPage(server.url())
    assert server.requests == []


async def test_the_unverified_context_accepts(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as server:
        assert await getPage(server.url(), ClientContextFactory()) == b"hello"


async def test_as_in_the_tutorial(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as server:
        factory = HTTPClientFactory(server.url())
        getReactor().connectSSL("127.0.0.1", server.port, factory, ClientContextFactory())
        assert await factory.deferred == b"hello"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_trust_of_ones_own(certificate: Certificate, host: str) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as server:
        verified = verifiedClientContextFactory(host, certificate.trust)
        assert await getPage(server.url(host=host), verified) == b"hello"
        assert await getPage(server.url(host=host), BrowserLikePolicyForHTTPS(certificate.trust)) == b"hello"


async def test_a_certificate_for_another_name_is_refused(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as server:
        with pytest.raises(errors.SSLError, match=r"(?i)not valid for|mismatch"):
            await getPage(server.url(), verifiedClientContextFactory("example.com", certificate.trust))
    assert server.requests == []


def test_the_systems_authorities_are_trusted(certificate: Certificate) -> None:
    """OpenSSL takes them from SSL_CERT_FILE, in a process that has it."""
    program = """
        import socket, ssl, sys, threading
        from plait import reactor
        from plait.web.client import getPage

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            with context.wrap_socket(listener.accept()[0], server_side=True) as conn:
                conn.recv(65536)
                conn.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello")
                conn.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        page = getPage("https://localhost:%d/" % listener.getsockname()[1])
        page.addBoth(print).addBoth(lambda _: reactor.stop())
        reactor.run()
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), certificate.file, certificate.file.with_name("key.pem")],
        env={**__import__("os").environ, "SSL_CERT_FILE": str(certificate.file)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.stdout, run.returncode) == ("b'hello'\n", 0), run.stderr


@pytest.mark.parametrize("sent", [response(b"hello!!")[:-2], b"HTTP/1.1 200 OK\r\n\r\nhello"], ids=["length", "close"])
async def test_cut_without_a_goodbye(certificate: Certificate, sent: bytes) -> None:
    def cut(conn: socket.socket) -> None:
        conn.sendall(sent)
        conn.shutdown(socket.SHUT_RDWR)  # of the TCP connection, without TLS's close_notify

    async with RawServer(cut, context=certificate.server) as server:
        with pytest.raises(PartialDownloadError, match="after 5"):
            await getPage(server.url(), ClientContextFactory())


async def test_plain_http_on_a_tls_port(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), waits=False) as server:
        with pytest.raises(errors.SSLError, match=r"(?i)wrong.version"):
            await getPage(server.url().replace("http:", "https:"), ClientContextFactory())


# Redirects.


async def test_from_http_to_https_is_verified(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as secure:
        async with RawServer(redirection(secure.url())) as plain:
            with pytest.raises(errors.SSLError):
                await getPage(plain.url())
            assert secure.requests == []
            assert await getPage(plain.url(), BrowserLikePolicyForHTTPS(certificate.trust)) == b"hello"


async def test_a_context_factory_is_for_its_host_only(certificate: Certificate) -> None:
    async with RawServer(response(b"hello"), context=certificate.server) as target:
        async with RawServer(
            redirection(target.url()), redirection(target.url(host="localhost")), context=certificate.server
        ) as first:
            assert await getPage(first.url(), ClientContextFactory()) == b"hello"
            with pytest.raises(errors.SSLError):
                await getPage(first.url(), ClientContextFactory())
    assert len(target.requests) == 1


async def test_from_https_to_http(certificate: Certificate) -> None:
    async with RawServer(response(b"hello")) as plain:
        async with RawServer(redirection(plain.url()), context=certificate.server) as secure:
            headers = {"Authorization": "secret", "X-Other": "public"}
            page = getPage(secure.url(), ClientContextFactory(), headers=headers, cookies={"a": "secret"})
            assert await page == b"hello"
    assert b"secret" in secure.requests[0]
    assert b"secret" not in plain.requests[0]
    assert b"X-Other: public" in plain.requests[0]


def test_an_absolute_name_is_verified_without_its_dot() -> None:
    made = BrowserLikePolicyForHTTPS().creatorForNetloc(b"example.com.", 443)
    assert isinstance(made, VerifiedClientContextFactory) and made.hostname == "example.com"


def test_a_given_trust_is_what_the_policy_uses(certificate: Certificate) -> None:
    context = BrowserLikePolicyForHTTPS(certificate.trust).creatorForNetloc(b"example.com", 443).getContext()
    assert context is certificate.trust
    default = BrowserLikePolicyForHTTPS().creatorForNetloc(b"example.com", 443).getContext()
    assert default.verify_mode is ssl.CERT_REQUIRED and default.check_hostname
