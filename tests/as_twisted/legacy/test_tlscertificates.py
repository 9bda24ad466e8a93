"""Names, keys, requests and certificates of programs for Twisted."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import crypto

from plait import Deferred
from plait.as_twisted.legacy.tlscertificates import Certificate, KeyPair, PrivateCertificate
from plait.as_twisted.legacy.tlskeys import CertificateRequest, VerifyError
from plait.as_twisted.legacy.tlsnames import DN, CertBase, DistinguishedName
from plait.errors import CertificateError


@pytest.fixture(scope="module")
def key() -> KeyPair:
    made: KeyPair = KeyPair.generate()
    return made


def test_the_parts_of_a_name_have_a_short_and_a_long_name() -> None:
    name = DN(CN="pláit", O=b"weavers")
    assert name == DistinguishedName(commonName="pláit".encode(), organizationName="weavers")
    assert name.CN == name.commonName == name["commonName"] == "pláit".encode()
    name.ST = "Ohio"
    assert name.stateOrProvinceName == b"Ohio"
    del name.ST
    assert "stateOrProvinceName" not in name
    assert name.inspect().splitlines() == ["               Common Name: pláit", "         Organization Name: weavers"]
    assert repr(name).startswith("<DN ")
    with pytest.raises(AttributeError):
        _ = name.OU
    with pytest.raises(AttributeError, match="commonName"):
        name.cn = "x"
    with pytest.raises(AttributeError):
        DN(nickname="x")


def test_a_request_is_signed_into_a_certificate(key: KeyPair) -> None:
    authority = KeyPair.generate().selfSignedCert(1, CN="a root", C="AT")
    data = key.certificateRequest(DN(CN="me", emailAddress="me@example.com"))
    asked: list[DistinguishedName] = []
    signed = authority.signCertificateRequest(data, lambda name: asked.append(name) or True, 7)
    assert asked == [DN(CN="me", emailAddress="me@example.com")]
    certificate = key.newCertificate(signed)
    assert certificate.getSubject() == asked[0] and certificate.getIssuer() == DN(CN="a root", C="AT")
    assert certificate.serialNumber() == 7
    assert certificate.privateKey is key and certificate.getPublicKey().matches(key)
    assert not certificate.getPublicKey().matches(authority.getPublicKey())
    raw = certificate.original.to_cryptography()
    raw.verify_directly_issued_by(authority.original.to_cryptography())
    constraints = [
        each.original.to_cryptography().extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        for each in (authority, certificate)
    ]
    assert constraints == [True, False]


def test_who_decides_may_refuse_or_take_time(key: KeyPair) -> None:
    data = key.certificateRequest(DN(CN="me"), crypto.FILETYPE_PEM)
    given = crypto.FILETYPE_PEM, crypto.FILETYPE_PEM
    with pytest.raises(VerifyError, match="refused"):
        key.signCertificateRequest(DN(CN="root"), data, lambda name: False, 1, *given)
    wanted: Deferred[bool] = Deferred()
    results: list[Any] = []
    signed = key.signCertificateRequest(DN(CN="root"), data, lambda name: wanted, 1, *given)
    assert isinstance(signed, Deferred)
    signed.addCallback(results.append)
    assert results == []
    wanted.callback(True)
    assert Certificate.loadPEM(results[0]).getSubject() == DN(CN="me")


def test_requests_that_are_wrong(key: KeyPair) -> None:
    data = key.certificateRequest(DN(CN="me"))
    with pytest.raises(VerifyError, match="not signed with its own key"):
        CertificateRequest.load(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ValueError):
        CertificateRequest.load(b"nonsense")
    with pytest.raises(ValueError, match="FILETYPE_PEM"):
        CertificateRequest.load(data, 99)
    builder = x509.CertificateSigningRequestBuilder()
    odd = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.GIVEN_NAME, "Ada")]))
    request = CertificateRequest(odd.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()))
    with pytest.raises(ValueError, match="cannot have the part"):
        request.getSubject()
    with pytest.raises(ValueError, match="positive"):
        key.selfSignedCert(0, CN="me")
    with pytest.raises(ValueError, match="digest"):
        key.requestObject(DN(CN="me"), "sha9000")
    with pytest.raises(ValueError, match="TYPE_RSA"):
        KeyPair.generate(99)


def test_pem_and_der(key: KeyPair) -> None:
    shown = key.selfSignedCert(5, CN="me")
    both = shown.dumpPEM()
    again = PrivateCertificate.loadPEM(both.decode())
    assert again == shown and hash(again) == hash(shown) and again.privateKey.matches(key)
    assert Certificate.load(shown.dump()) == shown and Certificate(shown.original).dumpPEM() in both
    assert KeyPair.load(key.dump()).matches(key)
    with pytest.raises(VerifyError, match="is not the key of"):
        PrivateCertificate.fromCertificateAndKeyPair(shown, KeyPair.generate())
    with pytest.raises(NotImplementedError, match="no private key"):
        Certificate(shown.original).options()


def test_what_people_read(key: KeyPair) -> None:
    shown = key.selfSignedCert(5, CN="me", O="us")
    lines = shown.inspect().splitlines()
    assert lines[0] == "Certificate For Subject:" and "Issuer:" in lines and "Serial Number: 5" in lines
    assert lines[-1] == f"Public Key with Hash: {key.keyHash()}"
    assert shown.digest("sha256").count(b":") == 31
    assert repr(shown) == "<PrivateCertificate Subject=b'me' Issuer=b'me'>"
    assert repr(key) == f"<KeyPair {key.keyHash()}>"
    assert CertBase(shown.original).getSubject() == DN(CN="me", O="us")


def test_transports_without_tls_and_without_a_certificate() -> None:
    class Handle:
        def get_peer_certificate(self) -> None: ...

        def get_certificate(self) -> None: ...

    class Transport:
        def __init__(self, handle: object) -> None:
            self.handle = handle

        def getHandle(self) -> object:
            return self.handle

    for ask in (Certificate.peerFromTransport, Certificate.hostFromTransport):
        with pytest.raises(CertificateError, match=r"^non-TLS"):
            ask(Transport(object()))
        with pytest.raises(CertificateError, match=r"^TLS"):
            ask(Transport(Handle()))


def test_keys_were_pickled_once(key: KeyPair) -> None:
    with pytest.warns(DeprecationWarning, match="persistence"):
        state = key.__getstate__()
    other = KeyPair.generate()
    with pytest.warns(DeprecationWarning, match="persistence"):
        other.__setstate__(state)
    assert other.matches(key)
