"""What older programs take from twisted.python.log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from plait.as_twisted.legacy import context
from plait.as_twisted.legacy.log import (
    ILogContext,
    PythonLoggingObserver,
    callWithContext,
    callWithLogger,
    showwarning,
)
from plait.failure import Failure
from plait.log import Logger
from plait.log.legacy import addObserver, err, msg, removeObserver
from tests.transport.helpers import Noting, Server, connection


@pytest.fixture
def events() -> Iterator[list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []
    addObserver(seen.append)
    seen.clear()  # an observer is told what was logged before there was one
    yield seen
    removeObserver(seen.append)


def test_what_a_context_says_is_in_each_event(events: list[dict[str, Any]]) -> None:
    callWithContext({"system": "a", "request": 7}, callWithContext, {"system": "b"}, msg, "inside")
    context.call({ILogContext: {"system": "c"}}, msg, "by the context itself")
    msg("outside")
    assert [(e["system"], e.get("request")) for e in events] == [("b", 7), ("c", None), ("-", None)]


def test_what_a_call_says_itself_counts_more(events: list[dict[str, Any]]) -> None:
    callWithContext({"system": "a"}, msg, "m", system="mine")
    assert events[0]["system"] == "mine"


class Named:
    def logPrefix(self) -> str:
        return "me"


def test_a_call_with_a_logger(events: list[dict[str, Any]]) -> None:
    assert callWithLogger(Named(), lambda: (msg("m"), 5)[1]) == 5
    assert events[0]["system"] == "me"


def test_an_error_in_a_call_with_a_logger_is_logged(events: list[dict[str, Any]]) -> None:
    assert callWithLogger(Named(), lambda: 1 // 0) is None
    assert events[0]["system"] == "me" and events[0]["failure"].check(ZeroDivisionError)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        callWithLogger(Named(), interrupted)


def test_to_the_logging_of_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    observer = PythonLoggingObserver("of.mine")
    observer.start()
    try:
        with caplog.at_level(logging.DEBUG, "of.mine"):
            msg("100 % plain")
            msg("loud", logLevel=logging.WARNING)
            Logger("x").debug("quiet {n}", n=1)
            err(ValueError("broken"), "while testing")
    finally:
        observer.stop()
    found = [(r.levelno, r.getMessage().splitlines()[0]) for r in caplog.records if r.name == "of.mine"]
    assert found == [
        (logging.INFO, "100 % plain"),
        (logging.WARNING, "loud"),
        (logging.DEBUG, "quiet 1"),
        (logging.CRITICAL, "while testing"),
    ]


def test_warnings(events: list[dict[str, Any]]) -> None:
    showwarning("old", DeprecationWarning, "f.py", 3)
    assert events[0]["format"] % events[0] == "f.py:3: builtins.DeprecationWarning: old"
    file = StringIO()
    showwarning("old", DeprecationWarning, "f.py", 3, file, "line")
    assert "DeprecationWarning: old" in file.getvalue() and len(events) == 1


async def test_what_a_hook_logs_is_of_its_connections_system() -> None:
    events: list[dict[str, object]] = []
    addObserver(events.append)

    class Telling(Noting):
        def connectionMade(self) -> None:
            msg("made")
            super().connectionMade()

        def dataReceived(self, data: bytes) -> None:
            msg("received")
            super().dataReceived(data)

        def connectionLost(self, reason: Failure) -> None:
            msg("lost")
            super().connectionLost(reason)

    try:
        async with Server(Telling) as server:
            client, there, _ = await connection(server)
            msg("outside")
            client.transport.write(b"x")
            await there.wait_for(1)
            client.transport.loseConnection()
            await there.lost
    finally:
        removeObserver(events.append)
    systems = {event["message"][0]: event["system"] for event in events if event["message"]}  # type: ignore[index]
    number = there.transport.sessionno
    told = f"Telling,{number},127.0.0.1"
    assert systems["made"] == systems["received"] == systems["lost"] == told
    assert systems["outside"] == "-"
