"""TLS without I/O: bytes from the network go in, bytes for the network and plain data come out (RFC 8446, RFC 5246).

A machine is one end of one TLS connection. `StandardMachine` is made of the standard library's `ssl`; there is another one
for objects of pyOpenSSL (`plait.transport.opensslmachine`). What drives a machine is `plait.transport.tlslayer`.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Protocol

from plait import errors

if TYPE_CHECKING:
    from collections.abc import Callable

# SSL_read gives one record at most, and a record holds no more than this (RFC 8446, 5.1).
RECORD = 16384


class TLSError(Exception):
    """A machine can go no further. `reason` is the error that the connection ends with."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


class TLSMachine(Protocol):
    """One end of a TLS connection."""

    def receive(self, data: bytes, /) -> object:
        """Take what has come from the network."""

    def receive_end(self) -> None:
        """Nothing more will come from the network."""

    def to_send(self) -> bytes:
        """What is to go to the network now; empty if there is nothing."""

    def handshake(self) -> bool:
        """Go on with the handshake; true when it is done. TLSError if it has failed."""

    def read(self) -> bytes | None:
        """All plain data that is there; None once the peer has said that its data ends (close_notify).

        Empty if more has to come from the network first. TLSError if what came is not TLS, or if the network has ended and
        the peer's data has not.
        """

    def write(self, data: bytes, /) -> object:
        """Take plain data. To be called only when the handshake is done."""

    def end(self) -> bool:
        """Say that our data ends (close_notify); true if the peer has said so too."""

    def negotiated(self) -> bytes | None:
        """The protocol agreed on by ALPN (RFC 7301), if any."""

    def peer_certificate(self) -> Any:
        """The certificate that the peer has shown, or None."""

    more: bool
    """`read` has more to say, although nothing more has come: call it again."""

    @property
    def object(self) -> Any:
        """The object of the library that does the work."""


class Memory(Protocol):
    """What a client keeps from one connection to the next. `session` belongs to one context and one host name."""

    session: ssl.SSLSession | None


class StandardMachine:
    """A TLS connection by `ssl`.

    :param hostname: for a client: the name that is sent (SNI, RFC 6066) and, if the context says so, verified.
    :param memory: for a client: where the session is that it tries to resume, and where it leaves its own.
    """

    def __init__(
        self, context: ssl.SSLContext, server_side: bool, hostname: str | None = None, memory: Memory | None = None
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._memory = memory
        session = memory.session if memory is not None else None
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side, hostname, session)
        # looked up once: these are called for every piece of data
        self.receive: Callable[[bytes], object] = self._incoming.write
        self.to_send: Callable[[], bytes] = self._outgoing.read
        self._read = self.object.read
        self._more = self.object.pending
        self.write: Callable[[bytes], object] = self.object.write
        self.more = False
        self._error: TLSError | None = None

    def receive_end(self) -> None:
        self._incoming.write_eof()

    def handshake(self) -> bool:
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLError, ssl.CertificateError) as e:
            raise TLSError(ssl_error(e)) from None
        return True

    def read(self) -> bytes | None:
        if self.more:
            self.more = False
            if self._error is not None:
                raise self._error
        try:
            data = self._read(RECORD)
            if not data:
                self._remember()
                return None
            incoming = self._incoming
            if not incoming.pending and not self._more():
                return data  # the usual case: one record, and nothing raised
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:
            self._remember()
            return None
        except ssl.SSLError as e:
            raise _why_not(e) from None
        pieces = [data]
        while incoming.pending or self._more():
            try:
                data = self._read(RECORD)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError as e:
                self._error = _why_not(e)  # OpenSSL would say something else the next time
                data = b""
            if not data:
                self.more = True  # the end or an error, which the next call gives
                break
            pieces.append(data)
        return b"".join(pieces)

    def end(self) -> bool:
        self._remember()
        try:
            self.object.unwrap()
        except ssl.SSLError:
            return False  # the peer has not said so yet, or the connection is broken anyway
        return True

    def _remember(self) -> None:
        """Leave the session. With TLS 1.3 it comes at any time after the handshake, so this is done at the end."""
        if self._memory is not None:
            session = self.object.session
            if session is not None and (session.has_ticket or session.id):
                self._memory.session = session

    def negotiated(self) -> bytes | None:
        name = self.object.selected_alpn_protocol()
        return name.encode("ascii") if name else None

    def peer_certificate(self) -> Any:
        try:
            return self.object.getpeercert() or None
        except ValueError:
            return None  # the handshake is not done


def _why_not(e: ssl.SSLError) -> TLSError:
    """Why nothing more can be read."""
    ended = isinstance(e, ssl.SSLEOFError) or e.reason == "UNEXPECTED_EOF_WHILE_READING"
    return TLSError(cut() if ended else ssl_error(e))


def cut() -> errors.ConnectionLost:
    """The error of a connection that has ended without the peer's word: the end may be of an attacker's making."""
    return errors.ConnectionLost("TLS was not ended (no close_notify), so data may be missing")


# What OpenSSL calls some of the things that happen every day.
_IN_WORDS = {
    "HTTP_REQUEST": "the peer has sent a plain HTTP request, and no TLS (http:// where https:// is needed?)",
    "HTTPS_PROXY_REQUEST": "the peer has sent a plain HTTP request to a proxy, and no TLS",
    "WRONG_VERSION_NUMBER": "what the peer has sent is no TLS",
    "PACKET_LENGTH_TOO_LONG": "the peer has sent a record that is longer than TLS allows",
    "ENCRYPTED_LENGTH_TOO_LONG": "the peer has sent a record that is longer than TLS allows",
    "DATA_LENGTH_TOO_LONG": "the peer has sent a record that is longer than TLS allows",
    "NO_SHARED_CIPHER": "the peer knows no cipher that we know",
    "UNSUPPORTED_PROTOCOL": "the peer knows no version of TLS that is allowed here",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer has shown no certificate, and one is needed",
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": "what the peer has sent was changed on its way",
}


def ssl_error(e: Exception) -> errors.SSLError:
    """What Plait says for an error of `ssl`: in words, with OpenSSL's name behind them."""
    if isinstance(e, ssl.SSLCertVerificationError):
        return errors.SSLError(string=f"the certificate is not accepted: {e.verify_message}")
    reason = getattr(e, "reason", None)
    if not reason:
        return errors.SSLError(string=str(e))
    words = _IN_WORDS.get(reason)
    if words is None:
        _, alert, name = reason.partition("_ALERT_")
        plain = (name or reason).lower().replace("_", " ")
        words = f"the peer has ended TLS with an alert: {plain}" if alert else plain
    return errors.SSLError(string=f"{words} ({reason})")
