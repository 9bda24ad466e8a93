"""What `twisted.protocols.tls` is: TLS as a protocol in front of a protocol, over any transport and by pyOpenSSL.

New programs say `listenSSL`, `connectSSL` or ``transport.startTLS``, which put TLS under a connection
(`plait.transport.tlslayer`) with a call less for each piece of data. This is for transports that have none of these: one
protocol inside another, or the fakes of tests.
"""

from __future__ import annotations

from typing import Any

from plait.as_twisted.legacy.tlsfactories import SomeConnectionCreator, connection_maker
from plait.as_twisted.legacy.tlsproducers import AggregateSmallWrites
from plait.as_twisted.legacy.tlsprotocol import TLSMemoryBIOProtocol
from plait.current import getReactor
from plait.failure import Failure
from plait.protocol import connectionDone
from plait.protocol.policies import WrappingFactory
from plait.transport.tls import names_of

__all__ = ["BufferingTLSTransport", "SomeConnectionCreator", "TLSMemoryBIOFactory", "TLSMemoryBIOProtocol"]


class BufferingTLSTransport(TLSMemoryBIOProtocol):
    """One that makes one record of what is written in one turn of the reactor."""

    _collected: AggregateSmallWrites

    def makeConnection(self, transport: Any) -> Any:
        """As above."""
        self._collected = AggregateSmallWrites(self._send, self.factory._clock)
        return super().makeConnection(transport)

    def _write(self, data: bytes) -> None:
        self._collected.write(data)

    def _shutdownTLS(self) -> None:
        self._collected.flush()
        super()._shutdownTLS()

    def loseConnection(self) -> None:
        """As above."""
        self._collected.flush()
        super().loseConnection()

    def unregisterProducer(self) -> None:
        """As above."""
        self._collected.flush()
        super().unregisterProducer()

    def _abort(self) -> None:
        self._collected.drop()
        super()._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """As above."""
        result = super().connectionLost(reason)
        self._collected.drop()
        return result


class TLSMemoryBIOFactory(WrappingFactory):
    """Puts each protocol that `wrappedFactory` builds under TLS.

    :param contextFactory: what makes connections of pyOpenSSL, or gives a context of it.
    :param isClient: which part of the handshake is ours.
    :param clock: what tells the time, if not the reactor.
    :raises TypeError: if `contextFactory` gives no context.

    If `wrappedFactory` provides `IProtocolNegotiationFactory`, its protocols are agreed on by ALPN (RFC 7301).
    """

    protocol = BufferingTLSTransport
    noisy = False

    def __init__(self, contextFactory: Any, isClient: bool, wrappedFactory: Any, clock: Any = None) -> None:
        super().__init__(wrappedFactory)
        self._creatorCallable = connection_maker(contextFactory, isClient, stacklevel=2)
        self._isClient = isClient
        self._given_clock = clock

    @property
    def _clock(self) -> Any:
        return getReactor() if self._given_clock is None else self._given_clock

    def connection_for(self, tlsProtocol: Any) -> Any:
        """A new connection of pyOpenSSL over memory, for that protocol."""
        tlsProtocol.acceptableProtocols = names_of(self.wrappedFactory)
        connection = self._creatorCallable(tlsProtocol)
        connection.set_app_data(tlsProtocol)
        if not self._isClient:
            connection.set_accept_state()
        else:
            connection.set_connect_state()
            if tlsProtocol.acceptableProtocols:
                connection.set_alpn_protos(tlsProtocol.acceptableProtocols)
        return connection

    def logPrefix(self) -> str:
        """The wrapped factory's name, and that it is under TLS."""
        prefix = getattr(self.wrappedFactory, "logPrefix", None)
        name = prefix() if prefix is not None else type(self.wrappedFactory).__name__
        return f"{name} (TLS)"
