"""A reactor that only notes what it is asked: for tests of what a program asks of one.

reactor = MemoryReactorClock()
startMyServer(reactor)
port, factory, backlog, interface = reactor.tcpServers[0]
reactor.advance(60)
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from plait.deferred import Deferred, succeed
from plait.failure import Failure
from plait.interfaces import (
    IClientFactory,
    IConnector,
    IListeningPort,
    IProtocolFactory,
    IReactorCore,
    IReactorFDSet,
    IReactorPluggableNameResolver,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorThreads,
    IReactorTime,
    IReactorUNIX,
    IReadDescriptor,
    IWriteDescriptor,
    implementer,
)
from plait.log import Logger
from plait.task import Clock
from plait.transport import IPv4Address, IPv6Address
from plait.transport.address import Address, UNIXAddress

_log = Logger("plait.testing")

_Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]


def _address(host: str, port: int) -> Address:
    """The address that was asked for; a name, which nobody looks up here, stands where its address would."""
    return IPv6Address("TCP", host, port) if ":" in host else IPv4Address("TCP", host, port)


# What a socket that was adopted listens on.
_ANY: dict[int, Address] = {
    socket.AF_INET: IPv4Address("TCP", "0.0.0.0", 1234),
    socket.AF_INET6: IPv6Address("TCP", "::", 1234),
}


@implementer(IListeningPort)
class MemoryPort:
    """What listening on a `MemoryReactor` returns. `listening` says whether it does."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self.listening = True

    def startListening(self) -> None:
        """Note that it listens."""
        self.listening = True

    def stopListening(self) -> Deferred[None]:
        """Note that it listens no more."""
        self.listening = False
        return succeed(None)

    def getHost(self) -> Address:
        """The address that was asked for, also if that was port 0."""
        return self._address


