"""Tracebacks for people: their frames, and the engine's folded."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import pytest

from plait.deferred import Deferred, ensureDeferred, inlineCallbacks, setDebugging
from plait.failure import Failure
from plait.log import LogLevel, jsonFileLogObserver, textFileLogObserver
from plait.log._folding import tracebackForPeople
from plait.log._json import eventFromJSON


def frames(text: str) -> list[str]:
    """The functions of a traceback, and what stands for those that are folded."""
    return [a or b for a, b in re.findall(r"^[ |]*(?:File .*, in (\w+)|\[(\d+ frames? of .* folded)\])$", text, re.M)]


def failed(deferred: Deferred[Any]) -> Failure:
    failures: list[Failure] = []
    deferred.addErrback(failures.append)
    (failure,) = failures
    return failure


async def inner() -> None:
    raise ValueError("stuck")


async def outer(waited: Deferred[None]) -> None:
    await waited
    await ensureDeferred(middle())


async def middle() -> None:
    await inner()


def test_the_awaited_chain_of_coroutines() -> None:
    waited: Deferred[None] = Deferred()
    started = ensureDeferred(outer(waited))
    waited.callback(None)
    text = tracebackForPeople(failed(started))
    assert [name for name in frames(text) if "folded" not in name] == ["outer", "middle", "inner"]
    assert "plait/deferred" not in text
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("\nValueError: stuck")


def test_the_chain_of_generators() -> None:
    @inlineCallbacks
    def one() -> Generator[Deferred[Any], Any, None]:
        yield two()

    @inlineCallbacks
    def two() -> Generator[Deferred[Any], Any, None]:
        yield waited

    waited: Deferred[None] = Deferred()
    started = one()
    waited.errback(Failure(KeyError("gone")))
    assert [name for name in frames(tracebackForPeople(failed(started))) if "folded" not in name] == ["one", "two"]


def test_tasks_of_asyncio() -> None:
    async def main() -> Failure:
        try:
            async with asyncio.timeout(60):
                await asyncio.wait_for(asyncio.create_task(inner()), 60)
        except ValueError:
            return Failure()
        raise AssertionError

    text = tracebackForPeople(asyncio.run(main()))
    assert frames(text) == ["main", "1 frame of asyncio folded", "inner"]


def test_each_member_of_a_group_and_each_cause() -> None:
    def fail() -> None:
        raise KeyError("first")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(inner())

    try:
        try:
            asyncio.run(main())
        except ExceptionGroup as errors:
            try:
                fail()
            except KeyError as error:
                error.add_note("noted")
                raise errors from error
    except ExceptionGroup:
        text = tracebackForPeople(Failure())
    assert "KeyError: 'first'\nnoted\n\nThe above exception was the direct cause" in text
    assert re.search(r"frames? of asyncio folded\]", text)
    assert "| ValueError: stuck" in text
    assert "asyncio/runners.py" not in text


def test_where_all_is_machinery_the_last_frame_stays() -> None:
    deferred: Deferred[Any] = Deferred()
    deferred.addCallback(LogLevel.levelWithName)  # a function of Plait's, which no frame of ours calls directly
    deferred.callback("loud")
    text = tracebackForPeople(failed(deferred))
    assert frames(text)[-1] == "levelWithName"
    assert "test_folding.py" not in text


def test_a_failure_at_rest_is_shown_too() -> None:
    failure = failed(ensureDeferred(middle()))
    failure.cleanFailure()
    assert [name for name in frames(tracebackForPeople(failure)) if "folded" not in name] == ["middle", "inner"]


def test_what_was_read_from_a_file_is_shown_as_it_was() -> None:
    out = io.StringIO()
    jsonFileLogObserver(out, "")({"log_failure": failed(ensureDeferred(middle()))})
    event = eventFromJSON(out.getvalue())
    text = tracebackForPeople(event["log_failure"])
    assert text.endswith("builtins.ValueError: stuck")
    assert "in middle" in text


def test_every_frame_on_request() -> None:
    failure = failed(ensureDeferred(outer(Deferred())).addTimeout(0, _Now()))
    out = io.StringIO()
    textFileLogObserver(out, None, fullTracebacks=True)({"log_format": "oh", "log_failure": failure})
    textFileLogObserver(out, None)({"log_format": "oh", "log_failure": failure})
    full, folded = out.getvalue().split("- [-#-] oh\n")[1:]
    assert "folded" not in full
    assert "plait/deferred" in full
    assert "folded]" in folded
    setDebugging(True)
    try:
        assert "folded" not in tracebackForPeople(failure)
    finally:
        setDebugging(False)
    assert "folded" in tracebackForPeople(failure)


class _Now:
    """A clock at which everything is late."""

    def callLater(self, delay: float, function: Any, *args: Any) -> Any:
        function(*args)
        return self

    def active(self) -> bool:
        return False


@pytest.mark.parametrize("name", ["PLAIT_FULL_TRACEBACKS", "PLAIT_DEBUG"])
def test_every_frame_by_the_environment(name: str) -> None:
    code = """
import sys
from plait.deferred import ensureDeferred
from plait.log import Logger, globalLogBeginner, textFileLogObserver
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)])
async def fail():
    raise ValueError
ensureDeferred(fail()).addErrback(lambda failure: Logger().failure("oh", failure))
"""
    program = [sys.executable, "-c", code]
    folded = subprocess.run(program, capture_output=True, text=True, timeout=60)
    full = subprocess.run(program, capture_output=True, text=True, timeout=60, env={name: "1"})
    assert "ValueError" in folded.stdout
    assert "plait/deferred" not in folded.stdout
    assert "plait/deferred" in full.stdout
