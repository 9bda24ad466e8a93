"""TLS contexts made of the files that an endpoint's string names."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

# The names of methods that the strings have always had, and the one version that they mean.
_METHODS = {
    "TLS_METHOD": None,
    "SSLv23_METHOD": None,
    "TLSv1_2_METHOD": ssl.TLSVersion.TLSv1_2,
    "TLSv1_3_METHOD": ssl.TLSVersion.TLSv1_3,
}


def server_context(
    key: str, certificate: str | None, chain: str | None, method: str, dh_parameters: str | None
) -> ssl.SSLContext:
    """A server's context: PEM files of a key, its certificate (the same file if None) and those between it and the root."""
    if method not in _METHODS:
        raise ValueError(f"sslmethod must be one of {', '.join(_METHODS)}, not {method!r}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    version = _METHODS[method]
    if version is not None:
        context.minimum_version = context.maximum_version = version
    certificate = certificate or key
    if chain is None:
        _load(context, certificate, key)
    else:
        extra = _read(chain)
        if "BEGIN CERTIFICATE" not in extra:
            raise ValueError(f"there is no certificate in {chain}")
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:  # the ssl module takes files only
            both.write(_certificates(_read(certificate)) + "\n" + extra)
            both.flush()
            _load(context, both.name, key)
    if dh_parameters is not None:
        context.load_dh_params(dh_parameters)
    return context


def _certificates(pem: str) -> str:
    """What is a certificate in a PEM file, and no key."""
    end = "-----END CERTIFICATE-----"
    parts = [part for part in pem.split("-----BEGIN CERTIFICATE-----")[1:] if end in part]
    return "\n".join("-----BEGIN CERTIFICATE-----" + part.split(end)[0] + end for part in parts)


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
    if certificate is not None or key is not None:
        _load(context, certificate or str(key), key)


def _load(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except OSError as e:  # an ssl.SSLError is one, too
        raise ValueError(f"cannot use the key {key} with the certificate {certificate}: {e}") from None


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", errors="replace")
    except OSError as e:
        raise ValueError(f"cannot read {path}: {e.strerror}") from None