@implementer(IConnector)
class MemoryConnector:
    """What connecting with a `MemoryReactor` returns; it notes what is asked of it.

    Attributes: `stoppedConnecting` and `disconnected` (bool), `connects` (how often `connect` was called).
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self.stoppedConnecting = False
        self.disconnected = False
        self.connects = 0

    @property
    def _disconnected(self) -> bool:
        return self.disconnected  # Twisted's name for it, which tests of programs look at

    def stopConnecting(self) -> None:
        """Note it."""
        self.stoppedConnecting = True

    def disconnect(self) -> None:
        """Note it."""
        self.disconnected = True

    def connect(self) -> None:
        """Count it."""
        self.connects += 1

    def getDestination(self) -> Address:
        """The address that was asked for."""
        return self._address


class MemoryThreadPool:
    """A thread pool without threads: what is to be called is called at once."""

    def callInThread(self, func: Callable[..., object], *args: object, **kw: object) -> None:
        """Make the call now; an error is logged."""
        self.callInThreadWithCallback(None, func, *args, **kw)

    def callInThreadWithCallback(
        self, onResult: Callable[[bool, Any], object] | None, func: Callable[..., object], *args: object, **kw: object
    ) -> None:
        """Make the call now, and then ``onResult(success, result or Failure)``."""
        try:
            success, result = True, func(*args, **kw)
        except Exception:
            success, result = False, Failure()
            if onResult is None:
                _log.failure("Unhandled error in a thread, in {func!r}", result, func=func)
        if onResult is not None:
            onResult(success, result)


@implementer(
    IReactorCore,
    IReactorTCP,
    IReactorSSL,
    IReactorUNIX,
    IReactorPluggableNameResolver,
    IReactorSocket,
    IReactorFDSet,
    IReactorThreads,
)
class MemoryReactor:
    """A reactor without a network. No connection is ever made; what is asked for is kept as the arguments of the call:

    - `tcpServers`: (port, factory, backlog, interface)
    - `tcpClients`: (host, port, factory, timeout, bindAddress)
    - `sslServers`: (port, factory, contextFactory, backlog, interface)
    - `sslClients`: (host, port, factory, contextFactory, timeout, bindAddress)
    - `unixServers`: (address, factory, backlog, mode, wantPID)
    - `unixClients`: (address, factory, timeout, checkPID)
    - `adoptedPorts`, `adoptedStreamConnections`: (fileDescriptor, addressFamily, factory)
    - `adoptedDatagramPorts`: (fileDescriptor, addressFamily, protocol, maxPacketSize)
    - `connectors`: the `MemoryConnector` of each client, in order
    - `readers`, `writers`: the descriptors that are watched; nothing is ever ready
    - `running`, `hasRun`, `hasStopped`, `hasCrashed`: what was done with the reactor itself
    - `whenRunningHooks`: (callable, args, kwargs) that wait for `run`
    - `triggers`: phase -> event type -> list of (callable, args, kwargs)
    - `threadPoolSize`: what was last suggested, or None. There are no threads: all is called at once.
    """

    def __init__(self) -> None:
        self.running = False
        self.hasRun = False
        self.hasStopped = False
        self.hasCrashed = False
        self.whenRunningHooks: list[_Call] = []
        self.triggers: dict[str, dict[str, list[_Call]]] = {}
        self.tcpServers: list[tuple[int, IProtocolFactory, int, str]] = []
        self.tcpClients: list[tuple[str, int, IClientFactory, float, tuple[str, int] | None]] = []
        self.sslServers: list[tuple[int, IProtocolFactory, Any, int, str]] = []
        self.sslClients: list[tuple[str, int, IClientFactory, Any, float, tuple[str, int] | None]] = []
        self.unixServers: list[tuple[str | bytes, IProtocolFactory, int, int, bool]] = []
        self.unixClients: list[tuple[str | bytes, IClientFactory, float, bool]] = []
        self.adoptedPorts: list[tuple[int, int, IProtocolFactory]] = []
        self.adoptedStreamConnections: list[tuple[int, int, IProtocolFactory]] = []
        self.adoptedDatagramPorts: list[tuple[int, int, Any, int]] = []
        self.connectors: list[MemoryConnector] = []
        self.readers: list[IReadDescriptor] = []
        self.writers: list[IWriteDescriptor] = []
        self.threadPoolSize: int | None = None
        self.nameResolver: Any = None
        self._thread_pool = MemoryThreadPool()

    def run(self) -> None:
        """Make the calls that wait for it. It comes back at once, and counts as running until `stop` or `crash`."""
        self.running = True
        self.hasRun = True
        hooks, self.whenRunningHooks = self.whenRunningHooks, []
        for function, args, kwargs in hooks:
            function(*args, **kwargs)

    def stop(self) -> None:
        """Note it. Triggers are not run: see `fireSystemEvent`."""
        self.running = False
        self.hasStopped = True

    def crash(self) -> None:
        """Note it."""
        self.running = False
        self.hasCrashed = True

    def iterate(self, delay: float = 0) -> None:
        """Nothing happens here that one could wait for."""

    def resolve(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """NotImplementedError: there is no network to ask."""
        raise NotImplementedError("a MemoryReactor has no network to look a name up in; give your code a resolver")

    def installNameResolver(self, resolver: Any) -> Any:
        """Ask `resolver` from now on, in `nameResolver`. Returns the one before, None at first."""
        before, self.nameResolver = self.nameResolver, resolver
        return before

    def callWhenRunning(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Make the call when `run` is called; now, if it runs."""
        if self.running:
            callable(*args, **kwargs)
        else:
            self.whenRunningHooks.append((callable, args, kwargs))

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> Any:
        """Keep the call in `triggers`."""
        call: _Call = (callable, args, kwargs)
        self.triggers.setdefault(phase, {}).setdefault(eventType, []).append(call)
        return phase, eventType, call

    def removeSystemEventTrigger(self, triggerID: Any) -> None:
        """Take a call out of `triggers`. ValueError or KeyError if it is not there."""
        phase, event_type, call = triggerID
        self.triggers[phase][event_type].remove(call)

    def fireSystemEvent(self, eventType: str) -> None:
        """Make the calls in `triggers`, phase by phase; Deferreds that they return are not waited for."""
        for phase in ("before", "during", "after"):
            for function, args, kwargs in self.triggers.get(phase, {}).pop(eventType, []):
                function(*args, **kwargs)

    def listenTCP(self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = "") -> MemoryPort:
        """Keep the arguments in `tcpServers`."""
        self.tcpServers.append((port, factory, backlog, interface))
        return MemoryPort(_address(interface or "0.0.0.0", port))

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: IClientFactory,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> MemoryConnector:
        """Keep the arguments in `tcpClients`, and tell the factory that an attempt begins."""
        self.tcpClients.append((host, port, factory, timeout, bindAddress))
        return self._connector(_address(host, port), factory)

    def listenSSL(
        self, port: int, factory: IProtocolFactory, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> MemoryPort:
        """Keep the arguments in `sslServers`."""
        self.sslServers.append((port, factory, contextFactory, backlog, interface))
        return MemoryPort(_address(interface or "0.0.0.0", port))

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: IClientFactory,
        contextFactory: Any,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> MemoryConnector:
        """Keep the arguments in `sslClients`, and tell the factory that an attempt begins."""
        self.sslClients.append((host, port, factory, contextFactory, timeout, bindAddress))
        return self._connector(_address(host, port), factory)

    def listenUNIX(
        self,
        address: str | bytes,
        factory: IProtocolFactory,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> MemoryPort:
        """Keep the arguments in `unixServers`."""
        self.unixServers.append((address, factory, backlog, mode, wantPID))
        return MemoryPort(UNIXAddress(address))

    def connectUNIX(
        self, address: str | bytes, factory: IClientFactory, timeout: float = 30, checkPID: bool = False
    ) -> MemoryConnector:
        """Keep the arguments in `unixClients`, and tell the factory that an attempt begins."""
        self.unixClients.append((address, factory, timeout, checkPID))
        return self._connector(UNIXAddress(address), factory)

    def _connector(self, address: Address, factory: IClientFactory) -> MemoryConnector:
        connector = MemoryConnector(address)
        self.connectors.append(connector)
        factory.startedConnecting(connector)
        return connector

    # -- sockets that are there already, and descriptors

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory) -> MemoryPort:
        """Keep the arguments in `adoptedPorts`. The port has a made-up address."""
        self.adoptedPorts.append((fileDescriptor, addressFamily, factory))
        return MemoryPort(_ANY.get(addressFamily, UNIXAddress(None)))

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory) -> None:
        """Keep the arguments in `adoptedStreamConnections`."""
        self.adoptedStreamConnections.append((fileDescriptor, addressFamily, factory))

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> MemoryPort:
        """Keep the arguments in `adoptedDatagramPorts`. The port has a made-up address."""
        self.adoptedDatagramPorts.append((fileDescriptor, addressFamily, protocol, maxPacketSize))
        return MemoryPort(_ANY.get(addressFamily, UNIXAddress(None)))

    def addReader(self, reader: IReadDescriptor) -> None:
        """Keep it in `readers`, once."""
        if reader not in self.readers:
            self.readers.append(reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """Keep it in `writers`, once."""
        if writer not in self.writers:
            self.writers.append(writer)

    def removeReader(self, reader: IReadDescriptor) -> None:
        """Take it out of `readers`, if it is there."""
        if reader in self.readers:
            self.readers.remove(reader)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """Take it out of `writers`, if it is there."""
        if writer in self.writers:
            self.writers.remove(writer)

    def removeAll(self) -> list[IReadDescriptor | IWriteDescriptor]:
        """Take out all readers and writers; return each of them once."""
        gone: list[Any] = list(self.readers)
        gone += [writer for writer in self.writers if writer not in gone]
        self.readers, self.writers = [], []
        return gone

    def getReaders(self) -> list[IReadDescriptor]:
        """The readers."""
        return list(self.readers)

    def getWriters(self) -> list[IWriteDescriptor]:
        """The writers."""
        return list(self.writers)

    # -- threads that are none

    def callFromThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Make the call now."""
        callable(*args, **kwargs)

    def callInThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Make the call now, here; an error is logged."""
        self._thread_pool.callInThread(callable, *args, **kwargs)

    def getThreadPool(self) -> MemoryThreadPool:
        """A pool that calls at once, here, so that `deferToThreadPool` has its result at once."""
        return self._thread_pool

    def suggestThreadPoolSize(self, size: int) -> None:
        """Note it."""
        self.threadPoolSize = size


@implementer(IReactorTime)
class MemoryReactorClock(MemoryReactor, Clock):
    """A `MemoryReactor` that is a `plait.task.Clock` too: time passes when you call `advance`."""

    def __init__(self) -> None:
        MemoryReactor.__init__(self)
        Clock.__init__(self)

    def callFromThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Make the call with the next `advance`, also if that is by 0 seconds: not before the caller is done."""
        self.callLater(0, callable, *args, **kwargs)


class RaisingMemoryReactor(MemoryReactor):
    """A `MemoryReactor` on which listening and connecting raise what you give it."""

    def __init__(
        self, listenException: BaseException | None = None, connectException: BaseException | None = None
    ) -> None:
        super().__init__()
        self._listen_error = listenException
        self._connect_error = connectException

    def _refuse_listening(self, *args: Any, **kwargs: Any) -> MemoryPort:
        raise self._listen_error or RuntimeError("this reactor was given no listenException")

    def _refuse_connecting(self, *args: Any, **kwargs: Any) -> MemoryConnector:
        raise self._connect_error or RuntimeError("this reactor was given no connectException")

    listenTCP = listenSSL = listenUNIX = adoptStreamPort = _refuse_listening
    connectTCP = connectSSL = connectUNIX = _refuse_connecting
