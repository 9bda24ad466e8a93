"""The standard library's logging, in and out."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from plait.log import (
    LogEvent,
    Logger,
    LogLevel,
    LogPublisher,
    StdlibHandler,
    STDLibLogObserver,
    capturedLogs,
    capturedStdlibLogging,
    captureStdlibLogging,
    formatEvent,
    logContext,
)


@pytest.fixture
def theirs() -> Iterator[logging.Logger]:
    logger = logging.getLogger("library.part")
    logger.setLevel(1)
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def test_records_become_events(theirs: logging.Logger) -> None:
    events: list[LogEvent] = []
    handler = StdlibHandler(observer=events.append)
    theirs.addHandler(handler)
    with logContext(request=7):
        theirs.warning("got %d of %s", 3, "x", extra={"peer": "h"})
    try:
        raise ValueError("of mine")
    except ValueError:
        theirs.exception("lost")
    handler.emit(logging.makeLogRecord({"name": "x", "levelno": logging.INFO, "msg": "%d", "args": ("no number",)}))
    theirs.log(5, "deep", stack_info=True)
    first, second, third, fourth = events
    assert formatEvent(first) == "got 3 of x"
    assert (first["log_namespace"], first["log_level"], first["peer"], first["request"]) == (
        "library.part", LogLevel.warn, "h", 7,
    )  # fmt: skip
    assert (second["log_level"], second["log_failure"].value.args) == (LogLevel.error, ("of mine",))
    assert second["log_failure"].frames[-1].name == "test_records_become_events"
    assert "'%d' with ('no number',) cannot be formatted: TypeError" in formatEvent(third)
    assert fourth["log_level"] is LogLevel.debug and "Stack (most recent call last)" in formatEvent(fourth)


def test_what_is_below_the_threshold_makes_no_event(theirs: logging.Logger) -> None:
    publisher = LogPublisher(lambda event: pytest.fail("observed"))
    publisher.setLevel(LogLevel.error)
    theirs.addHandler(StdlibHandler(observer=publisher))
    theirs.warning("quiet")


def test_events_become_records(theirs: logging.Logger) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[assignment]
    theirs.addHandler(handler)
    log = Logger("library.part", observer=STDLibLogObserver())
    log.error("{n} lost", n=3)
    try:
        raise ValueError("of mine")
    except ValueError:
        log.failure("why")
    first, second = records
    assert (first.name, first.levelno, first.getMessage()) == ("library.part", logging.ERROR, "3 lost")
    assert first.plait_event["n"] == 3  # type: ignore[attr-defined]
    assert second.exc_info is not None and second.exc_info[0] is ValueError
    assert "builtins.ValueError" not in logging.Formatter().format(second) or second.exc_text


def test_the_record_names_who_called_the_observer(theirs: logging.Logger) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[assignment]
    theirs.addHandler(handler)
    STDLibLogObserver("library.part")({"log_format": "x"})
    assert (records[0].funcName, records[0].pathname) == ("test_the_record_names_who_called_the_observer", __file__)


def test_both_at_once_make_no_circle(theirs: logging.Logger) -> None:
    """What came in does not go out again, nor the other way round."""
    seen: list[str] = []
    publisher = LogPublisher(STDLibLogObserver(), lambda event: seen.append(formatEvent(event)))
    theirs.addHandler(StdlibHandler(observer=publisher))
    theirs.info("from there")
    Logger("library.part", observer=publisher).info("from here")
    assert seen == ["from there", "from here"]


def test_all_of_logging_comes_in_once() -> None:
    with capturedStdlibLogging() as handler, capturedLogs() as events:
        assert captureStdlibLogging() is handler
        logging.getLogger("some.library").error("hello")
    assert [formatEvent(event) for event in events] == ["hello"]
    assert handler not in logging.getLogger().handlers
