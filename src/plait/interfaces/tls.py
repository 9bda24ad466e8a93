"""TLS (RFC 8446): transports that are under it, the protocols that want to know, and what says how it is set up.

The last part, `IOpenSSLContextFactory` and its kin, is for programs that bring objects of pyOpenSSL along.
"""

from __future__ import annotations

from typing import Any

from plait.interfaces._root import Attribute, Interface
from plait.interfaces.stream import ITCPTransport


class ITLSTransport(ITCPTransport, Interface):
    """A TCP transport that can go under TLS in the middle of a connection, as STARTTLS of SMTP and IMAP does."""

    def startTLS(self, contextFactory: Any) -> None:
        """Begin the handshake: what has been written goes out in the clear, what you write from now on under TLS.

        `contextFactory` says which certificates are shown and believed, and whether we are the client. If the handshake
        fails, the connection is lost with an SSLError or its like.
        """


class ISSLTransport(ITCPTransport, Interface):
    """A TCP transport under TLS."""

    def getPeerCertificate(self) -> object | None:
        """The certificate that the peer has shown, or None if it has shown none (yet)."""


class INegotiated(ISSLTransport, Interface):
    """A TLS transport by which the two ends can agree on the protocol above it (ALPN, RFC 7301)."""

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """What was agreed on, such as ``b"h2"``; None if nothing was, or before the handshake is done."""


class IHandshakeListener(Interface):
    """A protocol, besides `IProtocol`, that wants to know when the TLS handshake is done."""

    def handshakeCompleted(self) -> None:
        """The peer's certificate and the agreed protocol are there now. `connectionMade` came before, `dataReceived` follows."""


class IProtocolNegotiationFactory(Interface):
    """A factory, besides `IProtocolFactory`, whose protocols have names for ALPN."""

    def acceptableProtocols(self) -> list[bytes]:
        """The names that this factory can speak, the best first, such as ``[b"h2", b"http/1.1"]``."""


class ICipher(Interface):
    """One cipher suite."""

    fullName: str = Attribute("Its name in OpenSSL, such as 'ECDHE-RSA-AES256-GCM-SHA384'.")


class IAcceptableCiphers(Interface):
    """A choice of cipher suites."""

    def selectCiphers(self, availableCiphers: tuple[ICipher, ...]) -> tuple[ICipher, ...]:
        """Those of `availableCiphers` that may be used, the best first."""


class IOpenSSLContextFactory(Interface):
    """Gives the context in which connections are made."""

    def getContext(self) -> Any:
        """The context: an `ssl.SSLContext`, or an ``OpenSSL.SSL.Context`` where pyOpenSSL is used."""


class IOpenSSLServerConnectionCreator(Interface):
    """Makes the TLS side of one connection that a server has accepted, for pyOpenSSL."""

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """An ``OpenSSL.SSL.Connection`` over memory for `tlsProtocol`, which carries its bytes, in the server's part."""


class IOpenSSLClientConnectionCreator(Interface):
    """Makes the TLS side of one connection that a client has made, for pyOpenSSL."""

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """An ``OpenSSL.SSL.Connection`` over memory for `tlsProtocol`, which carries its bytes, in the client's part.

        It knows the name of the host, sends it (SNI, RFC 6066) and checks that the certificate is one of that host.
        """
