"""Events reach all observers; before there are any they are kept, and critical ones are seen."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest
from zope.interface.exceptions import BrokenMethodImplementation

from plait.interfaces import implementer, provides, verifyClass
from plait.log import FileLogObserver, ILogObserver, LogEvent, Logger, LogLevel, LogPublisher, capturedLogs, formatEvent
from plait.log._publisher import EARLY_EVENTS, _GlobalLogPublisher


def program(text: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own: what is tested is the log of a whole process."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=60)


def test_each_observer_gets_each_event() -> None:
    first: list[LogEvent] = []
    second: list[LogEvent] = []
    publisher = LogPublisher(first.append)
    publisher({"n": 1})
    publisher.addObserver(second.append)
    assert publisher.hasObserver(second.append)
    publisher({"n": 2})
    publisher.removeObserver(first.append)
    publisher.removeObserver(first.append)
    assert not publisher.hasObserver(first.append)
    publisher({"n": 3})
    assert [event["n"] for event in first] == [1, 2]
    assert [event["n"] for event in second] == [2, 3]


def test_what_an_observer_promises() -> None:
    @implementer(ILogObserver)
    class Counting:
        def __call__(self, event: LogEvent) -> None: ...

    @implementer(ILogObserver)
    class Refusing:
        def __call__(self) -> None: ...

    assert verifyClass(ILogObserver, Counting)
    assert verifyClass(ILogObserver, LogPublisher) and verifyClass(ILogObserver, FileLogObserver)
    with pytest.raises(BrokenMethodImplementation):
        verifyClass(ILogObserver, Refusing)
    assert provides(ILogObserver, LogPublisher()) and not provides(ILogObserver, print)


def test_what_cannot_be_called_is_no_observer() -> None:
    with pytest.raises(TypeError, match="a log observer is a function of one event, not 3"):
        LogPublisher().addObserver(3)  # type: ignore[arg-type]


def test_an_observer_that_raises_is_isolated_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(event: LogEvent) -> None:
        raise ValueError("broken observer")

    before: list[LogEvent] = []
    after: list[LogEvent] = []
    LogPublisher(before.append, broken, after.append)({"log_format": "hello"})
    for events in (before, after):
        report = next(event for event in events if event["log_format"] != "hello")
        assert "hello" in [event["log_format"] for event in events]
        assert "broken at 0x" in formatEvent(report)
        assert report["log_failure"].value.args == ("broken observer",)
        assert report["log_level"] is LogLevel.critical
    assert capsys.readouterr().err == ""


def test_if_all_observers_raise_standard_error_gets_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(event: LogEvent) -> None:
        raise ValueError("broken observer")

    def also(event: LogEvent) -> None:
        raise KeyError("also broken")

    LogPublisher(broken, also)({"log_format": "hello"})
    err = capsys.readouterr().err
    assert "ValueError: broken observer" in err and "KeyError: 'also broken'" in err


def test_an_observer_may_remove_itself() -> None:
    got: list[Any] = []

    def once(event: LogEvent) -> None:
        got.append(event)
        publisher.removeObserver(once)

    publisher = LogPublisher(once, got.append)
    publisher({})
    publisher({})
    assert len(got) == 3


def test_a_threshold_drops_what_is_less_important() -> None:
    events: list[LogEvent] = []
    publisher = LogPublisher(events.append)
    publisher.setLevel(LogLevel.warn)
    for level in LogLevel:
        publisher({"log_level": level})
    publisher({})
    publisher({"log_level": "strange"})
    levels = [event.get("log_level") for event in events]
    assert levels == [LogLevel.warn, LogLevel.error, LogLevel.critical, None, "strange"]


def test_early_events_are_replayed_to_the_first_observer_only(capsys: pytest.CaptureFixture[str]) -> None:
    publisher = _GlobalLogPublisher()
    watching: list[LogEvent] = []
    first: list[LogEvent] = []
    second: list[LogEvent] = []
    publisher({"n": 0})
    publisher.watch(watching.append)
    publisher({"n": 1, "log_level": LogLevel.critical, "log_format": "seen"})
    publisher.addObserver(first.append)
    publisher({"n": 2, "log_level": LogLevel.critical, "log_format": "logged"})
    publisher.addObserver(second.append)
    publisher({"n": 3})
    assert [event["n"] for event in watching] == [1, 2, 3]
    assert [event["n"] for event in first] == [0, 1, 2, 3]
    assert [event["n"] for event in second] == [3]
    assert capsys.readouterr().err == "seen\n"


def test_early_events_are_bounded() -> None:
    publisher = _GlobalLogPublisher()
    for n in range(EARLY_EVENTS + 5):
        publisher({"n": n})
    events: list[LogEvent] = []
    publisher.addObserver(events.append)
    assert [event["n"] for event in events] == list(range(5, EARLY_EVENTS + 5))


def test_a_program_without_a_log_shows_its_tracebacks() -> None:
    done = program(
        r"""
        from plait.log import Logger, err
        log = Logger()
        log.info("nobody asked")
        log.error("nor for this")
        try:
            {}["missing"]
        except KeyError:
            log.failure("cannot find\x1b[2J {what}", what="it \ud800")
        err(ValueError("of old"), "because")
        """
    )
    assert (done.returncode, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines[0] == r"cannot find\x1b[2J it \ud800"
    assert "Traceback (most recent call last):" in lines[1]
    assert '{}["missing"]' in done.stderr or 'File "<string>", line 7' in done.stderr
    assert "builtins.KeyError: 'missing'" in lines
    assert "because" in lines and "builtins.ValueError: of old" in lines
    assert "nobody" not in done.stderr and "nor for" not in done.stderr


def test_a_program_whose_standard_error_is_closed_goes_on() -> None:
    done = program(
        """
        import sys
        from plait.log import Logger
        sys.stderr.close()
        Logger().critical("unseen")
        sys.stderr = None
        Logger().critical("unseen")
        print("went on")
        """
    )
    assert (done.returncode, done.stdout) == (0, "went on\n")


def test_captured_logs() -> None:
    log = Logger("the.namespace")
    with capturedLogs() as events:
        log.info("one {n}", n=1)
        with capturedLogs() as inner:
            log.warn("two")
    log.info("three")
    assert [formatEvent(event) for event in events] == ["one 1", "two"]
    assert [formatEvent(event) for event in inner] == ["two"]
