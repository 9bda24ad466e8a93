"""Certificates and keys of programs for Twisted: thin faces of pyOpenSSL's objects, which they hold as `original`."""

from __future__ import annotations

from typing import Any

from OpenSSL import crypto

from plait.as_twisted.legacy.tlsoptions import CertificateOptions, trustRootFromCertificates

__all__ = ["Certificate", "KeyPair", "PrivateCertificate"]


class Certificate:
    """A certificate. Attributes: `original` (an X509)."""

    def __init__(self, original: crypto.X509) -> None:
        self.original = original

    @classmethod
    def load(cls, requestData: bytes, format: int = crypto.FILETYPE_ASN1) -> Certificate:
        """Of its bytes, DER unless `format` says otherwise."""
        return cls(crypto.load_certificate(format, requestData))

    @classmethod
    def loadPEM(cls, data: bytes | str) -> Certificate:
        """Of the text of a PEM file."""
        return cls.load(data.encode() if isinstance(data, str) else data, crypto.FILETYPE_PEM)

    def dump(self, format: int = crypto.FILETYPE_ASN1) -> bytes:
        """Its bytes, DER unless `format` says otherwise."""
        return crypto.dump_certificate(format, self.original)

    def dumpPEM(self) -> bytes:
        """The certificate as PEM."""
        return self.dump(crypto.FILETYPE_PEM)

    def digest(self, method: str = "md5") -> str:
        """Its fingerprint, such as ``"AB:CD:…"``."""
        return self.original.digest(method).decode("ascii")

    def serialNumber(self) -> int:
        """The number that its authority gave it."""
        return self.original.get_serial_number()

    def __eq__(self, other: object) -> bool:
        return self.dump() == other.dump() if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.dump())


class KeyPair:
    """A private key, with the public one. Attributes: `original` (a PKey)."""

    def __init__(self, original: crypto.PKey) -> None:
        self.original = original

    @classmethod
    def load(cls, data: bytes, format: int = crypto.FILETYPE_ASN1) -> KeyPair:
        """Of its bytes, DER unless `format` says otherwise."""
        return cls(crypto.load_privatekey(format, data))

    @classmethod
    def generate(cls, kind: int = crypto.TYPE_RSA, size: int = 2048) -> KeyPair:
        """A new key of `size` bits."""
        key = crypto.PKey()
        key.generate_key(kind, size)
        return cls(key)

    def dump(self, format: int = crypto.FILETYPE_ASN1) -> bytes:
        """Its bytes, DER unless `format` says otherwise."""
        return crypto.dump_privatekey(format, self.original)


class PrivateCertificate(Certificate):
    """A certificate with its key. Attributes: `privateKey` (a KeyPair)."""

    privateKey: KeyPair

    @classmethod
    def fromCertificateAndKeyPair(cls, certificateInstance: Certificate, privateKey: KeyPair) -> PrivateCertificate:
        """The two in one."""
        made = cls(certificateInstance.original)
        made.privateKey = privateKey
        return made

    @classmethod
    def loadPEM(cls, data: bytes | str) -> PrivateCertificate:
        """Of a PEM text that holds both."""
        raw = data.encode() if isinstance(data, str) else data
        key = KeyPair.load(raw, crypto.FILETYPE_PEM)
        return cls.fromCertificateAndKeyPair(Certificate.load(raw, crypto.FILETYPE_PEM), key)

    def options(self, *authorities: Certificate) -> CertificateOptions:
        """To show this certificate, and with `authorities` to ask the peer for one that they have signed."""
        more: dict[str, Any] = {"trustRoot": trustRootFromCertificates(authorities)} if authorities else {}
        return CertificateOptions(privateKey=self.privateKey.original, certificate=self.original, **more)
