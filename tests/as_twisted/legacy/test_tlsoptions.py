"""The TLS options of programs for Twisted, over real sockets."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import pytest
from OpenSSL import SSL, crypto

from plait import Factory, reactor
from plait.as_twisted.legacy.tlscertificates import Certificate, KeyPair, PrivateCertificate
from plait.as_twisted.legacy.tlsciphers import AcceptableCiphers, OpenSSLCipher
from plait.as_twisted.legacy.tlsclients import ClientTLSOptions, VerificationError, optionsForClientTLS
from plait.as_twisted.legacy.tlscontexts import ClientContextFactory, ContextFactory, DefaultOpenSSLContextFactory
from plait.as_twisted.legacy.tlsoptions import CertificateOptions
from plait.as_twisted.legacy.tlstrust import platformTrust, trustRootFromCertificates
from plait.as_twisted.legacy.tlsversions import TLSVersion
from plait.errors import ConnectionDone, ConnectionLost
from plait.interfaces import ICipher
from tests.as_twisted.legacy.tls_helpers import Authority, Noting, Pair


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("a root")


@pytest.fixture(scope="module")
def host(authority: Authority) -> PrivateCertificate:
    return authority.host("localhost", "127.0.0.1", "xn--hllo-5na.example")


async def talk(pair: Pair, options: Any) -> Noting:
    """A connection over which something has gone both ways; it is open still."""
    client = await pair.connect(options)
    client.transport.write(b"ping")
    await client.secured
    server = pair.servers[-1]
    assert await server.enough(4) == b"ping"
    server.transport.write(b"pong")
    assert await client.enough(4) == b"pong"
    return client


async def hang_up(client: Noting) -> None:
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "hállo.example"])
async def test_a_server_is_believed_by_each_name_that_it_has(
    authority: Authority, host: PrivateCertificate, name: str
) -> None:
    pair = Pair(host.options())
    client = await talk(pair, optionsForClientTLS(name, authority.certificate))
    assert Certificate.peerFromTransport(client.transport) == host
    assert Certificate.hostFromTransport(pair.servers[0].transport) == host
    sent = pair.servers[0].transport.getHandle().get_servername()
    assert sent == {"127.0.0.1": None}.get(name, name.encode("idna"))
    await hang_up(client)
    await pair.close()


@pytest.mark.parametrize("name", ["other.example", "127.0.0.2", "sub.localhost"])
async def test_another_name_is_refused_before_anything_is_sent(
    authority: Authority, host: PrivateCertificate, name: str
) -> None:
    pair = Pair(host.options())
    client = await pair.connect(optionsForClientTLS(name, authority.certificate))
    client.transport.write(b"secret")
    assert isinstance(await client.lost, VerificationError)
    server = pair.servers[0]
    await server.lost
    assert server.data == b"" and not server.secured.called
    await pair.close()


async def test_the_name_is_verified_even_where_the_context_verifies_nothing(host: PrivateCertificate) -> None:
    pair = Pair(host.options())
    client = await pair.connect(ClientTLSOptions("other.example", CertificateOptions().getContext()))
    assert isinstance(await client.lost, VerificationError)
    await hang_up(await talk(pair, ClientTLSOptions("localhost", CertificateOptions().getContext())))
    await pair.close()


async def test_the_name_is_sent_only_if_wanted(authority: Authority, host: PrivateCertificate) -> None:
    pair = Pair(host.options())
    client = await talk(pair, optionsForClientTLS("localhost", authority.certificate, sendServerName=False))
    assert pair.servers[0].transport.getHandle().get_servername() is None
    await hang_up(client)
    await pair.close()


async def test_who_is_not_trusted_is_refused(host: PrivateCertificate) -> None:
    pair = Pair(host.options())
    for trust in (None, platformTrust(), Authority("another").certificate):
        client = await pair.connect(optionsForClientTLS("localhost", trust))
        error = await client.lost
        assert isinstance(error, SSL.Error) and "certificate verify failed" in str(error)
    await pair.close()


async def test_a_certificate_that_signs_itself_is_believed_if_it_is_the_root() -> None:
    shown = KeyPair.generate().selfSignedCert(1, CN="self")
    pair = Pair(shown.options())
    await hang_up(await talk(pair, CertificateOptions(trustRoot=shown)))
    client = await pair.connect(CertificateOptions(trustRoot=KeyPair.generate().selfSignedCert(1, CN="self")))
    assert isinstance(await client.lost, SSL.Error)
    await pair.close()


async def test_a_chain_is_needed_where_an_authority_stands_between(authority: Authority) -> None:
    between = Authority("between", authority)
    host = between.host("localhost")
    asked = optionsForClientTLS("localhost", authority.certificate)
    shown: dict[str, Any] = {"privateKey": host.privateKey.original, "certificate": host.original}
    pair = Pair(CertificateOptions(**shown, extraCertChain=[between.certificate.original]))
    await hang_up(await talk(pair, asked))
    await pair.close()
    pair = Pair(CertificateOptions(**shown))
    client = await pair.connect(asked)
    assert isinstance(await client.lost, SSL.Error)
    await pair.close()


async def test_a_client_shows_a_certificate_that_the_server_wants(
    authority: Authority, host: PrivateCertificate
) -> None:
    clients = Authority("of clients")
    pair = Pair(host.options(clients.certificate))
    known = clients.host("a-client")
    client = await talk(pair, optionsForClientTLS("localhost", authority.certificate, known))
    assert Certificate.peerFromTransport(pair.servers[0].transport) == known
    await hang_up(client)
    for stranger in (None, authority.host("a-client")):
        client = await pair.connect(optionsForClientTLS("localhost", authority.certificate, stranger))
        assert not isinstance(await client.lost, ConnectionDone)
        assert isinstance(await pair.servers[-1].lost, SSL.Error) and not pair.servers[-1].secured.called
    await pair.close()


async def test_a_client_without_a_certificate_may_be_let_in(authority: Authority, host: PrivateCertificate) -> None:
    options = CertificateOptions(
        host.privateKey.original,
        host.original,
        verify=True,
        caCerts=[authority.certificate.original],
        requireCertificate=False,
    )
    pair = Pair(options)
    await hang_up(await talk(pair, optionsForClientTLS("localhost", authority.certificate)))
    await pair.close()


@pytest.mark.parametrize(
    ("ours", "theirs", "agreed"),
    [([b"h2", b"http/1.1"], [b"http/1.1", b"h2"], b"h2"), ([b"h2"], [], None), ([], [b"h2"], None)],
)
async def test_the_server_chooses_by_alpn(
    authority: Authority, host: PrivateCertificate, ours: list[bytes], theirs: list[bytes], agreed: bytes | None
) -> None:
    pair = Pair(CertificateOptions(host.privateKey.original, host.original, acceptableProtocols=ours))
    client = await talk(pair, optionsForClientTLS("localhost", authority.certificate, acceptableProtocols=theirs))
    assert client.transport.negotiatedProtocol == pair.servers[0].transport.negotiatedProtocol == agreed
    await hang_up(client)
    await pair.close()


async def test_the_factories_of_the_reactor_agree_by_alpn(
    tmp_path: Any, authority: Authority, host: PrivateCertificate
) -> None:
    file = tmp_path / "both.pem"
    file.write_bytes(host.dumpPEM())
    for options in (host.options(), DefaultOpenSSLContextFactory(str(file), str(file))):
        pair = Pair(options, names=[b"h2", b"http/1.1"])
        for asked in (optionsForClientTLS("localhost", authority.certificate), ClientContextFactory()):
            client = await pair.connect(asked, names=[b"http/1.1", b"h2"])
            await client.secured
            assert client.transport.negotiatedProtocol == b"h2"
            await hang_up(client)
        await pair.close()


async def test_who_has_no_protocol_in_common_is_refused(authority: Authority, host: PrivateCertificate) -> None:
    pair = Pair(CertificateOptions(host.privateKey.original, host.original, acceptableProtocols=[b"h2"]))
    asked = optionsForClientTLS("localhost", authority.certificate, acceptableProtocols=[b"imap"])
    client = await pair.connect(asked)
    assert isinstance(await client.lost, SSL.Error)
    await pair.close()


async def test_versions_are_those_that_were_allowed(authority: Authority, host: PrivateCertificate) -> None:
    shown: dict[str, Any] = {"privateKey": host.privateKey.original, "certificate": host.original}
    pair = Pair(CertificateOptions(**shown, lowerMaximumSecurityTo=TLSVersion.TLSv1_2))
    client = await talk(pair, optionsForClientTLS("localhost", authority.certificate))
    assert client.transport.getHandle().get_protocol_version_name() == "TLSv1.2"
    await hang_up(client)
    newest: dict[str, Any] = {"raiseMinimumTo": TLSVersion.TLSv1_3}
    client = await pair.connect(optionsForClientTLS("localhost", authority.certificate, extraCertificateOptions=newest))
    assert isinstance(await client.lost, SSL.Error)
    await pair.close()


async def test_ciphers_are_those_that_were_allowed(authority: Authority, host: PrivateCertificate) -> None:
    chosen = AcceptableCiphers.fromOpenSSLCipherString("ECDHE-ECDSA-CHACHA20-POLY1305")
    assert all(ICipher.providedBy(cipher) for cipher in chosen.selectCiphers(chosen._ciphers))
    options = CertificateOptions(
        host.privateKey.original,
        host.original,
        acceptableCiphers=chosen,
        lowerMaximumSecurityTo=TLSVersion.TLSv1_2,
    )
    pair = Pair(options)
    client = await talk(pair, optionsForClientTLS("localhost", authority.certificate))
    assert client.transport.getHandle().get_cipher_name() == "ECDHE-ECDSA-CHACHA20-POLY1305"
    await hang_up(client)
    await pair.close()


async def test_a_server_of_several_names_is_asked_for_the_context_of_one(
    authority: Authority, host: PrivateCertificate, flushLoggedErrors: Any
) -> None:
    asked: list[bytes | None] = []
    other = authority.host("other.example").options().getContext()

    def context_for(name: bytes | None) -> SSL.Context | None:
        asked.append(name)
        if name == b"broken.example":
            raise LookupError(name)
        return other if name == b"other.example" else None

    shown = CertificateOptions(host.privateKey.original, host.original, contextForServerName=context_for)
    pair = Pair(shown)
    for name in ("localhost", "other.example"):
        await hang_up(await talk(pair, optionsForClientTLS(name, authority.certificate)))
    client = await pair.connect(optionsForClientTLS("broken.example", authority.certificate))
    assert not isinstance(await client.lost, ConnectionDone)
    assert isinstance(await pair.servers[-1].lost, ConnectionLost)
    assert len(flushLoggedErrors(LookupError)) == 1
    assert asked == [b"localhost", b"other.example", b"broken.example"]
    await pair.close()


async def test_the_oldest_context_factories(tmp_path: Any, host: PrivateCertificate) -> None:
    file = tmp_path / "both.pem"
    file.write_bytes(host.dumpPEM())
    factory = DefaultOpenSSLContextFactory(str(file), str(file))
    again = pickle.loads(pickle.dumps(factory.__getstate__() | {"_contextFactory": None}))
    assert again["privateKeyFileName"] == str(file) and "_context" not in again
    pair = Pair(factory)
    await hang_up(await talk(pair, ClientContextFactory()))
    await pair.close()
    with pytest.raises(SSL.Error):
        DefaultOpenSSLContextFactory(str(tmp_path / "none.pem"), str(file))
    with pytest.raises(NotImplementedError, match="getContext"):
        ContextFactory().getContext()


async def test_starttls_with_options(authority: Authority, host: PrivateCertificate) -> None:
    class Server(Noting):
        def connectionMade(self) -> None:
            self.transport.startTLS(host.options())
            self.transport.write(b"under TLS")

    factory = Factory.forProtocol(Server)
    factory.noisy = False
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    from plait.endpoints import TCP4ClientEndpoint, connectProtocol

    client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), Noting())
    client.transport.startTLS(optionsForClientTLS("localhost", authority.certificate))
    assert await client.enough(9) == b"under TLS"
    await hang_up(client)
    await port.stopListening()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"privateKey": object()}, ValueError),
        ({"extraCertChain": [object()]}, ValueError),
        ({"verify": True}, ValueError),
        ({"trustRoot": True}, TypeError),
        ({"trustRoot": platformTrust(), "verify": True}, TypeError),
        ({"method": SSL.TLS_METHOD, "raiseMinimumTo": TLSVersion.TLSv1_3}, TypeError),
        ({"raiseMinimumTo": TLSVersion.TLSv1_3, "insecurelyLowerMinimumTo": TLSVersion.TLSv1_0}, TypeError),
        ({"raiseMinimumTo": TLSVersion.TLSv1_3, "lowerMaximumSecurityTo": TLSVersion.TLSv1_2}, ValueError),
        ({"acceptableCiphers": AcceptableCiphers([OpenSSLCipher("of nobody")])}, ValueError),
    ],
)
def test_options_that_make_no_sense(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        CertificateOptions(**wrong)


def test_what_is_no_certificate_is_no_authority() -> None:
    with pytest.raises(TypeError, match="CertBase"):
        trustRootFromCertificates([crypto.X509()])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="text for host names"):
        optionsForClientTLS(b"localhost")  # type: ignore[arg-type]


def test_a_method_is_taken_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="Passing method"):
        assert CertificateOptions(method=SSL.TLSv1_2_METHOD).method == SSL.TLSv1_2_METHOD
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CertificateOptions()
