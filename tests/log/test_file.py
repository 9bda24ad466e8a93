"""Lines in a file, text or binary, whatever its character set."""

from __future__ import annotations

import io
import re

import pytest

from plait.failure import Failure
from plait.log import FileLogObserver, LogLevel, textFileLogObserver

EVENT = {"log_format": "héllo €", "log_time": 1e9, "log_namespace": "ns", "log_level": LogLevel.info}


def test_a_line_in_a_text_file() -> None:
    out = io.StringIO()
    textFileLogObserver(out)(EVENT)
    assert re.fullmatch(r"2001-09-09T\d\d:\d\d:\d\d[+-]\d{4} \[ns#info\] héllo €\n", out.getvalue())


@pytest.mark.parametrize("format, time", [("%Y", "2001"), (None, "-")])
def test_the_time_format(format: str | None, time: str) -> None:
    out = io.StringIO()
    textFileLogObserver(out, timeFormat=format)(EVENT)
    assert out.getvalue() == f"{time} [ns#info] héllo €\n"


def test_a_binary_file_gets_utf_8() -> None:
    out = io.BytesIO()
    textFileLogObserver(out, None)({**EVENT, "log_format": "€ \ud800"})
    assert out.getvalue() == "- [ns#info] € \\ud800\n".encode()


def test_a_small_character_set_loses_no_line() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="latin-1")
    observer = textFileLogObserver(out, None)
    observer(EVENT)
    observer({**EVENT, "log_format": "é"})
    assert raw.getvalue().decode("latin-1") == "- [ns#info] h\\xe9llo \\u20ac\n- [ns#info] é\n"


def test_a_file_that_only_writes_is_enough() -> None:
    class Lines:
        def __init__(self) -> None:
            self.written: list[str] = []

        def write(self, text: str) -> None:
            self.written.append(text)

        def flush(self) -> None:
            self.written.append("flushed")

    lines = Lines()
    textFileLogObserver(lines, None)(EVENT)  # type: ignore[arg-type]
    assert lines.written[-2:] == ["- [ns#info] héllo €\n", "flushed"]


def test_a_traceback_follows_its_line() -> None:
    out = io.StringIO()
    try:
        raise ValueError("two\nlines")
    except ValueError:
        textFileLogObserver(out, None)({**EVENT, "log_format": "failed", "log_failure": Failure()})
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["- [ns#info] failed", "\tTraceback (most recent call last):"]
    assert lines[-2:] == ["\tValueError: two", "\tlines"]


def test_a_format_of_ones_own() -> None:
    out = io.StringIO()
    observer = FileLogObserver(out, lambda event: event.get("say"))
    observer({"say": "this;"})
    observer({"say": None})
    observer({"say": "that;"})
    assert out.getvalue() == "this;that;"
