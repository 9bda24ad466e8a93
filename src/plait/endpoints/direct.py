"""Endpoints that are one call of the reactor: TCP, TLS, UNIX sockets, standard input and output, and open descriptors.

The arguments are those of the reactor's methods (`listenTCP`, `connectSSL`, …); nothing is done before `listen` or
`connect` is called.
"""

from __future__ import annotations

import os
from typing import Any

from plait.deferred import Deferred, fail, maybeDeferred
from plait.endpoints.joining import join
from plait.endpoints.names import addresses_of, is_literal
from plait.errors import AlreadyListened
from plait.interfaces import (
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    implementer,
)
from plait.transport import Binding, IPv6Address
from plait.transport.stdio import PipeAddress, StandardIO
from plait.transport.tlsserver import reload_certificates


@implementer(IStreamServerEndpoint)
class TCP4ServerEndpoint:
    """Listens on a TCP port of an IPv4 `interface` ("" is all of them). `port` 0 takes a free one."""

    def __init__(self, reactor: Any, port: int, backlog: int = 50, interface: str = "") -> None:
        self._reactor = reactor
        self._port = port
        self._backlog = backlog
        self._interface = interface

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._interface or '*'}:{self._port}>"

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections. The Deferred fires with the port; it fails with CannotListenError."""
        return maybeDeferred(
            self._reactor.listenTCP, self._port, protocolFactory, backlog=self._backlog, interface=self._interface
        )


class TCP6ServerEndpoint(TCP4ServerEndpoint):
    """Listens on a TCP port of an IPv6 `interface` ("::" is all of them)."""

    def __init__(self, reactor: Any, port: int, backlog: int = 50, interface: str = "::") -> None:
        super().__init__(reactor, port, backlog, interface)


@implementer(IStreamClientEndpoint)
class TCP4ClientEndpoint:
    """Connects to a TCP port. `timeout` is in seconds; `bindAddress` is the pair of host and port to connect from."""

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        timeout: float | None = 30,
        bindAddress: str | tuple[str | bytes, int] | Binding | None = None,
    ) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._timeout = timeout
        self._bindAddress = bindAddress

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._host}:{self._port}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. The Deferred fires with the protocol; it fails with a ConnectError."""
        return self._connect_to(self._host, protocolFactory)

    def _connect_to(self, host: str, factory: IProtocolFactory) -> Deferred[IProtocol]:
        return join(
            lambda joining: self._reactor.connectTCP(
                host, self._port, joining, timeout=self._timeout, bindAddress=self._bindAddress
            ),
            factory,
        )


class TCP6ClientEndpoint(TCP4ClientEndpoint):
    """Connects to a TCP port over IPv6 only. `HostnameEndpoint` takes what the host has."""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. The Deferred fires with the protocol; it fails with a ConnectError, or DNSLookupError."""
        if is_literal(self._host):
            return self._connect_to(self._host, protocolFactory)
        found = addresses_of(self._reactor, self._host, self._port, [IPv6Address])
        return found.addCallback(lambda addresses: self._connect_to(addresses[0].host, protocolFactory))


@implementer(IStreamServerEndpoint)
class SSL4ServerEndpoint:
    """Listens on a TCP port and speaks TLS. `sslContextFactory`: our key and certificate (`plait.transport.tls`)."""

    def __init__(self, reactor: Any, port: int, sslContextFactory: Any, backlog: int = 50, interface: str = "") -> None:
        self._reactor = reactor
        self._port = port
        self._sslContextFactory = sslContextFactory
        self._backlog = backlog
        self._interface = interface

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections. The Deferred fires with the port; it fails with CannotListenError."""
        return maybeDeferred(
            self._reactor.listenSSL,
            self._port,
            protocolFactory,
            contextFactory=self._sslContextFactory,
            backlog=self._backlog,
            interface=self._interface,
        )

    def reload(self) -> None:
        """Load the certificates anew, for connections that come then (`plait.transport.tls.ServerContexts`)."""
        reload_certificates(self._sslContextFactory)


