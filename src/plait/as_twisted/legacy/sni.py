"""Servers of several names (SNI, RFC 6066 section 3): which certificate is shown is read from a folder of PEM files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

from plait.as_twisted.legacy.tlscertificates import Certificate, KeyPair
from plait.as_twisted.legacy.tlsoptions import CertificateOptions
from plait.errors import ConnectionLost
from plait.failure import Failure
from plait.interfaces import IOpenSSLServerConnectionCreator, implementer
from plait.log import Logger

__all__ = ["PEMObjects", "SNIConnectionCreator", "autoReloadingDirectoryOfPEMs"]

_log = Logger("plait.transport")

_OBJECT = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass
class PEMObjects:
    """The certificates and private keys of some PEM files."""

    certificates: list[Certificate] = field(default_factory=list)
    keys: list[tuple[str, KeyPair]] = field(default_factory=list)
    """Each with the path of its file."""

    @classmethod
    def fromDirectory(cls, directory: Any) -> PEMObjects:
        """Those of all ``*.pem`` in a folder and in those below it. What cannot be read is logged and left out."""
        made = cls()
        for path in _pem_files(_path(directory)):
            try:
                made._add(str(path), path.read_bytes())
            except (OSError, ValueError, crypto.Error):
                _log.failure("cannot use {path}", path=str(path))
        return made

    def _add(self, path: str, data: bytes) -> None:
        for found in _OBJECT.finditer(data):
            kind, pem = found[1], found[0] + b"\n"
            if kind == b"CERTIFICATE":
                self.certificates.append(Certificate.loadPEM(pem))
            elif kind.endswith(b"PRIVATE KEY"):
                if b"ENCRYPTED" in pem:  # OpenSSL would ask at the terminal, and wait
                    raise ValueError(
                        f"the key in {path} is encrypted: store it in the clear, readable for the server alone"
                    )
                self.keys.append((path, KeyPair.load(pem, crypto.FILETYPE_PEM)))

    def inferDomainMapping(self) -> dict[str, CertificateOptions]:
        """What is shown for each name: the certificates that have it and whose keys are there, with those that lead to a root.

        A key without a certificate is logged.
        """
        mapping: dict[str, CertificateOptions] = {}
        by_key: dict[str, list[Certificate]] = {}
        for certificate in self.certificates:
            by_key.setdefault(certificate.getPublicKey().keyHash(), []).append(certificate)
        for path, key in self.keys:
            certificates = by_key.get(key.keyHash())
            if certificates is None:
                _log.warn("unused private key at {path} with hash {hash}", path=path, hash=key.keyHash())
                continue
            for certificate in certificates:
                chain = self._chain_of(certificate)
                options = CertificateOptions(
                    privateKey=key.original, certificate=certificate.original, extraCertChain=chain
                )
                mapping.update(dict.fromkeys(_names_of(certificate), options))
        return mapping

    def _chain_of(self, certificate: Certificate) -> list[crypto.X509]:
        """The certificates between that one and its root, as far as they are here, the next one first."""
        chain: list[Certificate] = []
        while True:
            last: x509.Certificate = (chain[-1] if chain else certificate).original.to_cryptography()
            if last.issuer == last.subject:
                return [each.original for each in chain[:-1]] if chain else []
            above = next((each for each in self.certificates if _has_signed(each, last) and each not in chain), None)
            if above is None:
                return [each.original for each in chain]
            chain.append(above)


def _has_signed(authority: Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.original.to_cryptography())
    except Exception:  # another name, another key, a key of another kind
        return False
    return True


def _names_of(certificate: Certificate) -> list[str]:
    """The names of hosts in it: the alternative ones (RFC 9525), or the common one where there are none of these."""
    raw: x509.Certificate = certificate.original.to_cryptography()
    try:
        return raw.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        return [str(part.value) for part in raw.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def autoReloadingDirectoryOfPEMs(path: Any) -> Callable[[bytes | None], SSL.Context | None]:
    """A lookup for `SNIConnectionCreator` in a folder (a FilePath or a path), read again when a file in it has changed.

    Who asks for no name gets the first certificate. One for ``*.example.com`` serves all names one level below.
    """
    folder = _path(path)
    seen: list[tuple[str, int, int]] | None = None
    mapping: dict[str, CertificateOptions] = {}

    def look_up(name: bytes | None) -> SSL.Context | None:
        nonlocal seen, mapping
        now = [(str(file), stat.st_mtime_ns, stat.st_size) for file in _pem_files(folder) if (stat := _stat(file))]
        if now != seen:
            mapping, seen = PEMObjects.fromDirectory(folder).inferDomainMapping(), now
        if name is None:
            found = next(iter(mapping.values()), None)
        else:
            text = name.decode("ascii", "replace").lower()
            found = mapping.get(text) or mapping.get("*." + text.partition(".")[2])
        context: SSL.Context | None = None if found is None else found.getContext()
        return context

    return look_up


@implementer(IOpenSSLServerConnectionCreator)
class SNIConnectionCreator:
    """Makes a server's connections, with the certificate that the client asks for.

    :param lookup: called with the name that the client asks for (ASCII bytes, or None), it gives a context. If it gives
        None or raises, that is logged, and the connection is closed.
    """

    def __init__(self, lookup: Callable[[bytes | None], SSL.Context | None]) -> None:
        self._lookup = lookup
        self._context: SSL.Context = CertificateOptions().getContext()
        self._context.set_tlsext_servername_callback(self._asked)

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """A connection over memory, which chooses its context when it hears the name."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        return connection

    def _asked(self, connection: SSL.Connection) -> None:
        name = connection.get_servername()
        try:
            context = self._lookup(name)
        except Exception:  # out of a callback of OpenSSL it would be lost
            _log.failure("cannot look up the certificate for {name!r}", name=name)
        else:
            if context is not None:
                connection.set_context(context)
                return
            _log.error("no server certificate for name {name!r}", name=name)
        what = "there is no certificate for the name that was asked for"
        connection.get_app_data().failVerification(Failure(ConnectionLost(what)))


def _path(given: Any) -> Path:
    return Path(os.fsdecode(getattr(given, "path", given)))


def _pem_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.pem"))


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None  # gone meanwhile
