"""A SOCKS proxy, for the versions 4, 4a and 5: it connects for its clients, and waits for connections for them (BIND).

reactor.listenTCP(1080, SOCKSServerFactory(), interface="127.0.0.1")

Whoever reaches it can reach all that we can, as if we were it: override `SOCKSServerFactory.authorize`, and keep it off the net.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from plait import current, errors
from plait.deferred import Deferred, maybeDeferred
from plait.protocol.base import ServerFactory, connectionDone
from plait.protocol.clients import ClientCreator
from plait.protocol.policies.timeouts import TimeoutMixin
from plait.protocol.proxy import socks_core as core
from plait.protocol.proxy.forward import Proxy, join
from plait.protocol.proxy.socks_core import SOCKSError, SOCKSLogin, SOCKSRequest, SOCKSServerCore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plait.failure import Failure
    from plait.interfaces import IAddress, IListeningPort


class SOCKSServer(Proxy, TimeoutMixin):
    """One client's connection: the handshake, and then the tunnel."""

    factory: SOCKSServerFactory
    noisy = False
    _attempt: Deferred[Any] | None = None
    _port: IListeningPort | None = None
    _asked = False

    def connectionMade(self) -> None:
        """The client speaks first, and must not take forever."""
        self._core = SOCKSServerCore(needsLogin=self.factory.users is not None)
        self.setTimeout(self.factory.handshakeTimeout)

    def dataReceived(self, data: bytes) -> None:
        """Carry it over, or take it as what the client says."""
        if self.peer is not None:
            super().dataReceived(data)
            return
        try:
            event = self._core.receive(data)
            while isinstance(event, SOCKSLogin):
                good = self.factory.checkPassword(event.user, event.password)
                self._core.login(good)
                if not good:
                    raise SOCKSError(f"user {event.user!r} has given a wrong password")
                event = self._core.receive(b"")
        except SOCKSError as e:
            self.factory.log.info("SOCKS client {peer}: {error}", peer=self.transport.getPeer(), error=e)
            self._send()
            self.transport.loseConnection()
            return
        self._send()
        if event is not None:
            self._asked = True
            self.setTimeout(self.factory.connectTimeout)
            self.transport.pauseProducing()
            self._attempt = maybeDeferred(self.factory.authorize, event, self.transport.getPeer())
            self._attempt.addCallback(self._serve, event).addErrback(self._failed)

    def _send(self) -> None:
        data = self._core.takeOutgoing()
        if data:
            self.transport.write(data)

    def _serve(self, allowed: bool, request: SOCKSRequest) -> Any:
        if not allowed:
            self._refuse(core.NOT_ALLOWED)
            return None
        if request.command == core.CONNECT:
            creator = ClientCreator(self.factory.reactor, _Outgoing)
            return creator.connectTCP(request.host, request.port, self.factory.connectTimeout).addCallback(self._opened)
        if request.command == core.BIND:
            self._listen(request.host)
            return None
        self._refuse(core.NOT_SUPPORTED)
        return None

    def _listen(self, host: str) -> None:
        """Wait for one connection, from `host`."""
        ours: Any = self.transport.getHost()
        port = self.factory.reactor.listenTCP(0, _Waiting(self, host), interface=ours.host)
        self._port = port
        self._core.reply(0, ours.host, port.getHost().port, more=True)
        self._send()

    def arrived(self, protocol: Proxy, addr: Any) -> None:
        """The connection that was waited for is there."""
        if not self.connected:
            protocol.transport.loseConnection()
            return
        self._stop_listening()
        self._core.reply(0, addr.host, addr.port)
        self._join(protocol)

    def wrongHost(self) -> None:
        """Somebody else has connected: end it, as the client trusts that it is the one."""
        self._stop_listening()
        self._refuse(core.NOT_ALLOWED)

    def _stop_listening(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.stopListening()

    def _opened(self, protocol: Proxy) -> None:
        if self.transport.disconnecting or not self.connected:
            protocol.transport.loseConnection()
            return
        ours: Any = protocol.transport.getHost()
        self._core.reply(0, ours.host, ours.port)
        self._join(protocol)

    def _join(self, protocol: Proxy) -> None:
        self.setTimeout(None)
        self._send()
        self.setPeer(protocol)
        protocol.setPeer(self)
        join(self.transport, protocol.transport)
        rest = self._core.takeRest()
        if rest:
            protocol.transport.write(rest)
        self.transport.resumeProducing()
        protocol.transport.resumeProducing()

    def _failed(self, failure: Failure) -> None:
        if not self.connected:
            return
        refused = failure.check(errors.ConnectionRefusedError)
        unreachable = failure.check(errors.NoRouteError, errors.UnknownHostError, errors.DNSLookupError)
        if not failure.check(errors.ConnectError, errors.DNSLookupError, errors.CannotListenError):
            self.factory.log.failure("A SOCKS request failed", failure)
        self._refuse(core.REFUSED if refused else core.HOST_UNREACHABLE if unreachable else core.FAILURE)

    def _refuse(self, code: int) -> None:
        self.setTimeout(None)
        self._core.reply(code)
        self._send()
        self.transport.loseConnection()

    def timeoutConnection(self) -> None:
        """The client does not speak, or whom it wants does not come."""
        self._stop_listening()
        if self._asked:
            self._refuse(core.FAILURE)
        else:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close what was opened for the client."""
        self.connected = 0
        self.setTimeout(None)
        self._stop_listening()
        if self._attempt is not None:
            self._attempt.cancel()
        super().connectionLost(reason)


class _Outgoing(Proxy):
    def connectionMade(self) -> None:
        self.transport.pauseProducing()  # until there is somebody to carry it to


class _Waiting(ServerFactory):
    """Takes the one connection that a client waits for."""

    noisy = False

    def __init__(self, server: SOCKSServer, host: str) -> None:
        self.server = server
        self.host = host

    def buildProtocol(self, addr: Any) -> Any:
        # 0.0.0.0: the client does not know the address that it will come from
        if self.host not in (addr.host, "0.0.0.0", "::"):
            self.server.wrongHost()
            return None
        protocol = _Incoming(self.server, addr)
        self.server._stop_listening()
        return protocol


class _Incoming(Proxy):
    def __init__(self, server: SOCKSServer, addr: Any) -> None:
        self._server = server
        self._addr = addr

    def connectionMade(self) -> None:
        self._server.arrived(self, self._addr)


class SOCKSServerFactory(ServerFactory):
    """For `reactor.listenTCP`.

    Attributes to set: `users` (passwords by user, both bytes; None: whoever comes is taken, and version 4 too), `reactor`,
    `handshakeTimeout` (seconds a client may take to say what it wants), `connectTimeout` (seconds until an attempt for it fails).
    """

    protocol = SOCKSServer
    handshakeTimeout: float | None = 30
    connectTimeout: float = 60

    def __init__(self, users: Mapping[bytes, bytes] | None = None, reactor: Any = None) -> None:
        self.users = users
        self._reactor = reactor

    @property
    def reactor(self) -> Any:
        """What connects; the current reactor unless another was given."""
        return self._reactor if self._reactor is not None else current.getReactor()

    def checkPassword(self, user: bytes, password: bytes) -> bool:
        """Whether this is the password of this user."""
        assert self.users is not None
        known = self.users.get(user)
        # compared in a time that tells nothing about it
        return hmac.compare_digest(known if known is not None else b"", password) and known is not None

    def authorize(self, request: SOCKSRequest, client: IAddress) -> Any:
        """Whether `client` may have what it asks for: a bool, or a Deferred or coroutine of one. Override it."""
        return True
