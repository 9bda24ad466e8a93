"""What the ports and connections of one event loop share, and how many there may be at once."""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from plait.log import Logger
from plait.transport.handover import Place
from plait.transport.stream import Connection, Outbox

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from plait.transport.process import Process

_log = Logger("plait.transport")

# How long to wait before we look whether there are file descriptors again, in seconds.
LOOK_AGAIN = 0.1


class Listening(Protocol):
    """What listens, as far as the network knows it."""

    place: Place | None

    def stopListening(self) -> object: ...

    def fileno(self) -> int: ...

    def hand_over(self, pid: int) -> None: ...


class Attempt(Protocol):
    """What wants to connect, as far as the gate knows it."""

    def begin(self) -> None: ...


class Tally:
    """What the connections that have ended leave behind: how many there were, and the bytes that they received and sent."""

    __slots__ = ("bytesReceived", "bytesSent", "ended")

    def __init__(self) -> None:
        self.ended = self.bytesReceived = self.bytesSent = 0

    def add(self, connection: Connection) -> None:
        """A connection has ended."""
        self.ended += 1
        self.bytesReceived += connection.bytesReceived
        self.bytesSent += connection.bytesSent


class Network:
    """What the ports and connections of one loop share. The reactor makes it.

    Attributes: `loop`, `outbox`, `connections` (all that are open), `ports` (all that listen),
    `processes` (all children), `name_resolver` (whom connectors ask, if not the system), `tally` (of those that have ended),
    `accepts` (how many connections others have made to us so far).
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.outbox = Outbox(loop)
        self.connections: set[Connection] = set()
        self.ports: set[Listening] = set()
        self.processes: set[Process] = set()
        self.tally = Tally()
        self.accepts = 0
        self.name_resolver: Any = None  # an IHostnameResolver; None: the system's
        limit = descriptor_limit()
        # Nobody is accepted with one of the last descriptors: files, logs and our own connections need some.
        self.last_descriptor = limit - min(64, max(4, limit // 8))
        # Half of what there is: what connects also needs descriptors once it is connected.
        self.gate = Gate(max(8, min(10_000, limit // 2)))
        self.connection_begun: Callable[[Connection], object] | None = (
            None  # for whoever lets connections come to their end
        )
        self.connection_ended: Callable[[], object] | None = None  # for whoever waits for the end of connections

    def accepted(self) -> list[Connection]:
        """The connections that others have made to us."""
        return [connection for connection in self.connections if not connection.is_client]

    def has_accepted(self) -> bool:
        """Whether there is such a connection."""
        return any(not connection.is_client for connection in self.connections)

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        if connection in self.connections:  # else it was never taken in
            self.connections.remove(connection)
            self.tally.add(connection)
        if self.connection_ended is not None:
            self.connection_ended()


def descriptor_limit() -> int:
    """How many file descriptors this process may have."""
    try:
        import resource
    except ImportError:  # Windows: no such limit
        return 1 << 20
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft if 0 < soft < (1 << 20) else 1 << 20


class Gate:
    """Lets a limited number of attempts to connect be under way; the others wait their turn, without a descriptor.

    So a program may start a connection to each port of a host at once.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[Attempt] = deque()

    def enter(self, attempt: Attempt) -> None:
        """Let `attempt` begin, now or when others are done."""
        if self._free > 0:
            self._free -= 1
            attempt.begin()
        else:
            self._waiting.append(attempt)

    def give_up(self, attempt: Attempt) -> bool:
        """Take `attempt` out of the queue; False if it was not in it."""
        try:
            self._waiting.remove(attempt)
        except ValueError:
            return False
        return True

    def leave(self) -> None:
        """An attempt is over."""
        if self._waiting:
            self._waiting.popleft().begin()
        else:
            self._free += 1


def family_of(interface: str) -> tuple[socket.AddressFamily, str]:
    """The family of an interface's address, and the address; an empty one means all IPv4 interfaces."""
    if ":" in interface:
        return socket.AF_INET6, interface
    return socket.AF_INET, interface


def tell(text: str) -> None:
    """Log what a port does. The text is in `message` too, where observers of the older kind look for it."""
    _log.info("{text}", text=text, message=(text,))


def name_in_log(thing: object) -> str:
    """The name of a factory or protocol in the log."""
    prefix = getattr(thing, "logPrefix", None)
    return str(prefix()) if prefix is not None else type(thing).__name__
