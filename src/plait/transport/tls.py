"""TLS contexts: who is believed, and what we show.

Plait uses the standard library's `ssl`. `verifiedClientContextFactory` is what Plait's own API uses for a client:
the peer's certificate and host name are checked. The classic `ClientContextFactory` checks nothing.
"""

from __future__ import annotations

import os
import ssl
import sys
from typing import Any

from plait.interfaces import IProtocolNegotiationFactory, adapt
from plait.transport.opensslmachine import Face, OpenSSLMachine, let_choose
from plait.transport.tlsfiles import server_context
from plait.transport.tlsmachine import StandardMachine, TLSMachine
from plait.transport.tlsserver import ReloadableContext
from plait.transport.tlsserver import ServerContexts as ServerContexts  # one of the context factories

supported = True
"""Whether there is TLS: the standard library has it. (Programs for Twisted ask, since it was optional there.)"""


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
    """A client's context that verifies the peer.

    Attributes: `hostname` (str), `context`, `resume`, and `session`: that which the next connection tries to resume, or None.
    It is good for this host name and context only.
    """

    isClient = True

    def __init__(self, hostname: str, context: ssl.SSLContext, resume: bool = True) -> None:
        self.hostname = hostname
        self.context = context
        self.session: ssl.SSLSession | None = None
        self.resume = resume

    def getContext(self) -> ssl.SSLContext:
        """The context."""
        return self.context


def verifiedClientContextFactory(
    hostname: str, trust: ssl.SSLContext | None = None, resume: bool = True
) -> VerifiedClientContextFactory:
    """A context for a client that verifies the peer's certificate, and that it is one of `hostname` (RFC 9525).

    :param trust: a context with the authorities to trust (and a client certificate, say); None: those of the system.
    :param resume: let each connection that is made with this object resume the session of one that has ended, which saves the
        peer's certificate and its verification (RFC 8446 section 2.2). An onlooker may see by that that both are one client's.
    """
    return VerifiedClientContextFactory(hostname, ssl.create_default_context() if trust is None else trust, resume)


class DefaultOpenSSLContextFactory(ReloadableContext):
    """A server's context: a private key and a certificate, both PEM files (the certificate with its chain).

    :raises ValueError: if a file cannot be read, holds no key or certificate, or the two do not belong together.
    """

    def __init__(self, privateKeyFileName: str | os.PathLike[str], certificateFileName: str | os.PathLike[str]) -> None:
        self.privateKeyFileName = privateKeyFileName
        self.certificateFileName = certificateFileName
        super().__init__(lambda: server_context(certificateFileName, privateKeyFileName))


def context_of(factory: Any) -> Any:
    """The context of what a user gave as a context factory: one of ours, anything with `getContext`, or a context itself.

    It is an `ssl.SSLContext`, or an ``OpenSSL.SSL.Context`` if the user brings that.

    :raises TypeError: if there is neither.
    """
    context = factory if isinstance(factory, ssl.SSLContext) else factory.getContext()
    if not isinstance(context, ssl.SSLContext) and not _is_pyopenssl(context):
        raise TypeError(f"{factory!r} gave {context!r}, and an ssl.SSLContext is needed here")
    return context


def check_context_factory(factory: Any) -> None:
    """Raise TypeError, now, if there is no way to make TLS of `factory`."""
    if not any(hasattr(factory, way) for way in ("clientConnectionForTLS", "serverConnectionForTLS")):
        context_of(factory)


def machine_for(contextFactory: Any, is_client: bool, host: str | None, factory: Any = None) -> TLSMachine:
    """One end of a new TLS connection, as `contextFactory` wants it.

    :param host: whom a client wants to talk to, where the factory does not say.
    :param factory: where the protocol comes from; pyOpenSSL's connections agree by ALPN on what it has names for.
    :raises TypeError: if the factory gives no context.
    """
    create = getattr(contextFactory, "clientConnectionForTLS" if is_client else "serverConnectionForTLS", None)
    if create is not None:
        face = Face(names_of(factory))
        return OpenSSLMachine(_begun(create(face), is_client, face), face)
    context = context_of(contextFactory)
    if isinstance(context, ssl.SSLContext):
        hostname = getattr(contextFactory, "hostname", None) or host
        if not is_client:
            return StandardMachine(context, True)
        resumes = isinstance(contextFactory, VerifiedClientContextFactory) and contextFactory.resume
        return StandardMachine(context, False, hostname, contextFactory if resumes else None)
    face = Face(names_of(factory))
    if face.acceptableProtocols and not is_client:
        let_choose(context)
    return OpenSSLMachine(_begun(sys.modules["OpenSSL.SSL"].Connection(context, None), is_client, face), face)


def names_of(factory: Any) -> list[bytes]:
    """The names for ALPN of the protocols of a factory; none if it does not say."""
    speaks = adapt(IProtocolNegotiationFactory, factory, None)
    return [] if speaks is None else speaks.acceptableProtocols()


def _begun(connection: Any, is_client: bool, face: Face) -> Any:
    """A connection of pyOpenSSL that knows which end it is."""
    if is_client:
        connection.set_connect_state()
        if face.acceptableProtocols:
            connection.set_alpn_protos(face.acceptableProtocols)
    else:
        connection.set_accept_state()
    return connection


def _is_pyopenssl(context: object) -> bool:
    library = sys.modules.get("OpenSSL.SSL")
    return library is not None and isinstance(context, library.Context)
