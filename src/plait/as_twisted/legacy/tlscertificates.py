"""Certificates and keys of programs for Twisted: thin faces of pyOpenSSL's objects, which they hold as `original`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import crypto

from plait.as_twisted.legacy.tlskeys import (
    YEAR,
    CertificateRequest,
    PrivateKey,
    PublicKey,
    VerifyError,
    sign,
    signed_if_wanted,
)
from plait.as_twisted.legacy.tlsnames import CertBase, DistinguishedName
from plait.as_twisted.legacy.tlsoptions import CertificateOptions
from plait.as_twisted.legacy.tlstrust import trustRootFromCertificates
from plait.deferred import Deferred
from plait.errors import CertificateError

__all__ = ["Certificate", "KeyPair", "PrivateCertificate"]


class Certificate(CertBase):
    """A certificate. Attributes: `original` (an X509)."""

    @classmethod
    def load(cls, requestData: bytes, format: int = crypto.FILETYPE_ASN1, args: tuple[Any, ...] = ()) -> Any:
        """Of its bytes, DER unless `format` says otherwise. OpenSSL.crypto.Error if they are none."""
        return cls(crypto.load_certificate(format, requestData), *args)

    @classmethod
    def loadPEM(cls, data: bytes | str) -> Any:
        """Of the text of a PEM file."""
        return cls.load(_bytes(data), crypto.FILETYPE_PEM)

    @classmethod
    def peerFromTransport(cls, transport: Any) -> Certificate:
        """The one that the other end of a TLS connection has shown. CertificateError if it has shown none."""
        return cls._of_transport(transport, "peer", "get_peer_certificate")

    @classmethod
    def hostFromTransport(cls, transport: Any) -> Certificate:
        """The one that our end of a TLS connection shows. CertificateError if it shows none."""
        handle = transport.getHandle()
        # The name that pyOpenSSL has for it; the other one is that of what stands in for a connection of it.
        name = "get_certificate" if hasattr(handle, "get_certificate") else "get_host_certificate"
        return cls._of_transport(transport, "host", name)

    @classmethod
    def _of_transport(cls, transport: Any, which: str, method: str) -> Certificate:
        ask = getattr(transport.getHandle(), method, None)
        if ask is None:
            raise CertificateError(f"non-TLS transport {transport!r} has no {which} certificate")
        certificate = ask()
        if certificate is None:
            raise CertificateError(f"TLS transport {transport!r} has no {which} certificate (yet)")
        return cls(certificate)

    def dump(self, format: int = crypto.FILETYPE_ASN1) -> bytes:
        """Its bytes, DER unless `format` says otherwise."""
        return crypto.dump_certificate(format, self.original)

    def dumpPEM(self) -> bytes:
        """The certificate as PEM."""
        return self.dump(crypto.FILETYPE_PEM)

    def digest(self, method: str = "md5") -> bytes:
        """Its fingerprint, such as ``b"AB:CD:…"``."""
        fingerprint: bytes = self.original.digest(method)
        return fingerprint

    def serialNumber(self) -> int:
        """The number that its authority gave it."""
        number: int = self.original.get_serial_number()
        return number

    def getIssuer(self) -> DistinguishedName:
        """Who has signed it."""
        return DistinguishedName.of(self.original.to_cryptography().issuer)

    def getPublicKey(self) -> PublicKey:
        """The key that it vouches for."""
        return PublicKey(self.original.get_pubkey())

    def inspect(self) -> str:
        """What it says, for people to read."""
        return "\n".join(
            [
                "Certificate For Subject:",
                self.getSubject().inspect(),
                "\nIssuer:",
                self.getIssuer().inspect(),
                f"\nSerial Number: {self.serialNumber()}",
                f"Digest: {self.digest().decode('ascii')}",
                self.getPublicKey().inspect(),
            ]
        )

    def __eq__(self, other: object) -> bool:
        return self.dump() == other.dump() if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dump())

    def __repr__(self) -> str:
        names = (name.get("commonName") for name in (self.getSubject(), self.getIssuer()))
        subject, issuer = ("" if name is None else repr(name) for name in names)
        return f"<{type(self).__name__} Subject={subject} Issuer={issuer}>"


class KeyPair(PrivateKey):
    """A private key, with the public one, that signs. Attributes: `original` (a PKey)."""

    def newCertificate(self, newCertData: bytes, format: int = crypto.FILETYPE_ASN1) -> PrivateCertificate:
        """A certificate for this key, of its bytes."""
        return PrivateCertificate.load(newCertData, self, format)

    def certificateRequest(
        self,
        distinguishedName: DistinguishedName,
        format: int = crypto.FILETYPE_ASN1,
        digestAlgorithm: str = "sha256",
    ) -> bytes:
        """As `requestObject`, in bytes."""
        return self.requestObject(distinguishedName, digestAlgorithm).dump(format)

    def signRequestObject(
        self,
        issuerDistinguishedName: DistinguishedName,
        requestObject: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int = YEAR,
        digestAlgorithm: str = "sha256",
    ) -> Certificate:
        """A certificate for who asks, signed with this key in the name of `issuerDistinguishedName`, valid from now on.

        It may sign others only if who asks is the issuer.

        :param serialNumber: a positive number, another one for each certificate of an issuer.
        """
        given = issuerDistinguishedName, requestObject, serialNumber, secondsToExpiry, digestAlgorithm
        return Certificate(sign(self.original, *given))

    def signCertificateRequest(
        self,
        issuerDistinguishedName: DistinguishedName,
        requestData: bytes,
        verifyDNCallback: Callable[[DistinguishedName], Any],
        serialNumber: int,
        requestFormat: int = crypto.FILETYPE_ASN1,
        certificateFormat: int = crypto.FILETYPE_ASN1,
        secondsToExpiry: int = YEAR,
        digestAlgorithm: str = "sha256",
    ) -> bytes | Deferred[bytes]:
        """As `signRequestObject`, from bytes to bytes, if `verifyDNCallback` says yes to the name in the request.

        It may say so by a Deferred; then a Deferred is what comes.

        :raises VerifyError: if it says no, or if the request is not signed with its own key.
        """
        request = CertificateRequest.load(requestData, requestFormat)

        def signed() -> bytes:
            given = issuerDistinguishedName, request, serialNumber, secondsToExpiry, digestAlgorithm
            return self.signRequestObject(*given).dump(certificateFormat)

        return signed_if_wanted(request, verifyDNCallback, signed)

    def selfSignedCert(self, serialNumber: int, **kw: bytes | str) -> PrivateCertificate:
        """A certificate for this key, signed with it. `kw` are the parts of the name, as of a DistinguishedName."""
        name = DistinguishedName(**kw)
        signed = self.signRequestObject(name, self.requestObject(name), serialNumber)
        return PrivateCertificate.fromCertificateAndKeyPair(signed, self)


class PrivateCertificate(Certificate):
    """A certificate with its key. Attributes: `privateKey` (a KeyPair)."""

    privateKey: KeyPair

    @classmethod
    def fromCertificateAndKeyPair(cls, certificateInstance: Certificate, privateKey: KeyPair) -> PrivateCertificate:
        """The two in one. VerifyError if they do not belong together."""
        return cls(certificateInstance.original)._setPrivateKey(privateKey)

    def _setPrivateKey(self, privateKey: KeyPair) -> PrivateCertificate:
        if not privateKey.matches(self.getPublicKey()):
            raise VerifyError(f"{privateKey!r} is not the key of {self!r}")
        self.privateKey = privateKey
        return self

    @classmethod
    def load(  # type: ignore[override]
        cls, data: bytes, privateKey: KeyPair, format: int = crypto.FILETYPE_ASN1
    ) -> PrivateCertificate:
        """Of the certificate's bytes and the key."""
        return cls.fromCertificateAndKeyPair(Certificate.load(data, format), privateKey)

    @classmethod
    def loadPEM(cls, data: bytes | str) -> PrivateCertificate:
        """Of a PEM text that holds both."""
        raw = _bytes(data)
        return cls.load(raw, KeyPair.load(raw, crypto.FILETYPE_PEM), crypto.FILETYPE_PEM)

    def dumpPEM(self) -> bytes:
        """Both as PEM, the certificate first."""
        return self.dump(crypto.FILETYPE_PEM) + self.privateKey.dump(crypto.FILETYPE_PEM)

    def newCertificate(self, newCertData: bytes, format: int = crypto.FILETYPE_ASN1) -> PrivateCertificate:
        """Another certificate for the same key."""
        return self.load(newCertData, self.privateKey, format)

    def options(self, *authorities: Certificate) -> CertificateOptions:
        """To show this certificate, and with `authorities` to ask the peer for one that they have signed."""
        more: dict[str, Any] = {"trustRoot": trustRootFromCertificates(authorities)} if authorities else {}
        return CertificateOptions(privateKey=self.privateKey.original, certificate=self.original, **more)

    def certificateRequest(self, format: int = crypto.FILETYPE_ASN1, digestAlgorithm: str = "sha256") -> bytes:
        """A request for another certificate in the same name."""
        return self.privateKey.certificateRequest(self.getSubject(), format, digestAlgorithm)

    def signCertificateRequest(
        self,
        requestData: bytes,
        verifyDNCallback: Callable[[DistinguishedName], Any],
        serialNumber: int,
        requestFormat: int = crypto.FILETYPE_ASN1,
        certificateFormat: int = crypto.FILETYPE_ASN1,
    ) -> bytes | Deferred[bytes]:
        """As `KeyPair.signCertificateRequest`, in the name of this certificate."""
        issuer = self.getSubject()
        return self.privateKey.signCertificateRequest(
            issuer, requestData, verifyDNCallback, serialNumber, requestFormat, certificateFormat
        )

    def signRequestObject(
        self,
        certificateRequest: CertificateRequest,
        serialNumber: int,
        secondsToExpiry: int = YEAR,
        digestAlgorithm: str = "sha256",
    ) -> Certificate:
        """As `KeyPair.signRequestObject`, in the name of this certificate."""
        given = certificateRequest, serialNumber, secondsToExpiry, digestAlgorithm
        return self.privateKey.signRequestObject(self.getSubject(), *given)


def _bytes(data: bytes | str) -> bytes:
    return data.encode("ascii") if isinstance(data, str) else data
