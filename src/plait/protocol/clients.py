"""Factories for connections that we make ourselves; one of them connects again and again, and one makes a single connection."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from plait import current
from plait.deferred import Deferred
from plait.errors import NotConnectingError
from plait.interfaces import IClientFactory, implementer
from plait.protocol.base import Factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from plait.failure import Failure
    from plait.interfaces import IAddress, IConnector, IDelayedCall


@implementer(IClientFactory)
class ClientFactory(Factory):
    """A factory for `reactor.connectTCP` and its kin, which tell it how the attempt goes."""

    def startedConnecting(self, connector: IConnector) -> None:
        """Called when an attempt begins. ``connector.stopConnecting()`` calls it off."""

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Called when no connection could be made; `reason` holds a `plait.errors.ConnectError`.

        ``connector.connect()`` tries once more.
        """

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Called when a connection that was made is gone; `reason` is what `Protocol.connectionLost` was told.

        ``connector.connect()`` connects again.
        """


class ReconnectingClientFactory(ClientFactory):
    """Connects again when the connection is lost or cannot be made, and waits longer from one attempt to the next.

    Call `resetDelay` when a connection turns out to be good (at its login, say), so that the next wait is a short one.

    Attributes to set: `initialDelay` and `maxDelay` (seconds), `factor` (each wait is so many times the one before), `jitter`
    (each wait is off by some part of itself, of which this is the standard deviation, so that a thousand clients do not all
    come back at once; None: by nothing), `maxRetries` (attempts after which it gives up; None: never), `clock` (an
    `IReactorTime`; None: the reactor).

    Attributes to read: `delay` (seconds, before jitter), `retries`, `connector`, `continueTrying`.
    """

    maxDelay: float = 3600
    initialDelay: float = 1.0
    factor: float = 2.7182818284590451  # waits of 1, 2.7, 7.4, 20, 55 seconds: an hour after nine attempts
    jitter: float | None = 0.12
    delay: float = initialDelay
    retries = 0
    maxRetries: int | None = None
    connector: Any = None
    clock: Any = None
    continueTrying: int | bool = 1
    _callID: IDelayedCall | None = None

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Try again, in a while."""
        if self.continueTrying:
            self.connector = connector
            self.retry()

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Connect again, in a while."""
        if self.continueTrying:
            self.connector = connector
            self.retry()

    def retry(self, connector: IConnector | None = None) -> None:
        """Let `connector`, or the one that was used last, connect after a delay. Nothing, once `stopTrying` has been called.

        :raises ValueError: if there is no connector.
        """
        if not self.continueTrying:
            if self.noisy:
                self.log.info("{factory!r} does not connect again: stopTrying was called", factory=self)
            return
        if connector is None:
            connector = self.connector
            if connector is None:
                raise ValueError("no connector to retry: this factory has not been used to connect yet")
        self.retries += 1
        if self.maxRetries is not None and self.retries > self.maxRetries:
            if self.noisy:
                self.log.info("{factory!r} gives up after {n} attempts", factory=self, n=self.maxRetries)
            return
        if self.retries > 1:
            self.delay = min(self.delay * self.factor, self.maxDelay)
        wait = self.delay
        if self.jitter:
            wait = max(0.0, random.normalvariate(wait, wait * self.jitter))
        if self.noisy:
            self.log.info("{connector!r} will connect again in {wait:.1f} seconds", connector=connector, wait=wait)
        clock = self.clock if self.clock is not None else current.getReactor()
        self._callID = clock.callLater(wait, self._connect, connector)

    def _connect(self, connector: IConnector) -> None:
        self._callID = None
        connector.connect()

    def stopTrying(self) -> None:
        """Connect no more, and call off what is under way. A connection that is there stays."""
        if self._callID is not None:
            self._callID.cancel()
            self._callID = None
        self.continueTrying = 0
        if self.connector is not None:
            try:
                self.connector.stopConnecting()
            except NotConnectingError:
                pass

    def resetDelay(self) -> None:
        """The connection is good: begin with the shortest wait, and count the attempts anew."""
        self.delay = self.initialDelay
        self._callID = None
        self.retries = 0
        self.continueTrying = 1

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: all but what belongs to this run of the program."""
        of_this_run = ("connector", "clock", "delay", "retries", "continueTrying", "_callID")
        return {name: value for name, value in self.__dict__.items() if name not in of_this_run}


