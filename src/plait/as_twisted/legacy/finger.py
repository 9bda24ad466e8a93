"""Finger (RFC 1288), the server's side: a line asks for a user, or for all of them."""

from __future__ import annotations

from plait.protocol import LineReceiver


class Finger(LineReceiver):
    """Answers one line and closes. Override `getUser`, `getDomain` and `forwardQuery`, which here tell nobody anything."""

    def lineReceived(self, line: bytes) -> None:
        """Take the question apart: ``/W user@host``, all of it optional."""
        words = line.split()
        wants_more = bool(words) and words[0].lower() == b"/w"
        user = words[-1] if words[wants_more:] else b""
        if b"@" in user:
            user, _, host = user.rpartition(b"@")
            self.forwardQuery(wants_more, user, host)
        elif user:
            self.getUser(wants_more, user)
        else:
            self.getDomain(wants_more)

    def _refuseMessage(self, message: bytes) -> None:
        self.transport.write(message + b"\n")
        self.transport.loseConnection()

    def forwardQuery(self, slash_w: bool, user: bytes, host: bytes) -> None:
        """Asked about a user of another host."""
        self._refuseMessage(b"Finger forwarding service denied")

    def getDomain(self, slash_w: bool) -> None:
        """Asked who is there."""
        self._refuseMessage(b"Finger online list denied")

    def getUser(self, slash_w: bool, user: bytes) -> None:
        """Asked about a user."""
        self.transport.write(b"Login: " + user + b"\n")
        self._refuseMessage(b"No such user")
