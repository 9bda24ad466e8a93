"""Services that listen, that connect, and that do something every few seconds.

The arguments of a server or client service are those of the reactor's method of that name (`TCPServer`: `listenTCP`),
and are handed to it when the service starts. `reactor`, by keyword only, is the reactor to use; the current one is
taken at the start if none is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.current import getReactor
from plait.deferred import Deferred, maybeDeferred, succeed
from plait.failure import Failure
from plait.log import Logger
from plait.service.base import Service, describe
from plait.task import LoopingCall
from plait.transport.tlsserver import reload_certificates

if TYPE_CHECKING:
    import os

_log = Logger(namespace="plait.service")


class _Server(Service):
    """Listens from the start to the stop. The port is opened in the privileged part of the start, if there is one."""

    method: str
    _verb = "listen"
    _port: Any = None
    _unsaved = Service._unsaved | {"_port"}

    def __init__(self, *args: Any, reactor: Any = None, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.reactor = reactor

    def privilegedStartService(self) -> None:
        """Open the port. CannotListenError if it is taken or not ours to open."""
        super().privilegedStartService()
        self._port = self._open()

    def startService(self) -> None:
        """Open the port if that was not done before. CannotListenError if it is taken or not ours to open."""
        super().startService()
        if self._port is None:
            self._port = self._open()

    def stopService(self) -> Deferred[Any] | None:
        """Close the port. The Deferred fires when it is closed; connections that are there stay."""
        super().stopService()
        if self._port is None:
            return None
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening)

    def getHost(self) -> Any:
        """The address on which the service listens: ask it for the number where port 0 was asked for.

        RuntimeError while the service does not run.
        """
        if self._port is None:
            raise RuntimeError(f"{describe(self)} does not listen: start it first")
        return self._port.getHost()

    def _open(self) -> Any:
        return getattr(self.reactor or getReactor(), self._verb + self.method)(*self.args, **self.kwargs)


class _Client(Service):
    """Connects at the start, disconnects at the stop."""

    method: str
    _connection: Any = None
    _unsaved = Service._unsaved | {"_connection"}

    def __init__(self, *args: Any, reactor: Any = None, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.reactor = reactor

    def startService(self) -> None:
        """Start to connect. Whether that works out, the client factory is told."""
        super().startService()
        self._connection = getattr(self.reactor or getReactor(), "connect" + self.method)(*self.args, **self.kwargs)

    def stopService(self) -> None:
        """Disconnect, or give up the attempt. A factory that reconnects has to be told to stop, too."""
        super().stopService()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()


class TCPServer(_Server):
    """Serves the factory's protocol on a TCP port."""

    method = "TCP"

    if TYPE_CHECKING:

        def __init__(
            self, port: int, factory: Any, backlog: int = 50, interface: str = "", *, reactor: Any = None
        ) -> None: ...


class SSLServer(_Server):
    """Serves the factory's protocol on a TCP port, inside TLS."""

    method = "SSL"

    def reloadService(self) -> None:
        """Load the certificates anew, if the context factory can (`plait.transport.tls.ServerContexts`).

        Connections that are there go on; a file that will not do is logged, and what was there stays in use.
        """
        reload_certificates(self.args[2] if len(self.args) > 2 else self.kwargs.get("contextFactory"))

    if TYPE_CHECKING:

        def __init__(
            self,
            port: int,
            factory: Any,
            contextFactory: Any,
            backlog: int = 50,
            interface: str = "",
            *,
            reactor: Any = None,
        ) -> None: ...


class UDPServer(_Server):
    """Receives datagrams at a UDP port."""

    method = "UDP"

    if TYPE_CHECKING:

        def __init__(
            self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192, *, reactor: Any = None
        ) -> None: ...


class MulticastServer(_Server):
    """Receives datagrams at a UDP port, whose protocol can join groups."""

    method = "Multicast"

    if TYPE_CHECKING:

        def __init__(
            self,
            port: int,
            protocol: Any,
            interface: str = "",
            maxPacketSize: int = 8192,
            listenMultiple: bool = False,
            *,
            reactor: Any = None,
        ) -> None: ...


