"""A SOCKS 4 and 4a proxy as older programs extend it. `plait.protocol.proxy.SOCKSServerFactory` is the one for new programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait import current
from plait.deferred import Deferred, maybeDeferred
from plait.log import Logger
from plait.protocol import ClientCreator, Factory, Protocol, connectionDone
from plait.protocol.proxy.forward import join, part
from plait.protocol.proxy.socks_core import BIND, CONNECT, SOCKSError, SOCKSRequest, SOCKSServerCore

if TYPE_CHECKING:
    from collections.abc import Callable

    from plait.failure import Failure

_log = Logger("plait.as_twisted")


class SOCKSv4Outgoing(Protocol):
    """The connection that the proxy makes for a client."""

    def __init__(self, socks: SOCKSv4) -> None:
        self.socks = socks

    def connectionMade(self) -> None:
        """Say that it is there."""
        peer: Any = self.transport.getPeer()
        self.socks.makeReply(90, 0, port=peer.port, ip=peer.host)
        self.socks.otherConn = self
        join(self.transport, self.socks.transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the client's."""
        part(self.socks.transport)
        self.socks.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Carry it over."""
        self.socks.write(data)

    def write(self, data: bytes) -> None:
        """Send what the client has sent."""
        self.socks.log(self, data)
        self.transport.write(data)


class SOCKSv4Incoming(SOCKSv4Outgoing):
    """The connection that a client has waited for."""

    def __init__(self, socks: SOCKSv4) -> None:
        super().__init__(socks)
        socks.otherConn = self

    def connectionMade(self) -> None:
        """The client has been told already, when it was accepted."""
        join(self.transport, self.socks.transport)


class SOCKSv4(Protocol):
    """One client's connection.

    Override `authorize` to say who may do what; `connectClass` and `listenClass` make the other connection.
    """

    otherConn: Any = None
    _port: Any = None

    def __init__(self, logging: str | None = None, reactor: Any = None) -> None:
        """`logging`: the path of a file to which all traffic is written."""
        self.logging = logging
        self.reactor = reactor if reactor is not None else current.getReactor()

    def connectionMade(self) -> None:
        """Wait for what it wants."""
        self._core = SOCKSServerCore()
        self._core.version, self._core.state = 4, "request"  # all that is taken here

    def dataReceived(self, data: bytes) -> None:
        """Carry it over, or take it as what the client wants."""
        if self.otherConn is not None:
            self.otherConn.write(data)
            return
        try:
            if data and self._core.state == "request" and not self._core._buffer and data[0] != 4:
                raise SOCKSError(f"the first byte is {data[0]}, not 4")
            request = self._core.receive(data)
        except SOCKSError as e:
            _log.info("SOCKS client: {error}", error=e)
            self.transport.loseConnection()
            return
        if isinstance(request, SOCKSRequest):
            if request.command not in (CONNECT, BIND):
                self.makeReply(91)
            elif request.host[-1].isdigit() and request.host.count(".") == 3:
                self._serve(request.host, request)
            else:
                d = maybeDeferred(self.reactor.resolve, request.host.encode("ascii"))
                d.addCallbacks(self._serve, lambda _: self.makeReply(91), callbackArgs=(request,))
                d.addErrback(self._failed)

    def _serve(self, server: str, request: SOCKSRequest) -> None:
        if not self.authorize(request.command, server, request.port, request.user):
            self.makeReply(91)
        elif request.command == CONNECT:
            d = self.connectClass(server, request.port, SOCKSv4Outgoing, self)
            d.addErrback(lambda _: self.makeReply(91))
        else:
            d = self.listenClass(0, SOCKSv4IncomingFactory, self, server)
            d.addCallback(lambda where: self.makeReply(90, 0, where[1], where[0]))
            d.addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        _log.failure("A SOCKS request failed", failure)
        self.makeReply(91)

    def authorize(self, code: int, server: str, port: int, user: bytes) -> bool:
        """Whether the client may connect (`code` 1) to, or wait for (2), this server and port. `user` is what it says it is."""
        _log.info(
            "{client} asks for {code} {server}:{port}",
            client=self.transport.getPeer(),
            code=code,
            server=server,
            port=port,
        )
        return True

    def connectClass(self, host: str, port: int, klass: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Connect; a Deferred of the protocol."""
        return ClientCreator(self.reactor, klass, *args).connectTCP(host, port)

    def listenClass(self, port: int, klass: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Listen; a Deferred of (host, port)."""
        self._port = self.reactor.listenTCP(port, klass(*args))
        where = self._port.getHost()
        return maybeDeferred(lambda: (where.host, where.port))

    def stopListening(self) -> None:
        """Wait for no connection any more."""
        port, self._port = self._port, None
        if port is not None:
            port.stopListening()

    def makeReply(self, reply: int, version: int = 0, port: int = 0, ip: str = "0.0.0.0") -> None:
        """Answer the client; anything but 90 closes the connection."""
        self._core.reply(0 if reply == 90 else 1, ip, port)
        self.transport.write(self._core.takeOutgoing())
        if reply != 90:
            self.transport.loseConnection()

    def write(self, data: bytes) -> None:
        """Send what the other end has sent."""
        self.log(self, data)
        self.transport.write(data)

    def log(self, proto: Any, data: bytes) -> None:
        """Write traffic to the file, if there is one."""
        if self.logging is None:
            return
        peer, other = self.transport.getPeer(), self.otherConn.transport.getPeer()
        arrow = "<" if proto is self else ">"
        with open(self.logging, "a", encoding="utf-8") as f:
            f.write(f"{peer} {arrow} {other}\n{data!r}\n")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the other one, and wait for none any more."""
        self.stopListening()
        if self.otherConn is not None:
            part(self.otherConn.transport)
            self.otherConn.transport.loseConnection()


class SOCKSv4Factory(Factory):
    """For `reactor.listenTCP`."""

    def __init__(self, log: str | None) -> None:
        """`log`: the path of a file to which all traffic is written, or None."""
        self.logging = log

    def buildProtocol(self, addr: Any) -> SOCKSv4:
        """A protocol for one client."""
        return SOCKSv4(self.logging, current.getReactor())


class SOCKSv4IncomingFactory(Factory):
    """Takes the one connection that a client waits for, from `ip`."""

    def __init__(self, socks: SOCKSv4, ip: str) -> None:
        self.socks = socks
        self.ip = ip

    def buildProtocol(self, addr: Any) -> SOCKSv4Incoming | None:
        """The protocol for it; None, and an error to the client, if somebody else has come."""
        self.socks.stopListening()
        host = addr[0] if isinstance(addr, tuple) else addr.host
        if host != self.ip:
            self.socks.makeReply(91, 0)
            return None
        self.socks.makeReply(90, 0)
        return SOCKSv4Incoming(self.socks)
