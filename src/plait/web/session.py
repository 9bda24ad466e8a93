"""What is remembered of a client between its requests."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from plait.deferred import Deferred


class Session:
    """A client's session: it ends when it has not been touched for `sessionTimeout` seconds.

    :param site: whose it is.
    :param uid: its name, which the client's cookie bears: a secret.
    """

    sessionTimeout: float = 900

    def __init__(self, site: Any, uid: bytes, reactor: Any = None) -> None:
        self.site = site
        self.uid = uid
        self._reactor = reactor if reactor is not None else site.reactor
        self.expireCallbacks: list[Callable[[], object]] = []
        self._components: dict[Any, Any] = {}
        self._expire_call: Any = None
        self.expired = False
        self.touch()

    def startCheckingExpiration(self) -> None:
        """Begin to count down to its end."""
        self._expire_call = self._reactor.callLater(self.sessionTimeout, self.expire)

    def notifyOnExpire(self, callback: Callable[[], object]) -> None:
        """Call a function when it ends."""
        self.expireCallbacks.append(callback)

    def whenExpired(self) -> Deferred[None]:
        """Fires when it ends."""
        deferred: Deferred[None] = Deferred()
        self.notifyOnExpire(lambda: deferred.callback(None))
        return deferred

    def expire(self) -> None:
        """End it."""
        self.expired = True
        if self.site is not None:
            self.site.sessions.pop(self.uid, None)
        callbacks, self.expireCallbacks = self.expireCallbacks, []
        for callback in callbacks:
            callback()
        if self._expire_call is not None and self._expire_call.active():
            self._expire_call.cancel()
        self._expire_call = None

    def touch(self) -> None:
        """The client is here: count from now."""
        self.lastModified = self._reactor.seconds()
        sessions = getattr(self.site, "sessions", None)
        if isinstance(sessions, OrderedDict) and self.uid in sessions:
            sessions.move_to_end(self.uid)
        if self._expire_call is not None:
            self._expire_call.reset(self.sessionTimeout)

    def getComponent(self, interface: Any, default: Any = None) -> Any:
        """What stands in this session for an interface or a class: made of the session when it is first asked for.

        An interface's adapter makes it; a class is called with the session.
        """
        found = self._components.get(interface)
        if found is None:
            try:
                found = interface(self)
            except TypeError:
                return default
            self._components[interface] = found
        return found

    def setComponent(self, interface: Any, component: Any) -> None:
        """Let that stand for the interface."""
        self._components[interface] = component

    def unsetComponent(self, interface: Any) -> None:
        """Forget what stands for it."""
        self._components.pop(interface, None)
