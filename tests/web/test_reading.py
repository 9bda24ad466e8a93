"""Requests are read; what could be read in two ways is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.limits import Limits
from plait.web.reading import Reader, Rejected

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


class Noting:
    """Notes the requests of a connection."""

    needsHost = True

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.seen: list[Any] = []
        self.reader: Reader | None = None

    def headReceived(self, reader: Reader) -> None:
        self.seen.append([reader.method, reader.target, list(reader.headers), b"", False])

    def bodyReceived(self, data: bytes) -> None:
        self.seen[-1][3] += data

    def messageReceived(self) -> None:
        self.seen[-1][4] = True

    def feed(self, *pieces: bytes) -> None:
        """As a connection does: a reader is borrowed for as long as a message is under way."""
        for piece in pieces:
            if self.reader is None:
                self.reader = Reader.borrow(self)
            self.reader.feed(piece)
            if not self.reader.underWay:
                self.reader.giveBack()
                self.reader = None


def rejection(data: bytes, limits: Limits | None = None) -> int:
    """The status with which it is refused; 0 if it is not."""
    try:
        Noting(limits).feed(data)
    except Rejected as error:
        return error.code
    return 0


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        # two lengths, or one beside chunks
        (b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (b"Content-Length: 5, 5\r\n\r\nhello", 400),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        # lengths that are no numbers
        (b"Content-Length: +5\r\n\r\nhello", 400),
        (b"Content-Length: -5\r\n\r\nhello", 400),
        (b"Content-Length: 0x5\r\n\r\nhello", 400),
        (b"Content-Length: 5 5\r\n\r\nhello", 400),
        (b"Content-Length:\r\n\r\n", 400),
        (b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (b"Content-Length: \xb2\r\n\r\n", 400),
        # other codings than chunked, or chunked in disguise
        (b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: identity\r\n\r\n", 501),
        (b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        # chunks
        (b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n\r\nhello", 400),
        # lines
        (b"Content-Length : 5\r\n\r\nhello", 400),
        (b"X: a\r\n b\r\n\r\n", 400),
        (b" X: a\r\n\r\n", 400),
        (b"X: a\0b\r\n\r\n", 400),
        (b"X: a\rb\r\n\r\n", 400),
        (b"X: a\nY: b\r\n\r\n", 400),
        (b"X\0: a\r\n\r\n", 400),
        (b"X Y: a\r\n\r\n", 400),
        (b": a\r\n\r\n", 400),
        (b"X\r\n\r\n", 400),
        # hosts
        (b"Host: a\r\n\r\n", 400),
        (b"hOST: b\r\n\r\n", 400),
        (b"Expect: the unexpected\r\n\r\n", 417),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(rest: bytes, code: int) -> None:
    assert rejection(HEAD + rest) == code


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / HTTP/9.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"\x16\x03\x01\x02\x00\x01", 501),
        (b"", 0),
        (b"\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0),
        (b"GET / HTTP/1.0\r\n\r\n", 0),
        (b"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", 0),
    ],
)
def test_request_lines_and_hosts(request_: bytes, code: int) -> None:
    assert rejection(request_) == code


SMALL = Limits(maxRequestLine=50, maxHeaderBytes=500, maxHeaders=4)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET /" + b"a" * 60 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * 600, 414),
        (HEAD + b"X: " + b"a" * 490 + b"\r\n\r\n", 431),
        (HEAD + b"X: " + b"a" * 600, 431),
        (HEAD + b"X: y\r\n" * 4 + b"\r\n", 431),
        (HEAD + b"X: y\r\n" * 3 + b"\r\n", 0),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 4000 + b"0\r\n\r\n", 0),
    ],
)
@pytest.mark.parametrize("size", [100_000, 7])
def test_limits(data: bytes, code: int, size: int) -> None:
    noting = Noting(SMALL)
    found = 0
    try:
        noting.feed(*[data[at : at + size] for at in range(0, len(data), size)])
    except Rejected as error:
        found = error.code
    assert found == code


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\nX: " + b"a" * 600 + b"\r\n\r\n",
        b"5;" + b"a" * 600,
        b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 40,
    ],
    ids=["trailer", "extension", "extensions"],
)
def test_what_stands_around_chunks_is_bounded(rest: bytes) -> None:
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest
    with pytest.raises(Rejected):
        Noting(SMALL).feed(*[data[at : at + 7] for at in range(0, len(data), 7)])


def build(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], chunks: list[bytes] | None) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method, target), b"Host: h", *(b"%b: %b" % header for header in headers)]
    if chunks is None:
        return b"\r\n".join([*lines, b"", b""])
    if len(chunks) == 1:
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(chunks[0]), b"", chunks[0]])
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk) + b"0\r\n\r\n"
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", body])


tokens = st.text("abcXYZ-", min_size=1, max_size=8).map(lambda text: b"X-" + text.encode())
requests = st.tuples(
    st.sampled_from([b"GET", b"POST", b"DELETE"]),
    st.text("abc/?=%20", max_size=20).map(lambda text: b"/" + text.encode()),
    st.lists(st.tuples(tokens, st.text("abc ;,=", max_size=10).map(lambda text: text.strip().encode())), max_size=3),
    st.none() | st.lists(st.binary(max_size=40), min_size=1, max_size=3),
)


@given(st.lists(requests, min_size=1, max_size=4), st.data())
def test_however_the_bytes_are_cut_the_requests_are_the_same(
    several: list[tuple[bytes, bytes, list[tuple[bytes, bytes]], list[bytes] | None]], data: st.DataObject
) -> None:
    stream = b"".join(build(*one) for one in several)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    noting = Noting()
    noting.feed(*pieces)
    expected = [[method, target, b"".join(chunks or []), True] for method, target, _, chunks in several]
    assert [[seen[0], seen[1], seen[3], seen[4]] for seen in noting.seen] == expected
    for seen, (_, _, headers, _) in zip(noting.seen, several, strict=True):
        assert [header for header in seen[2] if header[0].startswith(b"X-")] == headers


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_are_read_or_refused(first: bytes, rest: bytes) -> None:
    for data in (first, HEAD + first, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + first):
        try:
            Noting().feed(data, rest)
        except Rejected as error:
            assert 400 <= error.code < 600


def test_a_parser_is_used_again_only_if_it_can_be() -> None:
    for _ in range(3):
        noting = Noting()
        noting.feed(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert [seen[1] for seen in noting.seen] == [b"/1", b"/2"]
        assert rejection(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400
        noting.feed(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
