"""TLS contexts: who is believed, and what we show.

Plait uses the standard library's `ssl`. `verifiedClientContextFactory` is what Plait's own API uses for a client:
the peer's certificate and host name are checked. The classic `ClientContextFactory` checks nothing.
"""

from __future__ import annotations

import os
import ssl
from typing import Any

from plait.transport.tlsmachine import StandardMachine, TLSMachine


class ClientContextFactory:
    """The tutorial's context for a client: the peer is NOT verified.

    The connection is encrypted, but anybody in between can pose as the server. Use `verifiedClientContextFactory` for
    anything but a first try. (The name and the behaviour are Twisted's.)
    """

    isClient = True

    def getContext(self) -> ssl.SSLContext:
        """A context that accepts any certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


class VerifiedClientContextFactory:
    """A client's context that verifies the peer. Attributes: `hostname` (str), `context`."""

    isClient = True

    def __init__(self, hostname: str, context: ssl.SSLContext) -> None:
        self.hostname = hostname
        self.context = context

    def getContext(self) -> ssl.SSLContext:
        """The context."""
        return self.context


def verifiedClientContextFactory(hostname: str, trust: ssl.SSLContext | None = None) -> VerifiedClientContextFactory:
    """A context for a client that verifies the peer's certificate, and that it is one of `hostname` (RFC 9525).

    :param trust: a context with the authorities to trust (and a client certificate, say); None: those of the system.
    """
    return VerifiedClientContextFactory(hostname, ssl.create_default_context() if trust is None else trust)


class DefaultOpenSSLContextFactory:
    """A server's context: a private key and a certificate, both PEM files (the certificate with its chain).

    :raises OSError: if a file cannot be read.
    :raises ssl.SSLError: if a file holds no key or certificate, or the two do not belong together.
    """

    isClient = False

    def __init__(self, privateKeyFileName: str | os.PathLike[str], certificateFileName: str | os.PathLike[str]) -> None:
        self.privateKeyFileName = privateKeyFileName
        self.certificateFileName = certificateFileName
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificateFileName, privateKeyFileName)

    def getContext(self) -> ssl.SSLContext:
        """The context."""
        return self._context


def context_of(factory: Any) -> tuple[ssl.SSLContext, str | None]:
    """The context, and the host name to verify, of what a user gave as a context factory: one of ours, anything with
    `getContext`, or an `ssl.SSLContext` itself.

    :raises TypeError: if it gives no `ssl.SSLContext`.
    """
    context = factory if isinstance(factory, ssl.SSLContext) else factory.getContext()
    if not isinstance(context, ssl.SSLContext):
        raise TypeError(
            f"{factory!r} gave {context!r}, and an ssl.SSLContext of the standard library is needed here "
            "(a context of pyOpenSSL cannot be used)"
        )
    return context, getattr(factory, "hostname", None)


def machine_for(contextFactory: Any, is_client: bool, host: str | None) -> TLSMachine:
    """One end of a new TLS connection, as `contextFactory` wants it.

    :param host: whom a client wants to talk to, where the factory does not say.
    :raises TypeError: if the factory gives no context.
    """
    context, hostname = context_of(contextFactory)
    return StandardMachine(context, not is_client, (hostname or host) if is_client else None)
