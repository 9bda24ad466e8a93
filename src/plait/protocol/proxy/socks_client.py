"""Connections through a SOCKS proxy: a factory around yours, for a connection to the proxy.

reactor.connectTCP("proxy.example", 1080, SOCKSClientFactory(MyClientFactory(), "example.com", 80))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.failure import Failure
from plait.protocol.base import connectionDone
from plait.protocol.policies.timeouts import TimeoutMixin
from plait.protocol.policies.wrapping import ProtocolWrapper, WrappingFactory
from plait.protocol.proxy.socks_core import SOCKSClientCore

if TYPE_CHECKING:
    from plait.interfaces import IAddress, IConnector


class SOCKSClientProtocol(ProtocolWrapper, TimeoutMixin):
    """Asks the proxy for a tunnel; once it is open, the wrapped protocol is connected, and has it for itself."""

    def __init__(self, factory: Any, wrappedProtocol: Any, core: SOCKSClientCore) -> None:
        super().__init__(factory, wrappedProtocol)
        self._core: SOCKSClientCore | None = core
        self.error: Failure | None = None

    def makeConnection(self, transport: Any) -> Any:
        """The connection to the proxy is there: ask."""
        self.transport = transport
        self.connected = 1
        assert self._core is not None
        self.setTimeout(self.factory.handshakeTimeout)
        transport.write(self._core.takeOutgoing())

    def dataReceived(self, data: bytes) -> Any:
        """Hand it on, or take it as what the proxy says."""
        if self._core is None:
            return super().dataReceived(data)
        try:
            is_open = self._core.receive(data)
        except Exception as e:
            self._fail(Failure(e))
            return None
        self.transport.write(self._core.takeOutgoing())
        if not is_open:
            return None
        self.setTimeout(None)
        rest = self._core.takeRest()
        self._core = None
        result = super().makeConnection(self.transport)
        if rest:
            # behind a connectionMade that is async def it would come too early
            result = self.dataReceived(rest) if result is None else self._later(result, rest)
        return result

    async def _later(self, made: Any, rest: bytes) -> None:
        await made
        result = self.dataReceived(rest)
        if result is not None:
            await result

    def _fail(self, error: Failure) -> None:
        self.error = error
        self.setTimeout(None)
        self.transport.loseConnection()

    def timeoutConnection(self) -> None:
        """The proxy does not answer."""
        self._fail(Failure(TimeoutError("the SOCKS proxy did not answer in time")))

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """Tell the wrapped protocol, if it was connected."""
        if self._core is None:
            return super().connectionLost(reason)
        self.setTimeout(None)
        self.factory.notOpened(self.error or reason)
        return None


class SOCKSClientFactory(WrappingFactory):
    """Asks the proxy that it is connected to for `host` and `port`, and gives the tunnel to a protocol of `wrappedFactory`.

    The arguments are those of `SOCKSClientCore`. If no tunnel is opened, the wrapped factory's `clientConnectionFailed` is called
    with the reason, a `SOCKSError` where the proxy gave one.

    `handshakeTimeout`: seconds that the proxy may take to open it (60: it has to connect, and says nothing meanwhile).
    """

    handshakeTimeout: float | None = 60
    noisy = False

    def __init__(
        self,
        wrappedFactory: Any,
        host: str,
        port: int,
        version: int = 5,
        user: bytes = b"",
        password: bytes | None = None,
    ) -> None:
        super().__init__(wrappedFactory)
        self._arguments = (host, port, version, user, password)
        SOCKSClientCore(*self._arguments)  # a mistake of the caller's is said here
        self._why_not: Failure | None = None

    def wrap(self, wrapped: Any, addr: IAddress) -> Any:
        """A protocol that asks for the tunnel first."""
        return SOCKSClientProtocol(self, wrapped, SOCKSClientCore(*self._arguments))

    def notOpened(self, reason: Failure) -> None:
        """Called by our protocol when its connection ends without a tunnel."""
        self._why_not = reason

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Tell the wrapped factory, to which it has failed if there was no tunnel."""
        why_not, self._why_not = self._why_not, None
        if why_not is not None:
            self.wrappedFactory.clientConnectionFailed(connector, why_not)
        else:
            super().clientConnectionLost(connector, reason)
