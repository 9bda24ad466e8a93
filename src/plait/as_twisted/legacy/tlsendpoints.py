"""Endpoints that speak TLS by pyOpenSSL, and the strings for them: what `twisted.internet.endpoints` has in place of ours."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL, crypto

from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.legacy.sni import SNIConnectionCreator, autoReloadingDirectoryOfPEMs
from plait.as_twisted.legacy.tls import TLSMemoryBIOFactory
from plait.as_twisted.legacy.tlscertificates import Certificate, KeyPair, PrivateCertificate
from plait.as_twisted.legacy.tlsciphers import DiffieHellmanParameters
from plait.as_twisted.legacy.tlsclients import optionsForClientTLS
from plait.as_twisted.legacy.tlskeys import VerifyError
from plait.as_twisted.legacy.tlsoptions import CertificateOptions
from plait.as_twisted.legacy.tlstrust import OpenSSLCertificateAuthorities
from plait.deferred import Deferred
from plait.endpoints import HostnameEndpoint, SSL4ClientEndpoint, SSL4ServerEndpoint, TCP6ServerEndpoint
from plait.endpoints.strings import CLIENTS as PLAIN_CLIENTS
from plait.endpoints.strings import Parser, endpoint_of, to_binding, to_number, to_seconds
from plait.endpoints.wrapping import WrapperEndpoint
from plait.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint, implementer

__all__ = ["TLSServerEndpoint", "authorities_in", "wrapClientTLS", "wrapServerTLS"]


def wrapClientTLS(connectionCreator: Any, wrappedEndpoint: Any, clock: Any = None) -> WrapperEndpoint:
    """`wrappedEndpoint`, with TLS from the first byte.

    :param connectionCreator: who is believed: what ``optionsForClientTLS(hostname)`` gives, say.
    :param clock: what tells the time, if not the reactor.
    """
    return WrapperEndpoint(
        wrappedEndpoint, lambda factory: TLSMemoryBIOFactory(connectionCreator, True, factory, clock)
    )


@implementer(IStreamServerEndpoint)
class TLSServerEndpoint:
    """Listens at `endpoint`, and speaks TLS by what `connectionCreator` makes."""

    def __init__(self, connectionCreator: Any, endpoint: Any, clock: Any = None) -> None:
        self.connectionCreator = connectionCreator
        self.endpoint = endpoint
        self.clock = clock

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections, as the endpoint does."""
        wrapping = TLSMemoryBIOFactory(self.connectionCreator, False, protocolFactory, self.clock)
        result: Deferred[IListeningPort] = self.endpoint.listen(wrapping)
        return result


def wrapServerTLS(connectionCreator: Any, wrappedEndpoint: Any, clock: Any = None) -> TLSServerEndpoint:
    """`wrappedEndpoint`, with TLS from the first byte.

    :param connectionCreator: what is shown: CertificateOptions, or a `SNIConnectionCreator` for several names.
    :param clock: what tells the time, if not the reactor.
    """
    return TLSServerEndpoint(connectionCreator, wrappedEndpoint, clock)


def authorities_in(folder: Any) -> OpenSSLCertificateAuthorities:
    """The certificates in the ``*.pem`` of a folder (a FilePath), each once; those that cannot be read are left out."""
    found: dict[Certificate, None] = {}
    for child in folder.children():
        if child.basename().lower().endswith(".pem"):
            try:
                found[Certificate.loadPEM(child.getContent())] = None
            except (OSError, crypto.Error):
                continue  # one that is not for us, or no certificate, does not spoil the others
    return OpenSSLCertificateAuthorities(certificate.original for certificate in found)


# -- strings


def ssl_server(
    reactor: Any,
    port: str,
    privateKey: str = "server.pem",
    certKey: str | None = None,
    sslmethod: str | None = None,
    interface: str = "",
    backlog: str = "50",
    extraCertChain: str | None = None,
    dhParameters: str | None = None,
) -> SSL4ServerEndpoint:
    """``ssl:443:privateKey=key.pem:certKey=cert.pem``"""
    shown = _private(certKey, privateKey)
    more: dict[str, Any] = {} if sslmethod is None else {"method": _method(sslmethod)}
    options = CertificateOptions(
        privateKey=shown.privateKey.original,
        certificate=shown.original,
        extraCertChain=None if extraCertChain is None else _chain(extraCertChain),
        dhParameters=None if dhParameters is None else DiffieHellmanParameters.fromFile(FilePath(dhParameters)),
        **more,
    )
    return SSL4ServerEndpoint(reactor, to_number("port", port), options, to_number("backlog", backlog), interface)


