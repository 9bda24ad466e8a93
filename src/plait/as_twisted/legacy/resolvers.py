"""Resolvers of `twisted.internet.base` and its neighbours beyond ours: over functions that block, in the threads of a pool."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from plait.deferred import Deferred
from plait.engine import deferToThreadPool
from plait.errors import DNSLookupError
from plait.failure import Failure
from plait.interfaces import IResolutionReceiver, IResolverSimple, implementer
from plait.transport.names import SystemResolver

__all__ = ["FirstOneWins", "GAIResolver", "ThreadedResolver"]


class GAIResolver(SystemResolver):
    """Looks names up with a function that blocks.

    :param reactor: whose thread is told of the answers, and whose pool is used.
    :param getThreadPool: gives another pool.
    :param getaddrinfo: as `socket.getaddrinfo`.
    """

    def __init__(
        self,
        reactor: Any,
        getThreadPool: Callable[[], Any] | None = None,
        getaddrinfo: Callable[..., Any] = socket.getaddrinfo,
    ) -> None:
        self._reactor = reactor
        self._getaddrinfo = getaddrinfo
        self._pool = reactor.getThreadPool if getThreadPool is None else getThreadPool
        super().__init__(self._in_a_thread)

    def _in_a_thread(self, *question: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._pool(), self._getaddrinfo, *question)


@implementer(IResolverSimple)
class ThreadedResolver:
    """Looks names up with `socket.gethostbyname`. `reactor`: whose pool is used, and whose clock."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor

    def getHostByName(self, name: str, timeout: Sequence[float] = (1, 3, 11, 45)) -> Deferred[str]:
        """The Deferred fails with `DNSLookupError` if there is no address, or not within the sum of `timeout`, in seconds."""

        def too_late(*_: object) -> Any:
            raise DNSLookupError(f"no address of {name!r} found: it took too long") from None

        def failed(failure: Failure) -> Any:
            failure.trap(OSError, UnicodeError)
            if not failure.check(DNSLookupError):
                raise DNSLookupError(f"no address of {name!r} found: {failure.getErrorMessage()}") from None
            return failure

        found: Deferred[str] = deferToThreadPool(self.reactor, self.reactor.getThreadPool(), socket.gethostbyname, name)
        return found.addTimeout(sum(timeout), self.reactor, too_late).addErrback(failed)


@implementer(IResolutionReceiver)
class FirstOneWins:
    """Fires a Deferred with the first address that is found, as text; it fails with `DNSLookupError` if there is none."""

    _name = ""

    def __init__(self, deferred: Deferred[str]) -> None:
        self._deferred = deferred

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        """The look-up has begun."""
        self._name = resolutionInProgress.name

    def addressResolved(self, address: Any) -> None:
        """An address: those after the first are left out."""
        if not self._deferred.called:
            self._deferred.callback(address.host)

    def resolutionComplete(self) -> None:
        """There are no more."""
        if not self._deferred.called:
            self._deferred.errback(DNSLookupError(f"no address of {self._name!r} found"))
