"""Deferreds, coroutines, timers and calls from threads at work: `python deferred_cases.py PEER CASE SECONDS`.

This program is one measurement: it repeats one case with one library for some seconds of CPU time and
prints a line of JSON, ``{"per_second": …, "cpu_us": …}``. A process of its own for each keeps one case's
garbage, and one library's warmed-up caches, from the next. The garbage collector runs as it does in any
program.

Plait and Twisted offer the same names, so that each case is written once; that is why a library is `Any`
here.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

MODULES = {"plait": "plait.deferred", "twisted": "twisted.internet.defer"}
"""Peer -> the module with its Deferreds."""

LOGS = {"plait": "plait.log.legacy", "twisted": "twisted.python.log"}
"""Peer -> the module with which a program begins to log."""

LOGGERS = {"plait": "plait.log", "twisted": "twisted.logger"}
"""Peer -> the module with its structured events."""

BATCH_SECONDS = 0.02
"""CPU time of one batch: beside it, looking at the clock or a turn of the reactor costs next to nothing."""

Repeat = Callable[[int], None]
"""Does an operation so many times."""


@dataclass(frozen=True)
class Library:
    """One peer."""

    peer: str

    @property
    def defer(self) -> Any:
        return import_module(MODULES[self.peer])

    @property
    def reactor(self) -> Any:
        if self.peer == "twisted":
            return import_module("twisted.internet.reactor")
        return import_module("plait").reactor


def same(result: object) -> object:
    return result


def broken(result: object) -> object:
    raise ValueError("as planned")


def forget(failure: object) -> None:
    pass


def create_and_fire(library: Library) -> Repeat:
    deferred_class = library.defer.Deferred

    def repeat(count: int) -> None:
        for _ in range(count):
            deferred_class().callback(None)

    return repeat


def three_callbacks(library: Library) -> Repeat:
    deferred_class = library.defer.Deferred

    def repeat(count: int) -> None:
        for _ in range(count):
            deferred = deferred_class()
            deferred.addCallback(same)
            deferred.addCallback(same)
            deferred.addCallback(same)
            deferred.callback(1)

    return repeat


def error_path(library: Library) -> Repeat:
    deferred_class = library.defer.Deferred

    def repeat(count: int) -> None:
        for _ in range(count):
            deferred = deferred_class()
            deferred.addCallback(broken)
            deferred.addErrback(forget)
            deferred.callback(1)

    return repeat


def unhandled(library: Library) -> Repeat:
    """An error that nobody asks for: found when the Deferred is let go, and logged, here to an observer that drops it."""
    deferred_class = library.defer.Deferred
    import_module(LOGS[library.peer]).startLoggingWithObserver(forget, setStdout=False)

    def repeat(count: int) -> None:
        for _ in range(count):
            deferred_class().addCallback(broken).callback(1)

    return repeat


def chain(library: Library) -> Repeat:
    """Ten Deferreds, each waiting for the next, and the last one fired last."""
    deferred_class = library.defer.Deferred

    def repeat(count: int) -> None:
        for _ in range(count):
            deferreds = [deferred_class() for _ in range(10)]
            following = iter(deferreds)
            next(following)
            for deferred in deferreds[:-1]:
                deferred.addCallback(lambda _, it=following: next(it))
            for deferred in deferreds:
                deferred.callback(None)

    return repeat


def gather(library: Library) -> Repeat:
    deferred_class, gather_results = library.defer.Deferred, library.defer.gatherResults

    def repeat(count: int) -> None:
        for _ in range(count):
            deferreds = [deferred_class() for _ in range(1000)]
            gather_results(deferreds)
            for deferred in deferreds:
                deferred.callback(1)

    return repeat


def three_yields(library: Library) -> Repeat:
    deferred_class = library.defer.Deferred

    @library.defer.inlineCallbacks  # type: ignore[untyped-decorator]
    def work(first: Any, second: Any, third: Any) -> Generator[Any, Any, int]:
        yield first
        yield second
        yield third
        return 3

    def repeat(count: int) -> None:
        for _ in range(count):
            first, second, third = deferred_class(), deferred_class(), deferred_class()
            work(first, second, third)
            first.callback(1)
            second.callback(1)
            third.callback(1)

    return repeat


def three_awaits(library: Library) -> Repeat:
    deferred_class, ensure_deferred = library.defer.Deferred, library.defer.ensureDeferred

    async def work(first: Any, second: Any, third: Any) -> int:
        await first
        await second
        await third
        return 3

    def repeat(count: int) -> None:
        for _ in range(count):
            first, second, third = deferred_class(), deferred_class(), deferred_class()
            ensure_deferred(work(first, second, third))
            first.callback(1)
            second.callback(1)
            third.callback(1)

    return repeat


def timers(library: Library) -> Repeat:
    call_later = library.reactor.callLater

    def repeat(count: int) -> None:
        for _ in range(count):
            call_later(30.0, forget, None).cancel()

    return repeat


MANY = 100_000
"""How many timers a busy program has at a time."""


def many_timers(library: Library) -> Repeat:
    call_later = library.reactor.callLater
    delays = spread(30.0)

    def repeat(count: int) -> None:
        for _ in range(count):
            for call in [call_later(delay, forget, None) for delay in delays]:
                call.cancel()

    return repeat


def due_timers(library: Library) -> Repeat:
    """They are all due when the reactor has its turn, and fire before what it does next."""
    call_later = library.reactor.callLater
    delays = spread(0.001)

    def repeat(count: int) -> None:
        for _ in range(count):
            for delay in delays:
                call_later(delay, forget, None)

    return repeat


def spread(longest: float) -> list[float]:
    """`MANY` delays up to `longest` seconds, in no order, and the same ones each time."""
    chance = random.Random(1)
    return [chance.random() * longest for _ in range(MANY)]


def from_a_thread(library: Library) -> Repeat:
    """Runs in a thread; the last call says that all have been made."""
    call_from_thread = library.reactor.callFromThread

    def repeat(count: int) -> None:
        done = threading.Event()
        for _ in range(count):
            call_from_thread(forget, None)
        call_from_thread(done.set)
        done.wait()

    return repeat


def _logger(library: Library) -> Any:
    """A logger of which a filter lets warnings pass and nothing less; what passes is written to nowhere."""
    module = import_module(LOGGERS[library.peer])
    predicate = module.LogLevelFilterPredicate(module.LogLevel.warn)
    lines = module.textFileLogObserver(open(os.devnull, "w"))  # noqa: SIM115 - open to the end of the process
    module.globalLogBeginner.beginLoggingTo([module.FilteringLogObserver(lines, [predicate])], redirectStandardIO=False)
    if library.peer == "plait":
        module.globalLogPublisher.setLevel(predicate.lowest)
    return module.Logger("benchmark")


def log_off(library: Library) -> Repeat:
    """An event that nobody wants to see."""
    log = _logger(library)

    def repeat(count: int) -> None:
        for number in range(count):
            log.debug("{number} of {count}", number=number, count=count)

    return repeat


def log_line(library: Library) -> Repeat:
    """An event that becomes a line."""
    log = _logger(library)

    def repeat(count: int) -> None:
        for number in range(count):
            log.warn("{number} of {count}", number=number, count=count)

    return repeat


@dataclass(frozen=True)
class Case:
    title: str
    make: Callable[[Library], Repeat]
    in_reactor: bool = False
    """Whether it is measured inside the running reactor, where programs do it, or without one."""
    in_thread: bool = False
    """Whether it is measured in a thread beside the running reactor."""


CASES = {
    "deferred-fire": Case("Deferred: create, fire", create_and_fire),
    "deferred-callbacks": Case("Deferred: create, 3 callbacks, fire", three_callbacks),
    "deferred-error": Case("Deferred: callback raises, errback", error_path),
    "deferred-unhandled": Case("Deferred: callback raises, unhandled", unhandled),
    "deferred-chain": Case("chain of 10 Deferreds", chain),
    "deferred-gather": Case("gatherResults of 1000", gather),
    "inline-callbacks": Case("inlineCallbacks, 3 yields", three_yields, in_reactor=True),
    "coroutine": Case("coroutine, 3 awaits", three_awaits, in_reactor=True),
    "timers": Case("callLater, cancel", timers, in_reactor=True),
    "timers-cancelled": Case("100,000 timers set, then cancelled", many_timers, in_reactor=True),
    "timers-fired": Case("100,000 timers set and fired", due_timers, in_reactor=True),
    "log-off": Case("log: a level that is off", log_off),
    "log-line": Case("log: a line", log_line),
    "call-from-thread": Case("callFromThread", from_a_thread, in_thread=True),
}


class Measurement:
    """Runs batches until they have used up the time; what happens between two batches counts as well."""

    def __init__(self, repeat: Repeat, seconds: float) -> None:
        self._repeat = repeat
        self._seconds = seconds
        self._batch = 1
        self._done = 0
        self._cpu = self._real = 0.0

    def step(self) -> bool:
        """Do one batch; true as long as there is more to do."""
        if not self._done and not self._grow():
            return True
        self._repeat(self._batch)
        self._done += self._batch
        return time.process_time() - self._cpu < self._seconds

    def _grow(self) -> bool:
        """Find the size of a batch, which warms everything up too; true once counting has begun."""
        begin = time.process_time()
        self._repeat(self._batch)
        if time.process_time() - begin < BATCH_SECONDS:
            self._batch *= 2
            return False
        self._cpu, self._real = time.process_time(), time.perf_counter()
        return True

    def figures(self) -> dict[str, float]:
        cpu, real = time.process_time() - self._cpu, time.perf_counter() - self._real
        return {"per_second": self._done / real, "cpu_us": cpu / self._done * 1e6}


def run(peer: str, name: str, seconds: float) -> dict[str, float]:
    """Measure one case with one library, in this process."""
    library, case = Library(peer), CASES[name]
    measurement = Measurement(case.make(library), seconds)
    figures: dict[str, float] = {}
    if not (case.in_reactor or case.in_thread):
        while measurement.step():
            pass
        return measurement.figures()

    reactor = library.reactor

    def turn() -> None:
        if measurement.step():
            reactor.callLater(0, turn)
        else:
            figures.update(measurement.figures())
            reactor.stop()

    def stay() -> None:
        while measurement.step():
            pass
        figures.update(measurement.figures())
        reactor.callFromThread(reactor.stop)

    reactor.callWhenRunning(*[reactor.callInThread, stay] if case.in_thread else [turn])
    reactor.run()
    return figures


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
