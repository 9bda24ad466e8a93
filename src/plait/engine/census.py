"""What a reactor has under way right now: totals, ports, connections, timers, threads, tasks, Deferreds that wait.

Nothing here changes anything, and all is asked in the reactor's own thread. What grows with the program is there in slices, too:
a generator that does a bounded piece of work at each step, so that whoever asks can let the loop turn between two of them.
`at_once` takes all steps.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from plait.deferred import getDebugging, waitingDeferreds
from plait.deferred.coroutines import waitingWithoutLoop
from plait.task import LoopingCall

if TYPE_CHECKING:
    from types import FrameType

    from plait.engine.reactor import Reactor
    from plait.transport.stream import Connection

T = TypeVar("T")

# Connections in one slice: some 0.5 ms of work.
SLICE = 100

# As much work again, where one entry takes less: an addition, or the name of a function.
_ADDITIONS = 1000

# How many entries of a list that a program can make as long as it likes are looked at one by one.
LISTED = 200


@dataclass(frozen=True, slots=True)
class PortFacts:
    """A port that listens. UDP has no connections: `accepts`, `open` and the bytes are 0 there."""

    kind: str
    """TCP, TLS, UNIX, UDP, …"""
    address: str
    factory: str
    """The name of its factory's class; of a UDP port, its protocol's."""
    accepts: int
    open: int
    bytesReceived: int
    """Of all its connections, those that have ended among them."""
    bytesSent: int


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """The reactor's pool of threads: how many there may be, are, work; and how much work has no thread yet."""

    limit: int
    threads: int
    busy: int
    queued: int


@dataclass(frozen=True, slots=True)
class Totals:
    """One reactor in numbers. `accepts` and the bytes count from its beginning, the others are of now."""

    connections: int
    """Open ones, both kinds."""
    accepted: int
    """Those of them that others have made to us."""
    accepts: int
    bytesReceived: int
    """What protocols were given: under TLS the bytes inside it. UDP is not counted."""
    bytesSent: int
    """What was handed to the loop to be sent."""
    timers: int
    """Timed calls that are still to be made."""
    processes: int
    """Children."""
    threads: ThreadFacts
    ports: list[PortFacts]


def at_once(slices: Generator[None, None, T]) -> T:
    """Take all steps of what works in slices, now."""
    try:
        while True:
            next(slices)
    except StopIteration as end:
        result: T = end.value
        return result


def totals(reactor: Reactor) -> Totals:
    """The numbers of a reactor. It looks at each open connection: 10,000 take some milliseconds."""
    return at_once(totals_in_slices(reactor))


def totals_in_slices(reactor: Reactor) -> Generator[None, None, Totals]:
    """`totals`, in slices. The numbers of a connection that ends meanwhile are counted once."""
    network = reactor._net
    # What has ended is read before all else: what ends from now on is in the list below.
    received, sent = network.tally.bytesReceived, network.tally.bytesSent
    # What the parent of workers keeps for them is no port of this process: it listens with it to nothing.
    listening = [(port, _of_ended(port)) for port in network.ports if hasattr(port, "_kind")]
    by_owner: dict[object, list[int]] = {}
    accepted = 0
    for number, connection in enumerate(list(network.connections), 1):
        if number % _ADDITIONS == 0:
            yield
        owner = connection._owner
        entry = by_owner.get(owner)
        if entry is None:
            entry = by_owner[owner] = [0, 0]
        entry[0] += connection.bytesReceived
        entry[1] += connection.bytesSent
        accepted += not owner.is_client
    for more_received, more_sent in by_owner.values():
        received += more_received
        sent += more_sent
    ports = [_port(port, ended, by_owner.get(port, (0, 0))) for port, ended in listening]
    return Totals(
        connections=len(network.connections),
        accepted=accepted,
        accepts=network.accepts,
        bytesReceived=received,
        bytesSent=sent,
        timers=reactor._timers.count(),
        processes=len(network.processes),
        threads=threads(reactor),
        ports=sorted(ports, key=lambda port: (port.kind, port.address)),
    )


def _of_ended(port: Any) -> tuple[int, int]:
    """The bytes that the connections of a port have carried which have ended."""
    tally = getattr(port, "_tally", None)
    return (0, 0) if tally is None else (tally.bytesReceived, tally.bytesSent)


def _port(port: Any, ended: Sequence[int], of_open: Sequence[int]) -> PortFacts:
    streams = hasattr(port, "_tally")
    return PortFacts(
        kind="TLS" if getattr(port, "contextFactory", None) is not None else port._kind,
        address=port_address(port),
        factory=class_name(port.factory if streams else port.protocol),
        accepts=port.accepts if streams else 0,
        open=port.openConnections if streams else 0,
        bytesReceived=ended[0] + of_open[0],
        bytesSent=ended[1] + of_open[1],
    )


def port_address(port: Any) -> str:
    """Where a port listens, as `PortFacts.address` has it: "127.0.0.1:80", "[::1]:80", a path; "" where that is not known."""
    try:
        return place(port.socket.getsockname())
    except (OSError, AttributeError):
        return ""  # it is being closed


