"""Keys, requests for certificates (RFC 2986) and the signing of them, as programs for Twisted have them."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from OpenSSL import crypto

from plait.as_twisted.legacy.deprecate import deprecated
from plait.as_twisted.legacy.tlsnames import CertBase, DistinguishedName
from plait.as_twisted.version import Version
from plait.deferred import Deferred

__all__ = [
    "CertificateRequest",
    "PeerVerifyError",
    "PrivateKey",
    "PublicKey",
    "VerifyError",
    "sign",
    "signed_if_wanted",
]

YEAR = 60 * 60 * 24 * 365

_ENCODINGS = {
    crypto.FILETYPE_ASN1: serialization.Encoding.DER,
    crypto.FILETYPE_PEM: serialization.Encoding.PEM,
}

_persistence = deprecated(Version("Twisted", 15, 0, 0), "a real persistence system")


class VerifyError(Exception):
    """What should have been signed is not, or not by whom it should."""


class PeerVerifyError(VerifyError):
    """The peer has shown a certificate that is not accepted."""


class PublicKey:
    """A public key. Attributes: `original` (a PKey)."""

    def __init__(self, osslpkey: crypto.PKey) -> None:
        self.original = osslpkey

    def matches(self, otherKey: PublicKey) -> bool:
        """Whether the other one is the same."""
        return self.keyHash() == otherKey.keyHash()

    def keyHash(self) -> str:
        """32 hexadecimal digits that tell one key from another, for people. Only the public part counts."""
        data = crypto.dump_publickey(crypto.FILETYPE_ASN1, self.original)
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def inspect(self) -> str:
        """A line about the key, for people to read."""
        return f"Public Key with Hash: {self.keyHash()}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.keyHash()}>"


class PrivateKey(PublicKey):
    """A private key, with the public one."""

    @classmethod
    def load(cls, data: bytes, format: int = crypto.FILETYPE_ASN1) -> Any:
        """Of its bytes, DER unless `format` says otherwise. OpenSSL.crypto.Error if they are none."""
        return cls(crypto.load_privatekey(format, data))

    @classmethod
    def generate(cls, kind: int = crypto.TYPE_RSA, size: int = 2048) -> Any:
        """A new key of `size` bits, RSA or DSA. ValueError for another kind."""
        if kind == crypto.TYPE_RSA:
            return cls(crypto.PKey.from_cryptography_key(rsa.generate_private_key(65537, size)))
        if kind == crypto.TYPE_DSA:
            return cls(crypto.PKey.from_cryptography_key(dsa.generate_private_key(size)))
        raise ValueError(f"a key of kind {kind!r} cannot be made here: use TYPE_RSA or TYPE_DSA of OpenSSL.crypto")

    def dump(self, format: int = crypto.FILETYPE_ASN1) -> bytes:
        """Its bytes (PKCS 8, in the clear), DER unless `format` says otherwise. ValueError for another format."""
        form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        data: bytes = _key(self.original).private_bytes(_encoding(format), form, nothing)
        return data

    @_persistence
    def __getstate__(self) -> bytes:
        return self.dump()

    @_persistence
    def __setstate__(self, state: bytes) -> None:
        self.original = crypto.load_privatekey(crypto.FILETYPE_ASN1, state)

    def requestObject(
        self, distinguishedName: DistinguishedName, digestAlgorithm: str = "sha256"
    ) -> CertificateRequest:
        """A request for a certificate of this key, signed with it. ValueError for a name that cannot stand in one."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(distinguishedName.for_certificate())
        return CertificateRequest(builder.sign(_key(self.original), _hash(digestAlgorithm)))


class CertificateRequest(CertBase):
    """A request for a certificate. Attributes: `original` (an x509.CertificateSigningRequest of cryptography)."""

    @classmethod
    def load(cls, requestData: bytes, requestFormat: int = crypto.FILETYPE_ASN1) -> CertificateRequest:
        """Of its bytes, DER unless `requestFormat` says otherwise.

        :raises ValueError: if they are none, or for another format than DER and PEM.
        :raises VerifyError: if it is not signed with its own key.
        """
        pem = _encoding(requestFormat) is serialization.Encoding.PEM
        request = (x509.load_pem_x509_csr if pem else x509.load_der_x509_csr)(requestData)
        try:
            valid = request.is_signature_valid
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            valid = False
        made = cls(request)
        if not valid:
            raise VerifyError(f"the request of {request.subject.rfc4514_string()!r} is not signed with its own key")
        return made

    def dump(self, format: int = crypto.FILETYPE_ASN1) -> bytes:
        """Its bytes, DER unless `format` says otherwise. ValueError for another format than DER and PEM."""
        data: bytes = self.original.public_bytes(_encoding(format))
        return data

    def getSubject(self) -> DistinguishedName:
        """Who asks: all of it, for whoever decides. ValueError if a part is of no kind that a DistinguishedName has."""
        return DistinguishedName.of(self.original.subject, whole=True)


def sign(
    key: crypto.PKey,
    issuer: DistinguishedName,
    request: CertificateRequest,
    serialNumber: int,
    secondsToExpiry: int,
    digestAlgorithm: str,
) -> crypto.X509:
    """A certificate for who asks, signed by `issuer` with `key`, valid from now on.

    A certificate that an authority issues to itself may sign others, any other one may not (RFC 5280, 4.2.1.9).

    :param serialNumber: a positive number, another for each certificate (RFC 5280, 4.1.2.2).
    """
    signer, now = _key(key), datetime.datetime.now(datetime.UTC)
    asked: x509.CertificateSigningRequest = request.original
    name, public = issuer.for_certificate(), asked.public_key()
    to_itself = name == asked.subject and public == signer.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(name)
        .public_key(public)
        .serial_number(serialNumber)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(seconds=secondsToExpiry))
        .add_extension(x509.BasicConstraints(ca=to_itself, path_length=None), critical=True)
    )
    return crypto.X509.from_cryptography(builder.sign(signer, _hash(digestAlgorithm)))


def signed_if_wanted(
    request: CertificateRequest,
    verifyDNCallback: Callable[[DistinguishedName], Any],
    signed: Callable[[], bytes],
) -> bytes | Deferred[bytes]:
    """What `signed` gives, if the callback, now or by a Deferred, says yes to the name in the request; else VerifyError."""

    def answer(wanted: Any) -> bytes:
        if not wanted:
            raise VerifyError(f"a certificate for {request.getSubject()!r} was refused")
        return signed()

    wanted = verifyDNCallback(request.getSubject())
    return wanted.addCallback(answer) if isinstance(wanted, Deferred) else answer(wanted)


def _key(key: crypto.PKey) -> Any:
    return key.to_cryptography_key()


def _hash(name: str) -> Any:
    algorithm = getattr(hashes, name.upper(), None)
    if not (isinstance(algorithm, type) and issubclass(algorithm, hashes.HashAlgorithm)):
        raise ValueError(f"{name!r} is no digest that can be used here; try 'sha256'")
    return algorithm()


def _encoding(format: object) -> serialization.Encoding:
    encoding = _ENCODINGS.get(format) if isinstance(format, int) else None
    if encoding is None:
        raise ValueError(f"{format!r} is no format here: use FILETYPE_ASN1 or FILETYPE_PEM of OpenSSL.crypto")
    return encoding
