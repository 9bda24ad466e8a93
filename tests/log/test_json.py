"""Events as JSON."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.failure import Failure
from plait.log import (
    LogEvent,
    Logger,
    LogLevel,
    eventAsJSON,
    eventFromJSON,
    eventsFromJSONLogFile,
    formatEvent,
    jsonFileLogObserver,
    jsonLinesLogObserver,
    textFileLogObserver,
)

CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class Hostile:
    """Breaks whoever looks at it."""

    def _raise(self, *args: object) -> Any:
        raise RuntimeError("no\nway")

    __str__ = __repr__ = __format__ = __bool__ = __len__ = __iter__ = __eq__ = _raise
    __hash__ = object.__hash__


def line(**event: Any) -> dict[str, Any]:
    out = io.StringIO()
    jsonLinesLogObserver(out)(event)
    text = out.getvalue()
    assert text.endswith("\n") and "\n" not in text[:-1] and text.isascii()
    result: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return result


def test_a_line() -> None:
    assert line(
        log_time=0.5,
        log_level=LogLevel.warn,
        log_namespace="app",
        log_format="{n} {peer}",
        n=3,
        peer=("::1", 25),
        message=b"\xff",
    ) == {
        "time": "1970-01-01T00:00:00.500+00:00",
        "level": "warn",
        "namespace": "app",
        "message": "3 ('::1', 25)",
        "n": 3,
        "peer": ["::1", 25],
        "message_": "\\xff",
    }


def test_a_failure() -> None:
    try:
        raise ValueError("of mine")
    except ValueError:
        seen = line(log_failure=Failure(), log_format=None)
    assert seen["message"] == "of mine"
    assert seen["traceback"].splitlines()[-1] == "builtins.ValueError: of mine"


def test_values_of_all_kinds() -> None:
    loop: list[Any] = []
    loop.append(loop)
    seen = line(
        a=math.nan, b=math.inf, c=10**400, d=None, e={1: {"x": [True]}}, f="\ud800", g=Hostile(), h=loop, i=[Hostile()]
    )
    assert (seen["a"], seen["b"], seen["d"], seen["e"], seen["f"]) == (
        "nan",
        "inf",
        None,
        {"1": {"x": [True]}},
        "\ud800",
    )
    assert seen["c"].startswith("1000") or "int" in seen["c"]
    assert "raised RuntimeError" in seen["g"] and "raised RuntimeError" in seen["i"][0]


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(Hostile)
    | st.just(object),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=6,
)
names = st.sampled_from(
    ["a", "b", "time", "log_time", "log_level", "log_namespace", "log_system", "log_failure", "log_context"]
)
formats = (
    st.sampled_from(["{a}", "{a!r} {b}", "{a.x}", "{b[0]}", "{a()}", "text\x1b[2J\n\r\x85\u2028", "{", "", None])
    | anything
)


@given(st.dictionaries(names | st.text(), anything, max_size=4), formats)
def test_whatever_is_in_an_event_it_is_one_line_and_raises_nothing(values: dict[str, Any], format: Any) -> None:
    event: LogEvent = {"log_format": format, **values}
    line(**{str(key): value for key, value in event.items()})
    out = io.StringIO()
    textFileLogObserver(out)(dict(event))
    first, _, traceback = out.getvalue().partition("\n")
    assert not CONTROLS.search(first) and not CONTROLS.search(traceback.replace("\n\t", "").rstrip("\n"))
    assert not traceback or event.get("log_failure") is not None


def test_there_and_back() -> None:
    events: list[LogEvent] = []
    file = io.StringIO()
    observer = jsonFileLogObserver(file)
    log = Logger("app", observer=lambda event: (events.append(event), observer(event))[0])

    class Peer:
        host = "h"

    try:
        raise KeyError("k")
    except KeyError:
        log.failure("{peer.host} has {n:>3} {n!r} {peer}", peer=Peer(), n=7)
    file.seek(0)
    [event] = eventsFromJSONLogFile(file)
    assert formatEvent(event).startswith("h has   7 7 <")
    assert event["log_level"] is LogLevel.critical
    assert event["log_failure"].check(KeyError) and not event["log_failure"].check(ValueError)
    assert event["log_failure"].frames[-1].name == "test_there_and_back"
    assert "log_flattened" not in events[0]  # other observers see the event as it was


@pytest.mark.parametrize("size", [1, 3, 4096])
@pytest.mark.parametrize("kind", [io.StringIO, lambda text: io.BytesIO(text.encode())])
def test_what_cannot_be_read_is_left_out(size: int, kind: Any) -> None:
    good, bad = eventAsJSON({"n": "€"}), "{"
    file = kind(f"\x1e{good}\n\x1e{bad}\n\x1e{good}\n\x1e{good}")
    assert list(eventsFromJSONLogFile(file, bufferSize=size)) == [{"n": "€"}] * 2
    assert list(eventsFromJSONLogFile(kind(f"{good}\n{bad}\n{good}\n"), "", size)) == [{"n": "€"}] * 2
    assert list(eventsFromJSONLogFile(kind(""))) == []


def test_a_failure_that_makes_no_sense_is_no_event() -> None:
    with pytest.raises(ValueError, match="no failure"):
        eventFromJSON('{"x": {"__class_uuid__": "E76887E2-20ED-49BF-A8F8-BA25CC586F2D"}}')
