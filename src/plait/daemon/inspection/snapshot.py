"""What a daemon tells of itself: lines of JSON, made one after the other so that the loop can turn between two.

The first line is an object with everything but the connections. Then come objects with one key, ``connections``: a list of
at most `plait.engine.census.SLICE` rows, each a list of the values of `CONNECTION`. The last line is ``{"end": true}``.
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


def lines(subject: Subject, lag: float) -> Generator[bytes, None, None]:
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
    for some in census.connections(reactor):
        yield _line({"connections": list(map(_row, some))})
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
