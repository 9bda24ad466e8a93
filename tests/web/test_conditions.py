"""Conditional requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.conditions import Verdict, evaluate, parseDate, parseTags, rangeApplies

WHEN = 784111777
DATE, BEFORE, AFTER = (b"Sun, 06 Nov 1994 08:49:%02d GMT" % second for second in (37, 36, 38))


@pytest.mark.parametrize("date", [DATE, b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994", b" " + DATE])
def test_dates_of_all_forms(date: bytes) -> None:
    assert parseDate(date) == WHEN


@pytest.mark.parametrize(
    "date", [b"", b"today", b"Sun, 99 Nov 1994 08:49:37 GMT", b"\xff", b"Sun, 6 Nov 99999 08:49:37 GMT"]
)
def test_what_is_no_date(date: bytes) -> None:
    assert parseDate(date) is None


@given(st.binary())
def test_nothing_is_raised(value: bytes) -> None:
    parseDate(value)
    parseTags(value)
    rangeApplies(value, b'"a"', WHEN)


def test_lists_of_tags() -> None:
    assert parseTags(b'"a", W/"b,c" ,, "d"') == [b'"a"', b'W/"b,c"', b'"d"']
    assert parseTags(b'"a", b, "c"') == [b'"a"']


@pytest.mark.parametrize(
    ("method", "headers", "verdict"),
    [
        (b"GET", {}, 200),
        (b"GET", {b"if-none-match": b'"x", "now"'}, 304),
        (b"GET", {b"if-none-match": b'W/"now"'}, 304),
        (b"HEAD", {b"if-none-match": b"*"}, 304),
        (b"PUT", {b"if-none-match": b"*"}, 412),
        (b"GET", {b"if-none-match": b'"old"'}, 200),
        # the tag goes before the date
        (b"GET", {b"if-none-match": b'"old"', b"if-modified-since": AFTER}, 200),
        (b"GET", {b"if-modified-since": DATE}, 304),
        (b"GET", {b"if-modified-since": BEFORE}, 200),
        (b"GET", {b"if-modified-since": b"nonsense"}, 200),
        (b"POST", {b"if-modified-since": AFTER}, 200),
        (b"PUT", {b"if-match": b'"now"'}, 200),
        (b"PUT", {b"if-match": b"*"}, 200),
        (b"PUT", {b"if-match": b'W/"now"'}, 412),
        (b"PUT", {b"if-match": b'"old"'}, 412),
        (b"PUT", {b"if-unmodified-since": BEFORE}, 412),
        (b"PUT", {b"if-unmodified-since": DATE}, 200),
        (b"PUT", {b"if-match": b'"now"', b"if-unmodified-since": BEFORE}, 200),
    ],
)
def test_verdicts(method: bytes, headers: dict[bytes, bytes], verdict: int) -> None:
    assert evaluate(method, headers.get, b'"now"', WHEN) is Verdict(verdict)


@pytest.mark.parametrize(
    ("header", "tag", "applies"),
    [
        (None, b'"a"', True),
        (b'"a"', b'"a"', True),
        (b'"b"', b'"a"', False),
        (b'W/"a"', b'W/"a"', False),
        (b'"a"', None, False),
        (DATE, b'"a"', True),
        (AFTER, b'"a"', False),
        (b"nonsense", b'"a"', False),
    ],
)
def test_whether_a_range_applies(header: bytes | None, tag: bytes | None, applies: bool) -> None:
    assert rangeApplies(header, tag, WHEN) is applies
