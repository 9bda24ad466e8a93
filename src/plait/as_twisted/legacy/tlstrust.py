"""Who is believed: the authorities of TLS connections of programs for Twisted, over pyOpenSSL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from OpenSSL import SSL, crypto

from plait.as_twisted.legacy.tlsnames import CertBase
from plait.interfaces import Interface, adapt, implementer

__all__ = [
    "IOpenSSLTrustRoot",
    "OpenSSLCertificateAuthorities",
    "OpenSSLDefaultPaths",
    "platformTrust",
    "trustRootFromCertificates",
    "trust_of",
]


class IOpenSSLTrustRoot(Interface):
    """Authorities that are believed. What adapts to it can be a `trustRoot`."""

    def _addCACertsToContext(self, context: Any) -> None:
        """Put them into an ``OpenSSL.SSL.Context``."""


@implementer(IOpenSSLTrustRoot)
class OpenSSLCertificateAuthorities:
    """These certificates (X509 objects of pyOpenSSL) alone."""

    def __init__(self, caCerts: Iterable[crypto.X509]) -> None:
        self._caCerts = list(caCerts)

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        store = context.get_cert_store()
        assert store is not None
        for certificate in self._caCerts:
            store.add_cert(certificate)


@implementer(IOpenSSLTrustRoot)
class OpenSSLDefaultPaths:
    """The authorities of the system, where OpenSSL looks for them."""

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        context.set_default_verify_paths()


def platformTrust() -> OpenSSLDefaultPaths:
    """The authorities of the system."""
    return OpenSSLDefaultPaths()


def trustRootFromCertificates(certificates: Iterable[CertBase]) -> OpenSSLCertificateAuthorities:
    """Believe these certificates alone, each a Certificate or a PrivateCertificate.

    :raises TypeError: for anything else.
    """
    originals = []
    for certificate in certificates:
        if not isinstance(certificate, CertBase):
            raise TypeError("certificates items must be twisted.internet.ssl.CertBase instances")
        originals.append(certificate.original)
    return OpenSSLCertificateAuthorities(originals)


def trust_of(what: Any) -> Any:
    """What a user gave as `trustRoot`. TypeError if it is none."""
    if isinstance(what, CertBase):
        return trustRootFromCertificates([what])
    return adapt(IOpenSSLTrustRoot, what)
