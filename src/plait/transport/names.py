"""Looking up the addresses of a name: look-ups as objects, and what turns the older kind of resolver into the newer and back.

A resolver of the newer kind (`IHostnameResolver`) tells a receiver of IPv4 and IPv6 addresses as it finds them; one of the
older kind (`IResolverSimple`) gives a Deferred of one IPv4 address.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from plait.deferred import CancelledError, Deferred, fail
from plait.errors import DNSLookupError
from plait.failure import Failure
from plait.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
    IResolverSimple,
    implementer,
)
from plait.log import Logger
from plait.transport.address import IPv4Address, IPv6Address, with_zone

if TYPE_CHECKING:
    Address = IPv4Address | IPv6Address
    Kind = Literal["TCP", "UDP"]

_log = Logger("plait.transport")


@implementer(IHostResolution)
class Resolution:
    """A look-up that is under way, and tells its receiver what comes of it.

    :param answer: fires with the addresses, and fails with `DNSLookupError` if there are none. Any other error is logged.

    Attributes: `name`, `why` (what the error said, if there was one).
    """

    why = ""

    def __init__(self, receiver: Any, name: str, answer: Deferred[list[Address]]) -> None:
        self.name = name
        self._receiver = receiver
        self._answer = answer
        receiver.resolutionBegan(self)
        answer.addErrback(self._nothing).addCallback(self._tell)

    def cancel(self) -> None:
        """Look no longer; the receiver is told that this is all."""
        self._answer.cancel()

    def _nothing(self, failure: Failure) -> list[Address]:
        if failure.check(DNSLookupError):
            self.why = str(failure.value.args[0]) if failure.value.args else ""
        elif not failure.check(CancelledError):
            _log.failure("Unhandled error in looking up {name!r}", failure, name=self.name)
        return []

    def _tell(self, addresses: list[Address]) -> None:
        for address in addresses:
            self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()


@implementer(IResolutionReceiver)
class Collected:
    """Receives what a resolver finds. What is no address of the kinds that were asked for is left out.

    Attribute: `found`, a Deferred that fires with one address at least, and fails with `DNSLookupError` if there is none.
    """

    _resolution: Any = None

    def __init__(self, host: str, kinds: Sequence[type[Address]]) -> None:
        self._host = host
        self._kinds = tuple(kinds)
        self._addresses: list[Address] = []
        self.found: Deferred[list[Address]] = Deferred(self._give_up)

    def _give_up(self, _: object) -> None:
        if self._resolution is not None:
            try:
                self._resolution.cancel()
            except NotImplementedError:
                pass  # the answer will be thrown away

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
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
            self.found.errback(self.error(getattr(self._resolution, "why", "")))

    def error(self, why: str) -> DNSLookupError:
        """Says that there is no address of the kinds that were asked for, and why if that is known."""
        kind = "IPv4 address" if self._kinds == (IPv4Address,) else "address"
        return DNSLookupError(f"no {kind} of {self._host!r} found{why and ': '}{why}")


def ask(
    resolver: Any, host: str, port: int = 0, kinds: Sequence[type[Address]] = (IPv4Address, IPv6Address)
) -> Deferred[list[Address]]:
    """Ask a resolver of the newer kind. The Deferred is `Collected.found`."""
    receiver = Collected(host, kinds)
    resolver.resolveHostName(receiver, host, port, addressTypes=list(kinds))
    return receiver.found


@implementer(IHostnameResolver)
class SystemResolver:
    """A resolver made of a function that is called as `socket.getaddrinfo` is, and gives a Deferred of what that gives."""

    def __init__(self, getaddrinfo: Callable[..., Deferred[Any]]) -> None:
        self._function = getaddrinfo

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> Resolution:
        """Look `hostName` up, and tell the receiver; errors of the system (`OSError`) are told as no addresses."""
        kind = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}[transportSemantics]
        found = self._function(hostName, portNumber, _family(addressTypes), kind)
        return Resolution(resolutionReceiver, hostName, found.addCallbacks(addresses_in, _none_found))


@implementer(IHostnameResolver)
class FromSimpleResolver:
    """A resolver of the newer kind, made of an older one: it knows one address of each name."""

    def __init__(self, simpleResolver: Any) -> None:
        self._simpleResolver = simpleResolver

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> Resolution:
        """Look `hostName` up, and tell the receiver; an error that says nothing of the name is logged."""
        kind: Kind = "UDP" if transportSemantics == "UDP" else "TCP"

        def read(host: str) -> list[Address]:
            address = IPv6Address if ":" in host else IPv4Address
            return [address(kind, host, portNumber)]

        try:
            # an older resolver knows names as they are on the wire (RFC 5891)
            name = hostName if hostName.isascii() else hostName.encode("idna").decode("ascii")
        except UnicodeError as e:
            return Resolution(resolutionReceiver, hostName, fail(DNSLookupError(str(e))))
        return Resolution(resolutionReceiver, hostName, self._simpleResolver.getHostByName(name).addCallback(read))


@implementer(IResolverSimple)
class ToSimpleResolver:
    """A resolver of the older kind, made of a newer one: it gives the first IPv4 address.

    :param clock: provides `IReactorTime`, for the `timeout` of `getHostByName`; without one it takes what it takes.
    """

    def __init__(self, nameResolver: Any, clock: Any = None) -> None:
        self._nameResolver = nameResolver
        self._clock = clock

    def getHostByName(self, name: str, timeout: Sequence[float] = ()) -> Deferred[str]:
        """The Deferred fails with `DNSLookupError` if there is no IPv4 address, or not in time: `timeout` is in seconds, and
        the sum counts.
        """
        receiver = Collected(name, [IPv4Address])
        self._nameResolver.resolveHostName(receiver, name, 0, [IPv4Address])

        def too_late(*_: object) -> Any:
            raise receiver.error("it took too long") from None

        if timeout and self._clock is not None:
            receiver.found.addTimeout(sum(timeout), self._clock, too_late)
        return receiver.found.addCallback(lambda addresses: addresses[0].host)


def _none_found(failure: Failure) -> Any:
    failure.trap(OSError, UnicodeError)
    raise DNSLookupError(failure.getErrorMessage()) from None


def _family(kinds: Sequence[type[Any]] | None) -> socket.AddressFamily:
    if kinds is None or (IPv4Address in kinds and IPv6Address in kinds):
        return socket.AF_UNSPEC
    return socket.AF_INET6 if IPv6Address in kinds else socket.AF_INET


def addresses_in(answer: Sequence[tuple[Any, ...]]) -> list[Address]:
    """What getaddrinfo says, as addresses. What is neither IPv4 nor IPv6 is left out."""
    addresses: list[Address] = []
    for family, kind, _, _, where in answer:
        semantics: Kind = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
        if family == socket.AF_INET:
            addresses.append(IPv4Address(semantics, where[0], where[1]))
        elif family == socket.AF_INET6:
            host, port, flow, scope = (*where, 0, 0)[:4]
            addresses.append(IPv6Address(semantics, with_zone(host, scope), port, flow, scope))
    return addresses
