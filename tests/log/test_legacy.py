"""The functions and observers of older programs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from plait.failure import Failure
from plait.log import (
    Logger,
    LogLevel,
    addObserver,
    capturedLogs,
    err,
    formatEvent,
    msg,
    removeObserver,
    textFromEventDict,
)
from plait.log.legacy import FileLogObserver, publish_legacy, theLogPublisher
from tests.log.test_publisher import program


@pytest.fixture
def dicts() -> Iterator[list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    addObserver(events.append)
    events.clear()  # what was logged before any observer was there
    yield events
    removeObserver(events.append)


def test_msg_for_observers_of_both_kinds(dicts: list[dict[str, Any]]) -> None:
    with capturedLogs() as events:
        msg("got", 3, "lines", system="reader", extra=[1])
    old, new = dicts[0], events[0]
    assert old["message"] == ("got", 3, "lines")
    assert (old["system"], old["isError"], old["extra"]) == ("reader", 0, [1])
    assert old["time"] == new["log_time"]
    assert textFromEventDict(old) == formatEvent(new) == "got 3 lines"
    assert new["log_level"] is LogLevel.info
    assert new["log_system"] == "reader"


def test_msg_with_a_format(dicts: list[dict[str, Any]]) -> None:
    msg(format="%(n)d of %(m)d", n=1, m=2)
    assert textFromEventDict(dicts[0]) == "1 of 2"
    assert dicts[0]["system"] == "-"


def test_err_in_an_except_block(dicts: list[dict[str, Any]]) -> None:
    with capturedLogs() as events:
        try:
            raise ValueError("boom")
        except ValueError:
            err(None, "while testing", mine=1)
    old, new = dicts[0], events[0]
    assert (old["isError"], old["why"], old["mine"], old["message"]) == (1, "while testing", 1, ())
    assert isinstance(old["failure"].value, ValueError)
    assert new["log_failure"] is old["failure"]
    assert new["log_level"] is LogLevel.critical
    assert formatEvent(new) == "while testing"
    text = textFromEventDict(old)
    assert text is not None
    assert text.startswith("while testing\nTraceback") and text.endswith("ValueError: boom")


def test_err_of_a_failure_an_exception_and_anything(dicts: list[dict[str, Any]]) -> None:
    failure = Failure(KeyError("k"))
    err(failure)
    error = ValueError("v")
    err(error)
    err("just a word", "why")
    assert dicts[0]["failure"] is failure
    assert dicts[1]["failure"].value is error
    assert (textFromEventDict(dicts[0]) or "").startswith("Unhandled Error\n")
    assert dicts[2]["message"] == ("'just a word'",)
    assert dicts[2]["isError"] == 1 and "failure" not in dicts[2]


def test_err_without_an_exception_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(Exception, match=r"(?i)exception"):
        err()


def test_events_of_a_logger_for_observers_of_the_older_kind(dicts: list[dict[str, Any]]) -> None:
    log = Logger("new")
    log.info("{n} bytes", n=3)
    log.error("bad")
    try:
        raise ValueError("boom")
    except ValueError:
        log.failure("why not")
    info, error, failure = dicts
    assert textFromEventDict(info) == "3 bytes"
    assert (info["message"], info["isError"], info["system"], info["n"]) == ((), 0, "new#info", 3)
    assert info["time"] == info["log_time"]
    assert (error["isError"], textFromEventDict(error)) == (1, "bad")
    assert (failure["isError"], failure["why"]) == (1, "why not")
    assert isinstance(failure["failure"].value, ValueError)
    assert (textFromEventDict(failure) or "").startswith("why not\nTraceback")


@pytest.mark.parametrize(
    "stdlib, level",
    [(10, "debug"), (20, "info"), (25, "info"), (30, "warn"), (40, "error"), (50, "critical"), ("x", "info")],
)
def test_levels_of_the_standard_library(stdlib: object, level: str) -> None:
    with capturedLogs() as events:
        msg("text", logLevel=stdlib)
    assert events[0]["log_level"] is LogLevel.levelWithName(level)


def test_removing_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="has not been added as a log observer"):
        removeObserver(print)


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no str")

    __repr__ = __str__


@pytest.mark.parametrize(
    "event, text",
    [
        ({}, None),
        ({"message": ()}, None),
        ({"message": (), "isError": 1}, None),
        ({"message": (Hostile(),)}, "<str() of Hostile object at"),
        ({"message": (), "format": "%(x)s", "x": Hostile()}, "Unable to format event: RuntimeError: no str"),
        ({"message": (), "format": "%(missing)s"}, "Unable to format event: KeyError"),
        ({"message": (), "format": Hostile()}, "Unable to format event: TypeError"),
    ],
)
def test_text_of_events_of_all_kinds(event: dict[str, Any], text: str | None) -> None:
    if text is None:
        assert textFromEventDict(event) is None
    else:
        assert (textFromEventDict(event) or "").startswith(text)


def test_an_event_without_text_is_still_an_event(dicts: list[dict[str, Any]]) -> None:
    with capturedLogs() as events:
        msg(only="data")
    assert dicts[0]["only"] == "data"
    assert formatEvent(events[0]) == ""


def test_a_file_observer_of_the_older_kind() -> None:
    out = io.StringIO()
    observer = FileLogObserver(out)
    observer.timeFormat = "%Y"
    observer.emit({"message": ("plain",), "time": 1e9, "system": "here", "isError": 0})
    observer.emit({"message": (), "time": 1e9, "system": "here", "isError": 0})
    observer.emit({"message": (), "time": 1e9, "isError": 1, "failure": Failure(ValueError("v")), "why": "w"})
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["2001 [here] plain", "2001 [-] w"]
    assert lines[-1] == "\tbuiltins.ValueError: v"
    out.truncate(0)
    observer.start()
    msg("started")
    observer.stop()
    msg("stopped")
    assert "started" in out.getvalue() and "stopped" not in out.getvalue()


def test_publishing_an_event_leaves_it_alone(dicts: list[dict[str, Any]]) -> None:
    event: dict[str, Any] = {"message": ("x",), "time": 1.0}
    publish_legacy(event)
    assert event == {"message": ("x",), "time": 1.0}


def test_start_logging() -> None:
    done = program(
        """
        import sys
        from plait.log import Logger, msg, startLogging
        msg("early")
        observer = startLogging(sys.stdout)
        print("printed")
        Logger("new").info("n = {n}", n=1)
        observer.stop()
        msg("too late")
        """
    )
    assert done.stderr == ""
    texts = [line.split(" ", 1)[1] for line in done.stdout.splitlines()]
    assert texts == ["[-] early", "[-] Log opened.", "[stdout#info] printed", "[new#info] n = 1"]


def test_start_logging_to_a_binary_file_without_standard_output() -> None:
    done = program(
        """
        import sys
        from plait.log import msg, startLogging
        startLogging(sys.stdout.buffer, setStdout=False)
        print("printed", flush=True)
        msg("€")
        """
    )
    lines = done.stdout.splitlines()
    assert lines[1] == "printed" and lines[2].endswith("[-] €")


def test_discard_logs() -> None:
    done = program(
        """
        import sys
        from plait.log import msg, startLogging
        from plait.log.legacy import discardLogs
        msg("early")
        discardLogs()
        startLogging(sys.stdout, setStdout=0)
        """
    )
    assert len(done.stdout.splitlines()) == 1 and done.stdout.endswith("[-] Log opened.\n")


def test_the_publisher_knows_its_observers() -> None:
    before = theLogPublisher.observers

    def observer(event: Any) -> None:
        pass

    theLogPublisher.addObserver(observer)
    assert theLogPublisher.observers == [*before, observer]
    theLogPublisher.removeObserver(observer)
    assert theLogPublisher.observers == before
