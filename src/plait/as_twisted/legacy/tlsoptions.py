"""The TLS options of programs for Twisted, over pyOpenSSL: what is shown, who is believed, which versions and ciphers.

They need ``pyopenssl`` and ``service-identity`` (the extra `plait[legacy]`). A program of Plait's own uses
`plait.transport.tls`, which needs neither.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from OpenSSL import SSL

from plait.as_twisted.legacy.deprecate import _mutuallyExclusiveArguments, deprecated
from plait.as_twisted.legacy.tlsciphers import usable
from plait.as_twisted.legacy.tlstrust import OpenSSLCertificateAuthorities, trust_of
from plait.as_twisted.legacy.tlsversions import DEFAULT_MINIMUM, TLSVersion, forbidding, lowest
from plait.as_twisted.version import Version
from plait.errors import ConnectionLost
from plait.failure import Failure
from plait.interfaces import IAcceptableCiphers, implementer
from plait.interfaces.tls import IOpenSSLContextFactory
from plait.log import Logger
from plait.transport.opensslmachine import choose

__all__ = ["CertificateOptions", "OpenSSLCertificateOptions"]

_log = Logger("plait.transport")

_persistence = deprecated(Version("Twisted", 15, 0, 0), "a real persistence system")


@implementer(IOpenSSLContextFactory)
class OpenSSLCertificateOptions:
    """Everything that a TLS context is made of. The context is made when it is first asked for.

    :param privateKey: a PKey, with `certificate` (an X509) what we show; `extraCertChain` are the X509s that follow.
    :param method: deprecated: one of pyOpenSSL's methods, in place of the options for versions.
    :param verify: whether the peer must show a certificate of one of `caCerts` (X509s).
    :param verifyDepth: how long a chain of certificates may be.
    :param requireCertificate: with `verify`, whether a client without a certificate is refused.
    :param trustRoot: who is believed, in place of the three: a Certificate, or what `platformTrust` or
        `trustRootFromCertificates` gives.
    :param enableSessionTickets: let clients take up a session again by tickets, which weaken forward secrecy.
    :param acceptableCiphers: those that may be used; None: strong ones with forward secrecy.
    :param dhParameters: DiffieHellmanParameters of a server.
    :param acceptableProtocols: names for ALPN, the best first.
    :param insecurelyLowerMinimumTo: an older TLSVersion than 1.2 to allow as well; `raiseMinimumTo`: a newer one to ask
        for; `lowerMaximumSecurityTo`: the newest to allow.
    :param contextForServerName: for a server of several names: called with the name that a client wants (ASCII bytes, or
        None), it gives the context to go on with, or None for this one. If it raises, the connection is closed.
    :raises TypeError: for options that exclude one another.
    :raises ValueError: if there is a key and no certificate, or the other way round, or if the versions or the ciphers
        leave nothing.
    """

    _context: SSL.Context | None = None
    _contextFactory: Callable[[int], Any] = SSL.Context
    _OP_NO_TLSv1_3 = SSL.OP_NO_TLSv1_3
    _defaultMinimumTLSVersion = DEFAULT_MINIMUM

    @_mutuallyExclusiveArguments(
        [
            ("trustRoot", "requireCertificate"),
            ("trustRoot", "verify"),
            ("trustRoot", "caCerts"),
            ("method", "insecurelyLowerMinimumTo"),
            ("method", "raiseMinimumTo"),
            ("method", "lowerMaximumSecurityTo"),
            ("raiseMinimumTo", "insecurelyLowerMinimumTo"),
        ]
    )
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
        acceptableCiphers: IAcceptableCiphers | None = None,
        dhParameters: Any = None,
        trustRoot: Any = None,
        acceptableProtocols: Sequence[bytes] | None = None,
        raiseMinimumTo: TLSVersion | None = None,
        insecurelyLowerMinimumTo: TLSVersion | None = None,
        lowerMaximumSecurityTo: TLSVersion | None = None,
        contextForServerName: Callable[[bytes | None], Any] | None = None,
    ) -> None:
        if (privateKey is None) != (certificate is None):
            raise ValueError("Give a private key and its certificate, or neither.")
        if extraCertChain and privateKey is None:
            raise ValueError("A chain of certificates (extraCertChain) needs a private key and a certificate.")
        if verify and not caCerts:
            raise ValueError("To verify the peer, say by which authorities (caCerts, or trustRoot alone).")
        self.privateKey = privateKey
        self.certificate = certificate
        self.extraCertChain = list(extraCertChain or ())
        self.verify = verify
        self.caCerts = caCerts
        if trustRoot is not None:
            self.verify = True
            self.trustRoot = trust_of(trustRoot)
        elif verify:
            self.trustRoot = OpenSSLCertificateAuthorities(caCerts or ())
        else:
            self.trustRoot = None
        self.verifyDepth = verifyDepth
        self.requireCertificate = requireCertificate
        self.verifyOnce = verifyOnce
        self.enableSingleUseKeys = enableSingleUseKeys
        self.enableSessions = enableSessions
        self.fixBrokenPeers = fixBrokenPeers
        self.enableSessionTickets = enableSessionTickets
        self.dhParameters = dhParameters
        self._acceptableProtocols = list(acceptableProtocols or ())
        self._contextForServerName = contextForServerName
        self._options = SSL.OP_NO_SSLv2 | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE
        if enableSingleUseKeys:
            self._options |= SSL.OP_SINGLE_DH_USE | SSL.OP_SINGLE_ECDH_USE
        if not enableSessionTickets:
            self._options |= SSL.OP_NO_TICKET
        if method is None:
            minimum = lowest(raiseMinimumTo, insecurelyLowerMinimumTo, lowerMaximumSecurityTo)
            self.method = SSL.TLS_METHOD
            self._options |= forbidding(minimum, lowerMaximumSecurityTo)
        else:
            warnings.warn(
                "Passing method to twisted.internet.ssl.CertificateOptions was deprecated in Twisted 17.1.0. Please use a "
                "combination of insecurelyLowerMinimumTo, raiseMinimumTo, and lowerMaximumSecurityTo instead, as Twisted "
                "will correctly configure the method.",
                DeprecationWarning,
                stacklevel=3,
            )
            self.method = method
        self._cipherString = usable(acceptableCiphers, self.method, self._options)

    @_persistence
    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_context"}

    @_persistence
    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def getContext(self) -> Any:
        """The context (an ``OpenSSL.SSL.Context``), the same each time."""
        if self._context is None:
            self._context = self._makeContext()
        return self._context

    def _makeContext(self, skipCiphers: bool = False) -> Any:
        context = self._contextFactory(self.method)
        context.set_options(self._options)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        if self.certificate is not None:
            context.use_certificate(self.certificate)
            context.use_privatekey(self.privateKey)
            for extra in self.extraCertChain:
                context.add_extra_chain_cert(extra)
            context.check_privatekey()
        context.set_verify(self._verify_flags(), lambda connection, certificate, error, depth, ok: bool(ok))
        if self.trustRoot is not None:
            self.trustRoot._addCACertsToContext(context)
        context.set_verify_depth(self.verifyDepth)
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER if self.enableSessions else SSL.SESS_CACHE_OFF)
        # a client that comes back by a ticket is refused without one
        context.set_session_id(secrets.token_hex(16).encode())
        if self.dhParameters is not None:
            context.load_tmp_dh(self.dhParameters._dhFile.path)
        if not skipCiphers:
            context.set_cipher_list(self._cipherString.encode("ascii"))
        if self._acceptableProtocols:
            context.set_alpn_protos(self._acceptableProtocols)
        context.set_alpn_select_callback(partial(choose, acceptable=self._acceptableProtocols))
        if self._contextForServerName is not None:
            context.set_tlsext_servername_callback(self._server_name)
        return context

    def _verify_flags(self) -> int:
        if self.trustRoot is None:
            return SSL.VERIFY_NONE
        flags = SSL.VERIFY_PEER
        if self.requireCertificate:
            flags |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        if self.verifyOnce:
            flags |= SSL.VERIFY_CLIENT_ONCE
        return flags

    def _server_name(self, connection: SSL.Connection) -> None:
        assert self._contextForServerName is not None
        name = connection.get_servername()
        try:
            context = self._contextForServerName(name)
            if context is not None:
                connection.set_context(context)
        except (
            Exception
        ):  # out of a callback of OpenSSL it would be lost, and the client served with another certificate
            _log.failure("There is no TLS context for the server name {name!r}", name=name)
            what = "there is no certificate for the name that was asked for"
            connection.get_app_data().failVerification(Failure(ConnectionLost(what)))


CertificateOptions = OpenSSLCertificateOptions
