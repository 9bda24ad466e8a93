"""What a TLS server shows: a certificate for each name that clients ask for, loaded anew while it serves."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plait.log import Logger
from plait.transport.tlsfiles import Name, server_context

_log = Logger("plait.transport")

Files = Name | tuple[Name, Name | None]
"""A PEM file of a certificate and its private key, or one of the certificate and one of the key."""

# Who asks for a name that no certificate is for, or for none, is shown this one's.
_DEFAULT = "default"

# A file's name cannot begin with an asterisk everywhere.
_WILDCARD = "_wildcard."


class ReloadableContext:
    """A server's context that can be made anew, for the connections that come then. `make` makes it."""

    isClient = False

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self._context = make()

    def getContext(self) -> ssl.SSLContext:
        """The context for the next connection."""
        return self._context

    def reload(self) -> list[str]:
        """Make it anew. If that fails the old one stays; what was wrong is logged, and returned, in one line."""
        try:
            self._context = self._make()
        except (OSError, ValueError) as e:
            return _tell([f"{_one_line(e)}; the certificate that was there stays in use"])
        return []


class ServerContexts:
    """A server's certificates: to each client the one for the name that it asks for (SNI, RFC 6066 section 3).

    :param certificates: a mapping of names to files: one PEM file of the certificate (and those between it and the root) and its
        private key, or a pair of a file of the certificate and a file of the key. A name is exact, or ``*.example.com`` for all
        that have one label more. The certificate of the name ``default``, or else the first, is for clients that ask for
        another name or for none. Or a folder, where for ``example.com`` there are

        - ``example.com.pem`` or ``example.com.crt``, and the key in it, in ``example.com.key`` or in ``example.com-key.pem``;
        - or ``example.com/fullchain.pem`` and ``example.com/privkey.pem``;

        and the name begins with ``*.`` or ``_wildcard.`` for ``*.example.com``.
    :param configure: called with each `ssl.SSLContext` that is made: for ALPN, client certificates, versions, ciphers. All should
        be given the same, since the one for a name takes the place of the default's in the midst of the handshake.
    :raises ValueError: if there is no certificate, or a file will not do: which, and what is wrong, in one line.
    """

    isClient = False

    def __init__(
        self,
        certificates: Name | Mapping[str, Files],
        configure: Callable[[ssl.SSLContext], object] | None = None,
    ) -> None:
        self._certificates = certificates
        self._configure = configure
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext
        faults = self._load()
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def names(self) -> list[str]:
        """The names that there is a certificate for."""
        return list(self._contexts)

    def getContext(self) -> ssl.SSLContext:
        """The context of a new connection, which takes another's certificate when it is told the name."""
        return self._default

    def contextFor(self, name: str | None) -> ssl.SSLContext:
        """The context of `name`: that of the exact name before that of the wildcard, and the default for all others."""
        if name is None:
            return self._default
        name = _canonical(name)
        exact = self._contexts.get(name)
        return exact or self._contexts.get("*." + name.partition(".")[2]) or self._default

    def reload(self) -> list[str]:
        """Look at the files again. Connections that are there go on with what they have; new ones get what is there now.

        Where a file will not do, the certificate that was there stays in use. What is wrong is logged, and returned: a line
        for each file.
        """
        return _tell(self._load())

    def _load(self) -> list[str]:
        faults, contexts = [], {}
        try:
            found = self._find()
        except ValueError as e:
            return [str(e)]
        for name, (certificate, key) in found.items():
            try:
                contexts[name] = self._make(certificate, key)
            except (OSError, ValueError) as e:
                old = self._contexts.get(name)
                if old is not None:
                    contexts[name] = old
                then = "has none" if old is None else "keeps the certificate that was there"
                faults.append(f"{_one_line(e)}; {name} {then}")
        if contexts:
            self._default = contexts.get(_DEFAULT) or next(iter(contexts.values()))
            self._default.sni_callback = self._asked_for
            self._contexts = contexts
        return faults

    def _make(self, certificate: Name, key: Name | None) -> ssl.SSLContext:
        context = server_context(certificate, key)
        if self._configure is not None:
            self._configure(context)
        return context

    def _asked_for(self, connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self.contextFor(name)

    def _find(self) -> dict[str, tuple[Name, Name | None]]:
        if not isinstance(self._certificates, Mapping):
            return in_folder(Path(self._certificates))
        if not self._certificates:
            raise ValueError("there are no certificates in the mapping: give a name, and the files for it")
        return {
            _canonical(name): files if isinstance(files, tuple) else (files, None)
            for name, files in self._certificates.items()
        }


def in_folder(folder: Path) -> dict[str, tuple[Name, Name | None]]:
    """The names that a folder has certificates for, and the files of the certificate and of its key; the key is None if it is in
    the same file. ValueError if there are none.
    """
    found: dict[str, tuple[Name, Name | None]] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as e:
        raise ValueError(f"cannot read the folder {folder}: {e.strerror}") from None
    for path in paths:
        certificate, keys = path, [path.with_suffix(".key"), path.with_name(f"{path.stem}-key.pem")]
        if path.is_dir():
            name, certificate, keys = path.name, path / "fullchain.pem", [path / "privkey.pem"]
            if not certificate.exists():
                continue
        elif path.suffix not in (".pem", ".crt") or path.name.endswith("-key.pem"):
            continue  # neither a certificate nor a folder of one
        else:
            name = path.stem
        if name.startswith(_WILDCARD):
            name = "*." + name.removeprefix(_WILDCARD)
        found[_canonical(name)] = certificate, next((key for key in keys if key.exists()), None)
    if not found:
        raise ValueError(f"there are no certificates in {folder} (NAME.pem, NAME.crt or NAME/fullchain.pem)")
    return found


def reload_certificates(contextFactory: Any) -> None:
    """Let what a server has as its context factory load its files anew, if it can."""
    reload = getattr(contextFactory, "reload", None)
    if reload is not None:
        reload()


def _canonical(name: str) -> str:
    """As it comes from the network: lower case, without the dot of the root, and ASCII (RFC 5890)."""
    name = name.lower().removesuffix(".")
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError as e:
        raise ValueError(f"{name!r} is not the name of a host: {e}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _tell(faults: list[str]) -> list[str]:
    for fault in faults:
        _log.error("{fault}", fault=fault)
    return faults
