"""Addresses: values that say where a connection comes from or goes to."""

from __future__ import annotations

import os
import socket
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
class UNIXAddress:
    """A UNIX socket: `name` is its path in bytes, or None for one without a name. (A path that is str is encoded.)

    Two paths are equal if they lead to the same file, so the hash of one changes when the file is made or removed.
    """

    __slots__ = ("name",)

    def __init__(self, name: str | bytes | None) -> None:
        self.name = None if name is None else os.fsencode(name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UNIXAddress):
            return NotImplemented
        return self.name == other.name or self._file() == other._file() is not None

    def __hash__(self) -> int:
        return hash(self._file() or self.name)

    def __repr__(self) -> str:
        return f"UNIXAddress({None if self.name is None else os.fsdecode(self.name)!r})"

    def _file(self) -> tuple[int, int] | None:
        """What tells the file from all others, or None if there is no such file."""
        # A name that begins with a zero byte is not in the file system at all (Linux, unix(7)).
        if not self.name or b"\0" in self.name:
            return None
        try:
            found = os.stat(self.name)
        except OSError:
            return None
        return found.st_dev, found.st_ino


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class HostnameAddress:
    """A host by name, not resolved yet: `hostname` (bytes, IDNA), `port`."""

    hostname: bytes
    port: int


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class ProcessAddress:
    """Either end of the pipes to a child process. They have no address, but a protocol may ask for one."""


@implementer(IAddress)
@dataclass(frozen=True, slots=True)
class SerialAddress:
    """Either end of a serial line: `device`, the name of the device at our end."""

    device: str


Address = IPv4Address | IPv6Address | UNIXAddress


def from_socket(name: object) -> Address:
    """The address that a TCP or UNIX socket's ``getsockname`` or ``getpeername`` gave."""
    if isinstance(name, tuple):
        if len(name) == 2:
            return IPv4Address("TCP", name[0], name[1])
        return IPv6Address("TCP", with_zone(name[0], name[3]), name[1], name[2], name[3])
    if isinstance(name, (str, bytes)):
        return UNIXAddress(name or None)
    return UNIXAddress(None)


def with_zone(host: str, scope: int) -> str:
    """An IPv6 address with the zone that it is valid in, if it is not valid everywhere (RFC 4007 section 11)."""
    if not scope or "%" in host:
        return host
    try:
        return f"{host}%{socket.if_indextoname(scope)}"
    except OSError:
        return f"{host}%{scope}"  # the interface is gone
