"""Which TLS an https URL gets: verified, unless the caller brings something else."""

from __future__ import annotations

import ssl
from typing import Protocol

from plait.transport.tls import verifiedClientContextFactory

__all__ = ["BrowserLikePolicyForHTTPS", "ContextFactory", "contextFor"]


class ContextFactory(Protocol):
    """What `reactor.connectSSL` takes, such as `plait.transport.tls.ClientContextFactory`."""

    def getContext(self) -> ssl.SSLContext:
        """The context for a connection."""


class BrowserLikePolicyForHTTPS:
    """Verifies every host's certificate, and that it is for that host's name, against the trust that it is given.

    :param trust: an `ssl.SSLContext` with the authorities to trust and, where wanted, a client certificate; None for the
        system's authorities.
    """

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self.trust: ssl.SSLContext | None = trust

    def creatorForNetloc(self, hostname: bytes, port: int) -> ContextFactory:
        """The context factory for connections to `hostname`."""
        # A dot at the end says that the name is absolute; certificates are made out without it.
        return verifiedClientContextFactory(hostname.decode("ascii").rstrip("."), self.trust)


def contextFor(given: ContextFactory | BrowserLikePolicyForHTTPS | None, hostname: bytes, port: int) -> ContextFactory:
    """What `connectSSL` needs for `hostname`: `given` itself, or what the policy makes; for None a verified one."""
    if given is None:
        given = BrowserLikePolicyForHTTPS()
    return given.creatorForNetloc(hostname, port) if isinstance(given, BrowserLikePolicyForHTTPS) else given