@implementer(IStreamClientEndpoint)
class SSL4ClientEndpoint:
    """Connects to a TCP port and speaks TLS. `sslContextFactory`: who is believed (`plait.transport.tls`).

    To check the host's name, and to try all of its addresses, use ``wrapClientTLS`` around a `HostnameEndpoint`.
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        sslContextFactory: Any,
        timeout: float | None = 30,
        bindAddress: str | tuple[str | bytes, int] | None = None,
    ) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._sslContextFactory = sslContextFactory
        self._timeout = timeout
        self._bindAddress = bindAddress

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. The Deferred fires with the protocol before the handshake; it fails with a ConnectError."""
        return join(
            lambda joining: self._reactor.connectSSL(
                self._host,
                self._port,
                joining,
                self._sslContextFactory,
                timeout=self._timeout,
                bindAddress=self._bindAddress,
            ),
            protocolFactory,
        )


@implementer(IStreamServerEndpoint)
class UNIXServerEndpoint:
    """Listens on a UNIX socket. `mode` are its permissions; with `wantPID` a lock file tells a socket in use from a stale one."""

    def __init__(
        self, reactor: Any, address: str, backlog: int = 50, mode: int = 0o666, wantPID: int | bool = 0
    ) -> None:
        self._reactor = reactor
        self._address = address
        self._backlog = backlog
        self._mode = mode
        self._wantPID = wantPID

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections. The Deferred fires with the port; it fails with CannotListenError."""
        return maybeDeferred(
            self._reactor.listenUNIX,
            self._address,
            protocolFactory,
            backlog=self._backlog,
            mode=self._mode,
            wantPID=self._wantPID,
        )


@implementer(IStreamClientEndpoint)
class UNIXClientEndpoint:
    """Connects to a UNIX socket. `timeout` is in seconds; with `checkPID` it looks at the lock file first."""

    def __init__(self, reactor: Any, path: str, timeout: float | None = 30, checkPID: int | bool = 0) -> None:
        self._reactor = reactor
        self._path = path
        self._timeout = timeout
        self._checkPID = checkPID

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect. The Deferred fires with the protocol; it fails with a ConnectError."""
        return join(
            lambda joining: self._reactor.connectUNIX(
                self._path, joining, timeout=self._timeout, checkPID=self._checkPID
            ),
            protocolFactory,
        )


@implementer(IStreamServerEndpoint)
class StandardIOEndpoint:
    """Standard input and output: one connection, which is there at once."""

    _stdio = StandardIO

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def listen(self, stdioProtocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect a protocol. The Deferred fires with its transport, a `plait.transport.stdio.StandardIO`."""
        return maybeDeferred(
            lambda: self._stdio(stdioProtocolFactory.buildProtocol(PipeAddress()), reactor=self._reactor)
        )


@implementer(IStreamServerEndpoint)
class AdoptedStreamServerEndpoint:
    """Listens on a socket that is bound and listens already, such as the service manager hands over.

    `fileno` is its descriptor, `addressFamily` its family (`socket.AF_INET`, …). It can be used once: the descriptor is
    copied, and then closed.
    """

    _used = False
    _close = staticmethod(os.close)

    def __init__(self, reactor: Any, fileno: int, addressFamily: int) -> None:
        self.reactor = reactor
        self.fileno = fileno
        self.addressFamily = addressFamily

    @staticmethod
    def _setNonBlocking(fileno: int) -> None:
        os.set_blocking(fileno, False)

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Accept connections. The Deferred fires with the port; it fails with AlreadyListened the second time."""
        if self._used:
            return fail(AlreadyListened())
        self._used = True
        try:
            self._setNonBlocking(self.fileno)
            port = self.reactor.adoptStreamPort(self.fileno, self.addressFamily, factory)
            self._close(self.fileno)
        except Exception as e:
            return fail(e)
        return maybeDeferred(lambda: port)
