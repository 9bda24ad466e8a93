"""How events are made."""

from __future__ import annotations

import time

import pytest

from plait.failure import Failure
from plait.log import (
    InvalidLogLevelError,
    LogEvent,
    Logger,
    LogLevel,
    LogPublisher,
    formatEvent,
    globalLogPublisher,
)


@pytest.fixture
def events() -> list[LogEvent]:
    return []


@pytest.mark.parametrize("level", list(LogLevel))
def test_each_level_has_its_method(level: LogLevel, events: list[LogEvent]) -> None:
    log = Logger("ns", source="src", observer=events.append)
    before = time.time()
    getattr(log, level.name)("{a} and {b}", a=1, b=[2])
    log.emit(level, "{a}", a=3)
    event = events[0]
    assert formatEvent(event) == "1 and [2]"
    assert event["log_level"] is events[1]["log_level"] is level
    assert (event["log_namespace"], event["log_source"], event["log_logger"]) == ("ns", "src", log)
    assert before <= event["log_time"] <= time.time()
    assert (event["a"], event["b"]) == (1, [2])


def test_values_may_have_any_name(events: list[LogEvent]) -> None:
    log = Logger(observer=events.append)
    log.info("{level} {event}", level=3, event="e")
    assert formatEvent(events[0]) == "3 e"


def test_a_global_names_itself_after_the_module() -> None:
    log = Logger()
    assert log.namespace == __name__
    assert log.observer is globalLogPublisher
    assert repr(log) == f"<Logger {__name__!r}>"


def test_a_class_attribute_names_itself_after_the_class(events: list[LogEvent]) -> None:
    class Base:
        log = Logger(observer=events.append)

    class Derived(Base):
        named = Logger("by.hand", observer=events.append)

    derived = Derived()
    derived.log.info("from {log_source}")
    assert events[0]["log_source"] is derived
    assert events[0]["log_namespace"] == f"{__name__}.{Derived.__qualname__}"
    Base.log.info("from the class")
    assert events[1]["log_source"] is Base
    assert events[1]["log_namespace"] == f"{__name__}.{Base.__qualname__}"
    assert derived.named.namespace == "by.hand"
    assert derived.named.source is derived


def test_a_subclass_of_logger_stays_itself() -> None:
    class MyLogger(Logger):
        pass

    class Thing:
        log = MyLogger()

    assert type(Thing().log) is MyLogger
    assert MyLogger().namespace == __name__


def test_failure_logs_the_current_exception(events: list[LogEvent]) -> None:
    log = Logger(observer=events.append)
    try:
        raise ValueError("current")
    except ValueError:
        log.failure("while {doing}", doing="this")
    given = Failure(KeyError("given"))
    log.failure("{x}", given, LogLevel.warn, x=1)
    assert events[0]["log_level"] is LogLevel.critical
    assert isinstance(events[0]["log_failure"].value, ValueError)
    assert formatEvent(events[0]) == "while this"
    assert events[1]["log_level"] is LogLevel.warn
    assert events[1]["log_failure"] is given


def test_an_unknown_level_is_logged_as_an_error_of_the_program(events: list[LogEvent]) -> None:
    Logger(observer=events.append).emit("info", "lost {a}", a=1)  # type: ignore[arg-type]
    assert events[0]["log_level"] is LogLevel.critical
    assert isinstance(events[0]["log_failure"].value, InvalidLogLevelError)
    assert formatEvent(events[0]) == "No log level 'info': lost {a}"


def test_a_level_that_is_off_makes_no_event() -> None:
    calls = []

    class Publisher(LogPublisher):
        def __call__(self, event: LogEvent) -> None:
            calls.append(event["log_level"])

    publisher = Publisher()
    publisher.setLevel(LogLevel.error)
    log = Logger(observer=publisher)
    for level in LogLevel:
        getattr(log, level.name)("text")
        log.emit(level, "text")
    assert calls == [LogLevel.error] * 2 + [LogLevel.critical] * 2
