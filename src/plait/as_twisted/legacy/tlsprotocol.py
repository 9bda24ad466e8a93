"""TLS as a protocol that stands in front of another one: to its transport it speaks TLS, by pyOpenSSL (RFC 8446, RFC 5246)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL

from plait.as_twisted.legacy.tlslimits import Limit
from plait.as_twisted.legacy.tlsproducers import ProducerMembrane, PullToPush
from plait.errors import ConnectionDone, SSLError
from plait.failure import Failure
from plait.interfaces import IHandshakeListener, INegotiated, ISystemHandle, adapt, implementer
from plait.protocol import connectionDone
from plait.protocol.policies import ProtocolWrapper
from plait.transport.tlslayer import HANDSHAKE_LIMIT
from plait.transport.tlsmachine import RECORD, cut

__all__ = ["TLSMemoryBIOProtocol"]

# Bytes that are taken from OpenSSL, or given to it, at once.
_PIECE = 1 << 16


@implementer(ISystemHandle, INegotiated)
class TLSMemoryBIOProtocol(ProtocolWrapper):
    """Puts one protocol under TLS. Attributes as of `ProtocolWrapper`.

    What is written before the handshake is done waits for its end. `loseConnection` sends what was written, waits for a
    producer to finish and for the peer to end TLS as well, and delivers what still comes meanwhile. A connection that ends
    without the peer's word for it is lost with ConnectionLost, one that TLS refuses with OpenSSL.SSL.Error, or with
    what `failVerification` was given.
    """

    acceptableProtocols: Sequence[bytes] = ()
    _tlsConnection: Any = None
    _producer: ProducerMembrane | None = None
    _reason: Failure | None = None  # what the wrapped protocol is to be told, if not what the transport says
    _refused: Failure | None = None  # by a check that is not OpenSSL's
    _handshake_done = False
    _over = False  # TLS is: nothing more comes or goes
    _aborted = False
    _lost = False  # the transport is
    _shutting_down = False
    _peer_ended = False  # by TLS's own word
    _paused = False  # what is read
    _limit: Limit

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        super().__init__(factory, wrappedProtocol)
        self._unsent: list[bytes] = []

    # -- as a protocol

    def makeConnection(self, transport: Any) -> Any:
        """Take the transport, let the wrapped protocol begin, then shake hands."""
        self._tlsConnection = self.factory.connection_for(self)
        self._limit = Limit(self.factory._clock)
        self._limit.start(HANDSHAKE_LIMIT, self._too_slow)
        result = super().makeConnection(transport)
        self._shake_hands()
        return result

    def dataReceived(self, data: bytes) -> None:
        """Take what has come from the network."""
        connection = self._tlsConnection
        if connection is None or self._over or not data:
            return
        connection.bio_write(data)
        if not self._handshake_done:
            self._shake_hands()
        if self._handshake_done and not self._over:
            if self._unsent:
                self._send_unsent()
            self._deliver()

    def connectionLost(self, reason: Failure = connectionDone) -> Any:
        """The transport is gone: hand on what has come before, and say what the end means."""
        self._lost = True
        if not self._over and not self._aborted:
            self._tlsConnection.bio_shutdown()
            self._paused = False
            if self._handshake_done:
                self._deliver()
            # an end without the peer's word for it, unless it was ours
            if not (self._over or self._peer_ended or self._shutting_down) and reason.check(ConnectionDone):
                self._reason = self._reason or Failure(cut())
        self._over = True
        self._limit.stop()
        self._tlsConnection = None
        self._unsent.clear()
        producer, self._producer = self._producer, None
        if producer is not None and isinstance(producer._producer, PullToPush):
            producer._producer.stopStreaming()
        reason, self._reason, self._refused = self._reason or reason, None, None
        return super().connectionLost(reason)

    # -- the handshake

    def _shake_hands(self) -> None:
        try:
            self._tlsConnection.do_handshake()
            done = True
        except SSL.WantReadError:
            done = False
        except SSL.Error:
            done = False
            if self._refused is None:
                self._tlsShutdownFinished(Failure())
                return
        if self._refused is not None:
            self._finish(self._refused)  # without a word: OpenSSL's would be that something is wrong with us
            return
        self._flush()
        if not done or self._over or self._handshake_done:  # by what came while that was written
            return
        self._handshake_done = True
        self._limit.stop()
        if self._paused:
            self.transport.pauseProducing()
        listener = adapt(IHandshakeListener, self.wrappedProtocol, None)
        if listener is not None:
            listener.handshakeCompleted()
        if not self._over:
            self._send_unsent()

    def failVerification(self, reason: Failure) -> None:
        """A check of the peer that is not OpenSSL's has failed: the handshake ends, and the connection with `reason`."""
        self._refused = reason

    def _too_slow(self) -> None:
        self._reason = Failure(SSLError(string=f"the TLS handshake took longer than {HANDSHAKE_LIMIT:g} seconds"))
        self._abort()

    # -- data

    def _deliver(self) -> None:
        """Hand up what can be read."""
        while not self._over and not self._paused and not self._peer_ended:
            try:
                data = self._tlsConnection.recv(RECORD)
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self._peer_ended = True
                self._shutdownTLS()
                if not self._over:
                    self._tlsShutdownFinished(None)
                break
            except SSL.Error as e:
                # Newer OpenSSL says in words that the network has ended, and not by the peer's word.
                ended = isinstance(e, SSL.SysCallError) or "unexpected eof" in str(e)
                if not (ended and self._lost):
                    self._tlsShutdownFinished(Failure(cut()) if ended else Failure())
                break
            self.wrappedProtocol.dataReceived(data)
        self._flush()

    def _flush(self) -> None:
        """Hand what OpenSSL has for the network to the transport."""
        while self._tlsConnection is not None:
            try:
                data = self._tlsConnection.bio_read(_PIECE)
            except SSL.WantReadError:
                return
            self.transport.write(data)
            if len(data) < _PIECE:
                return

    def _send(self, data: bytes) -> None:
        """Send `data`, or keep it for the time when TLS can take it."""
        if self._over or not data:
            return
        if self._unsent or not self._handshake_done:
            self._keep(data)
            return
        view = memoryview(data)
        try:
            while view:
                view = view[self._tlsConnection.send(view[:_PIECE].tobytes()) :]
        except SSL.WantReadError:
            self._keep(view.tobytes())
        except SSL.Error:
            self._tlsShutdownFinished(Failure())
            return
        self._flush()

    def _keep(self, data: bytes) -> None:
        self._unsent.append(data)
        if self._producer is not None:
            self._producer.pauseProducing()

    def _send_unsent(self) -> None:
        unsent, self._unsent = self._unsent, []
        for data in unsent:
            self._send(data)
        if self._unsent or self._over:
            return
        if self._producer is not None:
            self._producer.resumeProducing()
        elif self.disconnecting:
            self._shutdownTLS()

    # -- the end

    def _shutdownTLS(self) -> None:
        """Say that our data ends; when the peer has said so as well, close the transport."""
        if self._over:
            return
        self._shutting_down = True
        try:
            ended = bool(self._tlsConnection.shutdown())
        except SSL.Error:
            ended = False
        self._flush()
        if ended:
            self._tlsShutdownFinished(None)

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:
        """TLS is over, by both ends' word or by an error: send the last of it, and close the transport."""
        self._flush()
        self._finish(reason)

    def _finish(self, reason: Failure | None) -> None:
        self._reason = self._reason or reason
        self._over = True
        self._limit.stop()
        if self._lost:
            return
        producer, self._producer = self._producer, None
        if producer is not None:  # the transport would wait for it
            self.transport.unregisterProducer()
            producer.stopProducing()
        self.transport.loseConnection()

    def loseConnection(self) -> None:
        """Send what was written, end the TLS connection, then close the transport. A producer may finish before."""
        if self.disconnecting or self._over:
            return
        self.disconnecting = True
        if self._unsent or self._producer is not None:
            return
        if self._handshake_done:
            self._shutdownTLS()
        else:
            self._shutting_down = True
            self.transport.loseConnection()

    def loseWriteConnection(self) -> None:
        """As `loseConnection`, which delivers what the peer still sends: TLS has no other half-close."""
        self.loseConnection()

    def abortConnection(self) -> None:
        """Close now: what was written and has not gone out is lost."""
        self._abort()

    def _abort(self) -> None:
        self._aborted = self._over = self.disconnecting = True
        self._unsent.clear()
        self._limit.stop()
        abort = getattr(self.transport, "abortConnection", None) or self.transport.loseConnection
        abort()

    # -- as a transport

    def write(self, data: bytes) -> None:
        """Send `data` under TLS. Does nothing once the connection is over, or being closed with no producer to finish.

        :raises TypeError: if `data` is not bytes.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data to be written must be bytes, not {type(data).__name__}; encode text first")
        if not self._over and (not self.disconnecting or self._producer is not None):
            self._write(bytes(data))

    def _write(self, data: bytes) -> None:
        self._send(data)

    def writeSequence(self, iovec: Any) -> None:
        """Send several pieces, one after the other."""
        self.write(b"".join(iovec))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let `producer` fill the connection: paused while TLS or the transport below can take no more.

        A pull producer (not `streaming`) is asked once in each turn of the reactor.

        :raises RuntimeError: if another producer is registered.
        """
        if self._over:
            producer.stopProducing()
            return
        if self._producer is not None:
            raise RuntimeError(f"cannot register {producer!r}: another producer was never unregistered")
        pulled = None if streaming else PullToPush(producer, self)
        self._producer = ProducerMembrane(pulled or producer)
        if pulled is not None:
            pulled.startStreaming()
        if self._unsent:
            self._producer.pauseProducing()
        self.transport.registerProducer(self._producer, True)

    def unregisterProducer(self) -> None:
        """The producer is done; the connection is closed now if that was waited for."""
        if self._producer is None:
            return
        producer, self._producer = self._producer._producer, None
        if isinstance(producer, PullToPush):
            producer.stopStreaming()
        self.transport.unregisterProducer()
        if self.disconnecting and not self._over and not self._unsent and self._handshake_done:
            self._shutdownTLS()

    def pauseProducing(self) -> None:
        """Hand the wrapped protocol nothing more; the handshake goes on."""
        self._paused = True
        if self._handshake_done:  # which has to go on
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on, with what has come meanwhile first."""
        if not self._paused:
            return
        self._paused = False
        if self._handshake_done and not self._over:
            self.transport.resumeProducing()
            # not now: whoever resumes may not expect data in the middle of the call
            self.factory._clock.callLater(0, self._deliver_held)

    def _deliver_held(self) -> None:
        if not self._over:
            self._deliver()

    def getHandle(self) -> Any:
        """The ``OpenSSL.SSL.Connection``; None when the connection is lost."""
        return self._tlsConnection

    def getPeerCertificate(self) -> Any:
        """The certificate that the peer has shown (an X509), or None."""
        return None if self._tlsConnection is None else self._tlsConnection.get_peer_certificate()

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The protocol agreed on by ALPN (RFC 7301), or None."""
        return (self._tlsConnection is not None and self._tlsConnection.get_alpn_proto_negotiated()) or None
