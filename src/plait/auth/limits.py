"""A limit for failures: who guesses passwords has to wait.

::

    limit = FailureLimit(attempts=10, period=60)
    d = limit.login(portal, transport.getPeer(), credentials, None, IMailbox)
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Any

from plait import current
from plait.auth.errors import LoginDenied, UnauthorizedLogin
from plait.auth.portal import Login, Portal
from plait.deferred import Deferred, fail
from plait.failure import Failure

__all__ = ["FailureLimit"]


class FailureLimit:
    """Counts failed logins by address, and refuses those from an address with too many, without looking at them.

    A login that goes well takes nothing off: else somebody who has an account could go on guessing another's password. Of IPv6,
    the 64 bits of the network count, since whoever has one address has all of these.

    :param attempts: how many failures there may be from an address.
    :param period: in how many seconds, from the first of them on.
    :param size: how many addresses are remembered; beyond that, the one that has tried least recently is forgotten.
    :param clock: has ``seconds()``; the reactor if None.
    """

    def __init__(self, attempts: int = 10, period: float = 60.0, size: int = 10_000, clock: Any = None) -> None:
        self.attempts = attempts
        self.period = period
        self.size = size
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()  # the start of the period, and how many since

    def login(self, portal: Portal, address: Any, credentials: Any, mind: Any, *interfaces: Any) -> Deferred[Login]:
        """`Portal.login` for a peer at an address: an object with a ``host``, or a str.

        Also fails with `LoginDenied` if there were too many failures.
        """
        key = _key(address)
        now = self._seconds()
        counted = self._failures.get(key)
        if counted is None or now - counted[0] >= self.period:
            counted = self._failures[key] = [now, 0]
        self._failures.move_to_end(key)
        if len(self._failures) > self.size:
            self._failures.popitem(last=False)
        if counted[1] >= self.attempts:
            wait = counted[0] + self.period - now
            return fail(LoginDenied(f"too many failed logins from {key}: the next may be tried in {wait:.0f} s"))
        # Counted before it is known, so that a hundred tries at the same time are no way around the limit.
        counted[1] += 1

        def failed(failure: Failure) -> Any:
            if not failure.check(UnauthorizedLogin):
                self._take_back(key, counted)
            return failure

        def done(login: Login) -> Any:
            self._take_back(key, counted)
            return login

        return portal.login(credentials, mind, *interfaces).addCallbacks(done, failed)

    def forget(self, address: Any) -> None:
        """Let an address try again at once."""
        self._failures.pop(_key(address), None)

    def _take_back(self, key: str, counted: list[float]) -> None:
        counted[1] -= 1
        if not counted[1] and self._failures.get(key) is counted:
            del self._failures[key]

    def _seconds(self) -> float:
        clock = self._clock if self._clock is not None else current.getReactor()
        seconds: float = clock.seconds()
        return seconds


def _key(address: Any) -> str:
    """What stands for all addresses that one peer can easily have. A UNIX socket's peers are all one."""
    text = str(getattr(address, "host", address if isinstance(address, str) else ""))
    try:
        number = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(number, ipaddress.IPv6Address):
        if number.ipv4_mapped is not None:
            return str(number.ipv4_mapped)
        return str(ipaddress.ip_network((int(number), 64), strict=False))
    return str(number)
