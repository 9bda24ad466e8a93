"""Servers of several names, with their certificates in a folder, and the strings of endpoints that speak TLS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL, crypto

from plait import ServerFactory, reactor
from plait.as_twisted.legacy.endpoints import clientFromString, serverFromString
from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.legacy.sni import PEMObjects, SNIConnectionCreator, autoReloadingDirectoryOfPEMs
from plait.as_twisted.legacy.tlscertificates import Certificate, KeyPair
from plait.as_twisted.legacy.tlsclients import VerificationError, optionsForClientTLS
from plait.as_twisted.legacy.tlsendpoints import wrapClientTLS, wrapServerTLS
from plait.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol, quoteStringArgument
from plait.errors import ConnectionDone, ConnectionLost
from tests.as_twisted.legacy.tls_helpers import Authority, Noting


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("a root")


class Echo(Noting):
    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        self.transport.write(data)


class Serving(ServerFactory):
    noisy = False

    def __init__(self) -> None:
        self.made: list[Echo] = []

    def buildProtocol(self, addr: Any) -> Echo:
        self.made.append(Echo())
        return self.made[-1]


async def echo(endpoint: Any) -> Noting:
    """What comes back over a connection to there, which ends well."""
    client = await connectProtocol(endpoint, Noting())
    client.transport.write(b"hello")
    assert await client.enough(5) == b"hello"
    client.certificate = Certificate.peerFromTransport(client.transport)
    client.transport.loseConnection()
    assert isinstance(await client.lost, ConnectionDone)
    return client


def test_certificates_are_found_with_their_keys_and_those_above_them(
    tmp_path: Path, authority: Authority, flushLoggedErrors: Any
) -> None:
    upper = Authority("upper", authority)
    lower = Authority("lower", upper)
    far, near = lower.host("far.example", "*.far.example"), authority.host("near.example")
    (tmp_path / "below").mkdir()
    (tmp_path / "near.pem").write_bytes(near.dumpPEM())
    (tmp_path / "below" / "far-key.pem").write_bytes(far.privateKey.dump(crypto.FILETYPE_PEM))
    (tmp_path / "far.pem").write_bytes(upper.certificate.dumpPEM() + Certificate.dumpPEM(far))
    (tmp_path / "below" / "lower.pem").write_bytes(lower.certificate.dumpPEM())
    (tmp_path / "root.pem").write_bytes(authority.certificate.dumpPEM())
    (tmp_path / "lonely.pem").write_bytes(KeyPair.generate().dump(crypto.FILETYPE_PEM))
    (tmp_path / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n")
    sealed = serialization.BestAvailableEncryption(b"sesame")
    for number, form in enumerate((serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL)):
        pem = authority.key.private_bytes(serialization.Encoding.PEM, form, sealed)
        (tmp_path / f"sealed-{number}.pem").write_bytes(pem)
    (tmp_path / "note.txt").write_bytes(near.dumpPEM())
    found = PEMObjects.fromDirectory(FilePath(str(tmp_path)))
    assert len(flushLoggedErrors(crypto.Error)) == 1
    assert [str(each.value).endswith("for the server alone") for each in flushLoggedErrors(ValueError)] == [True, True]
    mapping = found.inferDomainMapping()
    assert set(mapping) == {"far.example", "*.far.example", "near.example"}
    assert [Certificate(each) for each in mapping["far.example"].extraCertChain] == [
        lower.certificate,
        upper.certificate,
    ]
    assert mapping["near.example"].extraCertChain == []
    assert Certificate(mapping["*.far.example"].certificate) == far


async def test_a_server_shows_the_certificate_that_is_asked_for(
    tmp_path: Path, authority: Authority, flushLoggedErrors: Any
) -> None:
    first, second = authority.host("a.example"), authority.host("*.b.example")
    (tmp_path / "a.pem").write_bytes(first.dumpPEM())
    (tmp_path / "b.pem").write_bytes(second.dumpPEM())
    creator = SNIConnectionCreator(autoReloadingDirectoryOfPEMs(str(tmp_path)))
    serving = Serving()
    server = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    port = await wrapServerTLS(creator, server).listen(serving)

    def asking(name: str, **more: Any) -> Any:
        way = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        return wrapClientTLS(optionsForClientTLS(name, authority.certificate, **more), way)

    assert (await echo(asking("a.example"))).certificate == first
    assert (await echo(asking("any.b.example"))).certificate == second
    assert (await echo(asking("a.example", sendServerName=False))).certificate == first
    client = await connectProtocol(asking("c.example"), Noting())
    assert isinstance(await client.lost, ConnectionLost | SSL.Error)
    assert isinstance(await serving.made[-1].lost, ConnectionLost)
    third = authority.host("c.example")
    (tmp_path / "c.pem").write_bytes(third.dumpPEM())
    assert (await echo(asking("c.example"))).certificate == third
    os.remove(tmp_path / "a.pem")
    client = await connectProtocol(asking("a.example"), Noting())
    assert not isinstance(await client.lost, ConnectionDone)
    await port.stopListening()


async def test_a_lookup_that_fails_is_logged(authority: Authority, flushLoggedErrors: Any) -> None:
    def broken(name: bytes | None) -> Any:
        raise LookupError(name)

    serving = Serving()
    server = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    port = await wrapServerTLS(SNIConnectionCreator(broken), server).listen(serving)
    way = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    client = await connectProtocol(wrapClientTLS(optionsForClientTLS("a.example"), way), Noting())
    assert not isinstance(await client.lost, ConnectionDone)
    assert isinstance(await serving.made[-1].lost, ConnectionLost)
    assert len(flushLoggedErrors(LookupError)) == 1
    await port.stopListening()


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> dict[str, str]:
    """Where there are PEM files, as a string of an endpoint says it: of a key, its certificate, both, those above, and roots."""
    between = Authority("between", authority)
    host = between.host("localhost")
    (tmp_path / "roots").mkdir()
    (tmp_path / "served").mkdir()
    contents = {
        "key.pem": host.privateKey.dump(crypto.FILETYPE_PEM),
        "cert.pem": Certificate.dumpPEM(host),
        "both.pem": host.dumpPEM(),
        "chain.pem": between.certificate.dumpPEM(),
        "empty.pem": b"",
        "roots/root.pem": authority.certificate.dumpPEM(),
        "roots/key.PEM": host.privateKey.dump(crypto.FILETYPE_PEM),
        "served/all.pem": host.dumpPEM() + between.certificate.dumpPEM(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    names = ["roots", "served", *contents]
    return {name.split(".")[0]: quoteStringArgument(str(tmp_path / name)) for name in names}


@pytest.mark.parametrize(
    "server",
    [
        "ssl:0:privateKey={key}:certKey={cert}:extraCertChain={chain}:interface=127.0.0.1",
        "ssl:0:privateKey={both}:extraCertChain={chain}:interface=127.0.0.1",
        "tls:{served}:0:interface=127.0.0.1",
    ],
)
async def test_strings(files: dict[str, str], server: str) -> None:
    port = await serverFromString(reactor, server.format(**files)).listen(Serving())
    number = port.getHost().port
    for client in (
        "tls:localhost:{number}:trustRoots={roots}",
        "tls:localhost:trustRoots={roots}:endpoint=tcp\\:127.0.0.1\\:{number}",
        "ssl:127.0.0.1:{number}:hostname=localhost:caCertsDir={roots}:privateKey={both}",
        "ssl:127.0.0.1:{number}:caCertsDir={roots}:privateKey={key}:certKey={cert}",
        "ssl:127.0.0.1:{number}",
    ):
        await echo(clientFromString(reactor, client.format(number=number, **files)))
    other = "ssl:127.0.0.1:{number}:hostname=other.example:caCertsDir={roots}".format(number=number, **files)
    client = await connectProtocol(clientFromString(reactor, other), Noting())
    error = await client.lost
    assert isinstance(error, VerificationError) or "tls:" in server
    for stranger in ("tls:localhost:{number}", "ssl:127.0.0.1:{number}:hostname=localhost"):
        client = await connectProtocol(clientFromString(reactor, stranger.format(number=number)), Noting())
        assert isinstance(await client.lost, SSL.Error)
    await port.stopListening()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("ssl:0:privateKey={key}", "cannot use the key"),
        ("ssl:0:privateKey=/nowhere/key.pem", "cannot read /nowhere/key.pem"),
        ("ssl:0:privateKey={both}:extraCertChain={empty}", "doesn't contain any valid"),
        ("ssl:0:privateKey={both}:sslmethod=OP_ALL", "sslmethod"),
        ("ssl:x:privateKey={both}", "port must be a number"),
        ("tls:/nowhere:0", "is none"),
        ("tls:{served}", "needs a port"),
    ],
)
def test_strings_that_are_wrong(files: dict[str, str], wrong: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        serverFromString(reactor, wrong.format(**files))


def test_a_key_of_another_certificate(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(KeyPair.generate().dump(crypto.FILETYPE_PEM))
    with pytest.raises(ValueError, match="is not the key of"):
        serverFromString(reactor, "ssl:0:certKey={cert}:privateKey={tmp}/other.pem".format(tmp=tmp_path, **files))
    with pytest.raises(ValueError, match="needs a port"):
        clientFromString(reactor, "tls:localhost")


def test_names_of_hosts(alias: None) -> None:
    from twisted.internet._idna import _idnaBytes, _idnaText

    for text, octets in (("hállo.example", b"xn--hllo-5na.example"), ("_a.example", b"_a.example")):
        assert _idnaBytes(text) == octets and _idnaText(octets) == text
    assert _idnaBytes("HÁLLO.example") == b"xn--hllo-5na.example"
    with pytest.raises(UnicodeError):
        _idnaBytes("h\N{SNOWMAN}llo..example")


def test_a_name_that_warns_when_it_is_read(alias: None) -> None:
    from twisted.internet import ssl

    for _ in range(2):
        with pytest.warns(DeprecationWarning, match="ssl.ProtocolNegotiationSupport was deprecated in Twisted 26.10.0"):
            assert ssl.ProtocolNegotiationSupport.ALPN
    with pytest.warns(DeprecationWarning) as caught:
        from twisted.internet.ssl import ProtocolNegotiationSupport
    assert len(caught) == 1 and caught[0].filename == __file__
    assert ProtocolNegotiationSupport.ALPN
