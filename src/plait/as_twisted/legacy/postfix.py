"""Postfix's TCP tables (tcp_table(5)): a server that says what belongs to a key."""

from __future__ import annotations

from collections import UserDict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as _quote
from urllib.parse import unquote_to_bytes

from plait.deferred import maybeDeferred
from plait.log import Logger
from plait.protocol import LineOnlyReceiver, ServerFactory
from plait.protocol.policies import TimeoutMixin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plait.failure import Failure

_log = Logger("plait.as_twisted")


def quote(s: bytes) -> bytes:
    """As a key or a value is written: what is no printable ASCII, and the percent sign, as a percent sign and two digits."""
    return _quote(s, safe="".join(map(chr, set(range(33, 127)) - {ord("%")}))).encode("ascii")


def unquote(s: bytes) -> bytes:
    """The other way."""
    return unquote_to_bytes(s)


class PostfixTCPMapServer(LineOnlyReceiver, TimeoutMixin):
    """Answers ``get KEY`` by what the factory's `get` says for it. ``put`` is not for this server."""

    timeout = 600
    delimiter = b"\n"

    def connectionMade(self) -> None:
        """Close it when nothing is asked for `timeout` seconds."""
        self.setTimeout(self.timeout)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Wait no more."""
        self.setTimeout(None)

    def sendCode(self, code: int, message: bytes = b"") -> None:
        """An answer: a code, and what belongs to it."""
        self.sendLine(b"%d %b" % (code, message))

    def lineReceived(self, line: bytes) -> None:
        """Take the question apart."""
        self.resetTimeout()
        command, _, arguments = line.partition(b" ")
        needed = _PARAMETERS.get(command)
        if needed is None:
            self.sendCode(400, b"unknown command")
            return
        words = arguments.split(None, needed - 1) if arguments else []
        if len(words) != needed:
            self.sendCode(400, b"Command '%b' takes %d parameters." % (command, needed))
            return
        (self.do_get if command == b"get" else self.do_put)(*words)

    def do_get(self, key: bytes) -> None:
        """Look the key up."""
        d = maybeDeferred(self.factory.get, unquote(key))
        d.addCallbacks(self._cbGot, self._cbNot)
        d.addErrback(lambda failure: _log.failure("Cannot answer postfix", failure))

    def _cbGot(self, value: bytes | None) -> None:
        if value is None:
            self.sendCode(500)
        else:
            self.sendCode(200, quote(value))

    def _cbNot(self, failure: Failure) -> None:
        self.sendCode(400, failure.getErrorMessage().encode("ascii", "replace"))

    def do_put(self, key: bytes, value: bytes) -> None:
        """Not here."""
        self.sendCode(500, b"put is not implemented yet.")


_PARAMETERS = {b"get": 1, b"put": 2}


class PostfixTCPMapDictServerFactory(UserDict[bytes, bytes], ServerFactory):
    """A table that is a dictionary."""

    protocol = PostfixTCPMapServer

    def __init__(self, data: Mapping[bytes, bytes] | None = None) -> None:
        UserDict.__init__(self, data or {})

    __hash__ = ServerFactory.__hash__  # one factory is not another, though they hold the same


class PostfixTCPMapDeferringDictServerFactory(PostfixTCPMapDictServerFactory):
    """The same, where the answers come as Deferreds: an example of a table that has to ask elsewhere."""

    def get(self, key: bytes, default: Any = None) -> Any:
        """A Deferred of the value."""
        return maybeDeferred(super().get, key, default)
