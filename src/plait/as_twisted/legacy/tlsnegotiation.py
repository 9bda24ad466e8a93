"""Agreeing on the protocol above TLS: ALPN (RFC 7301), over pyOpenSSL."""

from __future__ import annotations

import enum

from plait.as_twisted.legacy.deprecate import deprecated
from plait.as_twisted.version import Version

__all__ = ["ProtocolNegotiationSupport", "protocolNegotiationMechanisms"]


class ProtocolNegotiationSupport(enum.Flag):
    """The ways to agree on the protocol above TLS. NPN is gone from OpenSSL and never among those that are there."""

    NOSUPPORT = 0
    NPN = 1
    ALPN = 2


@deprecated(Version("Twisted", 26, 10, 0))
def protocolNegotiationMechanisms() -> ProtocolNegotiationSupport:
    """What can be used here: ALPN (RFC 7301)."""
    return ProtocolNegotiationSupport.ALPN
