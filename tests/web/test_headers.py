"""The headers of a message: names without case, values that stay on their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.headers import MAX_CACHED_NAME, Headers, InvalidHeaderName, NameEncoder, names


def test_bytes_and_str_name_the_same_header() -> None:
    headers = Headers({"content-type": ["text/plain"]})
    headers.addRawHeader(b"Content-TYPE", b"text/html")
    assert headers.getRawHeaders(b"content-type") == [b"text/plain", b"text/html"]
    assert headers.getRawHeaders("content-type") == ["text/plain", "text/html"]
    assert headers.hasHeader("Content-Type")
    headers.removeHeader("CONTENT-TYPE")
    assert headers.getRawHeaders("content-type") is None
    assert headers.getRawHeaders("content-type", 3) == 3


def test_values_are_utf8() -> None:
    headers = Headers()
    headers.setRawHeaders("x-name", ["Bücher"])
    assert headers.getRawHeaders(b"x-name") == ["Bücher".encode()]
    assert headers.getRawHeaders("x-name") == ["Bücher"]


def test_all_are_given_in_canonical_capitals_and_in_order() -> None:
    headers = Headers()
    for name in ("x-b", "www-authenticate", "ETAG", "x-a"):
        headers.addRawHeader(name, "1")
    assert [name for name, _ in headers.getAllRawHeaders()] == [b"X-B", b"WWW-Authenticate", b"ETag", b"X-A"]


def test_a_copy_is_independent() -> None:
    headers = Headers({b"a": [b"1"]})
    copied = headers.copy()
    assert copied == headers
    copied.addRawHeader(b"a", b"2")
    assert copied != headers
    assert headers.getRawHeaders(b"a") == [b"1"]
    assert repr(headers) == "Headers({b'A': [b'1']})"


@pytest.mark.parametrize("name", [b"", "", b"a b", "a:b", b"a\r\nb", "a\n", b"\xe4", "ä", b"(a)", "a\0"])
def test_what_is_no_token_is_no_name(name: bytes | str) -> None:
    headers = Headers()
    for ask in (headers.hasHeader, headers.getRawHeaders, headers.removeHeader):
        with pytest.raises(InvalidHeaderName, match="cannot be the name of a header"):
            ask(name)
    with pytest.raises(InvalidHeaderName):
        headers.addRawHeader(name, b"x")
    with pytest.raises(InvalidHeaderName):
        headers.setRawHeaders(name, [b"x"])


def test_a_name_outside_latin_1() -> None:
    with pytest.raises(UnicodeEncodeError):
        Headers().hasHeader("\u2603")


def test_a_single_value_is_not_a_list() -> None:
    with pytest.raises(TypeError, match="to be a list"):
        Headers().setRawHeaders("a", "value")
    with pytest.raises(TypeError, match="bytes or str, not int"):
        Headers().addRawHeader("a", 3)  # type: ignore[arg-type]


@given(st.one_of(st.binary(), st.text()))
def test_no_value_leaves_its_line(value: bytes | str) -> None:
    headers = Headers()
    try:
        headers.addRawHeader("a", value)
    except UnicodeEncodeError:
        assert isinstance(value, str)
        return
    (kept,) = headers.getRawHeaders(b"a", [])
    assert not set(kept) & set(b"\r\n\0")
    raw = value.encode() if isinstance(value, str) else value
    assert kept.translate(None, b" ") == raw.translate(None, b" \r\n\0") or set(raw) & set(b"\t\v\f")


@pytest.mark.parametrize("line_break", ["\r", "\n", "\r\n"])
def test_a_line_break_becomes_a_space(line_break: str) -> None:
    headers = Headers({"a": [f"one{line_break}Set-Cookie: two{line_break}"]})
    assert headers.getRawHeaders("a") == ["one Set-Cookie: two"]


def test_names_that_a_peer_makes_up_do_not_fill_the_memory() -> None:
    encoder = NameEncoder()
    for number in range(encoder.maxCached + 10):
        encoder.encode(b"x-%d" % number)
    assert len(encoder.cache) == encoder.maxCached
    long_name = b"x" * (MAX_CACHED_NAME + 1)
    assert Headers({long_name: [b"1"]}).hasHeader(long_name)
    assert long_name not in names.cache