def tls_server(
    reactor: Any, certificates: str, port: str, interface: str = "::", backlog: str = "50"
) -> TLSServerEndpoint:
    """``tls:FOLDER:443``: the folder has PEM files of keys and certificates, which are chosen by the name that is asked for."""
    if not FilePath(certificates).isdir():
        raise ValueError(f"the certificates of a tls endpoint are in a folder, and {certificates!r} is none")
    creator = SNIConnectionCreator(autoReloadingDirectoryOfPEMs(certificates))
    endpoint = TCP6ServerEndpoint(reactor, to_number("port", port), to_number("backlog", backlog), interface)
    return TLSServerEndpoint(creator, endpoint)


def ssl_client(
    reactor: Any,
    host: str,
    port: str,
    timeout: str = "30",
    bindAddress: str | None = None,
    privateKey: str | None = None,
    certKey: str | None = None,
    caCertsDir: str | None = None,
    hostname: str | None = None,
) -> SSL4ClientEndpoint:
    """``ssl:host:443``: it checks the certificate only with `caCertsDir` or `hostname`, and the name only with `hostname`."""
    shown = None if privateKey is None and certKey is None else _private(certKey, privateKey)
    trust = None if caCertsDir is None else authorities_in(FilePath(caCertsDir))
    context: Any
    if hostname is not None:
        context = optionsForClientTLS(hostname, trust, shown)
    else:
        more: dict[str, Any] = {} if trust is None else {"trustRoot": trust}
        if shown is not None:
            more.update(privateKey=shown.privateKey.original, certificate=shown.original)
        context = CertificateOptions(**more)
    return SSL4ClientEndpoint(
        reactor, host, to_number("port", port), context, to_seconds(timeout), to_binding(bindAddress)
    )


def tls_client(
    reactor: Any,
    host: str,
    port: str = "",
    timeout: str = "30",
    bindAddress: str | None = None,
    certificate: str | None = None,
    privateKey: str | None = None,
    trustRoots: str | None = None,
    endpoint: str | None = None,
) -> WrapperEndpoint:
    """``tls:host:443``: all addresses are tried, and the certificate is checked. `endpoint` is a string for another way there."""
    way: Any
    if endpoint is not None:
        way = endpoint_of(reactor, endpoint, {**PLAIN_CLIENTS, **CLIENTS}, "parseStreamClient")
    else:
        if not port:
            raise ValueError("the tls endpoint needs a port")
        way = HostnameEndpoint(reactor, host, to_number("port", port), to_seconds(timeout), to_binding(bindAddress))
    shown = None if privateKey is None and certificate is None else _private(certificate, privateKey)
    trust = None if trustRoots is None else authorities_in(FilePath(trustRoots))
    return wrapClientTLS(optionsForClientTLS(host, trust, shown), way)


SERVERS: dict[str, Parser] = {"ssl": ssl_server, "tls": tls_server}
CLIENTS: dict[str, Parser] = {"ssl": ssl_client, "tls": tls_client}


def _private(certificate: str | None, key: str | None) -> PrivateCertificate:
    """Of two PEM files; where one is not named, the other one holds both."""
    certificate, key = certificate or str(key), key or str(certificate)
    try:
        pair = KeyPair.load(_read(key), crypto.FILETYPE_PEM)
        return PrivateCertificate.load(_read(certificate), pair, crypto.FILETYPE_PEM)
    except (crypto.Error, VerifyError) as e:
        raise ValueError(f"cannot use the key {key} with the certificate {certificate}: {e}") from None


def _chain(file: str) -> list[crypto.X509]:
    end = b"-----END CERTIFICATE-----"
    parts = [part for part in _read(file).split(b"-----BEGIN CERTIFICATE-----")[1:] if end in part]
    if not parts:
        raise ValueError(f"Specified chain file '{file}' doesn't contain any valid certificates in PEM format.")
    pems = (b"-----BEGIN CERTIFICATE-----" + part.split(end)[0] + end + b"\n" for part in parts)
    return [crypto.load_certificate(crypto.FILETYPE_PEM, pem) for pem in pems]


def _method(name: str) -> int:
    method = getattr(SSL, name, None)
    if not (name.endswith("_METHOD") and isinstance(method, int)):
        raise ValueError(f"sslmethod must be the name of a method of pyOpenSSL, such as TLS_METHOD, not {name!r}")
    return method


def _read(path: str) -> bytes:
    try:
        return FilePath(path).getContent()
    except OSError as e:
        raise ValueError(f"cannot read {path}: {e.strerror}") from None
