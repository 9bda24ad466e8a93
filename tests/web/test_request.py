"""The request's bytes."""

from __future__ import annotations

import pytest

from plait.web.outgoing import build, clean_headers, to_bytes


def test_get() -> None:
    headers = clean_headers({b"user-agent": b"me"})
    assert build(b"GET", b"/x?y", b"example.com", headers, None) == (
        b"GET /x?y HTTP/1.1\r\nHost: example.com\r\nUser-Agent: me\r\nConnection: close\r\n\r\n"
    )


def test_post() -> None:
    assert build(b"POST", b"/", b"h", {}, b"a=b") == (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=b"
    )
    assert b"\r\nContent-Length: 0\r\n" in build(b"POST", b"/", b"h", {}, b"")


def test_headers_by_any_case_and_type() -> None:
    headers = clean_headers({"X-One": "ä", b"x-two": [b"a", "b"], "HOST": "other", "Connection": "keep-alive"})
    assert headers == {b"x-one": [b"\xe4"], b"x-two": [b"a", b"b"], b"host": [b"other"]}
    wire = build(b"GET", b"/", b"h", headers, None)
    assert wire.count(b"Host: ") == 1 and b"Host: other\r\n" in wire
    assert b"X-Two: a\r\nX-Two: b\r\n" in wire
    assert b"keep-alive" not in wire


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\nY: b"},
        {"X": ["ok", "a\rb"]},
        {"X": "a\x00"},
        {"X\r\nY": "a"},
        {"X Y": "a"},
        {"": "a"},
        {"X:": "a"},
        {"Transfer-Encoding": "chunked"},
        {"X": "\u20ac"},
    ],
)
def test_headers_that_cannot_be_sent(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        clean_headers(headers)


@pytest.mark.parametrize(
    ("method", "target", "host"),
    [
        (b"GET /x HTTP/1.1\r\nX: y\r\n", b"/", b"h"),
        (b"", b"/", b"h"),
        (b"GET", b"/ HTTP/1.1\r\nX: y", b"h"),
        (b"GET", b"/a b", b"h"),
        (b"GET", b"", b"h"),
        (b"GET", b"/", b"h\r\nX: y"),
    ],
)
def test_a_line_cannot_be_broken(method: bytes, target: bytes, host: bytes) -> None:
    with pytest.raises(ValueError):
        build(method, target, host, {}, None)


def test_a_length_that_is_not_the_bodys() -> None:
    assert build(b"POST", b"/", b"h", {b"content-length": [b"3"]}, b"abc").count(b"Content-Length: 3") == 1
    assert b"Length" not in build(b"GET", b"/", b"h", {b"content-length": [b"0"]}, None)
    for body in (b"ab", b"abcd", None):
        with pytest.raises(ValueError, match="leave it out"):
            build(b"POST", b"/", b"h", {b"content-length": [b"3"]}, body)


def test_to_bytes() -> None:
    assert to_bytes("ä", "It") == b"\xe4"
    with pytest.raises(ValueError, match="It 'ł'"):
        to_bytes("ł", "It")
