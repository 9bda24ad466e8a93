"""Cipher suites and Diffie-Hellman parameters of programs for Twisted, over pyOpenSSL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from OpenSSL import SSL

from plait.interfaces import IAcceptableCiphers, ICipher, implementer

__all__ = [
    "AcceptableCiphers",
    "DiffieHellmanParameters",
    "OpenSSLAcceptableCiphers",
    "OpenSSLCipher",
    "OpenSSLDiffieHellmanParameters",
    "expand",
    "usable",
]


@implementer(ICipher)
@dataclass(unsafe_hash=True)
class OpenSSLCipher:
    """One cipher suite, by its name in OpenSSL."""

    fullName: str

    def __repr__(self) -> str:
        return f"OpenSSLCipher({self.fullName!r})"


def expand(cipherString: str, method: int, options: int) -> tuple[ICipher, ...]:
    """The suites of a list such as ``"ECDHE+AESGCM:!aNULL"`` that OpenSSL has here, the best first; none if it has none."""
    context = SSL.Context(method)
    context.set_options(options)
    try:
        context.set_cipher_list(cipherString.encode("ascii"))
    except SSL.Error as e:
        if not e.args or not e.args[0] or e.args[0][0][2] != "no cipher match":
            raise
        return ()
    return tuple(OpenSSLCipher(name) for name in SSL.Connection(context, None).get_cipher_list())


@implementer(IAcceptableCiphers)
class OpenSSLAcceptableCiphers:
    """Cipher suites that may be used, the best first."""

    def __init__(self, ciphers: Iterable[ICipher]) -> None:
        self._ciphers = tuple(ciphers)

    def selectCiphers(self, availableCiphers: Iterable[ICipher]) -> tuple[ICipher, ...]:
        """Those of ours that there are, in our order."""
        available = tuple(availableCiphers)
        return tuple(cipher for cipher in self._ciphers if cipher in available)

    @classmethod
    def fromOpenSSLCipherString(cls, cipherString: str) -> OpenSSLAcceptableCiphers:
        """Those of a list in OpenSSL's way of writing, such as ``"ECDHE+AESGCM:!aNULL"``."""
        return cls(expand(cipherString, SSL.TLS_METHOD, SSL.OP_NO_SSLv2 | SSL.OP_NO_SSLv3))


AcceptableCiphers = OpenSSLAcceptableCiphers

# Forward secrecy and authenticated encryption alone, as RFC 9325 (4.2) asks. TLS 1.3 has nothing else.
_DEFAULT = OpenSSLAcceptableCiphers.fromOpenSSLCipherString(
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!MD5:!DSS"
)


def usable(chosen: Any, method: int, options: int) -> str:
    """The suites of `chosen` (None: good ones) that OpenSSL has here, as it takes them.

    :raises ValueError: if there are none.
    """
    ciphers = (_DEFAULT if chosen is None else chosen).selectCiphers(expand("ALL", method, options))
    if not ciphers:
        raise ValueError("none of the acceptable ciphers is there in this OpenSSL: accept others")
    return ":".join(cipher.fullName for cipher in ciphers)


class OpenSSLDiffieHellmanParameters:
    """Parameters for a server's Diffie-Hellman key exchange, in a PEM file."""

    def __init__(self, parameters: Any) -> None:
        self._dhFile = parameters

    @classmethod
    def fromFile(cls, filePath: Any) -> OpenSSLDiffieHellmanParameters:
        """Those of a file (a FilePath) that ``openssl dhparam`` has made; it is read when a context is made."""
        return cls(filePath)


DiffieHellmanParameters = OpenSSLDiffieHellmanParameters
