"""What a daemon tells of itself: lines of JSON, made one after the other so that the loop can turn between two.

The first line is an object with everything but the connections. The next ones are of connections:

* ``{"new": [[number, values of CONNECTION …], …]}``: those that this asker has not been told of, or that have another protocol
  by now. A system call or two each, so there are `plait.engine.census.SLICE` in a line at most.
* ``{"changed": [[number, bytesReceived, bytesSent, buffered], …]}``: of those that it knows, and that have done something.
* ``{"gone": [number, …]}``: those that have ended.

So who asks once a second is told, of 10,000 connections, only what is new. The last line is ``{"end": true}``.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any, TypeVar

from plait import __version__
from plait.engine import census
from plait.service.census import services

T = TypeVar("T")

# What each value of a connection's row is.
CONNECTION = tuple(field.name for field in fields(census.ConnectionFacts))
# What each value of a row of ``changed`` is, behind the number.
COUNTS = ("bytesReceived", "bytesSent", "buffered")
# Connections that are looked at in one slice for whether anything has changed: some 0.5 ms, as long as nothing has.
_LOOKS = 500

_row = attrgetter(*CONNECTION)

END = b'{"end": true}\n'


@dataclass
class Subject:
    """The program that is looked at."""

    reactor: Any
    root: Any
    """Its services."""
    name: str
    file: str
    since: float
    """When it was started, in seconds since the epoch."""
    workers: Callable[[], list[dict[str, Any]]] = list
    """How its workers are, if it is their parent."""
    state: str = "serving"

    def ends(self) -> None:
        """It has been told to end, and lets its connections come to their end."""
        self.state = "draining"


class View:
    """The connections, as one asker has been told of them.

    It holds those of its last look, so that their numbers mean no others until the next one.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        # Of each the numbers of its classes, and its counts. Tuples of numbers are no work for the garbage collector, which
        # would else look through the whole program for the sake of 10,000 new objects, and hold it up for longer than we do.
        self._known: dict[Any, tuple[int, ...]] = {}

    def lines(self) -> Generator[bytes, None, None]:
        """What is new, in pieces; b"" where there is nothing to say."""
        everyone = list(self._reactor._net.connections)
        ended = self._known.keys() - everyone
        if ended:
            yield _line({"gone": [id(connection) for connection in ended]})
        for connection in ended:
            del self._known[connection]
        fresh: list[Any] = []
        for start in range(0, len(everyone), _LOOKS):
            changed = []
            for connection in everyone[start : start + _LOOKS]:
                if not connection.connected:
                    continue
                now = (
                    id(connection.protocol.__class__),
                    id(connection.__class__),
                    connection.bytesReceived,
                    connection.bytesSent,
                    connection.bufferedBytes,
                )
                before = self._known.get(connection)
                if now == before:
                    continue
                if before is None or now[:2] != before[:2]:
                    fresh.append(connection)
                else:
                    self._known[connection] = now
                    changed.append((id(connection), *now[2:]))
            yield _line({"changed": changed}) if changed else b""
        for start in range(0, len(fresh), census.SLICE):
            yield self._introduce(fresh[start : start + census.SLICE])

    def _introduce(self, connections: list[Any]) -> bytes:
        rows = []
        for connection in connections:
            if connection.connected:
                facts = census.connection_facts(connection)
                kinds = id(connection.protocol.__class__), id(connection.__class__)
                self._known[connection] = (*kinds, facts.bytesReceived, facts.bytesSent, facts.buffered)
                rows.append((id(connection), *_row(facts)))
        return _line({"new": rows})


def lines(subject: Subject, view: View, lag: float) -> Generator[bytes, None, None]:
    """The lines, each with its line end; b"" where there is nothing to say yet. `lag` is the loop's, in seconds."""
    reactor = subject.reactor
    facts: dict[str, Any] = {
        "plait": __version__,
        "python": platform.python_version(),
        "engine": type(reactor.loop).__module__.partition(".")[0],
        "pid": os.getpid(),
        "application": subject.name,
        "file": subject.file,
        "since": subject.since,
        "state": subject.state,
        "cpu": time.process_time(),
        "lag": lag,
        "services": [asdict(service) for service in services(subject.root)],
        "workers": subject.workers(),
    }
    yield b""
    totals = yield from _paused(census.totals_in_slices(reactor))
    facts |= asdict(totals)
    facts["timers"] = {
        "count": totals.timers,
        "functions": [
            asdict(timer) for timer in (yield from _paused(census.timers_in_slices(reactor)))[: census.LISTED]
        ],
    }
    yield b""
    count, tasks = census.tasks(reactor)
    facts["tasks"] = {"count": count, "listed": [asdict(task) for task in tasks]}
    yield b""
    waiting = census.deferreds()
    facts["deferreds"] = None if waiting is None else [asdict(one) for one in waiting[: census.LISTED]]
    del facts["connections"]  # their number is known when they have been told
    yield _line(facts)
    yield from view.lines()
    yield END


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _paused(slices: Generator[None, None, T]) -> Generator[bytes, None, T]:
    """What works in slices, with nothing to say at each pause."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            result: T = end.value
            return result
        yield b""
