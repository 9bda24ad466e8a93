"""Addresses: values that say where a connection comes from or goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plait.interfaces import IAddress, implementer


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class IPv4Address:
    """An IPv4 endpoint: `type` ("TCP" or "UDP"), `host` (dotted quad), `port`."""

    type: Literal["TCP", "UDP"]
    host: str
    port: int


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class IPv6Address:
    """An IPv6 endpoint: `type` ("TCP" or "UDP"), `host` (a literal), `port`, `flowInfo`, `scopeID` (RFC 4007)."""

    type: Literal["TCP", "UDP"]
    host: str
    port: int
    flowInfo: int = 0
    scopeID: int | str = 0


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class UNIXAddress:
    """A UNIX socket: `name` is its path, or None for one without a name."""

    name: bytes | str | None


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class HostnameAddress:
    """A host by name, not resolved yet: `hostname` (bytes, IDNA), `port`."""

    hostname: bytes
    port: int


Address = IPv4Address | IPv6Address | UNIXAddress


def from_socket(name: object) -> Address:
    """The address that a TCP or UNIX socket's ``getsockname`` or ``getpeername`` gave."""
    if isinstance(name, tuple):
        if len(name) == 2:
            return IPv4Address("TCP", name[0], name[1])
        return IPv6Address("TCP", name[0], name[1], name[2], name[3])
    if isinstance(name, (str, bytes)):
        return UNIXAddress(name or None)
    return UNIXAddress(None)
