"""The addresses of a name: from the reactor's resolver if it has one, or else from the system's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred
from plait.engine import deferToThread
from plait.errors import DNSLookupError
from plait.failure import Failure
from plait.interfaces import IResolutionReceiver, implementer
from plait.transport import IPv4Address, IPv6Address

if TYPE_CHECKING:
    from plait.interfaces import IHostResolution

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
    if (resolver := getattr(reactor, "nameResolver", None)) is not None:
        receiver = _Receiver(host, tuple(kinds))
        resolver.resolveHostName(receiver, host, port, addressTypes=list(kinds))
        return receiver.found
    families = {IPv4Address: socket.AF_INET, IPv6Address: socket.AF_INET6}
    family = families[kinds[0]] if len(kinds) == 1 else socket.AF_UNSPEC
    loop = getattr(reactor, "loop", None)
    answer: Deferred[Any]
    if loop is None:
        answer = deferToThread(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
    else:
        question = loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        answer = Deferred.fromFuture(asyncio.ensure_future(question, loop=loop))

    def failed(failure: Failure) -> Any:
        failure.trap(OSError, UnicodeError)
        raise DNSLookupError(f"no address of {host!r} found: {failure.getErrorMessage()}") from None

    def read(answer: Any) -> list[Address]:
        addresses = addresses_in(answer)
        if not addresses:
            raise DNSLookupError(f"no address of {host!r} found")
        return addresses

    return answer.addErrback(failed).addCallback(read)


def addresses_in(answer: Sequence[tuple[Any, ...]]) -> list[Address]:
    """What getaddrinfo says, as addresses."""
    addresses: list[Address] = []
    for family, _, _, _, where in answer:
        if family == socket.AF_INET:
            addresses.append(IPv4Address("TCP", where[0], where[1]))
        elif family == socket.AF_INET6:
            zone = f"%{where[3]}" if len(where) > 3 and where[3] and "%" not in where[0] else ""
            addresses.append(IPv6Address("TCP", where[0] + zone, where[1]))
    return addresses


@implementer(IResolutionReceiver)
class _Receiver:
    """Collects what a resolver finds. What is no address of the kinds that were asked for is left out."""

    _resolution: IHostResolution | None = None

    def __init__(self, host: str, kinds: tuple[type[Address], ...]) -> None:
        self._host = host
        self._kinds = kinds
        self._addresses: list[Address] = []
        self.found: Deferred[list[Address]] = Deferred(self._give_up)

    def _give_up(self, _: object) -> None:
        if self._resolution is not None:
            try:
                self._resolution.cancel()
            except NotImplementedError:
                pass  # the answer will be thrown away

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._resolution = resolutionInProgress

    def addressResolved(self, address: Any) -> None:
        if isinstance(address, self._kinds):
            self._addresses.append(address)

    def resolutionComplete(self) -> None:
        if self.found.called:
            return
        if self._addresses:
            self.found.callback(self._addresses)
        else:
            self.found.errback(DNSLookupError(f"no address of {self._host!r} found"))
