"""A reactor that only notes what it is asked: for tests of what a program asks of one.

reactor = MemoryReactorClock()
startMyServer(reactor)
port, factory, backlog, interface = reactor.tcpServers[0]
reactor.advance(60)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from plait.deferred import Deferred, succeed
from plait.interfaces import (
    IClientFactory,
    IConnector,
    IListeningPort,
    IProtocolFactory,
    IReactorCore,
    IReactorSSL,
    IReactorTCP,
    IReactorTime,
    implementer,
)
from plait.task import Clock
from plait.transport import HostnameAddress, IPv4Address, IPv6Address

_Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]
_Address: TypeAlias = IPv4Address | IPv6Address | HostnameAddress


def _address(host: str, port: int) -> _Address:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return HostnameAddress(host.encode("idna"), port)
    return IPv6Address("TCP", host, port) if version == 6 else IPv4Address("TCP", host, port)


@implementer(IListeningPort)
class MemoryPort:
    """What listening on a `MemoryReactor` returns. `listening` says whether it does."""

    def __init__(self, address: _Address) -> None:
        self._address = address
        self.listening = True

    def startListening(self) -> None:
        """Note that it listens."""
        self.listening = True

    def stopListening(self) -> Deferred[None]:
        """Note that it listens no more."""
        self.listening = False
        return succeed(None)

    def getHost(self) -> _Address:
        """The address that was asked for, also if that was port 0."""
        return self._address


@implementer(IConnector)
class MemoryConnector:
    """What connecting with a `MemoryReactor` returns; it notes what is asked of it.

    Attributes: `stoppedConnecting` and `disconnected` (bool), `connects` (how often `connect` was called).
    """

    def __init__(self, address: _Address) -> None:
        self._address = address
        self.stoppedConnecting = False
        self.disconnected = False
        self.connects = 0

    def stopConnecting(self) -> None:
        """Note it."""
        self.stoppedConnecting = True

    def disconnect(self) -> None:
        """Note it."""
        self.disconnected = True

    def connect(self) -> None:
        """Count it."""
        self.connects += 1

    def getDestination(self) -> _Address:
        """The address that was asked for."""
        return self._address


@implementer(IReactorCore, IReactorTCP, IReactorSSL)
class MemoryReactor:
    """A reactor without a network. No connection is ever made; what is asked for is kept as the arguments of the call:

    - `tcpServers`: (port, factory, backlog, interface)
    - `tcpClients`: (host, port, factory, timeout, bindAddress)
    - `sslServers`: (port, factory, contextFactory, backlog, interface)
    - `sslClients`: (host, port, factory, contextFactory, timeout, bindAddress)
    - `connectors`: the `MemoryConnector` of each client, in order
    - `running`, `hasRun`, `hasStopped`, `hasCrashed`: what was done with the reactor itself
    - `whenRunningHooks`: (callable, args, kwargs) that wait for `run`
    - `triggers`: phase -> event type -> list of (callable, args, kwargs)
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
        self.connectors: list[MemoryConnector] = []

    def run(self) -> None:
        """Make the calls that wait for it, and stop."""
        self.running = True
        self.hasRun = True
        hooks, self.whenRunningHooks = self.whenRunningHooks, []
        for function, args, kwargs in hooks:
            function(*args, **kwargs)
        self.stop()

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
        return self._connector(host, port, factory)

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
        return self._connector(host, port, factory)

    def _connector(self, host: str, port: int, factory: IClientFactory) -> MemoryConnector:
        connector = MemoryConnector(_address(host, port))
        self.connectors.append(connector)
        factory.startedConnecting(connector)
        return connector


@implementer(IReactorTime)
class MemoryReactorClock(MemoryReactor, Clock):
    """A `MemoryReactor` that is a `plait.task.Clock` too: time passes when you call `advance`."""

    def __init__(self) -> None:
        MemoryReactor.__init__(self)
        Clock.__init__(self)


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
