"""The part of the reactor that opens UNIX sockets. Where the system has none (Windows), each method says so."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from plait.errors import UnsupportedAddressFamily
from plait.interfaces import IReactorUNIX, IReactorUNIXDatagram, implementer
from plait.transport.unix import UNIXConnector, UNIXPort
from plait.transport.unixdatagram import ConnectedUNIXDatagramPort, UNIXDatagramPort

if TYPE_CHECKING:
    from plait.transport.network import Network

Path = str | bytes | os.PathLike[str]


@implementer(IReactorUNIX, IReactorUNIXDatagram)
class UNIXReactor:
    """What a reactor does with UNIX sockets. A path that begins with a zero byte is a name that is no file (Linux)."""

    if TYPE_CHECKING:

        @property
        def _net(self) -> Network: ...

    def listenUNIX(
        self, address: Path, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> UNIXPort:
        """Listen at the UNIX socket `address`, now. The file is made here, and removed when the port is stopped.

        :param mode: the permissions of the file.
        :param wantPID: keep a lock (`address` and ".lock") beside it: a file that a dead process has left is then removed.
        :raises plait.errors.CannotListenError: if that cannot be, or another process has the lock.
        """
        _check_system()
        port = UNIXPort(self._net, address, factory, backlog, mode, wantPID)
        port.startListening()
        return port

    def connectUNIX(
        self, address: Path, factory: Any, timeout: float | None = 30, checkPID: bool = False
    ) -> UNIXConnector:
        """Connect to the UNIX socket `address`. `factory` (a `ClientFactory`) is told how it goes.

        :param timeout: seconds until the attempt is given up; None waits as long as it takes.
        :param checkPID: fail with `plait.errors.BadFileError` unless a process that is alive holds the lock.
        """
        _check_system()
        connector = UNIXConnector(self._net, address, factory, timeout, checkPID)
        connector.connect()
        return connector

    def listenUNIXDatagram(
        self, address: Path, protocol: Any, maxPacketSize: int = 8192, mode: int = 0o666
    ) -> UNIXDatagramPort:
        """Receive datagrams at the UNIX socket `address`. The file is made here, and removed when the port is stopped.

        :param maxPacketSize: the longest datagram, in bytes; of a longer one the rest is lost.
        :param mode: the permissions of the file.
        :raises plait.errors.CannotListenError: if that cannot be.
        """
        _check_system()
        port = UNIXDatagramPort(address, protocol, maxPacketSize, mode, self)
        port.startListening()
        return port

    def connectUNIXDatagram(
        self,
        address: Path,
        protocol: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: Path | None = None,
    ) -> ConnectedUNIXDatagramPort:
        """Exchange datagrams with the one UNIX socket `address`. If it is not there, the protocol is told `connectionFailed`.

        :param protocol: a `plait.protocol.ConnectedDatagramProtocol`.
        :param bindAddress: the path of our own socket, made with the permissions `mode`; without one the peer cannot answer.
        """
        _check_system()
        port = ConnectedUNIXDatagramPort(address, protocol, maxPacketSize, mode, bindAddress, self)
        port.startListening()
        return port


def _check_system() -> None:
    if not hasattr(socket, "AF_UNIX"):
        raise UnsupportedAddressFamily("this system has no UNIX sockets: listen on 127.0.0.1 with TCP or UDP instead")
