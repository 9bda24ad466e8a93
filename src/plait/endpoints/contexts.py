"""TLS contexts made of the files that an endpoint's string names."""

from __future__ import annotations

import ssl
from pathlib import Path

from plait.transport import tlsfiles
from plait.transport.tlsserver import ReloadableContext, ServerContexts

# The names of methods that the strings have always had, and the one version that they mean.
_METHODS = {
    "TLS_METHOD": None,
    "SSLv23_METHOD": None,
    "TLSv1_2_METHOD": ssl.TLSVersion.TLSv1_2,
    "TLSv1_3_METHOD": ssl.TLSVersion.TLSv1_3,
}


def server_context(
    key: str, certificate: str | None, chain: str | None, method: str, dh_parameters: str | None
) -> ReloadableContext:
    """A server's context: PEM files of a key, its certificate (the same file if None) and those between it and the root."""
    if method not in _METHODS:
        raise ValueError(f"sslmethod must be one of {', '.join(_METHODS)}, not {method!r}")
    version = _METHODS[method]

    def make() -> ssl.SSLContext:
        context = tlsfiles.server_context(certificate or key, key, chain)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if dh_parameters is not None:
            try:
                context.load_dh_params(dh_parameters)
            except OSError as e:  # an ssl.SSLError is one, too
                raise ValueError(f"there are no Diffie-Hellman parameters in {dh_parameters}: {e}") from None
        return context

    return ReloadableContext(make)


def tls_server_context(
    key: str | None, certificate: str | None, chain: str | None, folder: str | None, authorities: str | None
) -> ReloadableContext | ServerContexts:
    """A server's contexts: of one certificate as for `server_context`, or of a folder of them (`ServerContexts`).

    With a folder of `authorities`, clients have to show a certificate that one of these has signed.
    """

    def configure(context: ssl.SSLContext) -> ssl.SSLContext:
        if authorities is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            _trust(context, authorities)
        return context

    if folder is not None:
        if (key, certificate, chain) != (None, None, None):
            raise ValueError(
                "the tls endpoint takes either certificates=FOLDER or one certificate (privateKey, certKey)"
            )
        return ServerContexts(folder, configure)
    if key is None and certificate is None:
        raise ValueError("the tls endpoint needs a certificate: privateKey=FILE:certKey=FILE or certificates=FOLDER")
    return ReloadableContext(lambda: configure(tlsfiles.server_context(certificate or str(key), key, chain)))


def client_context(folder: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """A client's context that does not look at the name; nor, without a folder of authorities, at the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE if folder is None else ssl.CERT_REQUIRED
    _fill(context, folder, certificate, key)
    return context


def trusting(folder: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext:
    """A client's context that checks everything, with the authorities in a folder (None: those of the system)."""
    context = ssl.create_default_context() if folder is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _fill(context, folder, certificate, key)
    return context


def _fill(context: ssl.SSLContext, folder: str | None, certificate: str | None, key: str | None) -> None:
    if folder is not None:
        _trust(context, folder)
    if certificate is not None or key is not None:
        tlsfiles.load_certificate(context, certificate or str(key), key)


def _trust(context: ssl.SSLContext, folder: str) -> None:
    files = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() == ".pem")
    if not files:
        raise ValueError(f"there are no certificates (*.pem) in {folder!r}")
    for path in files:
        try:
            context.load_verify_locations(cafile=path)
        except PermissionError:
            continue  # one that is not for us does not spoil the others
        except (OSError, ValueError) as e:
            if "NO_CERTIFICATE_OR_CRL_FOUND" not in str(e):  # a key, or the like
                raise ValueError(f"cannot read the certificate {path}: {e}") from None
