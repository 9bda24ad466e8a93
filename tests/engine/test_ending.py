"""What asyncio's libraries have left behind when the reactor stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from plait.deferred import Deferred, ensureDeferred
from plait.engine import Reactor, ending
from plait.failure import Failure


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    reactor = Reactor()
    yield reactor
    reactor.loop.close()


def run(reactor: Reactor, begin: Callable[[], object]) -> None:
    reactor.callWhenRunning(begin)
    reactor.callLater(0.01, reactor.stop)
    reactor.run(installSignalHandlers=False)


async def goes_on(log: list[str], until: asyncio.Event) -> None:
    log.append("begun")
    while not until.is_set():
        try:
            await until.wait()
        except asyncio.CancelledError:
            log.append("cancelled")


def test_a_task_that_fails_as_it_ends_is_told_of(
    reactor: Reactor, flushLoggedErrors: Callable[..., list[Failure]]
) -> None:
    async def fails() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise KeyError("at the end")

    tasks: list[asyncio.Task[None]] = []
    run(reactor, lambda: tasks.append(reactor.loop.create_task(fails())))
    (failure,) = flushLoggedErrors(KeyError)
    assert failure.getErrorMessage() == "'at the end'"


def test_a_task_that_will_not_end_is_left(reactor: Reactor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "PATIENCE", 0.01)
    log: list[str] = []
    until = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []
    run(reactor, lambda: tasks.append(reactor.loop.create_task(goes_on(log, until))))
    assert log == ["begun", "cancelled"] and not tasks[0].done()
    until.set()
    run(reactor, lambda: None)
    assert tasks[0].done()


def test_a_crash_does_not_wait_for_tasks_and_the_next_run_is_not_cut_short(reactor: Reactor) -> None:
    log: list[str] = []
    until = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    def cancelled() -> None:
        if "cancelled" in log:
            reactor.crash()
        else:
            reactor.callLater(0, cancelled)

    reactor.callWhenRunning(cancelled)
    run(reactor, lambda: tasks.append(reactor.loop.create_task(goes_on(log, until))))
    assert not tasks[0].done()

    # the wait for it ends in this run, and must not end the run
    reactor.callWhenRunning(until.set)
    tasks[0].add_done_callback(lambda _: reactor.callLater(0.01, log.append, "later"))
    reactor.callLater(0.03, reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert log == ["begun", "cancelled", "later"]


def test_a_coroutine_that_plait_drives_is_left_as_a_deferred_is(reactor: Reactor) -> None:
    waiting: list[Deferred[None]] = []

    async def waits() -> None:
        await asyncio.sleep(60)

    run(reactor, lambda: waiting.append(ensureDeferred(waits())))
    assert not waiting[0].called
    waiting[0].addErrback(lambda failure: None)
    waiting[0].cancel()


def test_generators_of_each_run_are_closed(reactor: Reactor) -> None:
    log: list[int] = []

    async def count(number: int) -> AsyncIterator[int]:
        try:
            yield number
        finally:
            await asyncio.sleep(0)
            log.append(number)

    generators = [count(1), count(2)]
    for generator in generators:
        run(reactor, lambda generator=generator: ensureDeferred(anext(generator)))  # type: ignore[misc]
    assert log == [1, 2]
