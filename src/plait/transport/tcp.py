"""TCP: ports that listen, connectors that connect. TLS over TCP differs by a context only, so it is here too."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from plait import errors
from plait.deferred import Deferred, succeed
from plait.failure import Failure
from plait.interfaces import IConnector, IListeningPort, implementer
from plait.log import Logger
from plait.protocol import Protocol
from plait.transport.address import Address, IPv4Address, IPv6Address, from_socket
from plait.transport.stream import Connection, Outbox

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, AbstractServer, TimerHandle

T = TypeVar("T")

_log = Logger("plait.transport")

# How long to wait before we look whether there are file descriptors again, in seconds.
_LOOK_AGAIN = 0.1


class Network:
    """What the ports and connections of one loop share. The reactor makes it.

    Attributes: `loop`, `outbox`, `connections` (all that are open), `ports` (all that listen).
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.outbox = Outbox(loop)
        self.connections: set[Connection] = set()
        self.ports: set[Port] = set()
        limit = descriptor_limit()
        # Nobody is accepted with one of the last descriptors: files, logs and our own connections need some.
        self.last_descriptor = limit - min(64, max(4, limit // 8))
        # Half of what there is: what connects also needs descriptors once it is connected.
        self.gate = Gate(max(8, min(10_000, limit // 2)))


def descriptor_limit() -> int:
    """How many file descriptors this process may have."""
    try:
        import resource
    except ImportError:  # Windows: no such limit
        return 1 << 20
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft if 0 < soft < (1 << 20) else 1 << 20


class Gate:
    """Lets a limited number of attempts to connect be under way; the others wait their turn, without a descriptor.

    So a program may start a connection to each port of a host at once.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[Connector] = deque()

    def enter(self, connector: Connector) -> None:
        """Let `connector` begin, now or when others are done."""
        if self._free > 0:
            self._free -= 1
            connector._begin()
        else:
            self._waiting.append(connector)

    def give_up(self, connector: Connector) -> bool:
        """Take `connector` out of the queue; False if it was not in it."""
        try:
            self._waiting.remove(connector)
        except ValueError:
            return False
        return True

    def leave(self) -> None:
        """An attempt is over."""
        if self._waiting:
            self._waiting.popleft()._begin()
        else:
            self._free += 1


def _finish_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for (but, on asyncio, a turn of the loop for politeness)."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as e:
        result: T = e.value
        return result


def _family(interface: str) -> tuple[socket.AddressFamily, str]:
    """The family of an interface's address, and the address; an empty one means all IPv4 interfaces."""
    if ":" in interface:
        return socket.AF_INET6, interface
    return socket.AF_INET, interface


@implementer(IListeningPort)
class Port:
    """A listening TCP port.

    Attributes: `factory`, `port` (the number that was asked for), `interface`, `connected` (it listens).
    """

    def __init__(
        self,
        network: Network,
        port: int,
        factory: Any,
        backlog: int = 50,
        interface: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.port = port
        self.factory = factory
        self.backlog = backlog
        self.interface = interface
        self.connected = False
        self._network = network
        self._context = context
        self._socket: socket.socket | None = None
        self._server: AbstractServer | None = None
        self._look_again: TimerHandle | None = None

    def __repr__(self) -> str:
        where = f"on {self.getHost().port}" if self.connected else "(not listening)"  # type: ignore[union-attr]
        return f"<{type(self.factory).__module__}.{type(self.factory).__qualname__} {where}>"

    def startListening(self) -> None:
        """Bind and listen, now. Connections are taken when the reactor runs.

        :raises plait.errors.CannotListenError: if that cannot be: the port is taken, not allowed, or no address of ours.
        """
        family, address = _family(self.interface)
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
            sock = socket.socket(family, socket.SOCK_STREAM)
        except (OSError, OverflowError) as e:
            raise errors.CannotListenError(self.interface, self.port, e) from None
        try:
            if os.name == "posix":
                # on Windows this option would let two programs have the same port
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setblocking(False)
            sock.bind(info[0][4])
            sock.listen(self.backlog)
        except (OSError, OverflowError) as e:
            sock.close()
            raise errors.CannotListenError(self.interface, self.port, e) from None
        self._socket = sock
        self.connected = True
        try:
            self.factory.doStart()
            self._accept(sock.dup())
        except BaseException:
            sock.close()
            self._socket = None
            self.connected = False
            raise
        self._network.ports.add(self)
        _log.info("{factory} starting on {port}", factory=_name(self.factory), port=self.getHost().port)  # type: ignore[union-attr]

    def _accept(self, sock: socket.socket) -> None:
        """Let the loop take connections from `sock`, which is a copy: closing it leaves ours, and its queue, alone."""
        network = self._network
        self._server = _finish_now(
            network.loop.create_server(
                lambda: Connection(self, network.loop, network.outbox),
                sock=sock,
                backlog=self.backlog,
                ssl=self._context,
            )
        )

    def connection_ready(self, connection: Connection) -> Any:
        network = self._network
        handle = connection.getHandle()
        if handle.fileno() >= network.last_descriptor:
            self._pause_accepting()
        network.connections.add(connection)
        return self.factory.buildProtocol(connection.getPeer())

    def connection_gone(self, connection: Connection, reason: Failure) -> None:
        self._network.connections.discard(connection)

    def _pause_accepting(self) -> None:
        """We are about to run out of descriptors: leave those who come in the kernel's queue, until there are some."""
        if self._server is None or self._look_again is not None:
            return
        _log.warn(
            "Out of file descriptors (the limit is {limit}): port {port} takes no connections until some are closed. "
            "Raise the limit (ulimit -n) or bound the number of connections.",
            limit=descriptor_limit(),
            port=self.getHost().port,  # type: ignore[union-attr]
        )
        self._server.close()
        self._server = None
        self._look_again = self._network.loop.call_later(_LOOK_AGAIN, self._resume_accepting)

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
            self._look_again = self._network.loop.call_later(_LOOK_AGAIN, self._resume_accepting)
            return
        self._accept(copy)
        _log.info("Port {port} takes connections again", port=self.getHost().port)  # type: ignore[union-attr]

    def stopListening(self) -> Deferred[None]:
        """Take no more connections; those that are there stay. The port is free when this returns."""
        if self._socket is not None:
            number = self.getHost().port  # type: ignore[union-attr]
            if self._look_again is not None:
                self._look_again.cancel()
                self._look_again = None
            if self._server is not None:
                self._server.close()
                self._server = None
            self._socket.close()
            self._socket = None
            self.connected = False
            self._network.ports.discard(self)
            _log.info("({factory} port {port} closed)", factory=_name(self.factory), port=number)
            self.factory.doStop()
        return succeed(None)

    loseConnection = stopListening

    def getHost(self) -> Address:
        """The address that it listens at, with the port's real number.

        :raises plait.errors.NotListeningError: if it does not listen.
        """
        if self._socket is None:
            raise errors.NotListeningError("it has no address")
        return from_socket(self._socket.getsockname())

    def getHandle(self) -> Any:
        """The listening socket."""
        return self._socket

    def fileno(self) -> int:
        """The number of the listening socket's descriptor; -1 if it does not listen."""
        return self._socket.fileno() if self._socket is not None else -1


def _name(factory: Any) -> str:
    """The name of a factory in the log."""
    prefix = getattr(factory, "logPrefix", None)
    return str(prefix()) if prefix is not None else type(factory).__name__


@implementer(IConnector)
class Connector:
    """One destination: makes a connection to it, and makes it again when its factory says so.

    Attributes: `host`, `port`, `factory`, `timeout` (seconds, or None), `bindAddress`, `state` ("disconnected", "connecting",
    "connected"), `transport` (the connection, while there is one).
    """

    state: Literal["disconnected", "connecting", "connected"] = "disconnected"
    transport: Connection | None = None
    _factory_started = False
    _task: asyncio.Task[None] | None = None
    _timer: TimerHandle | None = None

    def __init__(
        self,
        network: Network,
        host: str,
        port: int,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
        context: ssl.SSLContext | None = None,
        hostname: str | None = None,
    ) -> None:
        self._network = network
        self.host = host
        self.port = port
        self.factory = factory
        self.timeout = timeout
        self.bindAddress = bindAddress
        self._context = context
        self._hostname = hostname

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

    def getDestination(self) -> IPv4Address | IPv6Address:
        """Where it connects to, as it was given."""
        if ":" in self.host:
            return IPv6Address("TCP", self.host, self.port)
        return IPv4Address("TCP", self.host, self.port)

    def _begin(self) -> None:
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
                self._failed(_connect_error(e))

    async def _connect_any(self) -> None:
        """Try the host's addresses in turn; the last error is raised if none will do."""
        loop = self._network.loop
        port = _port_number(self.port)
        family = socket.AF_UNSPEC
        if self.bindAddress is not None and self.bindAddress[0]:
            family = _family(self.bindAddress[0])[0]
        addresses = _numeric(self.host, port) or await loop.getaddrinfo(
            self.host, port, family=family, type=socket.SOCK_STREAM
        )
        error: Exception = OSError("the name has no address")
        for kind, _, proto, _, address in addresses:
            sock = socket.socket(kind, socket.SOCK_STREAM, proto)
            try:
                sock.setblocking(False)
                if self.bindAddress is not None:
                    _bind(sock, self.bindAddress)
                await loop.sock_connect(sock, address)
                if sock.getsockname() == sock.getpeername():
                    # TCP's simultaneous open with oneself, which happens on loopback: nobody listens there
                    raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
                _, connection = await loop.create_connection(
                    lambda: Connection(self, loop, self._network.outbox),
                    sock=sock,
                    ssl=self._context,
                    server_hostname=(self._hostname or self.host) if self._context is not None else None,
                )
                if connection.disconnected:
                    # Closed from within connectionMade: uvloop has closed the descriptor, and only then taken charge of
                    # the socket object, which would close that number once more when it is collected, whose ever it is
                    # by then.
                    sock.detach()
                return
            except OSError as e:
                sock.close()
                error = e
            except BaseException:
                sock.close()
                raise
        raise error

    def _end_attempt(self) -> None:
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _failed(self, error: errors.ConnectError) -> None:
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
        self._end_attempt()
        self.state = "connected"
        self.transport = connection
        self._network.connections.add(connection)
        protocol = self.factory.buildProtocol(connection.getPeer())
        if protocol is None:
            # the connection is there all the same, and the factory will be told of its end
            connection.disconnecting = True
            return Protocol()
        return protocol

    def connection_gone(self, connection: Connection, reason: Failure) -> None:
        self._network.connections.discard(connection)
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


def _connect_error(e: BaseException) -> errors.ConnectError:
    if isinstance(e, ssl.SSLCertVerificationError):
        return errors.SSLError(string=f"the certificate is not accepted: {e.verify_message}")
    if isinstance(e, ssl.SSLError):
        return errors.SSLError(string=str(e.reason or e))
    return errors.getConnectError(e)


def _port_number(port: int | str) -> int:
    """A port's number; a name is looked up among the system's services."""
    if isinstance(port, str):
        try:
            return socket.getservbyname(port, "tcp")
        except OSError as e:
            raise errors.ServiceNameUnknownError(string=f"{e} ({port!r})") from None
    return port


def _numeric(host: str, port: int) -> list[tuple[int, int, int, str, Any]]:
    """What getaddrinfo gives, if `host` is a literal address; else an empty list. It does not ask the network."""
    try:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)  # type: ignore[return-value]
    except (socket.gaierror, UnicodeError):
        return []


def _bind(sock: socket.socket, address: tuple[str, int]) -> None:
    try:
        sock.bind(address)
    except OSError as e:
        raise errors.ConnectBindError(e.errno, e.strerror or str(e)) from None
