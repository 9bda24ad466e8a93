"""Connecting to a host by its name: Happy Eyeballs, version 2 (RFC 8305).

The addresses are tried one after the other, IPv6 and IPv4 in turn. The next one is begun when the one before has failed,
or `attemptDelay` seconds have passed without an answer (section 5); the first that answers is taken, and the others are
called off.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from plait import errors
from plait.deferred import Deferred, fail, succeed
from plait.endpoints.direct import TCP4ClientEndpoint
from plait.endpoints.names import addresses_of, literal
from plait.failure import Failure
from plait.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint, implementer
from plait.transport import Binding, HostnameAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from plait.endpoints.names import Address


@implementer(IStreamClientEndpoint)
class HostnameEndpoint:
    """Connects to a TCP port of a host, whichever of its addresses answers first.

    :param host: a name (an international one is encoded, RFC 5891) or an address.
    :param timeout: how long each attempt may take, in seconds.
    :param bindAddress: an address to connect from, the pair of address and port, or a `plait.transport.Binding`.
    :param attemptDelay: how long to wait for an answer before the next address is tried as well, in seconds (0.25).
    :param permit: says of each address whether it may be connected to; None: all may. (A name that a stranger gives can lead
        anywhere, and its addresses may be others the next time that they are looked up.)
    """

    _DEFAULT_ATTEMPT_DELAY = 0.25  # RFC 8305, section 8

    def __init__(
        self,
        reactor: Any,
        host: str | bytes,
        port: int,
        timeout: float | None = 30,
        bindAddress: str | bytes | tuple[str | bytes, int] | Binding | None = None,
        attemptDelay: float | None = None,
        permit: Callable[[Address], bool] | None = None,
    ) -> None:
        self._reactor = reactor
        self._permit = permit
        self._bad: ValueError | None = None
        self._hostText, self._hostBytes = self._both(host)
        self._hostStr = self._hostText if self._bad else self._hostBytes.decode("ascii")
        self._port = port
        self._timeout = timeout
        self._bindAddress = _pair(bindAddress)
        self._attemptDelay = self._DEFAULT_ATTEMPT_DELAY if attemptDelay is None else attemptDelay

    def _both(self, host: str | bytes) -> tuple[str, bytes]:
        """The name as text and as it is on the wire. One that is none is an error of `connect`."""
        try:
            if isinstance(host, bytes):
                text, wire = host.decode("ascii"), host
                if not literal(text, 0):
                    text = wire.decode("idna")
                return text, wire
            text = unicodedata.normalize("NFC", host)
            return text, text.encode("ascii") if text.isascii() else text.encode("idna")
        except UnicodeError:
            escaped = (host if isinstance(host, bytes) else host.encode("ascii", "backslashreplace")).decode(
                "ascii", "backslashreplace"
            )
            self._bad = ValueError(f"invalid hostname: {escaped}")
            return escaped, escaped.encode("ascii")

    def __repr__(self) -> str:
        host = f"[{self._hostStr}]" if ":" in self._hostStr else self._hostStr
        return f"<HostnameEndpoint {host}:{self._port}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. The Deferred fires with the protocol.

        It fails with ValueError if the name cannot be one, DNSLookupError if it has no address, PermissionError if it has
        none that is permitted, else with the ConnectError that says most: that somebody refused says more than that there is
        no way to another address.
        """
        if self._bad is not None:
            return fail(self._bad)
        if (known := literal(self._hostStr, self._port)) is not None:
            look_up: Deferred[list[Address]] = succeed([known])
        else:
            look_up = addresses_of(self._reactor, self._hostStr, self._port)
        return _Race(self, protocolFactory, look_up).result


class _Race:
    """One `connect`: the look-up, then the attempts."""

    def __init__(self, endpoint: HostnameEndpoint, factory: IProtocolFactory, look_up: Deferred[list[Address]]) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self._look_up = look_up
        self._waiting: list[Address] = []
        self._running: list[Deferred[IProtocol]] = []
        self._failures: list[Failure] = []
        self._timer: Any = None
        self._over = False
        self.result: Deferred[IProtocol] = Deferred(self._cancelled)
        look_up.addCallbacks(self._begin, self._end_badly)

    def _cancelled(self, _: object) -> None:
        endpoint = self._endpoint
        address = HostnameAddress(endpoint._hostBytes, endpoint._port)
        self._end_badly(Failure(errors.ConnectingCancelledError(address)))

    def _begin(self, addresses: list[Address]) -> None:
        permit = self._endpoint._permit
        if permit is not None:
            addresses = [address for address in addresses if permit(address)]
            if not addresses:
                host = self._endpoint._hostText
                self._end_badly(Failure(PermissionError(f"{host} has no address that is permitted")))
                return
        self._waiting = in_turn(addresses)
        self._next()

    def _next(self) -> None:
        """Try the next address; look for one more in a while, or when this has failed."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        endpoint = self._endpoint
        address = self._waiting.pop(0)
        attempt = TCP4ClientEndpoint(
            endpoint._reactor, address.host, address.port, endpoint._timeout, endpoint._bindAddress
        ).connect(self._factory)
        self._running.append(attempt)
        if self._waiting:
            self._timer = endpoint._reactor.callLater(endpoint._attemptDelay, self._next)
        attempt.addCallbacks(self._won, self._lost, callbackArgs=(attempt,), errbackArgs=(attempt,))

    def _won(self, protocol: IProtocol, attempt: Deferred[IProtocol]) -> None:
        if not self._over:
            self._running.remove(attempt)
            self._call_off()
            self.result.callback(protocol)

    def _lost(self, failure: Failure, attempt: Deferred[IProtocol]) -> None:
        if self._over:
            return  # we have called it off
        self._running.remove(attempt)
        if failure.check(errors.ConnectError) is None:
            self._end_badly(failure)  # the factory's own: another address would change nothing
            return
        self._failures.append(failure)
        if self._waiting:
            self._next()
        elif not self._running:
            self._end_badly(min(self._failures, key=_dullness))

    def _end_badly(self, failure: Failure) -> None:
        if not self._over:
            self._call_off()
            self.result.errback(failure)

    def _call_off(self) -> None:
        """Nothing more is wanted: neither the look-up, nor the attempts that are under way."""
        self._over = True
        self._waiting = []
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if not self._look_up.called:
            self._look_up.cancel()
        running, self._running = self._running, []
        for attempt in running:
            attempt.cancel()


def in_turn(addresses: list[Address]) -> list[Address]:
    """The families in turn, beginning with that of the first address (RFC 8305, section 4)."""
    if not addresses:
        return []
    first = [a for a in addresses if type(a) is type(addresses[0])]
    others = [a for a in addresses if type(a) is not type(addresses[0])]
    result: list[Address] = []
    while first or others:
        if first:
            result.append(first.pop(0))
        if others:
            result.append(others.pop(0))
    return result


def _dullness(failure: Failure) -> int:
    """How little a failure says."""
    says_most = (errors.ConnectBindError, errors.ConnectionRefusedError)
    if failure.check(*says_most):
        return 0
    return 2 if failure.check(errors.NoRouteError) else 1


def _pair(address: str | bytes | tuple[str | bytes, int] | Binding | None) -> tuple[str, int] | Binding | None:
    """What we connect from, as the reactor takes it."""
    if address is None or isinstance(address, Binding):
        return address
    host, port = address if isinstance(address, tuple) else (address, 0)
    return (host.decode("ascii") if isinstance(host, bytes) else host), port
