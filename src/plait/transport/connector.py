"""Connectors: TCP connections that we make. With a context they speak TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any, Literal

from plait import errors
from plait.failure import Failure
from plait.interfaces import IConnector, implementer
from plait.log import Logger
from plait.protocol import Protocol
from plait.transport.address import Address, IPv4Address, IPv6Address
from plait.transport.binding import Binding, binding_of
from plait.transport.lookups import Answer, look_up, numeric
from plait.transport.names import ask
from plait.transport.network import LOOK_AGAIN, Network, family_of
from plait.transport.stream import Connection
from plait.transport.tls import machine_for

if TYPE_CHECKING:
    from asyncio import TimerHandle

_log = Logger("plait.transport")


@implementer(IConnector)
class Connector:
    """One destination: makes a connection to it, and makes it again when its factory says so.

    Attributes: `host`, `port`, `factory`, `timeout` (seconds, or None), `bindAddress`, `state` ("disconnected", "connecting",
    "connected"), `transport` (the connection, while there is one).
    """

    is_client = True
    state: Literal["disconnected", "connecting", "connected"] = "disconnected"
    transport: Connection | None = None
    _local: tuple[Any, ...] | None = None  # the address to connect from, if it is not any
    _factory_started = False
    _task: asyncio.Task[None] | None = None
    _timer: TimerHandle | None = None

    def __init__(
        self,
        network: Network,
        host: str,
        port: int | str,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: Binding | tuple[str, int] | None = None,
        contextFactory: Any = None,
    ) -> None:
        self._network = network
        self._binding = binding_of(bindAddress)
        self.host = host
        self.port = _port_number(port)
        self.factory = factory
        self.timeout = timeout
        self.bindAddress = bindAddress
        self.contextFactory = contextFactory

    def __repr__(self) -> str:
        return f"<Connector to {self.host}:{self.port}, {self.state}>"

    def connect(self) -> None:
        """Begin to connect.

        :raises RuntimeError: if it is connected, or connecting.
        """
        if self.state != "disconnected":
            raise RuntimeError(f"cannot connect in this state: {self.state}")
        self.state = "connecting"
        if not self._factory_started:
            self.factory.doStart()
            self._factory_started = True
        self.factory.startedConnecting(self)
        if self.state == "connecting":
            self._network.gate.enter(self)

    def stopConnecting(self) -> None:
        """Call the attempt off; the factory is told with a `UserError`.

        :raises plait.errors.NotConnectingError: if there is none.
        """
        if self.state != "connecting":
            raise errors.NotConnectingError("we're not trying to connect")
        self._call_off(errors.UserError())

    def disconnect(self) -> None:
        """End what there is: the attempt, or the connection."""
        if self.state == "connecting":
            self.stopConnecting()
        elif self.state == "connected" and self.transport is not None:
            self.transport.loseConnection()

    def getDestination(self) -> Address:
        """Where it connects to, as it was given."""
        if ":" in self.host:
            return IPv6Address("TCP", self.host, self.port)
        return IPv4Address("TCP", self.host, self.port)

    def begin(self) -> None:
        """It is our turn: connect in a task of the loop."""
        loop = self._network.loop
        if self.timeout is not None:
            self._timer = loop.call_later(self.timeout, self._call_off, errors.TimeoutError())
        self._task = loop.create_task(self._attempt())
        # not in a `finally` of the attempt: a task that is cancelled before its first step runs nothing of it
        self._task.add_done_callback(lambda _: self._network.gate.leave())

    def _call_off(self, error: errors.ConnectError) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self._network.gate.give_up(self)
        self._failed(error)

    async def _attempt(self) -> None:
        try:
            await self._connect_any()
        except asyncio.CancelledError:
            if self.state == "connecting" and self._task is asyncio.current_task():
                # somebody else cancels all tasks, as asyncio.run does at its end
                self._failed(errors.UserError())
                raise
        except Exception as e:
            if self.state == "connecting" and self._task is asyncio.current_task():
                self._failed(e if isinstance(e, errors.DNSLookupError) else errors.getConnectError(e))

    async def _connect_any(self) -> None:
        """Try the host's addresses in turn; the last error is raised if none will do."""
        if not 0 <= self.port <= 65535:
            raise errors.ConnectError(string=f"port must be 0-65535, not {self.port}")
        family = socket.AF_UNSPEC
        if self._binding is not None and self._binding.host:
            family = family_of(self._binding.host)[0]
            self._local = (await self._look_up(self._binding.host, self._binding.port, family))[0][4]
        addresses = await self._look_up(self.host, self.port, family)
        error: Exception = OSError("the name has no address")
        for kind, _, _, _, address in addresses:
            try:
                await self._connect_to(kind, address)
            except OSError as e:
                bind_errors = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)
                if self._binding is not None and e.errno in bind_errors:
                    raise errors.ConnectBindError(e.errno, os.strerror(e.errno)) from None
                error = e
            else:
                return
        raise error

    async def _look_up(self, host: str, port: int, family: int) -> Answer:
        resolver = self._network.name_resolver
        if resolver is None:
            return await look_up(self._network.loop, host, port, family)
        return numeric(host, port) or await _ask(resolver, host, port, family)

    async def _connect_to(self, family: int, address: tuple[Any, ...]) -> None:
        """Connect to one address. Without a file descriptor for it, wait until there is one."""
        told = False
        while True:
            try:
                await self._connect_once(family, address)
                return
            except OSError as e:
                if e.errno not in (errno.EMFILE, errno.ENFILE):
                    raise
                if not told:
                    told = True
                    _log.warn("{connector} waits for a file descriptor (raise the limit: ulimit -n)", connector=self)
            await asyncio.sleep(LOOK_AGAIN)

    async def _connect_once(self, family: int, address: tuple[Any, ...]) -> None:
        loop = self._network.loop
        binding = self._binding
        local = None if binding is None else self._local or (_ANY[family], binding.port)
        shared = binding is not None and (binding.reuseAddress or binding.reusePort)
        if shared or _has_zone(address) or (local is not None and _has_zone(local)):
            await self._connect_socket(family, address, local)
            return
        # By address: what comes of it belongs to the loop alone, which is simpler than `_connect_socket`.
        await loop.create_connection(
            lambda: Connection(self, loop, self._network.outbox),
            address[0],
            address[1],
            family=family,
            local_addr=None if local is None else local[:2],
        )

    async def _connect_socket(self, family: int, address: tuple[Any, ...], local: tuple[Any, ...] | None) -> None:
        """Connect with a socket of ours: the loops know no options, and would look up an address that has a zone."""
        loop = self._network.loop
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if self._binding is not None and local is not None:
                self._binding.apply(sock)
                sock.bind(local)
            if _has_zone(address) and not isinstance(loop, asyncio.BaseEventLoop):
                await _connect_to_zone(loop, sock, address)
            else:
                await loop.sock_connect(sock, address)
            transport, _ = await loop.create_connection(lambda: Connection(self, loop, self._network.outbox), sock=sock)
        except BaseException:
            sock.close()
            raise
        if transport.is_closing() and not isinstance(loop, asyncio.BaseEventLoop):
            # connectionMade has closed the connection; uvloop then forgets whose socket it is, and closes it twice
            sock.detach()

    def _end_attempt(self) -> None:
        """The outcome is known; the task, if it goes on, has nothing more to say."""
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _failed(self, error: Exception) -> None:
        self._end_attempt()
        self.state = "disconnected"
        try:
            self.factory.clientConnectionFailed(self, Failure(error))
        except BaseException as e:
            _log.failure("Unhandled error in clientConnectionFailed of {factory!r}", Failure(e), factory=self.factory)
        self._maybe_stop_factory()

    def connection_ready(self, connection: Connection) -> Any:
        if self.state != "connecting":
            return None  # it was called off a moment ago
        if connection.getHost() == connection.getPeer():
            # TCP's simultaneous open with oneself, which happens on loopback: nobody listens there
            self._failed(errors.ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)))
            return None
        self._end_attempt()
        self.state = "connected"
        self.transport = connection
        self._network.connections.add(connection)
        protocol = self.factory.buildProtocol(connection.getPeer())
        if protocol is None:
            # the connection is there all the same, and the factory will be told of its end
            connection.disconnecting = True
            return Protocol()
        if self.contextFactory is not None:
            connection.secure(machine_for(self.contextFactory, True, self.host, self.factory))
        return protocol

    def connection_gone(self, connection: Connection, reason: Failure) -> None:
        self._network.forget(connection)
        if self.transport is not connection:
            return
        self.transport = None
        self.state = "disconnected"
        try:
            self.factory.clientConnectionLost(self, reason)
        finally:
            self._maybe_stop_factory()

    def _maybe_stop_factory(self) -> None:
        # the factory may have called connect() again
        if self.state == "disconnected" and self._factory_started:
            self._factory_started = False
            self.factory.doStop()


