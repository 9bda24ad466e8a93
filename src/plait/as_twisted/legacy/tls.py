"""What `twisted.protocols.tls` is: TLS as a protocol in front of a protocol, over any transport.

New programs say `listenSSL`, `connectSSL` or ``transport.startTLS``, which put the same layer under a connection
(`plait.transport.tlslayer`) with a call less for each piece of data. This is for transports that have none of these: one
protocol inside another, or the fakes of tests.
"""

from __future__ import annotations

from typing import Any

from plait.current import getReactor
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.interfaces import IHandshakeListener, INegotiated, adapt, alsoProvides
from plait.protocol import connectionDone
from plait.protocol.policies import ProtocolWrapper, WrappingFactory
from plait.transport.tls import check_context_factory, machine_for
from plait.transport.tlslayer import TLSLayer

__all__ = ["TLSMemoryBIOFactory", "TLSMemoryBIOProtocol"]


class _Loop:
    """What the layer asks of an event loop, from a reactor or a clock."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def call_later(self, delay: float, function: Any) -> Any:
        return self._clock.callLater(delay, function)

    def call_soon(self, function: Any) -> Any:
        return self._clock.callLater(0, function)


class _Below:
    """A transport of Twisted's kind as the layer sees one."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.write = transport.write
        self.close = transport.loseConnection

    def abort(self) -> None:
        abort = getattr(self._transport, "abortConnection", None) or self._transport.loseConnection
        abort()

    def set_protocol(self, protocol: Any) -> None:
        pass  # the wrapper hands on what comes

    def pause_reading(self) -> None:
        self._transport.pauseProducing()

    def resume_reading(self) -> None:
        self._transport.resumeProducing()

    def get_write_buffer_size(self) -> int:
        return 0  # not told


class TLSMemoryBIOProtocol(ProtocolWrapper):
    """Puts one protocol under TLS. Attributes as of `ProtocolWrapper`."""

    _layer: TLSLayer
    _reason: Failure | None = None

    def makeConnection(self, transport: Any) -> Any:
        """Take the transport, let the wrapped protocol begin, then shake hands."""
        factory = self.factory
        host = getattr(getattr(transport, "getPeer", lambda: None)(), "host", None)
        machine = machine_for(factory.contextFactory, factory.isClient, host)
        self._layer = TLSLayer(factory.loop, machine, _Below(transport), self)
        result = super().makeConnection(transport)
        alsoProvides(self, INegotiated)
        self._layer.begin()
        return result

    # -- what comes from the transport

    def dataReceived(self, data: bytes) -> Any:
        """Take what has come from the network."""
        self._layer.data_received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """The transport is gone: the layer says what that means for the wrapped protocol."""
        self._reason = reason
        self._layer.connection_lost(None if reason.check(ConnectionDone) else reason.value)

    # -- what comes from the layer

    def data_received(self, data: bytes) -> None:
        """Plain data."""
        self.wrappedProtocol.dataReceived(data)

    def eof_received(self) -> bool:
        """The peer has said that its data ends: so do we."""
        return False

    def handshake_done(self) -> None:
        """The peer is known."""
        listener = adapt(IHandshakeListener, self.wrappedProtocol, None)
        if listener is not None:
            listener.handshakeCompleted()

    def pause_writing(self) -> None:
        """Much was written before the handshake was done. Producers are those of the transport, which tells them."""

    def resume_writing(self) -> None:
        """It is under way."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """The end, and what the layer says of it."""
        reason = self._reason
        if exc is not None and (reason is None or exc is not reason.value):
            reason = Failure(exc)
        super().connectionLost(reason or connectionDone)

    # -- as a transport

    def write(self, data: bytes) -> None:
        """Send `data` under TLS."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data to be written must be bytes, not {type(data).__name__}; encode text first")
        if data and not self.disconnecting:
            self._layer.write(bytes(data))

    def writeSequence(self, iovec: Any) -> None:
        """Send several pieces, one after the other."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Send what was written, end the TLS connection, then close the transport."""
        if not self.disconnecting:
            self.disconnecting = 1
            self._layer.close()

    def abortConnection(self) -> None:
        """Close now."""
        self.disconnecting = 1
        self._layer.abort()

    def pauseProducing(self) -> None:
        """Hand the wrapped protocol nothing more."""
        self._layer.pause_reading()

    def resumeProducing(self) -> None:
        """Go on."""
        self._layer.resume_reading()

    def getHandle(self) -> Any:
        """The object of the TLS library."""
        return self._layer.machine.object

    def getPeerCertificate(self) -> Any:
        """The certificate that the peer has shown, or None."""
        return self._layer.machine.peer_certificate()

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The protocol agreed on by ALPN (RFC 7301), or None."""
        return self._layer.machine.negotiated()


class TLSMemoryBIOFactory(WrappingFactory):
    """Puts each protocol that `wrappedFactory` builds under TLS.

    :param contextFactory: as for `reactor.listenSSL` and `reactor.connectSSL`.
    :param isClient: which part of the handshake is ours.
    :param clock: what tells the time, if not the reactor.
    :raises TypeError: if `contextFactory` gives no context.
    """

    protocol = TLSMemoryBIOProtocol
    noisy = False

    def __init__(self, contextFactory: Any, isClient: bool, wrappedFactory: Any, clock: Any = None) -> None:
        super().__init__(wrappedFactory)
        check_context_factory(contextFactory)
        self.contextFactory = contextFactory
        self.isClient = isClient
        self._clock = clock

    @property
    def loop(self) -> Any:
        """What the layer's timers run on."""
        return _Loop(self._clock if self._clock is not None else getReactor())

    def logPrefix(self) -> str:
        """The wrapped factory's name, and that it is under TLS."""
        prefix = getattr(self.wrappedFactory, "logPrefix", None)
        name = prefix() if prefix is not None else type(self.wrappedFactory).__name__
        return f"{name} (TLS)"
