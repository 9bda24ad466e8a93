"""Names: from the name of a host to its addresses, and all else that the DNS knows.

`IHostnameResolver` is what a reactor asks when a program connects to a name: it gives IPv4 and IPv6 addresses as it finds
them. `IResolverSimple` is the older form, one IPv4 address; `IResolver` asks the DNS for records of any type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from plait.interfaces._root import Attribute, Interface
from plait.interfaces.stream import IAddress

if TYPE_CHECKING:
    from plait.deferred import Deferred

    # Resource records: the answers, the authorities, and what else the server thought useful.
    Answer: TypeAlias = Deferred[tuple[list[Any], list[Any], list[Any]]]


class IHostResolution(Interface):
    """A look-up that is under way."""

    name: str = Attribute("The name that is looked up.")

    def cancel(self) -> None:
        """Stop looking; the receiver's `resolutionComplete` is called. NotImplementedError where that cannot be done."""


class IResolutionReceiver(Interface):
    """Takes what a look-up finds. Each look-up has a receiver of its own."""

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """The look-up has begun; called once, first of all."""

    def addressResolved(self, address: IAddress) -> None:
        """One address has been found: an IPv4Address or IPv6Address with the port that was asked for."""

    def resolutionComplete(self) -> None:
        """There are no more addresses; called once, last of all. With none at all, the name could not be resolved."""


class IHostnameResolver(Interface):
    """Finds all addresses of a host."""

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Look up `hostName`, and tell `resolutionReceiver` of each address. Errors are told as no addresses.

        `portNumber`: the port of the addresses. `addressTypes`: the kinds wanted, IPv4Address, IPv6Address or both; None is
        every kind that the system offers. `transportSemantics`: "TCP" or "UDP", the type of the addresses.
        """


class IReactorPluggableNameResolver(Interface):
    """A reactor whose way to look up names can be replaced."""

    nameResolver: IHostnameResolver = Attribute("What the reactor asks for the addresses of a name.")

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Ask `resolver` from now on. Returns the one that was asked so far, so that you can put it back."""


class IResolverSimple(Interface):
    """Finds one address of a host."""

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:
        """Look up the IPv4 address of a host, as a dotted quad. The Deferred fails with DNSLookupError.

        `timeout`: the seconds to wait in each attempt; () is the resolver's own choice.
        """


class IReactorPluggableResolver(Interface):
    """A reactor whose way to look up one IPv4 address can be replaced."""

    def installResolver(self, resolver: IResolverSimple) -> IResolverSimple:
        """Ask `resolver` from now on. Returns the one that was asked so far, so that you can put it back."""


class IResolver(IResolverSimple, Interface):
    """Asks the DNS.

    Each method returns a Deferred that fires with three lists of resource records: the answers, the authorities, and the
    additional ones. It fails with DNSLookupError if the name does not exist, no server can be reached, or a server will not
    answer. `timeout`: the seconds to wait in each attempt; None is the resolver's own choice.
    """

    def query(self, query: Any, timeout: Sequence[int] | None = None) -> Answer:
        """Ask what `query` (a name, a type and a class) says."""

    def lookupZone(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The whole zone (AXFR, RFC 5936), where the server gives it. Here `timeout` is for the transfer as a whole."""

    def lookupAddress(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """IPv4 addresses: records of type A (RFC 1035, 3.4.1)."""

    def lookupIPV6Address(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """IPv6 addresses: records of type AAAA (RFC 3596)."""

    def lookupAddress6(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """IPv6 addresses of the historic kind: records of type A6 (RFC 2874)."""

    def lookupMailExchange(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Where the mail for the name goes: records of type MX (RFC 1035, 3.3.9)."""

    def lookupNameservers(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The name servers of the zone: records of type NS (RFC 1035, 3.3.11)."""

    def lookupCanonicalName(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The name that this one is an alias of: records of type CNAME (RFC 1035, 3.3.1)."""

    def lookupPointer(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The name that belongs to an address: records of type PTR (RFC 1035, 3.3.12)."""

    def lookupText(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Free text: records of type TXT (RFC 1035, 3.3.14)."""

    def lookupService(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The hosts and ports of a service: records of type SRV (RFC 2782)."""

    def lookupNamingAuthorityPointer(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Rules that rewrite the name: records of type NAPTR (RFC 3403)."""

    def lookupAuthority(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The start of the zone: records of type SOA (RFC 1035, 3.3.13)."""

    def lookupSenderPolicy(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Who may send mail in this name: records of type SPF (RFC 4408; TXT has it now)."""

    def lookupHostInfo(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The kind of machine: records of type HINFO (RFC 1035, 3.3.2)."""

    def lookupResponsibility(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The responsible person: records of type RP (RFC 1183, 2.2)."""

    def lookupAFSDatabase(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """AFS database servers: records of type AFSDB (RFC 1183, 1)."""

    def lookupWellKnownServices(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Well-known services: records of type WKS (RFC 1035, 3.4.2)."""

    def lookupMailBox(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The host of a mailbox: records of type MB (RFC 1035, 3.3.3)."""

    def lookupMailGroup(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The members of a mail group: records of type MG (RFC 1035, 3.3.6)."""

    def lookupMailRename(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """The new name of a mailbox: records of type MR (RFC 1035, 3.3.8)."""

    def lookupMailboxInfo(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Who is responsible for a mailbox: records of type MINFO (RFC 1035, 3.3.7)."""

    def lookupNull(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """Anything at all: records of type NULL (RFC 1035, 3.3.10)."""

    def lookupAllRecords(self, name: str | bytes, timeout: Sequence[int] | None = None) -> Answer:
        """All records that the server cares to give: records of type ANY (RFC 8482)."""
