"""Datagrams: messages that travel one by one, over UDP (RFC 768) or a UNIX socket.

There are no connections here. One port sends to and receives from everybody, or, once it is "connected", one peer only.
A datagram may be lost, doubled or overtaken by a later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces._root import Interface
from plait.interfaces.stream import IAddress, IListeningPort

if TYPE_CHECKING:
    from plait.deferred import Deferred


class IDatagramProtocol(Interface):
    """What a port does with its datagrams. One object for each port."""

    def makeConnection(self, transport: Any) -> None:
        """The engine calls this when the port is open; it keeps `transport` and calls `doStart`."""

    def doStart(self) -> None:
        """The port is open: send, start timers."""

    def doStop(self) -> None:
        """The port is closed; called once for each `doStart`."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """One datagram has arrived, whole; it may be empty.

        `addr` is where it comes from: (host, port) over UDP, the path over a UNIX socket. Anybody can send one, and write
        any sender on it.
        """

    def connectionRefused(self) -> None:
        """The peer of a connected port has said that nobody listens there. What was sent is lost; more may be sent."""


class IUDPTransport(Interface):
    """The way out of a UDP port, as its protocol sees it."""

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> Any:
        """Send one datagram, at once.

        `addr`: (host, port), the host as an address, not a name; None only on a connected port. Raises MessageLengthError
        if the datagram is too long, InvalidAddressError if the host is not an address of the port's own family, and the
        system's OSError. What the network cannot take now is dropped.
        """

    def connect(self, host: str, port: int) -> None:
        """From now on send to and receive from this one peer only, and be told when it refuses.

        Once for a port: RuntimeError if it is connected. `host` is an address; InvalidAddressError for a name.
        """

    def getHost(self) -> IAddress:
        """Where the port is: an IPv4Address or IPv6Address."""

    def stopListening(self) -> Deferred[None] | None:
        """Close the port. A Deferred fires when it is closed; None means that it is closed already."""

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Whether a datagram may go to a broadcast address (SO_BROADCAST). Not, unless you say so."""

    def getBroadcastAllowed(self) -> bool:
        """Whether a datagram may go to a broadcast address."""


class IMulticastTransport(IUDPTransport, Interface):
    """The way out of a UDP port that takes part in multicast (RFC 1112)."""

    def joinGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Receive what is sent to the group `addr` too.

        `interface`: the address of ours through which to listen; "" lets the system choose. The Deferred fails with
        MulticastJoinError if the system refuses.
        """

    def leaveGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Receive what is sent to the group no more. The Deferred fails with MulticastJoinError if we are not in it."""

    def getOutgoingInterface(self) -> str | int:
        """Through which interface datagrams to groups go: its IPv4 address, or its number for IPv6."""

    def setOutgoingInterface(self, addr: str | int) -> Deferred[int] | None:
        """Send datagrams to groups through this interface: its IPv4 address (a name is looked up), or its number for IPv6.

        If a Deferred is returned, it fires when that is done.
        """

    def getLoopbackMode(self) -> bool:
        """Whether we hear what we send to a group that we are in ourselves."""

    def setLoopbackMode(self, mode: bool) -> None:
        """Hear what we send to a group that we are in ourselves, or not. The system's default is to hear it."""

    def getTTL(self) -> int:
        """How many routers a datagram to a group may pass, plus one."""

    def setTTL(self, ttl: int) -> None:
        """How many routers a datagram to a group may pass, plus one: 0 to 255. The system's default is 1, our own network."""


class IUNIXDatagramTransport(Interface):
    """The way out of a UNIX datagram port, as its protocol sees it."""

    def write(self, packet: bytes, addr: str | bytes) -> Any:
        """Send one datagram to the socket whose path is `addr`. MessageLengthError if it is too long."""

    def getHost(self) -> IAddress:
        """Where the port is: a UNIXAddress."""


class IUNIXDatagramConnectedTransport(Interface):
    """The way out of a UNIX datagram port that has one peer only."""

    def write(self, packet: bytes) -> Any:
        """Send one datagram to the peer. MessageLengthError if it is too long."""

    def getHost(self) -> IAddress:
        """Where the port is: a UNIXAddress, whose name is None if it has none."""

    def getPeer(self) -> IAddress:
        """Where the peer is: a UNIXAddress."""


class IReactorUDP(Interface):
    """Datagrams over UDP."""

    def listenUDP(
        self, port: int, protocol: IDatagramProtocol, interface: str = "", maxPacketSize: int = 8192
    ) -> IListeningPort:
        """Open a port; `protocol` gets what arrives there. Raises CannotListenError at once.

        `port`: 0 lets the system choose. `interface`: the address of ours to receive on, IPv4 or IPv6; "" is every IPv4
        address. `maxPacketSize`: the longest datagram, in bytes, that can be received; of a longer one the rest is lost.
        """


class IReactorMulticast(Interface):
    """Datagrams to groups, over UDP."""

    def listenMulticast(
        self,
        port: int,
        protocol: IDatagramProtocol,
        interface: str = "",
        maxPacketSize: int = 8192,
        listenMultiple: bool = False,
    ) -> IListeningPort:
        """As `IReactorUDP.listenUDP`; the protocol's transport is an `IMulticastTransport`.

        `listenMultiple`: let other programs of this machine use the same port, as those of one group must.
        """


class IReactorUNIXDatagram(Interface):
    """Datagrams over UNIX sockets."""

    def listenUNIXDatagram(
        self, address: str | bytes, protocol: IDatagramProtocol, maxPacketSize: int = 8192, mode: int = 0o666
    ) -> IListeningPort:
        """Make the socket `address` (a path) with the permissions `mode` and receive there.

        Raises CannotListenError at once. `maxPacketSize`: as in `IReactorUDP.listenUDP`.
        """

    def connectUNIXDatagram(
        self,
        address: str | bytes,
        protocol: IDatagramProtocol,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: str | bytes | None = None,
    ) -> Any:
        """Send to and receive from the one socket `address`; the protocol's transport is an `IUNIXDatagramConnectedTransport`.

        `bindAddress`: the path of our own socket, made with the permissions `mode`, so that the peer can answer.
        """
