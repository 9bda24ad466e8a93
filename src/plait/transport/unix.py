"""UNIX sockets for streams (unix(7)): ports and connectors. What is the same as with TCP is in `port` and `connector`.

A socket is a file, and remains when its process dies. With a lock file beside it (``wantPID``) whoever listens next may
remove it, without a race with others who want the same. A name that begins with a zero byte is no file (Linux only), and has
no such problem.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any

from plait import errors
from plait.deferred import Deferred
from plait.deferred.filelock import FilesystemLock, isLocked
from plait.failure import Failure
from plait.log import Logger
from plait.transport.address import UNIXAddress
from plait.transport.connector import Connector
from plait.transport.handover import Place, inherited
from plait.transport.port import Port
from plait.transport.unixstream import Acceptor, UNIXConnection, UNIXStream

if TYPE_CHECKING:
    from plait.transport.network import Network

_log = Logger("plait.transport")

# Seconds between two attempts to connect where the listener's queue is full: the system does not tell when there is room.
TRY_AGAIN = 0.02


class SocketFile:
    """The file that is a UNIX socket, from `bind` until `remove`; and its lock, if one is wanted.

    :raises plait.errors.CannotListenError: (from `bind`) if the name is taken or not allowed, or another process has the lock.
    """

    def __init__(self, address: str | bytes | os.PathLike[str], mode: int = 0o666, want_lock: bool = False) -> None:
        self.address = os.fspath(address)
        self._mode = mode
        self._is_file = bool(self.address) and os.fsencode(self.address)[:1] != b"\0"
        self._lock = FilesystemLock(lock_of(self.address)) if want_lock and self._is_file else None
        self._made: tuple[int, int] | None = None
        self._taken_over = False

    def bind(self, kind: int) -> socket.socket:
        """A bound socket of this kind (``SOCK_STREAM``, ``SOCK_DGRAM``)."""
        sock = None
        try:
            if self._lock is not None:
                if not self._lock.lock():
                    raise OSError(errno.EADDRINUSE, f"another process has the lock {lock_of(self.address)!r}")
                _remove_if_dead(self.address, kind)
            sock = socket.socket(socket.AF_UNIX, kind)
            sock.setblocking(False)
            sock.bind(self.address)
            if self._is_file:
                # nobody can connect before listen() is called
                os.chmod(self.address, self._mode)
                self._made = _identity(self.address)
        except (OSError, ValueError) as e:
            if sock is not None:
                sock.close()
            self.remove()
            raise errors.CannotListenError(None, os.fsdecode(self.address), e) from None
        return sock

    def take_over(self, from_before: bool = True) -> None:
        """The file is there already: another process has made it, and hands it over, with the lock.

        :param from_before: that is the process before us, which may still have to go on with it (see `Inherited.complete`).
        """
        self._taken_over = from_before
        self._made = _identity(self.address) if self._is_file else None
        if self._lock is not None:
            self._lock.locked = True

    def hand_over(self, pid: int) -> None:
        """The process `pid` has taken the file over."""
        self._made = None
        if self._lock is not None and self._lock.locked:
            self._lock.locked = False
            try:
                # in one step, so that nobody else gets it in between
                os.symlink(str(pid), draft := f"{self._lock.name}.{pid}")
                os.rename(draft, self._lock.name)
            except OSError as error:
                _log.warn("Cannot hand over the lock {path}: {error}", path=self._lock.name, error=error)

    def remove(self) -> None:
        """Remove the file, if it is still ours, and give the lock back."""
        if self._taken_over and not inherited.complete:
            self._made = None
            if self._lock is not None:
                self._lock.locked = False
        if self._made is not None and _identity(self.address) == self._made:
            _remove(self.address)
        self._made = None
        if self._lock is not None and self._lock.locked:
            self._lock.unlock()


def _remove_if_dead(path: str | bytes, kind: int) -> None:
    """Remove a socket's file that nobody listens at any more.

    That is asked of the socket, not of the lock's last holder: whoever has looked at his lock since may have cleaned it up.
    """
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            _remove(path)
        except OSError:
            pass  # there is none; or it is alive, and bind will tell


def lock_of(address: str | bytes) -> str:
    """The path of the lock of a socket."""
    return os.fsdecode(address) + ".lock"


def _identity(path: str | bytes) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove(path: str | bytes) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # it is not there, or not ours to remove: bind will tell


class UNIXPort(Port):
    """A listening UNIX socket. Attributes: `port` (its path), `factory`, `connected`."""

    _kind = "UNIX"

    def __init__(
        self,
        network: Network,
        address: str | bytes | os.PathLike[str],
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> None:
        super().__init__(network, os.fspath(address), factory, backlog)
        self._file = SocketFile(address, mode, wantPID)

    def _bind(self) -> socket.socket:
        return self._file.bind(socket.SOCK_STREAM)

    def _place(self) -> Place | None:
        return self._kind, "", os.fsdecode(self.port)

    def _take_over(self) -> socket.socket | None:
        sock = super()._take_over()
        if sock is not None:
            self._file.take_over()
        return sock

    def hand_over(self, pid: int) -> None:
        self._file.hand_over(pid)

    def _gave_up(self, sock: socket.socket) -> None:
        super()._gave_up(sock)
        self._file.remove()

    def _name(self) -> str:
        name = self.getHost().name  # type: ignore[union-attr]
        return os.fsdecode(name or b"")

    def _quoted(self) -> str:
        return repr(self._name())

    def _accept(self, sock: socket.socket) -> None:
        self._server = Acceptor(self._network.loop, sock, self._accepted, self._pause_accepting)

    def _accepted(self, sock: socket.socket) -> None:
        network = self._network
        UNIXStream(network.loop, sock, UNIXConnection(self, network.loop, network.outbox))

    def stopListening(self) -> Deferred[None]:
        """Take no more connections; those that are there stay.

        The file is removed in the next turn of the loop, and then the Deferred fires.
        """
        if self._socket is None:
            return super().stopListening()
        closed = super().stopListening()
        stopped = Deferred[None]()
        self._network.loop.call_soon(self._clean_up, closed, stopped)
        return stopped

    def connectionLost(self, reason: Failure) -> None:
        """As `stopListening`; what the factory's `stopFactory` raises is raised."""
        if self._socket is not None:
            self._network.loop.call_soon(self._file.remove)
        super().connectionLost(reason)

    def _clean_up(self, closed: Deferred[None], stopped: Deferred[None]) -> None:
        self._file.remove()
        closed.chainDeferred(stopped)


