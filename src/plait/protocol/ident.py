"""The identification protocol (RFC 1413): which user of a host has opened a certain connection. Server and client."""

from __future__ import annotations

import re
import socket
import struct
from typing import TYPE_CHECKING, Any, ClassVar

from plait.deferred import Deferred, maybeDeferred
from plait.log import Logger
from plait.protocol.base import connectionDone
from plait.protocol.lines import LineOnlyReceiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plait.failure import Failure

_log = Logger("plait.protocol")

_PORTS = re.compile(r"\s*(-?\d{1,10})\s*,\s*(-?\d{1,10})\s*\Z")
_ANSWER = re.compile(r"\s*(\d{1,5})\s*,\s*(\d{1,5})\s*:\s*(\w[\w-]*)\s*:\s*(.*)\Z", re.DOTALL)


class IdentError(Exception):
    """The user cannot be told. `identDescription` is the protocol's word for the reason."""

    identDescription = "UNKNOWN-ERROR"


class NoUser(IdentError):
    """The connection is not there, or belongs to nobody."""

    identDescription = "NO-USER"


class InvalidPort(IdentError):
    """A port was not one, 1 to 65535."""

    identDescription = "INVALID-PORT"


class HiddenUser(IdentError):
    """The user does not want to be told."""

    identDescription = "HIDDEN-USER"


class IdentServer(LineOnlyReceiver):
    """Answers which user has opened a connection. Override `lookup`, or use it with `ProcServerMixin`."""

    MAX_LENGTH = 1000  # RFC 1413, section 4: what a server should be able to take

    def lineReceived(self, line: bytes) -> None:
        """Take the question apart: the port here, and the port at the host that asks."""
        ports = _PORTS.match(_text(line))
        if ports is None:
            self.invalidQuery()
            return
        here, there = int(ports[1]), int(ports[2])
        if 0 < here <= 65535 and 0 < there <= 65535:
            self.validQuery(here, there, line)
        else:
            self._answer(here, there, "ERROR", InvalidPort.identDescription, line)

    def _answer(self, here: int, there: int, kind: str, text: str, question: object) -> None:
        answer: Any = f"{here}, {there} : {kind} : {text}"
        self.sendLine(answer if isinstance(question, str) else answer.encode("utf-8"))

    def invalidQuery(self) -> None:
        """Called with what is no question. Closes the connection."""
        self.transport.loseConnection()

    def validQuery(self, portOnServer: int, portOnClient: int, question: object = b"") -> None:
        """Called with a question: look it up, and answer."""
        host: Any = self.transport.getHost()
        peer: Any = self.transport.getPeer()

        def found(result: tuple[str, str]) -> None:
            self._answer(portOnServer, portOnClient, "USERID", " : ".join(result), question)

        def not_found(failure: Failure) -> None:
            if isinstance(failure.value, IdentError):
                word = failure.value.identDescription
            else:
                _log.failure("Looking up an ident question failed", failure)
                word = IdentError.identDescription
            self._answer(portOnServer, portOnClient, "ERROR", word, question)

        d = maybeDeferred(self.lookup, (host.host, portOnServer), (peer.host, portOnClient))
        d.addCallbacks(found, not_found)

    def lookup(self, serverAddress: tuple[str, int], clientAddress: tuple[str, int]) -> Any:
        """The operating system ("UNIX" says that the user is what one types at a login) and the user, or a Deferred of both.

        :raises IdentError: one of its kinds, if it cannot be told.
        """
        raise IdentError("override lookup")


class ProcServerMixin:
    """For an `IdentServer` on Linux, before its name: asks /proc/net/tcp. (Only IPv4 is there.)"""

    SYSTEM_NAME: ClassVar[str] = "LINUX"

    def getUsername(self, uid: int) -> str:
        """The name of a user; the number, if it has no name."""
        import pwd  # there is none on Windows

        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def entries(self) -> Iterator[str]:
        """The lines of the system's table."""
        with open("/proc/net/tcp") as table:
            table.readline()  # the heading
            for line in table:
                yield line.strip()

    def dottedQuadFromHexString(self, hexstr: str) -> str:
        """An address as the table has it (the bytes of this machine's order, in hexadecimal) as people write it."""
        return socket.inet_ntoa(struct.pack("=L", int(hexstr, 16)))

    def unpackAddress(self, packed: str) -> tuple[str, int]:
        """Address and port of what the table has."""
        host, _, port = packed.partition(":")
        return self.dottedQuadFromHexString(host), int(port, 16)

    def parseLine(self, line: str) -> tuple[tuple[str, int], tuple[str, int], int]:
        """Of a line of the table: our address, the other one, the number of the user."""
        words = line.split()
        return self.unpackAddress(words[1]), self.unpackAddress(words[2]), int(words[7])

    def lookup(self, serverAddress: tuple[str, int], clientAddress: tuple[str, int]) -> tuple[str, str]:
        """Find the connection in the table."""
        for line in self.entries():
            ours, theirs, uid = self.parseLine(line)
            if theirs == clientAddress and ours[1] == serverAddress[1]:
                return self.SYSTEM_NAME, self.getUsername(uid)
        raise NoUser


class IdentClient(LineOnlyReceiver):
    """Asks a host which user has opened a connection from there to us."""

    errorTypes: ClassVar[tuple[type[IdentError], ...]] = (IdentError, NoUser, InvalidPort, HiddenUser)

    def __init__(self) -> None:
        self.queries: list[tuple[Deferred[Any], int, int]] = []

    def lookup(self, portOnServer: int, portOnClient: int) -> Deferred[Any]:
        """Ask: `portOnServer` is the port at the host that is asked, `portOnClient` the one here.

        The Deferred fires with (operating system, user), or fails with an `IdentError`.
        """
        d: Deferred[Any] = Deferred()
        self.queries.append((d, portOnServer, portOnClient))
        if len(self.queries) == 1:  # one at a time: nothing promises that a server takes more
            self._ask()
        return d

    def _ask(self) -> None:
        _, here, there = self.queries[0]
        self.sendLine(b"%d, %d" % (here, there))

    def lineReceived(self, line: bytes) -> None:
        """The answer to the first question."""
        if not self.queries:
            _log.info("An ident server answers what was not asked: {line!r}", line=line)
            return
        d, _, _ = self.queries.pop(0)
        self.parseResponse(d, _text(line))
        if self.queries:
            self._ask()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nobody will answer any more."""
        queries, self.queries = self.queries, []
        for d, _, _ in queries:
            d.errback(IdentError(reason))

    def parseResponse(self, deferred: Deferred[Any], line: str) -> None:
        """Fire `deferred` with what an answer says."""
        answer = _ANSWER.match(line)
        if answer is None:
            deferred.errback(IdentError(f"this is no answer to an ident question: {line!r}"))
            return
        kind, text = answer[3], answer[4]
        if kind == "USERID":
            system, _, user = text.partition(":")
            deferred.callback((system.strip(), user.strip()))
            return
        word = text.strip()
        known = {error.identDescription: error for error in self.errorTypes}
        deferred.errback(known.get(word, IdentError)(line))


def _text(line: Any) -> str:
    """Old programs, and their tests, hand over text."""
    return line if isinstance(line, str) else line.decode("utf-8", "replace")
