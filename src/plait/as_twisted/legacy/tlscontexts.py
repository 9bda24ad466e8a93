"""The context factories of old programs for Twisted, over pyOpenSSL: files with a key and a certificate, and a client that asks
for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

from plait.interfaces import implementer
from plait.interfaces.tls import IOpenSSLContextFactory

__all__ = ["ClientContextFactory", "ContextFactory", "DefaultOpenSSLContextFactory"]


@implementer(IOpenSSLContextFactory)
class ContextFactory:
    """Gives the context of TLS connections. `isClient` says for which end it is."""

    isClient = 0

    def getContext(self) -> Any:
        """The context, an ``OpenSSL.SSL.Context``. To be written."""
        raise NotImplementedError(f"{type(self).__name__} has no getContext()")


class DefaultOpenSSLContextFactory(ContextFactory):
    """A server's context: a private key and a certificate, each in a PEM file, read when this is made.

    :param sslmethod: one of pyOpenSSL's methods. SSL 2 is off in any case.
    :raises OpenSSL.SSL.Error: if a file cannot be read, or holds no key or certificate.
    """

    _context: Any = None

    def __init__(
        self,
        privateKeyFileName: str,
        certificateFileName: str,
        sslmethod: int = SSL.TLS_METHOD,
        _contextFactory: Callable[[int], Any] = SSL.Context,
    ) -> None:
        self.privateKeyFileName = privateKeyFileName
        self.certificateFileName = certificateFileName
        self.sslmethod = sslmethod
        self._contextFactory = _contextFactory
        self.cacheContext()

    def cacheContext(self) -> None:
        """Make the context, if there is none."""
        if self._context is None:
            context = self._contextFactory(self.sslmethod)
            context.set_options(SSL.OP_NO_SSLv2)
            context.use_certificate_file(self.certificateFileName)
            context.use_privatekey_file(self.privateKeyFileName)
            self._context = context

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_context"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def getContext(self) -> Any:
        """The context, the same each time."""
        self.cacheContext()
        return self._context


class ClientContextFactory(ContextFactory):
    """A client's context, TLS 1.2 or later. The peer is NOT verified: anybody in between can pose as it."""

    isClient = 1

    method = SSL.TLS_METHOD
    _contextFactory: Callable[[int], Any] = SSL.Context

    def getContext(self) -> Any:
        """A new context."""
        context = self._contextFactory(self.method)
        context.set_options(SSL.OP_NO_SSLv2 | SSL.OP_NO_SSLv3 | SSL.OP_NO_TLSv1 | SSL.OP_NO_TLSv1_1)
        return context
