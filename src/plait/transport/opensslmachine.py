"""TLS by objects of pyOpenSSL, for programs that bring a context or a connection of it along.

Nothing of pyOpenSSL is imported here: where such an object comes, it is there. The errors that it raises are what the
protocols of such programs look for, so they are handed on as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from plait.transport.tlsmachine import RECORD, TLSError, cut

# Bytes that are asked of a memory BIO at once.
_PIECE = 1 << 16


class Face:
    """What a maker of connections sees of ours in place of Twisted's TLSMemoryBIOProtocol.

    Attributes: `failure` (what `failVerification` was called with, or None), `acceptableProtocols` (names for ALPN, the best
    first, or none).
    """

    def __init__(self, acceptableProtocols: Sequence[bytes] = ()) -> None:
        self.failure: Any = None
        self.acceptableProtocols = acceptableProtocols

    def failVerification(self, reason: Any) -> None:
        """A check of the peer that is not OpenSSL's has failed: the handshake ends with `reason` (a Failure)."""
        self.failure = reason


def choose(connection: Any, offered: Sequence[bytes], acceptable: Sequence[bytes] = ()) -> Any:
    """A server's choice by ALPN: the first of ours that the client knows; if it knows none, there is no connection.

    Ours are `acceptable`, or else what the app data of the connection gives as `acceptableProtocols`. With none at all,
    nothing is agreed on. (RFC 7301, 3.2)
    """
    names = acceptable or getattr(connection.get_app_data(), "acceptableProtocols", ())
    if not names:
        return sys.modules["OpenSSL.SSL"].NO_OVERLAPPING_PROTOCOLS
    return next((name for name in names if name in offered), b"")


def let_choose(context: Any) -> None:
    """Let the app data of connections choose by ALPN."""
    try:
        context.set_alpn_select_callback(choose)
    except ValueError:
        pass  # it has made connections: it chooses already, or is not to


class OpenSSLMachine:
    """A `plait.transport.tlsmachine.TLSMachine` made of an ``OpenSSL.SSL.Connection`` over memory.

    :param face: what callbacks of the context find as the connection's app data.
    """

    def __init__(self, connection: Any, face: Face) -> None:
        connection.set_app_data(face)
        self.object = connection
        self._face = face
        self.more = False
        self._ssl: Any = sys.modules["OpenSSL.SSL"]

    def receive(self, data: bytes) -> None:
        while data:
            data = data[self.object.bio_write(data) :]

    def receive_end(self) -> None:
        self.object.bio_shutdown()

    def to_send(self) -> bytes:
        pieces = []
        try:
            while True:
                pieces.append(self.object.bio_read(_PIECE))
        except self._ssl.WantReadError:
            return b"".join(pieces)

    def handshake(self) -> bool:
        try:
            self.object.do_handshake()
            done = True
        except self._ssl.WantReadError:
            done = False
        except self._ssl.Error as e:
            if self._face.failure is None:
                raise TLSError(e) from None
        if self._face.failure is not None:
            self.to_send()  # is for nobody: what OpenSSL would say is that something is wrong with us
            raise TLSError(self._face.failure.value)
        return done

    def read(self) -> bytes | None:
        self.more = False
        pieces: list[bytes] = []
        try:
            while True:
                pieces.append(self.object.recv(RECORD))
        except self._ssl.WantReadError:
            return b"".join(pieces)
        except self._ssl.Error as e:
            if pieces:
                self.more = True  # the next call raises it again
                return b"".join(pieces)
            if isinstance(e, self._ssl.ZeroReturnError):
                return None
            # -1: the network has ended, and not by the peer's word. Newer OpenSSL says so in words instead.
            if isinstance(e, self._ssl.SysCallError) or "unexpected eof" in str(e):
                raise TLSError(cut()) from None
            raise TLSError(e) from None

    def write(self, data: bytes) -> None:
        while data:
            data = data[self.object.send(data[: 1 << 30]) :]

    def end(self) -> bool:
        try:
            return bool(self.object.shutdown())
        except self._ssl.Error:
            return False

    def negotiated(self) -> bytes | None:
        return self.object.get_alpn_proto_negotiated() or None

    def peer_certificate(self) -> Any:
        return self.object.get_peer_certificate()
