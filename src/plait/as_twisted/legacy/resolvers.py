"""What `twisted.internet._resolver` has beyond ours: a resolver over `socket.getaddrinfo` in the threads of a pool."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from plait.deferred import Deferred
from plait.engine import deferToThreadPool
from plait.transport.names import SystemResolver

__all__ = ["GAIResolver"]


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
