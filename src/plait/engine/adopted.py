"""The part of the reactor that goes on with sockets that somebody else has opened, such as systemd or a parent process."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from plait.errors import UnsupportedAddressFamily, UnsupportedSocketType
from plait.interfaces import IReactorSocket, implementer
from plait.transport.adopted import AdoptedConnection
from plait.transport.port import Port
from plait.transport.udp import UDPPort
from plait.transport.unix import UNIXPort

if TYPE_CHECKING:
    from plait.transport.network import Network
    from plait.transport.stream import Connection

_INTERNET = {socket.AF_INET, socket.AF_INET6}
_STREAMS = _INTERNET | ({socket.AF_UNIX} if hasattr(socket, "AF_UNIX") else set())


@implementer(IReactorSocket)
class AdoptingReactor:
    """What a reactor does with sockets of others. Each is copied: close yours when you like."""

    if TYPE_CHECKING:

        @property
        def _net(self) -> Network: ...

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Port:
        """Accept connections on a stream socket that listens already (TCP or UNIX).

        :raises plait.errors.UnsupportedAddressFamily: for another family.
        :raises plait.errors.UnsupportedSocketType: if it is no stream socket.
        :raises OSError: if the descriptor is no socket.
        """
        sock = _copy(fileDescriptor, addressFamily, _STREAMS, socket.SOCK_STREAM)
        if addressFamily in _INTERNET:
            host, number = sock.getsockname()[:2]
            port = Port(self._net, number, factory, interface=host)
        else:
            port = UNIXPort(self._net, sock.getsockname(), factory)
        port.adopt(sock)
        port.startListening()
        return port

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Connection | None:
        """Go on with a connection that is made already (TCP or UNIX); `factory` is asked for its protocol at once.

        Gives the connection, or None if the factory wants none. Errors as for `adoptStreamPort`.
        """
        sock = _copy(fileDescriptor, addressFamily, _STREAMS, socket.SOCK_STREAM)
        return AdoptedConnection(self._net, sock, factory).begin()

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> UDPPort:
        """Receive on a UDP socket that is bound already. Errors as for `adoptStreamPort`."""
        sock = _copy(fileDescriptor, addressFamily, _INTERNET, socket.SOCK_DGRAM)
        host, number = sock.getsockname()[:2]
        port = UDPPort(number, protocol, host, maxPacketSize, self)
        port.adopt(sock)
        port.startListening()
        return port


def _copy(number: int, family: int, families: set[socket.AddressFamily], kind: socket.SocketKind) -> socket.socket:
    if family not in families:
        names = ", ".join(sorted(known.name for known in families))
        raise UnsupportedAddressFamily(f"a socket of the address family {family!r} cannot be used here, only {names}")
    sock = socket.fromfd(number, family, kind)
    try:
        if (found := sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)) != kind:
            raise UnsupportedSocketType(
                f"a socket of type {kind.name} is needed here, not {socket.SocketKind(found).name}"
            )
    except BaseException:
        sock.close()
        raise
    return sock