class UNIXServer(_Server):
    """Serves the factory's protocol at a UNIX socket."""

    method = "UNIX"

    if TYPE_CHECKING:

        def __init__(
            self,
            address: str | bytes | os.PathLike[str],
            factory: Any,
            backlog: int = 50,
            mode: int = 0o666,
            wantPID: bool = False,
            *,
            reactor: Any = None,
        ) -> None: ...


class UNIXDatagramServer(_Server):
    """Receives datagrams at a UNIX socket."""

    method = "UNIXDatagram"

    if TYPE_CHECKING:

        def __init__(
            self,
            address: str | bytes | os.PathLike[str],
            protocol: Any,
            maxPacketSize: int = 8192,
            mode: int = 0o666,
            *,
            reactor: Any = None,
        ) -> None: ...


class TCPClient(_Client):
    """Connects over TCP. `timeout` is in seconds, `bindAddress` a pair of host and port to connect from."""

    method = "TCP"

    if TYPE_CHECKING:

        def __init__(
            self,
            host: str,
            port: int,
            factory: Any,
            timeout: float = 30,
            bindAddress: tuple[str, int] | None = None,
            *,
            reactor: Any = None,
        ) -> None: ...


class SSLClient(_Client):
    """Connects over TCP and speaks TLS. `timeout` is in seconds."""

    method = "SSL"

    if TYPE_CHECKING:

        def __init__(
            self,
            host: str,
            port: int,
            factory: Any,
            contextFactory: Any,
            timeout: float = 30,
            bindAddress: tuple[str, int] | None = None,
            *,
            reactor: Any = None,
        ) -> None: ...


class UNIXClient(_Client):
    """Connects to a UNIX socket. `timeout` is in seconds."""

    method = "UNIX"

    if TYPE_CHECKING:

        def __init__(
            self,
            address: str | bytes | os.PathLike[str],
            factory: Any,
            timeout: float = 30,
            checkPID: bool = False,
            *,
            reactor: Any = None,
        ) -> None: ...


class UNIXDatagramClient(_Server):
    """Exchanges datagrams with one UNIX socket. What it has is a port, which is opened and closed as a server's is."""

    method = "UNIXDatagram"
    _verb = "connect"

    if TYPE_CHECKING:

        def __init__(
            self,
            address: str | bytes | os.PathLike[str],
            protocol: Any,
            maxPacketSize: int = 8192,
            mode: int = 0o666,
            bindAddress: str | bytes | os.PathLike[str] | None = None,
            *,
            reactor: Any = None,
        ) -> None: ...


class TimerService(Service):
    """Calls a function every `step` seconds, at first when the service starts.

    A call that returns a Deferred is waited for; what falls due meanwhile is left out. A call that fails ends the calls:
    a supervisor starts the service again; without one the failure is logged, and the rest of the program runs on.
    """

    clock: Any = None
    """Where the time comes from: the current reactor, unless a test sets a `plait.task.Clock` here."""

    _unsaved = Service._unsaved | {"clock", "_loop", "_finished"}

    def __init__(self, step: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.step = step
        self.call = (callable, args, kwargs)
        self._loop: LoopingCall | None = None

    def startService(self) -> None:
        """Make the first call, and all that follow."""
        super().startService()
        function, args, kwargs = self.call
        self._loop = LoopingCall(function, *args, **kwargs)
        self._loop.clock = self.clock or getReactor()
        self._finished = self._loop.start(self.step, now=True).addCallbacks(lambda loop: None, self._failed)

    def stopService(self) -> Deferred[None]:
        """Make no more calls. The Deferred fires when a call that still runs has ended; until then, so does the service."""
        loop = self.__dict__.get("_loop")
        if loop is None:
            super().stopService()
            return succeed(None)
        if loop.running:
            loop.stop()
        stopped: Deferred[None] = Deferred()

        def finished(_: object) -> None:
            if self._loop is loop:  # it was not started again
                self._loop = None
                super(TimerService, self).stopService()
            stopped.callback(None)

        self._finished.addCallback(finished)
        return stopped

    def _failed(self, failure: Failure) -> None:
        self.reportFailure(failure)
