"""Agreeing on the protocol above TLS: ALPN (RFC 7301), over pyOpenSSL."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL

from plait.as_twisted.legacy.deprecate import deprecated
from plait.as_twisted.version import Version

__all__ = ["ProtocolNegotiationSupport", "choose", "protocolNegotiationMechanisms"]


class ProtocolNegotiationSupport(enum.Flag):
    """The ways to agree on the protocol above TLS. NPN is gone from OpenSSL and never among those that are there."""

    NOSUPPORT = 0
    NPN = 1
    ALPN = 2


@deprecated(Version("Twisted", 26, 10, 0))
def protocolNegotiationMechanisms() -> ProtocolNegotiationSupport:
    """What can be used here: ALPN (RFC 7301)."""
    return ProtocolNegotiationSupport.ALPN


def choose(connection: SSL.Connection, offered: list[bytes], acceptable: Sequence[bytes] = ()) -> Any:
    """A server's choice: the first of ours that the client knows; if it knows none, there is no connection (3.2 there).

    Ours are `acceptable`, or else what the app data of the connection gives as `acceptableProtocols`. With none at all,
    nothing is agreed on.
    """
    names = acceptable or getattr(connection.get_app_data(), "acceptableProtocols", ())
    if not names:
        return SSL.NO_OVERLAPPING_PROTOCOLS
    return next((name for name in names if name in offered), b"")
