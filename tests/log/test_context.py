"""Values of a context in every event and line."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from plait import Deferred, ensureDeferred, reactor
from plait.log import (
    LogEvent,
    Logger,
    LogPublisher,
    jsonLinesLogObserver,
    logContext,
    textFileLogObserver,
)
from plait.log.legacy import publish_legacy


@pytest.fixture
def events() -> list[LogEvent]:
    return []


@pytest.fixture
def log(events: list[LogEvent]) -> Logger:
    return Logger("app", observer=events.append)


def test_blocks_lie_within_each_other(log: Logger, events: list[LogEvent]) -> None:
    with logContext(request=1, user="ann"):
        with logContext(user="bob"):
            log.info("inner")
        log.info("outer", request="own")
    log.info("none")
    assert [(e.get("request"), e.get("user")) for e in events] == [(1, "bob"), ("own", "ann"), (None, None)]
    assert "log_context" not in events[2]


def test_they_stand_in_lines_and_cannot_forge_one(log: Logger) -> None:
    text, lines = io.StringIO(), io.StringIO()
    log.observer = LogPublisher(textFileLogObserver(text, None), jsonLinesLogObserver(lines))
    with logContext(request="7\n2026 [app#info] forged"):
        log.info("hello")
    assert text.getvalue() == "- [app#info request=7\\n2026 [app#info] forged] hello\n"
    assert json.loads(lines.getvalue())["request"] == "7\n2026 [app#info] forged"


async def test_they_follow_the_work(log: Logger, events: list[LogEvent]) -> None:
    ready: Deferred[None] = Deferred()

    async def work(number: int) -> None:
        with logContext(request=number):
            await ready
            log.info("after a Deferred")
            await asyncio.create_task(later())

    async def later() -> None:
        await asyncio.sleep(0)
        log.info("in a task")
        done: Deferred[None] = Deferred()
        reactor.callLater(0, lambda: (log.info("in a timer"), done.callback(None)))
        await done

    both = [asyncio.create_task(work(1)), asyncio.create_task(work(2))]
    await asyncio.sleep(0)
    ready.callback(None)
    await asyncio.gather(*both)
    seen = [(e["request"], e["log_format"]) for e in events]
    for number in (1, 2):
        assert [text for n, text in seen if n == number] == ["after a Deferred", "in a task", "in a timer"]
    log.info("outside")
    assert "request" not in events[-1]


async def test_in_a_coroutine_that_plait_drives(log: Logger, events: list[LogEvent]) -> None:
    gate: Deferred[None] = Deferred()

    async def work() -> None:
        with logContext(request=3):
            await gate
            log.info("inside")

    done = ensureDeferred(work())
    log.info("beside it")
    gate.callback(None)
    await done
    assert [("request" in e, e["log_format"]) for e in events] == [(False, "beside it"), (True, "inside")]


def test_events_of_older_programs_have_them_too(events: list[LogEvent]) -> None:
    with logContext(request=4):
        publish_legacy({"message": ("x",), "time": 0.0, "isError": 0}, events.append)
    assert (events[0]["request"], events[0]["log_context"]) == (4, {"request": 4})