class _InstanceFactory(ClientFactory):
    """Gives a protocol that is there already to one connection, and fires a Deferred with it, or with the error."""

    noisy = False
    pending: IDelayedCall | None = None

    def __init__(self, reactor: Any, instance: Any, deferred: Deferred[Any]) -> None:
        self.reactor = reactor
        self.instance = instance
        self.deferred: Deferred[Any] | None = deferred

    def __repr__(self) -> str:
        return f"<ClientCreator factory: {self.instance!r}>"

    def buildProtocol(self, addr: IAddress) -> Any:
        """The protocol; the Deferred fires when it has got its connection."""
        if self.deferred is not None:
            self._fire_soon(self.deferred.callback, self.instance)
        return self.instance

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """The Deferred fails."""
        if self.deferred is not None:
            self._fire_soon(self.deferred.errback, reason)

    def _fire_soon(self, fire: Callable[[Any], object], value: object) -> None:
        # later: a connection is handed over to its protocol after buildProtocol has returned
        self.deferred = None
        self.pending = self.reactor.callLater(0, self._fire, fire, value)

    def _fire(self, fire: Callable[[Any], object], value: object) -> None:
        self.pending = None
        fire(value)


class ClientCreator:
    """Makes connections without a factory: ``ClientCreator(reactor, MyProtocol).connectTCP("example.com", 25)``.

    Each method returns a Deferred that fires with the connected protocol, or fails. It can be cancelled: the attempt is called
    off, and a connection that is there already is closed.
    """

    def __init__(self, reactor: Any, protocolClass: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """`protocolClass` is called with the further arguments for each connection."""
        self.reactor = reactor
        self.protocolClass = protocolClass
        self.args = args
        self.kwargs = kwargs

    def _connect(self, connect: Callable[[ClientFactory], Any]) -> Deferred[Any]:
        def cancel(_: Deferred[Any]) -> None:
            connector.disconnect()
            if factory.pending is not None:
                factory.pending.cancel()

        d: Deferred[Any] = Deferred(cancel)
        factory = _InstanceFactory(self.reactor, self.protocolClass(*self.args, **self.kwargs), d)
        connector = connect(factory)
        return d

    def connectTCP(
        self, host: str, port: int, timeout: float | None = 30, bindAddress: tuple[str, int] | None = None
    ) -> Deferred[Any]:
        """Connect over TCP; the arguments are those of `reactor.connectTCP`."""
        return self._connect(
            lambda factory: self.reactor.connectTCP(host, port, factory, timeout=timeout, bindAddress=bindAddress)
        )

    def connectUNIX(self, address: str, timeout: float | None = 30, checkPID: bool = False) -> Deferred[Any]:
        """Connect to a UNIX socket; the arguments are those of `reactor.connectUNIX`."""
        return self._connect(
            lambda factory: self.reactor.connectUNIX(address, factory, timeout=timeout, checkPID=checkPID)
        )

    def connectSSL(
        self,
        host: str,
        port: int,
        contextFactory: Any,
        timeout: float | None = 30,
        bindAddress: tuple[str, int] | None = None,
    ) -> Deferred[Any]:
        """Connect over TLS; the arguments are those of `reactor.connectSSL`."""
        return self._connect(
            lambda factory: self.reactor.connectSSL(
                host, port, factory, contextFactory, timeout=timeout, bindAddress=bindAddress
            )
        )
