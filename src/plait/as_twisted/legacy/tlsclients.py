"""What a client of programs for Twisted needs to know whom it talks to (RFC 9525), over pyOpenSSL and service-identity."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from OpenSSL import SSL, crypto
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns

from plait.as_twisted.legacy.idna import host_as_ascii
from plait.as_twisted.legacy.tlsoptions import CertificateOptions
from plait.as_twisted.legacy.tlstrust import platformTrust
from plait.failure import Failure
from plait.interfaces import implementer
from plait.interfaces.tls import IOpenSSLClientConnectionCreator

__all__ = ["ClientTLSOptions", "VerificationError", "optionsForClientTLS", "verifying"]


def verifying(
    tlsProtocol: Any, isName: bool, host: str, chain_counts: bool = True
) -> Callable[[Any, crypto.X509, int, int, int], bool]:
    """OpenSSL's question whether a certificate of the peer's chain is accepted: the last one has to be of `host`.

    :param tlsProtocol: what is told, by `failVerification`, why it is not. It is not kept alive by this.
    :param isName: `host` is an A-label, and else an IP address.
    :param chain_counts: whether what OpenSSL itself thinks of the chain matters.
    """
    told = ref(tlsProtocol)

    def verify(connection: Any, certificate: crypto.X509, error: int, depth: int, ok: int) -> bool:
        accepted = bool(ok) or not chain_counts
        if depth or not accepted:
            return accepted
        try:
            wanted = DNS_ID(host) if isName else IPAddress_ID(host)
            verify_service_identity(extract_patterns(certificate), obligatory_ids=[wanted], optional_ids=[])
        except Exception:  # out of a callback of OpenSSL it would be lost
            if (protocol := told()) is not None:
                protocol.failVerification(Failure())
            return False
        return True

    return verify


@implementer(IOpenSSLClientConnectionCreator)
class ClientTLSOptions:
    """Makes a client's connections to one host, and refuses a certificate that is not of it.

    :param hostname: a name, of any script, or an IP address.
    :param ctx: with the authorities. Where it verifies nothing, the name is verified all the same.
    :param sendServerName: tell the server the name (SNI, RFC 6066). An IP address is never sent.
    """

    def __init__(self, hostname: str, ctx: SSL.Context, sendServerName: bool = True) -> None:
        self._ctx = ctx
        self._hostname = hostname
        try:
            ipaddress.ip_address(hostname)
            self._hostnameIsDnsName = False
            self._hostnameBytes = hostname.encode("ascii")
        except ValueError:
            self._hostnameIsDnsName = True
            self._hostnameBytes = host_as_ascii(hostname)
        self._hostnameASCII = self._hostnameBytes.decode("ascii")
        self._sendServerName = sendServerName and self._hostnameIsDnsName

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """A connection over memory, which sends the name and verifies it."""
        connection = SSL.Connection(self._ctx, None)
        connection.set_app_data(tlsProtocol)
        if self._sendServerName:
            connection.set_tlsext_host_name(self._hostnameBytes)
        mode = self._ctx.get_verify_mode()
        verify = verifying(tlsProtocol, self._hostnameIsDnsName, self._hostnameASCII, bool(mode & SSL.VERIFY_PEER))
        connection.set_verify(mode | SSL.VERIFY_PEER, verify)
        return connection


def optionsForClientTLS(
    hostname: str,
    trustRoot: Any = None,
    clientCertificate: Any = None,
    acceptableProtocols: Sequence[bytes] | None = None,
    *,
    sendServerName: bool = True,
    extraCertificateOptions: dict[str, Any] | None = None,
) -> ClientTLSOptions:
    """What a client of `hostname` needs: the certificate is verified, and that it is one of that host.

    :param trustRoot: the authorities, as of CertificateOptions; None: those of the system.
    :param clientCertificate: a PrivateCertificate that we show if we are asked.
    :param acceptableProtocols: names for ALPN, the best first.
    :param sendServerName: tell the server the name (SNI, RFC 6066).
    :param extraCertificateOptions: more arguments of CertificateOptions.
    :raises TypeError: if `hostname` is no str.
    :raises UnicodeError: if there can be no such host.
    """
    if not isinstance(hostname, str):
        raise TypeError(f"optionsForClientTLS requires text for host names, not {type(hostname).__name__}")
    extra = dict(extraCertificateOptions or {})
    if clientCertificate is not None:
        extra.update(privateKey=clientCertificate.privateKey.original, certificate=clientCertificate.original)
    options = CertificateOptions(
        trustRoot=platformTrust() if trustRoot is None else trustRoot,
        acceptableProtocols=acceptableProtocols,
        **extra,
    )
    return ClientTLSOptions(hostname, options.getContext(), sendServerName)
