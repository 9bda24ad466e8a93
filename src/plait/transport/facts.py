"""What a stream connection tells of itself: its addresses, its socket and the socket's options, its name in the log."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from plait.current import getReactor
from plait.transport.address import Address, UNIXAddress, from_socket

if TYPE_CHECKING:
    import asyncio

    from plait.transport.stream import Owner

# SO_LINGER with a time of 0: closing the socket resets the connection (RFC 9293 section 3.10.5, ABORT call).
_RESET = struct.pack("ii", 1, 0) if hasattr(socket, "AF_UNIX") else struct.pack("hh", 1, 0)  # Windows: two shorts


class SocketHandle:
    """The socket under a connection, for options that have no method here. Do not read or write it."""

    def __init__(self, sock: Any, transport: asyncio.Transport) -> None:
        self._socket = sock
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def __repr__(self) -> str:
        return repr(self._socket)

    def close(self) -> None:
        """Let go of the socket, and send nothing more. A copy of it (`adoptStreamConnection`, a child's) goes on."""
        self._transport.abort()


class Facts:
    """A connection's answers. It has nothing of its own to store."""

    __slots__ = ()

    TLS = False
    """Whether it is under TLS."""

    if TYPE_CHECKING:
        protocol: Any
        sessionno: int
        disconnected: bool
        disconnecting: bool
        _transport: asyncio.Transport
        _owner: Owner
        _loop: asyncio.AbstractEventLoop
        _size: int
        _held: bytes
        since: float

    def getPeer(self) -> Address:
        """The address of the other side."""
        return from_socket(self._transport.get_extra_info("peername"))

    def getHost(self) -> Address:
        """The address of our side."""
        return from_socket(self._transport.get_extra_info("sockname"))

    def getHandle(self) -> Any:
        """The `socket`."""
        return self.socket

    @property
    def socket(self) -> Any:
        """The socket, for options that have no method here. Do not read or write it; closing it ends the connection."""
        sock = self._transport.get_extra_info("socket")
        return None if sock is None else SocketHandle(sock, self._transport)

    def fileno(self) -> int:
        """The number of the socket's descriptor; -1 if it is closed."""
        sock = self._transport.get_extra_info("socket")
        return -1 if sock is None else int(sock.fileno())

    @property
    def reactor(self) -> Any:
        """The reactor that this connection belongs to, for its timers. Ask inside a hook, where it runs."""
        return getReactor()

    @property
    def is_client(self) -> bool:
        """Whether we have made this connection; the others were made to us."""
        return self._owner.is_client

    @property
    def age(self) -> float:
        """Seconds since the connection was made."""
        return self._loop.time() - self.since

    @property
    def bufferedBytes(self) -> int:
        """How many bytes wait to be sent, with us or with the loop: what the system has taken is not among them."""
        return 0 if self.disconnected else self._size + self._transport.get_write_buffer_size()

    # -- options

    def getTcpNoDelay(self) -> bool:
        """Whether small segments are sent at once (RFC 9293 section 3.7.4: Nagle's algorithm is off)."""
        return bool(self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Send small segments at once; True from the start."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(bool(enabled)))

    def getTcpKeepAlive(self) -> bool:
        """Whether the operating system checks that a silent peer is still there."""
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Let the operating system check that a silent peer is still there."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(bool(enabled)))

    @property
    def bufferSize(self) -> int:
        """How many bytes may wait for the peer before a producer is paused (64 KiB). It can be set."""
        return self._transport.get_write_buffer_limits()[1]

    @bufferSize.setter
    def bufferSize(self, size: int) -> None:
        self._transport.set_write_buffer_limits(high=size)

    def _reset_when_closed(self) -> None:
        """Let the peer see a reset, and not the end of a connection that was complete."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            except OSError:
                pass  # the peer was quicker, and there is nothing to reset

    # -- names

    def logPrefix(self) -> str:
        """The protocol's name in the log."""
        prefix = getattr(self.protocol, "logPrefix", None)
        return prefix() if prefix is not None else type(self.protocol).__name__

    @property
    def logstr(self) -> str:
        """Protocol, number and peer (for UNIX our path) of a connection made to us; of one that we have made, the protocol."""
        if self.is_client:
            return f"{self.logPrefix()},client"
        peer = self.getPeer()
        where = self.getHost().name if isinstance(peer, UNIXAddress) else peer.host  # type: ignore[union-attr]
        return f"{self.logPrefix()},{self.sessionno},{os.fsdecode(where or b'')}"

    def __repr__(self) -> str:
        name = type(self.protocol).__name__
        state = ", disconnected" if self.disconnected else ", disconnecting" if self.disconnecting else ""
        if self.is_client:
            return f"<{name} to {_place(self._transport.get_extra_info('peername'))}{state}>"
        return f"<{name} #{self.sessionno} on {_place(self._transport.get_extra_info('sockname'), port_alone=True)}{state}>"


def _place(name: Any, port_alone: bool = False) -> str:
    """A socket's address, for people; what is closed may have none any more."""
    if not isinstance(name, tuple):
        return os.fsdecode(name) if isinstance(name, (str, bytes)) else "nowhere"
    return str(name[1]) if port_alone else f"{name[0]}:{name[1]}"
