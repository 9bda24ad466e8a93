"""Ranges of a file."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.ranges import MOST, Multipart, Range, parseRanges


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        (b"bytes=0-4", [(0, 5)]),
        (b"bytes=5-", [(5, 5)]),
        (b"bytes=-3", [(7, 3)]),
        (b"bytes=-30", [(0, 10)]),
        (b"bytes=9-9", [(9, 1)]),
        (b"bytes=4-400", [(4, 6)]),
        (b"Bytes = 0-0 , ,2-3", [(0, 1), (2, 2)]),
        (b"bytes=8-9,0-1", [(8, 2), (0, 2)]),
        (b"bytes=2-3,20-30", [(2, 2)]),
        # nothing of it is there
        (b"bytes=10-", []),
        (b"bytes=-0", []),
        (b"bytes=99-100,50-60", []),
        # not heeded
        (b"bytes=4-3", None),
        (b"bytes", None),
        (b"bytes=", None),
        (b"bytes=,", None),
        (b"bytes=a-b", None),
        (b"bytes=-", None),
        (b"bytes=1--2", None),
        (b"bytes=+1-2", None),
        (b"bytes=1-2;3-4", None),
        (b"items=0-1", None),
        (b"bytes=0-5,5-6", None),
        (b"bytes=" + b"9" * 20 + b"-", None),
        (b"bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(MOST + 1)), None),
    ],
)
def test_what_is_asked_for(header: bytes, ranges: list[tuple[int, int]] | None) -> None:
    assert parseRanges(header, 10) == (None if ranges is None else [Range(*part) for part in ranges])


def test_an_empty_file_has_no_ranges() -> None:
    assert parseRanges(b"bytes=0-", 0) == parseRanges(b"bytes=-5", 0) == []


@given(
    st.binary(max_size=60).map(lambda rest: b"bytes=" + rest)
    | st.text("0123456789-, ").map(lambda t: b"bytes=" + t.encode())
)
def test_whatever_is_asked_for_lies_in_the_file(header: bytes) -> None:
    for part in parseRanges(header, 1000) or []:
        assert 0 <= part.start < part.start + part.size <= 1000


@given(st.binary(max_size=100), st.data())
def test_several_are_a_multipart_message(content: bytes, data: st.DataObject) -> None:
    ranges = [
        Range(start, data.draw(st.integers(0, len(content) - start)))
        for start in data.draw(st.lists(st.integers(0, len(content)), min_size=1, max_size=4))
    ]
    answer = Multipart(ranges, len(content), b"application/x-y")
    body = b"".join(head + content[part.start : part.start + part.size] for head, part in answer.parts) + answer.end
    assert len(body) == answer.size
    pieces = body.split(b"\r\n--" + answer.boundary)
    assert (pieces[0], pieces[-1]) == (b"", b"--\r\n")
    for piece, part in zip(pieces[1:-1], ranges, strict=True):
        head, _, rest = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        assert email.message_from_bytes(head)["content-range"] == part.content_range(len(content)).decode()
        assert rest == content[part.start : part.start + part.size]
