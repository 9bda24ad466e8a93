"""The small services of the early Internet: echo, discard, chargen, quote of the day, time, who."""

from __future__ import annotations

import struct
import time

from plait.interfaces import IProducer, implementer
from plait.protocol import Protocol


class Echo(Protocol):
    """RFC 862: send back what comes, as fast as it is taken."""

    def connectionMade(self) -> None:
        """A peer that does not read what it gets is not read any further."""
        self.transport.registerProducer(self.transport, True)

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


class Discard(Protocol):
    """RFC 863: take what comes, and forget it."""

    def dataReceived(self, data: bytes) -> None:
        """Nothing."""


@implementer(IProducer)
class Chargen(Protocol):
    """RFC 864: send characters without an end, as fast as they are taken."""

    noise = b'@\\r\\n!"#$%%&'

    def connectionMade(self) -> None:
        """Begin."""
        self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Send some."""
        self.transport.write(self.noise)

    def pauseProducing(self) -> None:
        """Nothing: it sends only when it is asked."""

    def stopProducing(self) -> None:
        """Nothing: it sends only when it is asked."""


class QOTD(Protocol):
    """RFC 865: say a sentence, and close. `getQuote` gives it."""

    def connectionMade(self) -> None:
        """Say it."""
        self.transport.write(self.getQuote())
        self.transport.loseConnection()

    def getQuote(self) -> bytes:
        """The sentence. Override it."""
        return b"An apple a day keeps the doctor away.\r\n"


class Who(Protocol):
    """RFC 866: say who is there, and close. `getUsers` gives it."""

    def connectionMade(self) -> None:
        """Say it."""
        self.transport.write(self.getUsers())
        self.transport.loseConnection()

    def getUsers(self) -> bytes:
        """Who is there, a user in each line. Override it."""
        return b"root\r\n"


class Daytime(Protocol):
    """RFC 867: say the time as people write it, and close."""

    def connectionMade(self) -> None:
        """Say it, in UTC."""
        self.transport.write(time.asctime(time.gmtime()).encode("ascii") + b"\r\n")
        self.transport.loseConnection()


class Time(Protocol):
    """RFC 868: say the seconds since 1900 in 4 bytes, and close."""

    def connectionMade(self) -> None:
        """Say it. What 4 bytes cannot hold is cut off, from 2036 on."""
        self.transport.write(struct.pack("!I", (int(time.time()) + 2_208_988_800) & 0xFFFFFFFF))
        self.transport.loseConnection()


__all__ = ["QOTD", "Chargen", "Daytime", "Discard", "Echo", "Time", "Who"]
