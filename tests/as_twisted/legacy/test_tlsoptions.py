"""The TLS options of programs for Twisted, over real sockets."""

import pytest

from plait import ServerFactory, reactor
from plait.as_twisted.legacy.tlscertificates import Certificate, PrivateCertificate
from plait.as_twisted.legacy.tlsoptions import (
    CertificateOptions,
    TLSVersion,
    VerificationError,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from plait.errors import ConnectionDone
from tests.certificates import make_certificate
from tests.transport.test_tls import Echo, connect


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    key, certificate = make_certificate(tmp_path_factory.mktemp("options"))
    return PrivateCertificate.loadPEM(key.read_bytes() + certificate.read_bytes())


def listen(options):
    class Factory(ServerFactory):
        noisy = False
        protocol = Echo

    return reactor.listenSSL(0, Factory(), options, interface="127.0.0.1")


async def test_both_ends_with_options_and_a_client_certificate(shown):
    options = CertificateOptions(
        privateKey=shown.privateKey.original,
        certificate=shown.original,
        trustRoot=shown,
        acceptableProtocols=[b"h2", b"http/1.1"],
    )
    port = listen(options)
    asked = optionsForClientTLS("localhost", shown, shown, acceptableProtocols=[b"http/1.1"])
    client = await connect(port.getHost().port, asked, host="127.0.0.1")
    p = await client.connected
    p.transport.write(b"hello")
    assert await p.wait_for(5) == b"hello"
    assert p.transport.negotiatedProtocol == b"http/1.1"
    assert Certificate(p.transport.getPeerCertificate()) == Certificate(shown.original)
    p.transport.loseConnection()
    assert isinstance(await client.gone, ConnectionDone)
    await port.stopListening()


async def test_another_host_name_is_refused(shown):
    port = listen(shown.options())
    for host in ("other.example", "127.0.0.2"):
        client = await connect(port.getHost().port, optionsForClientTLS(host, shown), host="127.0.0.1")
        assert isinstance(await client.gone, VerificationError)
    await port.stopListening()


async def test_who_is_not_trusted_is_refused_at_either_end(shown):
    port = listen(shown.options(shown))
    for options in (optionsForClientTLS("localhost"), optionsForClientTLS("localhost", shown)):
        client = await connect(port.getHost().port, options, host="127.0.0.1")
        assert not isinstance(await client.gone, ConnectionDone)
    await port.stopListening()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"privateKey": object()}, ValueError),
        ({"verify": True}, ValueError),
        ({"trustRoot": True, "verify": True}, TypeError),
        ({"raiseMinimumTo": TLSVersion.TLSv1_3, "insecurelyLowerMinimumTo": TLSVersion.TLSv1_0}, TypeError),
        ({"raiseMinimumTo": TLSVersion.TLSv1_3, "lowerMaximumSecurityTo": TLSVersion.TLSv1_2}, ValueError),
    ],
)
def test_options_that_make_no_sense(wrong, error):
    with pytest.raises(error):
        CertificateOptions(**wrong)


def test_what_is_no_certificate_is_no_authority():
    with pytest.raises(TypeError, match="no certificate"):
        trustRootFromCertificates([object()])
    with pytest.raises(TypeError, match="as str, not bytes"):
        optionsForClientTLS(b"localhost")
