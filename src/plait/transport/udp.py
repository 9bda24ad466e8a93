"""UDP ports (RFC 768), over IPv4 and IPv6; for groups (RFC 1112, RFC 3493 section 5.2) see `MulticastPort`."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from plait import errors
from plait.deferred import Deferred, fail, succeed
from plait.interfaces import IMulticastTransport, IUDPTransport, implementer
from plait.transport.address import IPv4Address, IPv6Address
from plait.transport.datagram import DatagramPort, Engine
from plait.transport.handover import Place
from plait.transport.lookups import Answer, look_up


def udp_address(name: tuple[Any, ...]) -> IPv4Address | IPv6Address:
    """The address that a UDP socket's ``getsockname`` gave."""
    if len(name) == 2:
        return IPv4Address("UDP", name[0], name[1])
    return IPv6Address("UDP", name[0], name[1], name[2], name[3])


def family_of_address(host: str) -> socket.AddressFamily:
    """The family of a literal address.

    :raises plait.errors.InvalidAddressError: if `host` is something else, such as a name.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.inet_pton(family, host.partition("%")[0])
    except (OSError, TypeError, ValueError, AttributeError):
        raise errors.InvalidAddressError(
            host, "not an IPv4 or IPv6 address; look a name up first (reactor.resolve)"
        ) from None
    return family


@implementer(IUDPTransport)
class UDPPort(DatagramPort):
    """A UDP port, and its protocol's transport.

    Attributes: `port` (the number that was asked for), `interface`, and those of `DatagramPort`.
    """

    _peer: tuple[Any, ...] | None = None

    def __init__(
        self, port: int, proto: Any, interface: str = "", maxPacketSize: int = 8192, reactor: Engine | None = None
    ) -> None:
        super().__init__(proto, maxPacketSize, reactor)
        self.port = port
        self.interface = interface
        self._bad_host: str | None = None
        if interface:
            self.addressFamily = family_of_address(interface)

    def _name(self) -> str:
        return str(self.socket.getsockname()[1])

    def _place(self) -> Place:
        return type(self).__name__, self.interface, str(self.port)

    @property
    def _realPortNumber(self) -> int | None:
        return self.getHost().port if self.connected else None

    def _bind(self) -> socket.socket:
        if not 0 <= self.port <= 65535:
            error = OverflowError("a port's number is from 0 to 65535")
            raise errors.CannotListenError(self.interface, self.port, error)
        sock = None
        try:
            sock = socket.socket(self.addressFamily, socket.SOCK_DGRAM)
            if self.addressFamily == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._set_options(sock)
            sock.bind(self._sockaddr(self.interface, self.port) if self.interface else ("", self.port))
        except OSError as e:
            if sock is not None:
                sock.close()
            raise errors.CannotListenError(self.interface, self.port, e) from None
        return sock

    def _set_options(self, sock: socket.socket) -> None:
        """What must be set before the socket is bound."""

    def _sockaddr(self, host: str, port: int) -> tuple[Any, ...]:
        """A literal address as the system wants it. Names are refused: to look them up would hold up the whole program."""
        family = self.addressFamily
        if host == "<broadcast>" and family == socket.AF_INET:
            return host, port
        if family_of_address(host) != family:
            other = "IPv6" if family == socket.AF_INET else "IPv4"
            own = "IPv4" if family == socket.AF_INET else "IPv6"
            raise errors.InvalidAddressError(host, f"this port is of {own} and cannot send to {other}")
        address, _, zone = host.partition("%")
        if not zone:
            return host, port
        return address, port, 0, int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)

    # -- sending and receiving

    def write(self, datagram: bytes, addr: tuple[Any, ...] | None = None) -> None:
        """Send one datagram, at once. What the system cannot take now is dropped, and so is all after `stopListening`.

        :param addr: (host, port), the host a literal address; a port that is connected needs none, and takes no other.
        :raises plait.errors.InvalidAddressError: if `addr` is no address of the port's own family.
        :raises plait.errors.MessageLengthError: if the datagram is too long (over IPv4: 65,507 bytes).
        :raises TypeError: if there is no address, or `datagram` is not bytes.
        """
        if addr is self._sender and addr is not None and not self._one_peer:
            # The hot path: an answer, whose address needs no check (benchmarks/network.py, udp).
            try:
                self.socket.sendto(datagram, addr)
            except OSError as e:
                self._not_sent(e, datagram)
            return
        peer = self._peer
        if peer is not None:
            if addr is not None and tuple(addr[:2]) != peer[:2]:
                raise ValueError(f"this port is connected to {peer[:2]} and cannot send to {addr}")
            addr = None
        elif addr is None:
            raise TypeError("this port is not connected, so write() needs the address to send to: (host, port)")
        else:
            try:
                # the quick way: an address without a zone
                socket.inet_pton(self.addressFamily, addr[0])
            except (OSError, TypeError):
                addr = self._sockaddr(addr[0], addr[1])
        if self.connected:
            self._send(datagram, addr)

    def _hook(self) -> Callable[[bytes, Any], object]:
        return super()._hook() if self.addressFamily == socket.AF_INET else self._deliver_ipv6

    def _deliver_ipv6(self, datagram: bytes, address: Any) -> Any:
        host, port, _, scope = address
        # With its zone if it has one (RFC 4007 section 11), or else nobody could answer.
        return self.protocol.datagramReceived(
            datagram, (f"{host}%{scope}" if scope and "%" not in host else host, port)
        )

    def connect(self, host: str, port: int) -> None:
        """Send to and receive from this one peer only, from now on, and be told when it refuses.

        :raises RuntimeError: if the port is connected already.
        :raises plait.errors.InvalidAddressError: if `host` is no literal address of the port's own family.
        """
        if self._peer is not None:
            raise RuntimeError(f"this port is connected already, to {self._peer[:2]}")
        address = self._sockaddr(host, port)
        self.socket.connect(address)
        self._peer = address
        self._one_peer = True

    # -- facts and options

    def getHost(self) -> IPv4Address | IPv6Address:
        """The port's own address, with its real number.

        :raises plait.errors.NotListeningError: if it is not open.
        """
        if not self.connected:
            raise errors.NotListeningError("it has no address")
        return udp_address(self.socket.getsockname())

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Whether a datagram may go to a broadcast address. Not, unless you say so."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, int(bool(enabled)))

    def getBroadcastAllowed(self) -> bool:
        """Whether a datagram may go to a broadcast address."""
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST))


@implementer(IMulticastTransport)
class MulticastPort(UDPPort):
    """A UDP port that takes part in multicast. Addresses and interfaces are those of its own family."""

    def __init__(
        self,
        port: int,
        proto: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        reactor: Engine | None = None,
        listenMultiple: bool = False,
    ) -> None:
        super().__init__(port, proto, interface, maxPacketSize, reactor)
        self.listenMultiple = listenMultiple

    def _set_options(self, sock: socket.socket) -> None:
        if self.listenMultiple:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if os.name == "posix" and hasattr(socket, "SO_REUSEPORT"):
                try:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                except OSError as e:
                    if e.errno != errno.ENOPROTOOPT:  # known to the library, not to the kernel
                        raise

    @property
    def _is_ipv6(self) -> bool:
        return self.addressFamily == socket.AF_INET6

    def _get(self, ipv4: int, ipv6: int) -> int:
        level, option = (socket.IPPROTO_IPV6, ipv6) if self._is_ipv6 else (socket.IPPROTO_IP, ipv4)
        return self.socket.getsockopt(level, option)  # type: ignore[no-any-return]

    def _set(self, ipv4: int, ipv6: int, value: int | bytes) -> None:
        level, option = (socket.IPPROTO_IPV6, ipv6) if self._is_ipv6 else (socket.IPPROTO_IP, ipv4)
        self.socket.setsockopt(level, option, value)

    def joinGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Receive what is sent to the group `addr` too.

        :param interface: where to listen for it: an address of ours, over IPv6 an interface's name or number too; empty lets
            the system choose.

        The Deferred fails with `plait.errors.MulticastJoinError` if that cannot be.
        """
        return self._change_group(socket.IP_ADD_MEMBERSHIP, socket.IPV6_JOIN_GROUP, addr, interface)

    def leaveGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Receive what is sent to the group no more; `interface` as it was for `joinGroup`.

        The Deferred fails with `plait.errors.MulticastJoinError` if we are not in it.
        """
        return self._change_group(socket.IP_DROP_MEMBERSHIP, socket.IPV6_LEAVE_GROUP, addr, interface)

    def _change_group(self, ipv4: int, ipv6: int, addr: str, interface: str) -> Deferred[None]:
        try:
            group = socket.inet_pton(self.addressFamily, addr)
            where = (
                struct.pack("@I", _interface_number(interface))
                if self._is_ipv6
                else socket.inet_aton(interface or "0.0.0.0")
            )
            self._set(ipv4, ipv6, group + where)
        except OSError as e:
            return fail(errors.MulticastJoinError(addr, interface, *e.args))
        return succeed(None)

    def getOutgoingInterface(self) -> str | int:
        """Through which interface datagrams to groups go: its IPv4 address, or over IPv6 its number (0: the system chooses)."""
        if self._is_ipv6:
            return self._get(0, socket.IPV6_MULTICAST_IF)
        return socket.inet_ntoa(self.socket.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4))

    def setOutgoingInterface(self, addr: str | int) -> Deferred[int]:
        """Send datagrams to groups through this interface: its IPv4 address or name of the host, over IPv6 its number or name.

        The Deferred fires with 1, or fails with OSError if there is no such interface.
        """
        if self._is_ipv6:
            try:
                number = addr if isinstance(addr, int) else _interface_number(addr)
                self._set(0, socket.IPV6_MULTICAST_IF, number)
            except OSError as e:
                return fail(e)
            return succeed(1)

        def use(found: Answer) -> int:
            self._set(socket.IP_MULTICAST_IF, 0, socket.inet_aton(found[0][4][0]))
            return 1

        found = look_up(self._network.loop, str(addr), 0, socket.AF_INET, socket.SOCK_DGRAM)
        return found.addCallback(use)

    def getLoopbackMode(self) -> bool:
        """Whether we hear what we send to a group that we are in ourselves."""
        return bool(self._get(socket.IP_MULTICAST_LOOP, socket.IPV6_MULTICAST_LOOP))

    def setLoopbackMode(self, mode: bool) -> None:
        """Hear what we send to a group that we are in ourselves, or not. The system's default is to hear it."""
        self._set(socket.IP_MULTICAST_LOOP, socket.IPV6_MULTICAST_LOOP, int(bool(mode)))

    def getTTL(self) -> int:
        """How many routers a datagram to a group may pass, plus one (over IPv6: the hop limit)."""
        return self._get(socket.IP_MULTICAST_TTL, socket.IPV6_MULTICAST_HOPS)

    def setTTL(self, ttl: int) -> None:
        """How many routers a datagram to a group may pass, plus one: 0 to 255. The system's default is 1, our own network.

        :raises ValueError: if `ttl` is another number.
        """
        if not 0 <= ttl <= 255:
            raise ValueError(f"a time to live is from 0 to 255, not {ttl}")
        self._set(socket.IP_MULTICAST_TTL, socket.IPV6_MULTICAST_HOPS, ttl)


def _interface_number(interface: str) -> int:
    """The number of an interface given by number, by name, or by an IPv6 address of ours with its zone; 0 for none.

    :raises OSError: if there is none.
    """
    name = interface.partition("%")[2] or interface
    if not name or name == "::":
        return 0
    if name.isdecimal():
        return int(name)
    if ":" in name:
        found: Any = socket.getaddrinfo(name, None, socket.AF_INET6, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)
        return int(found[0][4][3])
    return socket.if_nametoindex(name)
