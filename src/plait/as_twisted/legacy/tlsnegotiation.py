"""Agreeing on the protocol above TLS: ALPN (RFC 7301), over pyOpenSSL."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from OpenSSL import SSL

from plait.as_twisted.legacy.deprecate import deprecated
from plait.as_twisted.version import Version

__all__ = ["ProtocolNegotiationSupport", "choosing", "protocolNegotiationMechanisms"]


class ProtocolNegotiationSupport(enum.Flag):
    """The ways to agree on the protocol above TLS. NPN is gone from OpenSSL and never among those that are there."""

    NOSUPPORT = 0
    NPN = 1
    ALPN = 2


@deprecated(Version("Twisted", 26, 10, 0))
def protocolNegotiationMechanisms() -> ProtocolNegotiationSupport:
    """What can be used here: ALPN (RFC 7301)."""
    return ProtocolNegotiationSupport.ALPN


def choosing(acceptable: Sequence[bytes]) -> Callable[[SSL.Connection, list[bytes]], bytes]:
    """A server's choice: the first of ours that the client knows; if it knows none, there is no connection (3.2 there)."""

    def choose(connection: Any, offered: list[bytes]) -> bytes:
        for name in acceptable:
            if name in offered:
                return name
        raise SSL.Error([("SSL routines", "", "no application protocol")])

    return choose
