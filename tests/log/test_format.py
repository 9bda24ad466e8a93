"""Events become text, whatever is in them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.failure import Failure
from plait.log import LogLevel, eventAsText, formatEvent, formatEventAsClassicLogText, formatTime

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[[^\n]*\] [^\n]*\n")


class Peer:
    host = "::1"

    def getHost(self) -> str:
        return self.host

    def me(self) -> Peer:
        return self


class Hostile:
    """Everything that can be asked of it raises."""

    def __str__(self) -> str:
        raise RuntimeError("no str")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __format__(self, spec: str) -> str:
        raise RuntimeError("no format")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no " + name)


class WorseThanHostile:
    """What it raises cannot be shown either."""

    class Error(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even this")

    def __str__(self) -> str:
        raise self.Error

    __repr__ = __str__


def failure(error: BaseException) -> Failure:
    try:
        raise error
    except BaseException:
        return Failure()


@pytest.mark.parametrize(
    "format, text",
    [
        ("plain", "plain"),
        ("{{braces}}", "{braces}"),
        ("{number}", "7"),
        ("{number:03d}|{word!r:>5}", "007|  'a'"),
        ("{peer.host}", "::1"),
        ("{peer.getHost()}", "::1"),
        ("{peer.me().me().getHost()!r}", "'::1'"),
        ("{call()}", "called"),
        ("{call():>8}", "  called"),
        ("{list[1]} {dict[key]} {dict[key].bit_length()}", "2 3 2"),
        (b"bytes {number}", "bytes 7"),
        ("{word:{width}}|", "a   |"),
    ],
)
def test_fields(format: str, text: str) -> None:
    values = {"number": 7, "word": "a", "peer": Peer(), "call": lambda: "called", "list": [1, 2], "width": 4}
    assert formatEvent({"log_format": format, **values, "dict": {"key": 3}}) == text


@pytest.mark.parametrize("event", [{}, {"log_format": None}, {"log_format": ""}])
def test_without_a_format_there_is_no_text(event: dict[str, Any]) -> None:
    assert formatEvent(event) == ""
    assert eventAsText(event) == ""
    assert formatEventAsClassicLogText(event) is None


@pytest.mark.parametrize(
    "format",
    ["{x}", "{x!r}", "{x.y}", "{x()}", "{missing}", "{", "{}", "{0}", "{x[}", "{x(}", "{.x}", "{x!z}", 3],
)
@pytest.mark.parametrize("value", [Hostile(), WorseThanHostile(), "fine"], ids=["hostile", "worse", "fine"])
def test_what_cannot_be_formatted_says_so(format: str, value: object) -> None:
    if format in ("{x}", "{x!r}") and value == "fine":
        return
    text = formatEvent({"log_format": format, "x": value, "log_time": 1.0})
    assert text.startswith(
        "Unable to format event {" if value == "fine" else "MESSAGE LOST: unformattable object logged: "
    )
    assert repr(format) in text and "'x'" in text


def test_the_unprintable_value_is_named_with_what_it_raised() -> None:
    text = formatEvent({"log_format": "{nothing}", "x": Hostile()})
    assert re.search(r"'x' = <repr\(\) of Hostile object at 0x[0-9a-f]+ raised RuntimeError: no repr>", text)


def test_a_hostile_event_is_survived() -> None:
    class Event(dict[str, Any]):
        def get(self, key: str, default: object = None) -> Any:
            raise RuntimeError

        def items(self) -> Any:
            raise RuntimeError

        def __repr__(self) -> str:
            raise RuntimeError

    text = formatEvent(Event())
    assert text == (
        "MESSAGE LOST: unformattable object logged: Recoverable data: none; Exception during formatting: RuntimeError: "
    )


def test_raw_values_are_cut_off() -> None:
    assert len(formatEvent({"log_format": "{missing}", "x": "a" * 10**6})) < 2000


@given(st.text(alphabet="{}[]().!:x0 ") | st.text(), st.text() | st.integers() | st.none())
def test_any_format_gives_a_text(format: str, value: object) -> None:
    assert isinstance(formatEvent({"log_format": format, "x": value}), str)


def test_text_has_time_system_message_and_traceback() -> None:
    event = {"log_format": "a\nb", "log_time": 0.0, "log_namespace": "here", "log_level": LogLevel.warn}
    assert eventAsText(event).endswith(" [here#warn] a\nb")
    assert LINE.fullmatch(eventAsText(event).replace("\n", " ") + "\n")
    assert eventAsText(event, includeTimestamp=False, includeSystem=False) == "a\nb"
    assert eventAsText(event, formatTime=lambda when: f"T{when}") == "T0.0 [here#warn] a\nb"
    event["log_failure"] = failure(ValueError("of mine"))
    text = eventAsText(event)
    assert "Traceback" in text and text.endswith("ValueError: of mine\n")
    assert "Traceback" not in eventAsText(event, includeTraceback=False)
    del event["log_format"]
    assert eventAsText(event, includeTimestamp=False, includeSystem=False).startswith("Traceback")


@pytest.mark.parametrize(
    "event, head",
    [
        ({}, "[-#-]"),
        ({"log_namespace": "n"}, "[n#-]"),
        ({"log_system": "s", "log_namespace": "n"}, "[s]"),
        ({"log_system": Hostile()}, "[UNFORMATTABLE] "),
        ({"log_namespace": "a\nb", "log_level": LogLevel.info}, "[a\\nb#info]"),
    ],
)
def test_the_system_of_a_line(event: dict[str, Any], head: str) -> None:
    line = formatEventAsClassicLogText({"log_format": "text", **event})
    assert line is not None and line.startswith(f"- {head}")


def test_a_traceback_that_cannot_be_made_says_so() -> None:
    class Broken:
        value = "the value"

        def getTraceback(self) -> str:
            raise RuntimeError("broken")

    line = formatEventAsClassicLogText({"log_failure": Broken()})
    assert line == "- [-#-] the value\n\t(UNABLE TO OBTAIN TRACEBACK FROM EVENT): RuntimeError: broken\n"


@given(st.text(), st.text())
def test_one_event_is_one_line(text: str, namespace: str) -> None:
    event = {"log_format": "{text}", "text": text + "!", "log_namespace": namespace, "log_time": 1e9}
    line = formatEventAsClassicLogText({**event, "log_level": LogLevel.info})
    assert line is not None and len(line.splitlines()) == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", line)


@given(st.text())
def test_no_line_of_a_traceback_looks_like_a_line_of_the_log(text: str) -> None:
    line = formatEventAsClassicLogText({"log_format": "{text}", "text": text, "log_failure": failure(ValueError(text))})
    assert line is not None and line.endswith("\n")
    _, *others = line[:-1].split("\n")
    assert all(other.startswith("\t") for other in others)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", line)


def test_times() -> None:
    assert re.fullmatch(r"2001-09-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", formatTime(1e9))
    assert formatTime(1e9, "%Y") == "2001"
    assert formatTime(None) == formatTime(1e300) == formatTime(1e9, None) == "-"
    assert formatTime(None, default="never") == "never"
    assert formatTime(float("nan")) == "-"