class UNIXConnector(Connector):
    """One UNIX socket to connect to. Attributes: `address` (its path), and those of `Connector` but host and port."""

    def __init__(
        self,
        network: Network,
        address: str | bytes | os.PathLike[str],
        factory: Any,
        timeout: float | None = 30,
        checkPID: bool = False,
    ) -> None:
        self.address = os.fspath(address)
        super().__init__(network, os.fsdecode(self.address), 0, factory, timeout)
        self._check_lock = checkPID

    def __repr__(self) -> str:
        return f"<Connector to {self.address!r}, {self.state}>"

    def getDestination(self) -> UNIXAddress:
        """Where it connects to, as it was given."""
        return UNIXAddress(self.address)

    async def _connect_any(self) -> None:
        if self._check_lock and not isLocked(lock_of(self.address)):
            raise errors.BadFileError(string=f"no process that is alive holds the lock {lock_of(self.address)!r}")
        await self._connect_to(socket.AF_UNIX, (self.address,))

    async def _connect_once(self, family: int, address: tuple[Any, ...]) -> None:
        network = self._network
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            while True:
                try:
                    sock.connect(address[0])
                    break
                except BlockingIOError:
                    await asyncio.sleep(TRY_AGAIN)
        except BaseException:
            sock.close()
            raise
        UNIXStream(network.loop, sock, UNIXConnection(self, network.loop, network.outbox))
