"""Where a program's log goes: each test is a program of its own."""

from __future__ import annotations

import io

import pytest

from plait.log import LogEvent, Logger, LoggingFile, LogLevel, formatEvent
from tests.log.test_publisher import program

HEAD = """
import sys
from plait.log import *
log = Logger("app")
log.info("early")
"""


def test_early_events_come_first_and_printing_is_logged() -> None:
    done = program(
        HEAD
        + """
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout, None)])
log.info("late")
print("printed", 1, end=" ")
print("and more")
sys.stderr.write("whispered\\nunfinished")
import warnings
warnings.warn("careful")
"""
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        "- [app#info] early",
        "- [app#info] late",
        "- [stdout#info] printed 1 and more",
        "- [stderr#error] whispered",
        "- [warnings#warn] <string>:13: builtins.UserWarning: careful",
    ]
    assert len(lines) == 5


def test_without_redirection_printing_is_printing() -> None:
    done = program(
        HEAD
        + """
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr, None)], redirectStandardIO=False)
print("printed")
"""
    )
    assert (done.stdout, done.stderr) == ("printed\n", "- [app#info] early\n")


def test_early_events_can_be_discarded() -> None:
    done = program(
        HEAD
        + """
globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout, None)], discardBuffer=True)
log.critical("late")
"""
    )
    assert (done.stdout, done.stderr) == ("- [app#critical] late\n", "")


def test_an_observer_that_prints_does_not_log_itself() -> None:
    done = program(
        HEAD
        + """
globalLogBeginner.beginLoggingTo([lambda event: print("observed", formatEvent(event))])
print("hello")
"""
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["observed early", "observed hello"]


def test_an_observer_that_breaks_reaches_the_real_standard_error() -> None:
    done = program(
        HEAD
        + """
def broken(event):
    raise ValueError("broken observer")
globalLogBeginner.beginLoggingTo([broken])
log.info("late")
"""
    )
    assert done.stdout == ""
    assert done.stderr.count("ValueError: broken observer") == 2


def test_a_logging_file_is_a_stream() -> None:
    events: list[LogEvent] = []
    file = LoggingFile(Logger("out", observer=events.append), LogLevel.warn)
    assert file.write("one\ntw") == 6
    file.writelines(["o\n", b"\xffbytes\n"])
    file.flush()
    file.close()
    assert [formatEvent(event) for event in events] == ["one", "two", "\\xffbytes"]
    assert {event["log_level"] for event in events} == {LogLevel.warn}
    assert (file.isatty(), file.readable(), file.writable(), file.seekable()) == (False, False, True, False)
    with pytest.raises(OSError, match="no file descriptor"):
        file.fileno()


def test_a_line_without_an_end_is_bounded() -> None:
    events: list[LogEvent] = []
    file = LoggingFile(Logger("out", observer=events.append), original=io.StringIO())
    for _ in range(100):
        file.write("x" * 1000)
    assert len(events) == 1
    assert 65536 < len(events[0]["log_io"]) < 67000
