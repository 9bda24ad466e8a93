"""Timeouts: a connection on which nothing happens is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait import current
from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.protocol.base import connectionDone
from plait.protocol.policies.wrapping import ProtocolWrapper, WrappingFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plait.failure import Failure
    from plait.interfaces import IAddress, IDelayedCall


class TimeoutMixin:
    """For a protocol that closes its connection when nothing has happened for some time.

    Call ``setTimeout(seconds)`` in `connectionMade`, `resetTimeout` when something has come that counts, and
    ``setTimeout(None)`` in `connectionLost`.

    Attribute: `timeOut` (seconds, or None).
    """

    timeOut: float | None = None
    # These have the names that programs know which look at them; they are not for others.
    __timeoutCall: IDelayedCall | None = None

    def callLater(self, period: float, func: Callable[[], object]) -> IDelayedCall:
        """How the timer is set: by the reactor. Tests override it with a clock's."""
        call: IDelayedCall = current.getReactor().callLater(period, func)
        return call

    def resetTimeout(self) -> None:
        """Something has happened: the time begins anew. Nothing, if no timeout is set."""
        if self.__timeoutCall is not None and self.timeOut is not None:
            self.__timeoutCall.reset(self.timeOut)

    def setTimeout(self, period: float | None) -> float | None:
        """Set the timeout in seconds, which begins now; None: none. Returns what was set before."""
        before = self.timeOut
        self.timeOut = period
        if self.__timeoutCall is not None:
            if period is None:
                try:
                    self.__timeoutCall.cancel()
                except (AlreadyCalled, AlreadyCancelled):
                    pass  # by somebody who cancels all timers
                self.__timeoutCall = None
            else:
                self.__timeoutCall.reset(period)
        elif period is not None:
            self.__timeoutCall = self.callLater(period, self.__timedOut)
        return before

    def __timedOut(self) -> None:
        self.__timeoutCall = None
        self.timeoutConnection()

    def timeoutConnection(self) -> None:
        """Called when the time is over. Closes the connection."""
        self.transport.loseConnection()  # type: ignore[attr-defined]


class TimeoutProtocol(ProtocolWrapper):
    """Closes the connection when nothing has been read or written for `timeoutPeriod` seconds (None: never)."""

    timeoutCall: IDelayedCall | None = None
    timeoutPeriod: float | None = None

    def __init__(self, factory: Any, wrappedProtocol: Any, timeoutPeriod: float | None) -> None:
        super().__init__(factory, wrappedProtocol)
        self.setTimeout(timeoutPeriod)

    def setTimeout(self, timeoutPeriod: float | None = None) -> None:
        """Begin anew, with another period if one is given."""
        self.cancelTimeout()
        if timeoutPeriod is not None:
            self.timeoutPeriod = timeoutPeriod
        if self.timeoutPeriod is not None:
            self.timeoutCall = self.factory.callLater(self.timeoutPeriod, self.timeoutFunc)

    def cancelTimeout(self) -> None:
        """Wait no more, until `setTimeout`."""
        if self.timeoutCall is not None:
            try:
                self.timeoutCall.cancel()
            except (AlreadyCalled, AlreadyCancelled):
                pass
            self.timeoutCall = None

    def resetTimeout(self) -> None:
        """Something has happened: the time begins anew."""
        if self.timeoutCall is not None and self.timeoutPeriod is not None:
            self.timeoutCall.reset(self.timeoutPeriod)

    def write(self, data: bytes) -> None:
        """Something happens: it is written."""
        self.resetTimeout()
        super().write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Something happens: it is written."""
        self.resetTimeout()
        super().writeSequence(iovec)

    def dataReceived(self, data: bytes) -> Any:
        """Something happens: it is read."""
        self.resetTimeout()
        return super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """Wait no more."""
        self.cancelTimeout()
        return super().connectionLost(reason)

    def timeoutFunc(self) -> None:
        """Called when the time is over. Closes the connection."""
        self.timeoutCall = None
        self.loseConnection()


class TimeoutFactory(WrappingFactory):
    """Closes each connection on which nothing has been read or written for `timeoutPeriod` seconds (30 minutes)."""

    protocol = TimeoutProtocol

    def __init__(self, wrappedFactory: Any, timeoutPeriod: float | None = 30 * 60) -> None:
        self.timeoutPeriod = timeoutPeriod
        super().__init__(wrappedFactory)

    def wrap(self, wrapped: Any, addr: IAddress) -> Any:
        """A wrapper with our timeout."""
        return self.protocol(self, wrapped, timeoutPeriod=self.timeoutPeriod)

    def callLater(self, period: float, func: Callable[[], object]) -> IDelayedCall:
        """How the timers are set: by the reactor. Tests override it with a clock's."""
        call: IDelayedCall = current.getReactor().callLater(period, func)
        return call
