"""Certificates and private keys from PEM files (RFC 7468), with errors that name the file and say what is wrong in it."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

Name = str | os.PathLike[str]

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def server_context(certificate: Name, key: Name | None = None, chain: Name | None = None) -> ssl.SSLContext:
    """A server's context that shows a certificate.

    Its peers cannot ask for a new handshake in the midst of a connection: that costs us more than them (and TLS 1.3 has no such
    thing).

    :param certificate: a file of the certificate, and behind it of those between it and the root.
    :param key: a file of its private key; None: it is in the first one, too.
    :param chain: a file of those between it and the root, if the first one has not got them.
    :raises ValueError: if the files will not do.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    load_certificate(context, certificate, key, chain)
    return context


def load_certificate(
    context: ssl.SSLContext, certificate: Name, key: Name | None = None, chain: Name | None = None
) -> None:
    """Let `context` show a certificate. Arguments and errors are those of `server_context`."""
    key = certificate if key is None else key
    certificates = _certificates(certificate)
    secret = read(key)
    if "PRIVATE KEY-----" not in secret:
        raise ValueError(f"there is no private key in {os.fspath(key)}")
    if "ENCRYPTED" in secret:
        raise ValueError(f"the private key in {os.fspath(key)} is encrypted, and nobody is there to type its password")
    if chain is None:
        _load(context, certificate, certificate, certificates, key)
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:  # the ssl module takes files only
        both.write(certificates + "\n" + _certificates(chain))
        both.flush()
        _load(context, both.name, certificate, certificates, key)


def read(path: Name) -> str:
    """The text of a PEM file, between whose blocks there may be anything; ValueError if it cannot be read."""
    try:
        return Path(path).read_text("ascii", errors="replace")
    except OSError as e:
        raise ValueError(f"cannot read {os.fspath(path)}: {e.strerror}") from None


def _certificates(path: Name) -> str:
    """What is a certificate in a PEM file, and no key or comment."""
    parts = [part for part in read(path).split(_BEGIN)[1:] if _END in part]
    if not parts:
        raise ValueError(f"there is no certificate in {os.fspath(path)}")
    return "\n".join(_BEGIN + part.split(_END)[0] + _END for part in parts)


def _load(context: ssl.SSLContext, file: Name, certificate: Name, certificates: str, key: Name) -> None:
    try:
        context.load_cert_chain(file, key)
    except ssl.SSLError as e:
        # OpenSSL does not say which of the two files it means
        if e.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            what = f"the private key in {os.fspath(key)} is not that of the certificate in {os.fspath(certificate)}"
        elif e.reason:
            what = f"cannot use the certificate in {os.fspath(certificate)}: {e.reason.lower().replace('_', ' ')}"
        elif _is_damaged(certificates):
            what = f"the certificate in {os.fspath(certificate)} is damaged"
        else:
            what = f"the private key in {os.fspath(key)} is damaged"
        raise ValueError(what) from None
    except OSError as e:  # it has gone since it was read
        raise ValueError(f"cannot read {os.fspath(certificate)} or {os.fspath(key)}: {e.strerror}") from None


def _is_damaged(certificates: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        return True
    return False
