"""The TLS options of programs for Twisted, over pyOpenSSL: what is shown, who is believed, which versions and ciphers.

They need ``pyopenssl`` and ``service-identity`` (the extra `plait[legacy]`). A program of Plait's own uses
`plait.transport.tls`, which needs neither.
"""

from __future__ import annotations

import enum
import ipaddress
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address

from plait.failure import Failure
from plait.interfaces import implementer
from plait.interfaces.tls import IOpenSSLClientConnectionCreator, IOpenSSLContextFactory

__all__ = [
    "AcceptableCiphers",
    "CertificateOptions",
    "ClientTLSOptions",
    "OpenSSLAcceptableCiphers",
    "OpenSSLCertificateOptions",
    "OpenSSLDefaultPaths",
    "ProtocolNegotiationSupport",
    "TLSVersion",
    "TrustRoot",
    "VerificationError",
    "optionsForClientTLS",
    "platformTrust",
    "protocolNegotiationMechanisms",
    "trustRootFromCertificates",
]

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!MD5:!DSS"


class TLSVersion(enum.Enum):
    """The versions of TLS, the oldest first."""

    SSLv3 = SSL.SSL3_VERSION
    TLSv1_0 = SSL.TLS1_VERSION
    TLSv1_1 = SSL.TLS1_1_VERSION
    TLSv1_2 = SSL.TLS1_2_VERSION
    TLSv1_3 = SSL.TLS1_3_VERSION


class ProtocolNegotiationSupport(enum.Flag):
    """The ways to agree on the protocol above TLS. NPN is gone from OpenSSL and never among those that are there."""

    NOSUPPORT = 0
    NPN = 1
    ALPN = 2


def protocolNegotiationMechanisms() -> ProtocolNegotiationSupport:
    """What can be used here: ALPN (RFC 7301)."""
    return ProtocolNegotiationSupport.ALPN


class OpenSSLAcceptableCiphers:
    """Cipher suites that may be used, in OpenSSL's way of writing."""

    def __init__(self, ciphers: str) -> None:
        self.ciphers = ciphers

    @classmethod
    def fromOpenSSLCipherString(cls, cipherString: str) -> OpenSSLAcceptableCiphers:
        """Those of a list such as ``"ECDHE+AESGCM:!aNULL"``."""
        return cls(cipherString)


AcceptableCiphers = OpenSSLAcceptableCiphers


class TrustRoot:
    """Authorities that are believed: `addTo` puts them into a context."""

    def __init__(self, addTo: Callable[[SSL.Context], None]) -> None:
        self._addCACertsToContext = addTo


class OpenSSLDefaultPaths(TrustRoot):
    """The authorities of the system, where OpenSSL looks for them."""

    def __init__(self) -> None:
        super().__init__(lambda context: context.set_default_verify_paths())


def platformTrust() -> OpenSSLDefaultPaths:
    """The authorities of the system."""
    return OpenSSLDefaultPaths()


def trustRootFromCertificates(certificates: Iterable[Any]) -> TrustRoot:
    """Believe these certificates alone: X509 objects of pyOpenSSL, or anything that holds one as `original`."""
    originals = [getattr(certificate, "original", certificate) for certificate in certificates]
    for original in originals:
        if not hasattr(original, "get_subject"):
            raise TypeError(f"{original!r} is no certificate: give X509 objects, or what has one as `original`")

    def add(context: SSL.Context) -> None:
        store = context.get_cert_store()
        assert store is not None
        for original in originals:
            store.add_cert(original)

    return TrustRoot(add)


def _trust_of(what: Any) -> Any:
    if what is True:
        return platformTrust()
    if hasattr(what, "_addCACertsToContext"):
        return what
    return trustRootFromCertificates([what])


