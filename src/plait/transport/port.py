"""Ports: TCP sockets that listen, and what UNIX sockets have in common with them. With a context they speak TLS."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from plait import errors
from plait.deferred import Deferred, fail, succeed
from plait.failure import Failure
from plait.instruments import instruments
from plait.interfaces import IListeningPort, implementer
from plait.log import Logger
from plait.transport.address import Address, from_socket
from plait.transport.binding import Binding, usual_binding
from plait.transport.handover import Place, inherited
from plait.transport.network import LOOK_AGAIN, Network, Tally, descriptor_limit, family_of, name_in_log, tell
from plait.transport.stream import Connection
from plait.transport.tls import machine_for

if TYPE_CHECKING:
    from asyncio import AbstractServer, TimerHandle

    from plait.transport.unixstream import Acceptor

T = TypeVar("T")

_log = Logger("plait.transport")


@implementer(IListeningPort)
class Port:
    """A listening TCP port. With a `contextFactory` it speaks TLS.

    Attributes: `factory`, `port` (the number that was asked for), `interface`, `binding` (both, with the options), `connected`
    (it listens), `disconnected` (it has been stopped); `accepts` and `openConnections` count what has come.
    """

    is_client = False
    _kind = "TCP"

    def __init__(
        self,
        network: Network,
        port: Any,
        factory: Any,
        backlog: int = 50,
        interface: str = "",
        contextFactory: Any = None,
    ) -> None:
        if isinstance(port, Binding):
            if interface not in ("", port.host):
                raise ValueError(f"the binding says {port.host!r} and `interface` says {interface!r}: give one of them")
            self.binding, port, interface = port, port.port, port.host
        else:
            self.binding = usual_binding(interface, port)
        self.port = port
        self.factory = factory
        self.backlog = backlog
        self.interface = interface
        self.connected = False
        self.disconnected = False
        self._network = network
        self.contextFactory = contextFactory
        self._socket: socket.socket | None = None
        self._adopted: socket.socket | None = None
        self._server: AbstractServer | Acceptor | None = None
        self._copy: socket.socket  # what that takes connections from
        self._look_again: TimerHandle | None = None
        self.place: Place | None = None
        self._sessions = 0
        self._tally = Tally()

    def __repr__(self) -> str:
        where = f"on {self._quoted()}" if self.connected else "(not listening)"
        return f"<{type(self.factory).__module__}.{type(self.factory).__name__} {where}>"

    def _name(self) -> str:
        """The name of the place where it listens, for people."""
        return str(self.getHost().port)  # type: ignore[union-attr]

    def _quoted(self) -> str:
        return self._name()

    def _tell(self, text: str) -> None:
        tell(text)

    def adopt(self, sock: socket.socket) -> None:
        """Use a socket that listens already, when `startListening` is called."""
        self._adopted = sock

    def startListening(self) -> None:
        """Bind and listen, now. Connections are taken when the reactor runs.

        :raises plait.errors.CannotListenError: if that cannot be: the port is taken, not allowed, or no address of ours.
        """
        self.place = self._place() if self._adopted is None else None
        sock = self._adopted or self._take_over() or inherited.open(self.place, self._open, self.hand_over)
        try:
            copy = sock.dup()
        except OSError as e:
            self._gave_up(sock)
            raise errors.CannotListenError(self.interface, self.port, e) from None
        self._adopted = None
        sock.setblocking(False)
        self._socket = sock
        self.connected = True
        self.disconnected = False
        security = " (TLS)" if self.contextFactory is not None else ""
        self._tell(f"{name_in_log(self.factory)}{security} starting on {self._quoted()}")
        try:
            self.factory.doStart()
            self._accept(copy)
        except BaseException:
            copy.close()
            self._gave_up(sock)
            self._socket = None
            self.connected = False
            raise
        self._network.ports.add(self)

    def _place(self) -> Place | None:
        """What was asked for, by which the next process finds the socket."""
        return self._kind, self.interface, str(self.port)

    def _take_over(self) -> socket.socket | None:
        """A socket that the process before us has listened with, and handed on."""
        return inherited.take(self.place)

    def hand_over(self, pid: int) -> None:
        """The process `pid` goes on with the socket: leave what belongs to it."""

    def _gave_up(self, sock: socket.socket) -> None:
        """It cannot listen after all."""
        sock.close()

    def _open(self) -> socket.socket:
        """A socket that listens; CannotListenError if that cannot be."""
        sock = self._bind()
        try:
            sock.listen(self.backlog)
        except OSError as e:
            self._gave_up(sock)
            raise errors.CannotListenError(self.interface, self.port, e) from None
        return sock

    def _bind(self) -> socket.socket:
        """A bound socket; CannotListenError if that cannot be."""
        family, address = family_of(self.interface)
        if not 0 <= self.port <= 65535:
            error = OverflowError("a port's number is from 0 to 65535")
            raise errors.CannotListenError(self.interface, self.port, error)
        try:
            info = socket.getaddrinfo(
                address or ("::" if family == socket.AF_INET6 else "0.0.0.0"),
                self.port,
                family,
                socket.SOCK_STREAM,
                0,
                socket.AI_PASSIVE,
            )
            sock = self._new_socket(family)
        except (OSError, OverflowError) as e:
            raise errors.CannotListenError(self.interface, self.port, e) from None
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(info[0][4])
        except (OSError, OverflowError) as e:
            sock.close()
            raise errors.CannotListenError(self.interface, self.port, e) from None
        return sock

    def _new_socket(self, family: int) -> socket.socket:
        """A socket with its options, before it is bound."""
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.binding.apply(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def _accept(self, sock: socket.socket) -> None:
        """Let the loop take connections from `sock`, which is a copy: closing it leaves ours, and its queue, alone."""
        network = self._network
        self._copy = sock
        self._server = _finish_now(
            network.loop.create_server(
                lambda: Connection(self, network.loop, network.outbox),
                sock=sock,
                backlog=self.backlog,
            )
        )

    def _accept_no_more(self) -> None:
        server, self._server = self._server, None
        if isinstance(server, asyncio.Server):
            # asyncio tells of what it has taken two turns later, and would drop it if its server was closed by then
            try:
                self._network.loop.remove_reader(self._copy)
                self._copy.close()
                return
            except NotImplementedError:
                pass  # Windows' own loop
        if server is not None:
            server.close()

    def connection_ready(self, connection: Connection) -> Any:
        network = self._network
        if connection.fileno() >= network.last_descriptor:
            self._pause_accepting()
        connection.sessionno = self._sessions
        self._sessions += 1
        network.accepts += 1
        network.connections.add(connection)
        if network.connection_begun is not None:
            network.loop.call_soon(network.connection_begun, connection)
        protocol = self.factory.buildProtocol(connection.getPeer())
        if protocol is not None and self.contextFactory is not None:
            # asked for each connection, so that a factory can give a new certificate while we serve
            connection.secure(machine_for(self.contextFactory, False, None, self.factory))
        if instruments.accepted is not None and protocol is not None:
            instruments.accepted(connection, protocol)
        return protocol

    def connection_gone(self, connection: Connection, reason: Failure) -> None:
        self._tally.add(connection)
        self._network.forget(connection)

    @property
    def accepts(self) -> int:
        """How many connections it has taken so far."""
        return self._sessions

    @property
    def openConnections(self) -> int:
        """How many of them are open."""
        return self._sessions - self._tally.ended

    def _pause_accepting(self) -> None:
        """We are about to run out of descriptors: leave those who come in the kernel's queue, until there are some."""
        if self._server is None or self._look_again is not None:
            return
        _log.warn(
            "Out of file descriptors (the limit is {limit}): port {port} takes no connections until some are closed. "
            "Raise the limit (ulimit -n) or bound the number of connections.",
            limit=descriptor_limit(),
            port=self._name(),
        )
        if not isinstance(self._server, asyncio.Server):
            self._server.close()
            self._server = None
        # asyncio's own loop takes many at once before it tells us of the first, and would lose them if we closed its server
        # now. It goes on to the last descriptor, then waits a second by itself, and tries again.
        self._look_again = self._network.loop.call_later(LOOK_AGAIN, self._resume_accepting)

    def _resume_accepting(self) -> None:
        self._look_again = None
        if self._socket is None:
            return
        try:
            copy = self._socket.dup()  # the lowest number that is free: it tells how things are
        except OSError:
            copy = None
        if copy is None or copy.fileno() >= self._network.last_descriptor:
            if copy is not None:
                copy.close()
            self._look_again = self._network.loop.call_later(LOOK_AGAIN, self._resume_accepting)
            return
        if self._server is None:
            self._accept(copy)
        else:
            copy.close()
        _log.info("Port {port} takes connections again", port=self._name())

    def stopListening(self) -> Deferred[None]:
        """Take no more connections; those that are there stay. The port is free when this returns.

        The Deferred fails with what the factory's `stopFactory` raised.
        """
        try:
            self._close()
        except Exception:
            return fail()
        return succeed(None)

    loseConnection = stopListening

    def connectionLost(self, reason: Failure) -> None:
        """As `stopListening`, for those who treat a port as they treat a connection; `reason` is not looked at.

        What the factory's `stopFactory` raises is raised.
        """
        self._close()

    def _close(self) -> None:
        if self._socket is None:
            return
        name = self._name()
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        self._accept_no_more()
        self._socket.close()
        self._socket = None
        self.connected = False
        self.disconnected = True
        self._network.ports.discard(self)
        self._tell(f"({self._kind if self.contextFactory is None else 'TLS'} Port {name} Closed)")
        self.factory.doStop()

    def getHost(self) -> Address:
        """The address that it listens at, with the port's real number.

        :raises plait.errors.NotListeningError: if it does not listen.
        """
        if self._socket is None:
            raise errors.NotListeningError("it has no address")
        return from_socket(self._socket.getsockname())

    def getHandle(self) -> Any:
        """The listening socket, or None if it does not listen."""
        return self._socket

    @property
    def socket(self) -> Any:
        """As `getHandle`."""
        return self._socket

    def fileno(self) -> int:
        """The number of the listening socket's descriptor; -1 if it does not listen."""
        return self._socket.fileno() if self._socket is not None else -1


def _finish_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for (but, on asyncio, a turn of the loop for politeness)."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as e:
        result: T = e.value
        return result