def _port_number(port: int | str) -> int:
    """A port's number; a name is looked up among the system's services."""
    if isinstance(port, str):
        try:
            return socket.getservbyname(port, "tcp")
        except OSError as e:
            raise errors.ServiceNameUnknownError(string=f"{e} ({port!r})") from None
    return port


async def _ask(resolver: Any, host: str, port: int, family: int) -> Answer:
    """What getaddrinfo would give, from the resolver that is installed."""
    only = {int(socket.AF_INET): IPv4Address, int(socket.AF_INET6): IPv6Address}.get(family)
    found = await ask(resolver, host, port, [only] if only is not None else (IPv4Address, IPv6Address))
    return [answer for address in found for answer in numeric(address.host, port)]


async def _connect_to_zone(loop: asyncio.AbstractEventLoop, sock: socket.socket, address: tuple[Any, ...]) -> None:
    """As `sock_connect`, in which uvloop loses the zone."""
    try:
        sock.connect(address)
    except BlockingIOError:
        done = asyncio.Event()
        loop.add_writer(sock, done.set)
        try:
            await done.wait()
        finally:
            loop.remove_writer(sock)
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error)) from None


def _has_zone(address: tuple[Any, ...]) -> bool:
    """Whether an address of a socket has a zone (RFC 4007 section 11)."""
    return len(address) == 4 and bool(address[3])


_ANY: dict[int, str] = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
