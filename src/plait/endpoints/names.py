"""The addresses of a name, from the reactor's resolver."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred
from plait.engine import getReactor
from plait.transport import IPv4Address, IPv6Address
from plait.transport.lookups import look_up
from plait.transport.names import SystemResolver, ask

if TYPE_CHECKING:
    Address = IPv4Address | IPv6Address


def is_literal(host: str) -> bool:
    """Whether `host` is an address, and needs no look-up."""
    return literal(host, 0) is not None


def literal(host: str, port: int) -> Address | None:
    """The address that `host` is; None if it is a name."""
    address, _, zone = host.partition("%")
    for family, kind in ((socket.AF_INET, IPv4Address), (socket.AF_INET6, IPv6Address)):
        try:
            socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        if not zone or kind is IPv6Address:
            return kind("TCP", host, port)
    return None


def addresses_of(
    reactor: Any, host: str, port: int, kinds: Sequence[type[Address]] = (IPv4Address, IPv6Address)
) -> Deferred[list[Address]]:
    """Look up `host`. The Deferred fires with one address at least, in the resolver's order.

    It fails with `DNSLookupError` if there is none.
    """
    resolver = getattr(reactor, "nameResolver", None)
    if resolver is None:  # a reactor for tests
        resolver = SystemResolver(partial(look_up, getReactor().loop))
    return ask(resolver, host, port, kinds)
