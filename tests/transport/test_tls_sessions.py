"""Sessions that are resumed, on both sides."""

from __future__ import annotations

import socket
import ssl

import pytest

from plait import deferToThread, reactor
from plait.endpoints import HostnameEndpoint, wrapClientTLS
from plait.errors import ConnectionDone, SSLError
from plait.protocol import Factory
from plait.transport.tls import DefaultOpenSSLContextFactory, ServerContexts, verifiedClientContextFactory
from tests.certificates import make_certificate
from tests.transport.helpers import Server, connection
from tests.transport.test_tls import Upgrading
from tests.transport.tls_helpers import VERSIONS, Listening, SecureServer, connecting, secure_connection, trusting

versions = pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def visit(server, factory, who_ends="client"):
    """One connection: whether both sides say that it has resumed a session."""
    client, there = await secure_connection(server, factory)
    reused = client.transport.sessionReused, there.transport.sessionReused
    assert client.transport.getPeerCertificate()["subjectAltName"][0] == ("DNS", "localhost")
    client.transport.write(b"hello")
    assert await client.wait_for(5) == b"hello"
    (client if who_ends == "client" else there).transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    assert isinstance(await there.lost, ConnectionDone)
    return reused


@versions
@pytest.mark.parametrize("who_ends", ["client", "server"])
async def test_the_next_connection_resumes_the_session(certificate, version, who_ends):
    factory = verifiedClientContextFactory("localhost", trusting(certificate, version))
    async with SecureServer(certificate) as server:
        assert await visit(server, factory, who_ends) == (False, False)
        assert factory.session is not None
        for _ in range(3):
            assert await visit(server, factory, who_ends) == (True, True)


@versions
async def test_a_session_without_tickets_is_kept_by_the_server(certificate, version):
    contexts = ServerContexts(
        {"default": certificate[::-1]}, lambda c: setattr(c, "options", c.options | ssl.OP_NO_TICKET)
    )
    factory = verifiedClientContextFactory("localhost", trusting(certificate, version))
    async with SecureServer(contexts) as server:
        assert await visit(server, factory) == (False, False)
        assert await visit(server, factory) == (True, True)


async def test_no_session_is_resumed_where_that_is_not_wanted(certificate):
    factory = verifiedClientContextFactory("localhost", trusting(certificate), resume=False)
    async with SecureServer(certificate) as server:
        assert await visit(server, factory) == (False, False)
        assert await visit(server, factory) == (False, False)


@versions
async def test_a_new_certificate_ends_the_sessions_of_the_old_one(certificate, version):
    contexts = ServerContexts({"localhost": certificate[::-1]})
    factory = verifiedClientContextFactory("localhost", trusting(certificate, version))
    async with SecureServer(contexts) as server:
        await visit(server, factory)
        assert await visit(server, factory) == (True, True)
        assert contexts.reload() == []
        assert await visit(server, factory) == (False, False)
        assert await visit(server, factory) == (True, True)


async def test_a_session_is_that_of_one_name(certificate, tmp_path):
    """Also where two have a context in common, and the server is the same."""
    other = make_certificate(tmp_path, "other.example")
    contexts = ServerContexts({"localhost": certificate[::-1], "other.example": other[::-1]})
    context = trusting(certificate)
    context.load_verify_locations(other[1])
    first, second = (verifiedClientContextFactory(name, context) for name in ("localhost", "other.example"))
    async with SecureServer(contexts) as server:
        await visit(server, first)
        assert second.session is None
        client, there = await secure_connection(server, second)
        assert not client.transport.sessionReused
        assert client.transport.getPeerCertificate()["subjectAltName"] == (("DNS", "other.example"),)
        client.transport.loseConnection()
        await there.lost
        assert await visit(server, first) == (True, True)


async def test_who_is_not_believed_leaves_no_session(certificate):
    factory = verifiedClientContextFactory("localhost")
    async with SecureServer(certificate) as server:
        client = connecting(server.address.port, factory)
        assert isinstance(await client.gone, SSLError)
    assert factory.session is None


async def test_an_endpoint_resumes(certificate):
    async with SecureServer(certificate) as server:
        way = HostnameEndpoint(reactor, "localhost", server.address.port)
        endpoint = wrapClientTLS(trusting(certificate), way)
        for expected in (False, True):
            client = await endpoint.connect(Factory.forProtocol(Listening))
            await client.secured
            assert client.transport.sessionReused is expected
            client.transport.loseConnection()
            await client.lost


@versions
async def test_a_client_of_the_standard_library_resumes_a_session_of_ours(certificate, version):
    context = trusting(certificate, version)

    def visit(session):
        with socket.create_connection(("127.0.0.1", server.address.port), timeout=60) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                secure.sendall(b"hello")
                assert secure.recv(10) == b"hello"
                reused, session = secure.session_reused, secure.session
                secure.unwrap()
                return reused, session

    async with SecureServer(certificate) as server:
        reused, session = await deferToThread(visit, None)
        assert not reused
        assert (await deferToThread(visit, session))[0]


async def test_a_session_of_tls_in_starttls(certificate):
    """The same object, in the middle of connections."""

    factory = verifiedClientContextFactory("localhost", trusting(certificate))
    context = DefaultOpenSSLContextFactory(*certificate)
    async with Server(lambda: Upgrading(context)) as server:
        for expected in (False, True):
            client, there, _ = await connection(server, Listening)
            client.transport.write(b"STARTTLS")
            await client.wait_for(len(b"go ahead"))
            client.transport.startTLS(factory)
            await client.secured
            await client.wait_for(len(b"go aheadfirst words under TLS"))
            assert client.transport.sessionReused is expected
            client.transport.loseConnection()
            await there.lost