def threads(reactor: Reactor) -> ThreadFacts:
    """The threads of a reactor's pool."""
    pool = reactor.threadpool
    if pool is None:
        return ThreadFacts(reactor._pool_size, 0, 0, 0)
    return ThreadFacts(pool.max, pool.workers, len(pool.working), pool._queue.qsize() + len(pool._early))


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """One open connection."""

    peer: str
    local: str
    protocol: str
    """The name of its protocol's class; of one in wrappers, that of the innermost."""
    direction: str
    """``in`` (others have made it to us) or ``out``."""
    tls: bool
    bytesReceived: int
    bytesSent: int
    buffered: int
    """Bytes that wait to be sent."""
    age: float
    """Seconds."""


def connections(reactor: Reactor, size: int = SLICE) -> Iterator[list[ConnectionFacts]]:
    """The connections that are open now, in slices of at most `size`. Those that end meanwhile are left out."""
    left = iter(list(reactor._net.connections))
    while some := list(islice(left, size)):
        yield [connection_facts(connection) for connection in some if connection.connected]


def connection_facts(connection: Connection) -> ConnectionFacts:
    """What an open connection tells of itself."""
    transport = connection._transport
    return ConnectionFacts(
        peer=place(transport.get_extra_info("peername")),
        local=place(transport.get_extra_info("sockname")),
        protocol=class_name(_innermost(connection.protocol)),
        direction="out" if connection.is_client else "in",
        tls=connection.TLS,
        bytesReceived=connection.bytesReceived,
        bytesSent=connection.bytesSent,
        buffered=connection.bufferedBytes,
        age=connection.age,
    )


def place(name: Any) -> str:
    """A socket's address in one word. What is no file and has no name (the peer of a UNIX socket) is ""."""
    if isinstance(name, tuple):
        return f"[{name[0]}]:{name[1]}" if ":" in str(name[0]) else f"{name[0]}:{name[1]}"
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else ""


def class_name(thing: object) -> str:
    """The name of an object's class."""
    return type(thing).__qualname__


def _innermost(protocol: Any) -> Any:
    for _ in range(8):
        inner = getattr(protocol, "__dict__", {}).get("wrappedProtocol")
        if inner is None:
            break
        protocol = inner
    return protocol


@dataclass(frozen=True, slots=True)
class TimerFacts:
    """A function that timed calls will call: how many calls there are, and in how many seconds the next is due."""

    function: str
    count: int
    due: float


def timers(reactor: Reactor) -> list[TimerFacts]:
    """The timed calls that are still to be made, by function, the next one first."""
    return at_once(timers_in_slices(reactor))


def timers_in_slices(reactor: Reactor) -> Generator[None, None, list[TimerFacts]]:
    """`timers`, in slices."""
    found: dict[str, tuple[int, float]] = {}
    for number, call in enumerate(reactor._timers.entries(), 1):
        if number % SLICE == 0:
            yield
        if call.active():
            name = function_name(call.func)
            count, due = found.get(name, (0, call.time))
            found[name] = (count + 1, min(due, call.time))
    now = reactor.seconds()
    facts = [TimerFacts(name, count, due - now) for name, (count, due) in found.items()]
    return sorted(facts, key=lambda timer: timer.due)


def function_name(function: Any) -> str:
    """What a function is called; of a ``partial`` or a `LoopingCall`, the function in it."""
    for _ in range(8):
        if isinstance(function, partial):
            function = function.func
        elif isinstance(function, LoopingCall):
            function = function.f
        else:
            break
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if module else name


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task of the loop, or a coroutine that Plait drives: its name, and where it waits, the outermost call first."""

    name: str
    stack: list[str]


def tasks(reactor: Reactor, limit: int = LISTED) -> tuple[int, list[TaskFacts]]:
    """How many tasks there are, coroutines that Plait drives among them, and what up to `limit` of them wait for."""
    everything: list[Any] = [*asyncio.all_tasks(reactor.loop), *waitingWithoutLoop()]
    facts = [TaskFacts(task.get_name(), _stack(task.get_coro())) for task in islice(everything, limit)]
    return len(everything), sorted(facts, key=lambda task: (task.stack, task.name))


def _stack(coro: Any) -> list[str]:
    """Where a coroutine waits: its own frame, then those of what it awaits."""
    stack: list[str] = []
    while coro is not None and len(stack) < 32:
        frame: FrameType | None = _attribute(coro, "frame")
        if frame is None:
            break
        code = frame.f_code
        stack.append(f"{code.co_qualname} ({code.co_filename}:{frame.f_lineno})")
        coro = _attribute(coro, "await") or getattr(coro, "gi_yieldfrom", None)
    return stack


def _attribute(coro: Any, name: str) -> Any:
    for prefix in ("cr_", "gi_", "ag_"):
        found = getattr(coro, prefix + name, None)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True)
class DeferredFacts:
    """Deferreds that wait and were made at one place (file, line and function): how many."""

    made: str
    count: int


def deferreds() -> list[DeferredFacts] | None:
    """The Deferreds that wait, by where they were made; None if debug mode is off, when nobody knows."""
    if not getDebugging():
        return None
    found: dict[str, int] = {}
    for waiting in waitingDeferreds():
        lines = waiting.created.strip().splitlines()
        made = next((line.strip() for line in reversed(lines) if line.lstrip().startswith("File ")), "")
        found[made] = found.get(made, 0) + 1
    return sorted((DeferredFacts(made, count) for made, count in found.items()), key=lambda one: (-one.count, one.made))
