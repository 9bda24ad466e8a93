"""The part of the reactor that opens UDP ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces import IReactorMulticast, IReactorUDP, implementer
from plait.transport.udp import MulticastPort, UDPPort

if TYPE_CHECKING:
    from plait.transport.network import Network


@implementer(IReactorUDP, IReactorMulticast)
class DatagramReactor:
    """What a reactor does with UDP."""

    if TYPE_CHECKING:

        @property
        def _net(self) -> Network: ...

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> UDPPort:
        """Open a UDP port, now; 0 lets the system choose one (see `UDPPort.getHost`).

        :param protocol: a `plait.protocol.DatagramProtocol`.
        :param interface: a literal address of ours; empty for all of IPv4, "::" for all of IPv6.
        :param maxPacketSize: the longest datagram, in bytes; of a longer one the rest is lost.
        :raises plait.errors.CannotListenError: if that cannot be.
        :raises plait.errors.InvalidAddressError: if `interface` is no literal address.
        """
        udp = UDPPort(port, protocol, interface, maxPacketSize, self)
        udp.startListening()
        return udp

    def listenMulticast(
        self,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        listenMultiple: bool = False,
    ) -> MulticastPort:
        """As `listenUDP`; the port, which is the protocol's transport, can join groups.

        :param listenMultiple: let other sockets of this machine use the same port, if they say so too.
        """
        udp = MulticastPort(port, protocol, interface, maxPacketSize, self, listenMultiple)
        udp.startListening()
        return udp
