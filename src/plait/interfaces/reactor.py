"""What a reactor offers. One reactor provides most of these; a program asks for the part that it needs.

Call a reactor only from its own thread; `IReactorFromThreads.callFromThread` is the one exception.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from plait.interfaces._root import Attribute, Interface
from plait.interfaces.stream import IConnector, IListeningPort, IProtocolFactory

if TYPE_CHECKING:
    from plait.deferred import Deferred
    from plait.failure import Failure


class IDelayedCall(Interface):
    """A call that will be made later: what ``reactor.callLater`` returns.

    Once the call has been made or cancelled, only `active` may be called: the others raise AlreadyCalled or
    AlreadyCancelled.
    """

    def getTime(self) -> float:
        """When the call will be made, in seconds on the clock of ``reactor.seconds()``."""

    def cancel(self) -> None:
        """Do not make the call."""

    def delay(self, secondsLater: float) -> None:
        """Make the call this many seconds later than is planned now; earlier if negative."""

    def reset(self, secondsFromNow: float) -> None:
        """Make the call this many seconds from now, whenever it was planned before."""

    def active(self) -> bool:
        """Whether the call is still to be made."""


class IReactorTime(Interface):
    """Time, and what is done as it passes."""

    def seconds(self) -> float:
        """The time now, in seconds, for measuring and planning; only differences have a meaning."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object) -> IDelayedCall:
        """Call ``callable(*args, **kwargs)`` once, `delay` seconds from now or as soon after as the reactor
        gets to it.

        `delay` may be 0 (on a coming turn of the loop, never within this call), but not negative.
        """

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """The calls that are still to be made."""


class IReactorCore(Interface):
    """The life of a reactor: it starts, runs, and stops."""

    @property
    def running(self) -> bool:
        """Whether it runs: from the "startup" event until the "shutdown" event."""

    def resolve(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """Look up the IPv4 address of a host name. The Deferred fails with DNSLookupError if there is none.

        `timeout`: the seconds to wait in each attempt; where the system's resolver is asked, their sum.
        """

    def run(self) -> None:
        """Run until `stop` or `crash` is called. Raises ReactorAlreadyRunning if it runs already."""

    def stop(self) -> None:
        """Begin the "shutdown" event; when its triggers are done, `run` returns. ReactorNotRunning if it does
        not run.
        """

    def crash(self) -> None:
        """Have `run` return at once, without the "shutdown" event: for tests, and for the worst."""

    def iterate(self, delay: float = 0) -> None:
        """Do what is to be done now, or wait up to `delay` seconds for something to do. For loops that are
        not ours.
        """

    def fireSystemEvent(self, eventType: str) -> None:
        """Run all triggers of an event, phase by phase. The reactor itself fires "startup", "shutdown",
        "persist".
        """

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> Any:
        """Call ``callable(*args, **kwargs)`` when the event `eventType` is fired.

        `phase` is "before", "during" or "after". If a "before" trigger returns a Deferred, the "during" phase
        waits for it; the same holds between "during" and "after". Returns an id for
        `removeSystemEventTrigger`.
        """

    def removeSystemEventTrigger(self, triggerID: Any) -> None:
        """Take a trigger away again. ValueError or KeyError if it has been taken away or has run."""

    def callWhenRunning(self, callable: Callable[..., object], *args: object, **kwargs: object) -> Any:
        """Make the call when the reactor has started; at once, returning None, if it runs already.

        Otherwise returns an id for `removeSystemEventTrigger`.
        """


class IClientFactory(IProtocolFactory, Interface):
    """A protocol factory that is told how an attempt to connect goes."""

    def startedConnecting(self, connector: IConnector) -> None:
        """An attempt begins. You may call ``connector.stopConnecting()`` to end it."""

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """The attempt has failed; `reason` says why. You may call ``connector.connect()`` to try again."""

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """The connection that was made is lost. You may call ``connector.connect()`` to make another."""


class IReactorTCP(Interface):
    """Connections over TCP."""

    def listenTCP(self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = "") -> IListeningPort:
        """Accept connections on a port; `factory` makes the protocol for each. Raises CannotListenError at
        once.

        `port`: 0 lets the system choose. `backlog`: how many connections may wait to be accepted.
        `interface`: the address of ours to listen on, IPv4 or IPv6; "" is every IPv4 address, "::" every
        address.
        """

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: IClientFactory,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> IConnector:
        """Connect to a host, given by name or by address.

        `timeout`: seconds until the attempt fails with TimeoutError. `bindAddress`: the (host, port) of our
        end.
        """


class IReactorSSL(Interface):
    """Connections over TLS on TCP. A context factory says which certificates are shown and believed."""

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: IClientFactory,
        contextFactory: Any,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> IConnector:
        """As `IReactorTCP.connectTCP`, under TLS from the first byte."""

    def listenSSL(
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: Any,
        backlog: int = 50,
        interface: str = "",
    ) -> IListeningPort:
        """As `IReactorTCP.listenTCP`, under TLS from the first byte."""


class IReactorFromThreads(Interface):
    """The door by which other threads come in."""

    def callFromThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Make the call in the reactor's thread, soon. Safe in any thread and in signal handlers; calls keep
        their order.
        """


class IReactorInThreads(Interface):
    """Work in other threads."""

    def callInThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Make the call in a thread of the reactor's pool. What it returns is dropped, what it raises is
        logged.
        """


class IReactorThreads(IReactorFromThreads, IReactorInThreads, Interface):
    """A reactor that has a pool of threads."""

    def getThreadPool(self) -> Any:
        """The pool that `callInThread` uses, made on first use."""

    def suggestThreadPoolSize(self, size: int) -> None:
        """Let the pool have up to `size` threads. A hint: threads that work already are not ended."""


class _ISupportsExitSignalCapturing(Interface):
    """A reactor that remembers by which signal it was told to stop, so that the program can end by the same one."""

    _exitSignal: int | None = Attribute("The number of the signal; None if it was no signal.")