@implementer(IOpenSSLContextFactory)
class CertificateOptions:
    """Everything that a TLS context is made of. The context is made when it is first asked for.

    :param privateKey: a PKey, with `certificate` (an X509) what we show; `extraCertChain` are the X509s that follow.
    :param verify: whether the peer must show a certificate of one of `caCerts`; `trustRoot` says both in one word.
    :param requireCertificate: with `verify`, whether a client without a certificate is refused.
    :param insecurelyLowerMinimumTo: an older TLSVersion than 1.2 to allow as well; `raiseMinimumTo`: a newer one to ask
        for; `lowerMaximumSecurityTo`: the newest to allow.
    :param acceptableProtocols: names for ALPN, the best first.
    :raises TypeError: for options that exclude one another.
    :raises ValueError: if there is a key and no certificate, or the other way round, or if the versions leave nothing.
    """

    _context: SSL.Context | None = None

    def __init__(
        self,
        privateKey: Any = None,
        certificate: Any = None,
        method: int | None = None,
        verify: bool = False,
        caCerts: Sequence[Any] | None = None,
        verifyDepth: int = 9,
        requireCertificate: bool = True,
        verifyOnce: bool = True,
        enableSingleUseKeys: bool = True,
        enableSessions: bool = False,
        fixBrokenPeers: bool = False,
        enableSessionTickets: bool = False,
        extraCertChain: Sequence[Any] | None = None,
        acceptableCiphers: OpenSSLAcceptableCiphers | None = None,
        dhParameters: Any = None,
        trustRoot: Any = None,
        acceptableProtocols: Sequence[bytes] | None = None,
        raiseMinimumTo: TLSVersion | None = None,
        insecurelyLowerMinimumTo: TLSVersion | None = None,
        lowerMaximumSecurityTo: TLSVersion | None = None,
    ) -> None:
        if (privateKey is None) != (certificate is None):
            raise ValueError("Give a private key and its certificate, or neither.")
        if extraCertChain and privateKey is None:
            raise ValueError("A chain of certificates (extraCertChain) needs a private key and a certificate.")
        if trustRoot is not None and (verify or caCerts is not None):
            raise TypeError("Give either trustRoot, or verify and caCerts: they say the same.")
        if verify and not caCerts:
            raise ValueError("To verify the peer, say by which authorities (caCerts, or trustRoot alone).")
        if raiseMinimumTo and insecurelyLowerMinimumTo:
            raise TypeError("Give either raiseMinimumTo or insecurelyLowerMinimumTo.")
        if method is not None and (raiseMinimumTo or insecurelyLowerMinimumTo or lowerMaximumSecurityTo):
            raise TypeError("Give either a method, or a minimum and a maximum of the version.")
        minimum = insecurelyLowerMinimumTo or raiseMinimumTo or TLSVersion.TLSv1_2
        if lowerMaximumSecurityTo and lowerMaximumSecurityTo.value < minimum.value:
            raise ValueError(f"No version is left: at least {minimum.name}, at most {lowerMaximumSecurityTo.name}.")
        if caCerts is not None and verify:
            trustRoot = trustRootFromCertificates(caCerts)
        self.privateKey = privateKey
        self.certificate = certificate
        self.method = SSL.TLS_METHOD if method is None else method
        self.verify = trustRoot is not None
        self.trustRoot = None if trustRoot is None else _trust_of(trustRoot)
        self.caCerts = caCerts
        self.verifyDepth = verifyDepth
        self.requireCertificate = requireCertificate
        self.verifyOnce = verifyOnce
        self.enableSingleUseKeys = enableSingleUseKeys
        self.enableSessions = enableSessions
        self.fixBrokenPeers = fixBrokenPeers
        self.enableSessionTickets = enableSessionTickets
        self.extraCertChain = list(extraCertChain or ())
        self.dhParameters = dhParameters
        self._ciphers = _CIPHERS if acceptableCiphers is None else acceptableCiphers.ciphers
        self._protocols = list(acceptableProtocols or ())
        self._versions = None if method is not None else (minimum, lowerMaximumSecurityTo)

    def getContext(self) -> SSL.Context:
        """The context, the same each time."""
        if self._context is None:
            self._context = self._make()
        return self._context

    def _make(self) -> SSL.Context:
        context = SSL.Context(self.method)
        if self._versions is not None:
            minimum, maximum = self._versions
            context.set_min_proto_version(minimum.value)
            if maximum is not None:
                context.set_max_proto_version(maximum.value)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE)
        if self.certificate is not None:
            context.use_certificate(self.certificate)
            context.use_privatekey(self.privateKey)
            for extra in self.extraCertChain:
                context.add_extra_chain_cert(extra)
            context.check_privatekey()
        flags = SSL.VERIFY_NONE
        if self.trustRoot is not None:
            flags = SSL.VERIFY_PEER
            if self.requireCertificate:
                flags |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
            if self.verifyOnce:
                flags |= SSL.VERIFY_CLIENT_ONCE
            self.trustRoot._addCACertsToContext(context)
        context.set_verify(flags, lambda connection, certificate, error, depth, ok: bool(ok))
        context.set_verify_depth(self.verifyDepth)
        if self.enableSingleUseKeys:
            context.set_options(SSL.OP_SINGLE_DH_USE | SSL.OP_SINGLE_ECDH_USE)
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER if self.enableSessions else SSL.SESS_CACHE_OFF)
        if self.enableSessions:
            context.set_session_id(secrets.token_hex(16).encode())
        if not self.enableSessionTickets:
            context.set_options(SSL.OP_NO_TICKET)
        if self.dhParameters is not None:
            context.load_tmp_dh(self.dhParameters._dhFile.path)
        context.set_cipher_list(self._ciphers.encode())
        if self._protocols:
            context.set_alpn_protos(self._protocols)
            context.set_alpn_select_callback(self._choose)
        return context

    def _choose(self, connection: SSL.Connection, offered: list[bytes]) -> Any:
        return next((name for name in self._protocols if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


OpenSSLCertificateOptions = CertificateOptions


@implementer(IOpenSSLClientConnectionCreator)
class ClientTLSOptions:
    """Makes a client's connections to one host, and refuses a certificate that is not of it (RFC 9525)."""

    def __init__(self, hostname: str, ctx: SSL.Context) -> None:
        self._ctx = ctx
        self._hostname = hostname
        try:
            ipaddress.ip_address(hostname)
            self._is_address = True
        except ValueError:
            self._is_address = False
        self._ascii = hostname if hostname.isascii() else hostname.encode("idna").decode("ascii")
        ctx.set_info_callback(self._on_info)

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """A connection over memory, which sends the name of the host unless it is an IP address."""
        connection = SSL.Connection(self._ctx, None)
        connection.set_app_data(tlsProtocol)
        if not self._is_address:
            connection.set_tlsext_host_name(self._ascii.encode("ascii"))
        return connection

    def _on_info(self, connection: SSL.Connection, where: int, ret: int) -> None:
        if not where & SSL.SSL_CB_HANDSHAKE_DONE:
            return
        try:
            (verify_ip_address if self._is_address else verify_hostname)(connection, self._ascii)
        except Exception:  # out of a callback of OpenSSL it would be lost
            connection.get_app_data().failVerification(Failure())


def optionsForClientTLS(
    hostname: str,
    trustRoot: Any = None,
    clientCertificate: Any = None,
    acceptableProtocols: Sequence[bytes] | None = None,
    *,
    extraCertificateOptions: dict[str, Any] | None = None,
) -> ClientTLSOptions:
    """What a client of `hostname` needs: the certificate is verified, and that it is one of that host.

    :param trustRoot: the authorities; None: those of the system.
    :param clientCertificate: what we show: anything whose `options()` gives CertificateOptions takes part.
    :raises TypeError: if `hostname` is no str.
    """
    if not isinstance(hostname, str):
        raise TypeError(f"optionsForClientTLS needs the host name as str, not {type(hostname).__name__}")
    extra = dict(extraCertificateOptions or {})
    if clientCertificate is not None:
        extra.update(privateKey=clientCertificate.privateKey.original, certificate=clientCertificate.original)
    options = CertificateOptions(
        trustRoot=platformTrust() if trustRoot is None else trustRoot,
        acceptableProtocols=acceptableProtocols,
        **extra,
    )
    return ClientTLSOptions(hostname, options.getContext())
