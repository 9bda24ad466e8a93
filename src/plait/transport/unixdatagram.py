"""UNIX sockets for datagrams (unix(7)): not lost on the way as UDP's are, but dropped where the receiver's queue is full."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from plait import errors
from plait.failure import Failure
from plait.interfaces import IUNIXDatagramConnectedTransport, IUNIXDatagramTransport, implementer
from plait.transport.address import UNIXAddress
from plait.transport.datagram import DatagramPort, Engine
from plait.transport.unix import SocketFile

Path = str | bytes | os.PathLike[str]


class _UNIXPort(DatagramPort):
    _kind = "UNIX"
    _file: SocketFile | None = None

    def _name(self) -> str:
        return repr(os.fsdecode(self.getHost().name or b""))

    def _clean_up(self) -> None:
        if self._file is not None:
            self._file.remove()

    def getHost(self) -> UNIXAddress:
        """Where the port is; its name is None if it has none.

        :raises plait.errors.NotListeningError: if it is not open.
        """
        if not self.connected:
            raise errors.NotListeningError("it has no address")
        return UNIXAddress(self.socket.getsockname() or None)


@implementer(IUNIXDatagramTransport)
class UNIXDatagramPort(_UNIXPort):
    """A UNIX socket that receives datagrams, and its protocol's transport."""

    def __init__(
        self, addr: Path, proto: Any, maxPacketSize: int = 8192, mode: int = 0o666, reactor: Engine | None = None
    ) -> None:
        super().__init__(proto, maxPacketSize, reactor)
        self._file = SocketFile(addr, mode)
        self.port = self._file.address

    def _bind(self) -> socket.socket:
        assert self._file is not None
        return self._file.bind(socket.SOCK_DGRAM)

    def write(self, datagram: bytes, addr: Any = None) -> None:
        """Send one datagram to the socket whose path is `addr`. Where its queue is full, the datagram is dropped.

        :raises plait.errors.MessageLengthError: if the datagram is too long.
        :raises OSError: if there is no such socket, or it may not be written to.
        """
        if addr is None:
            raise TypeError("a UNIX datagram needs the path of the socket to send it to")
        if self.connected:
            self._send(datagram, addr)


@implementer(IUNIXDatagramConnectedTransport)
class ConnectedUNIXDatagramPort(_UNIXPort):
    """A UNIX socket that has one peer to exchange datagrams with."""

    _one_peer = True

    def __init__(
        self,
        addr: Path,
        proto: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: Path | None = None,
        reactor: Engine | None = None,
    ) -> None:
        super().__init__(proto, maxPacketSize, reactor)
        self.remoteaddr = os.fspath(addr)
        self._file = None if bindAddress is None else SocketFile(bindAddress, mode)

    def _bind(self) -> socket.socket:
        if self._file is not None:
            sock = self._file.bind(socket.SOCK_DGRAM)
        else:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.connect(self.remoteaddr)
        except (OSError, ValueError):
            sock.close()
            self._clean_up()
            raise
        return sock

    def startListening(self) -> None:
        """Open the port, now. If the peer cannot be reached, the protocol's `connectionFailed` is called."""
        try:
            self.adopt(self._bind())
        except (OSError, ValueError, errors.CannotListenError) as e:
            self.protocol.connectionFailed(Failure(e))
        else:
            super().startListening()

    def write(self, datagram: bytes, addr: Any = None) -> None:
        """Send one datagram to the peer. Where its queue is full, the datagram is dropped.

        :raises plait.errors.MessageLengthError: if the datagram is too long.
        """
        if self.connected:
            self._send(datagram)

    def _hook(self) -> Callable[[bytes, Any], object]:
        received = self.protocol.datagramReceived
        return lambda datagram, _: received(datagram)

    def getPeer(self) -> UNIXAddress:
        """Where the peer is."""
        return UNIXAddress(self.remoteaddr)
