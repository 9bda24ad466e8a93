"""The response core: bytes in, events out."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.error import BadResponse, HeadersTooLarge, NoResponse, PartialDownloadError
from plait.web.response import Broken, Data, End, Event, Head, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def merged(events: list[Event]) -> list[object]:
    """Events that can be compared: neighbouring Data made one, an error by its class and text."""
    out: list[object] = []
    for event in events:
        if isinstance(event, Data) and out and isinstance(out[-1], Data):
            out[-1] = Data(out[-1].data + event.data)
        elif isinstance(event, Broken):
            out.append((type(event.error), str(event.error)))
        else:
            out.append(event)
    return out


def read(*pieces: bytes, method: bytes = b"GET", close: bool = True, clean: bool = True) -> list[object]:
    parser = ResponseParser(method)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return merged(events + (parser.end(clean) if close else []))


def head(headers: dict[bytes, list[bytes]] | None = None, status: bytes = b"200", message: bytes = b"OK") -> Head:
    return Head(b"HTTP/1.1", status, message, headers or {})


def broken(events: list[object]) -> tuple[type[Exception], str]:
    assert isinstance(events[-1], tuple), events
    return events[-1]


def test_body_by_length() -> None:
    got = read(OK + b"Content-Length: 5\r\n\r\nhello", close=False)
    assert got == [head({b"content-length": [b"5"]}), Data(b"hello"), End()]


def test_body_by_chunks() -> None:
    got = read(CHUNKED + b"5;name=value\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n", close=False)
    assert got == [head({b"transfer-encoding": [b"chunked"]}), Data(b"hello!"), End()]


def test_body_until_the_connection_ends() -> None:
    assert read(OK + b"\r\nhel", b"lo") == [head(), Data(b"hello"), End()]


def test_body_until_the_connection_ends_but_not_cleanly() -> None:
    got = read(OK + b"\r\nhello", clean=False)
    assert got[:-1] == [head(), Data(b"hello")]
    assert broken(got) == (
        PartialDownloadError,
        "The connection was lost in the middle of the page, after 5 bytes.",
    )


def test_empty_body() -> None:
    assert read(OK + b"Content-Length: 0\r\n\r\n", close=False)[1:] == [End()]
    assert read(CHUNKED + b"0\r\n\r\n", close=False)[1:] == [End()]


def test_cut_before_the_length_is_reached() -> None:
    got = read(OK + b"Content-Length: 10\r\n\r\nhello")
    assert got[1] == Data(b"hello")
    assert broken(got) == (
        PartialDownloadError,
        "The connection was lost in the middle of the page, after 5 of 10 bytes.",
    )


@pytest.mark.parametrize("sent", [b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n", b""])
def test_cut_in_chunks(sent: bytes) -> None:
    assert broken(read(CHUNKED + sent))[0] is PartialDownloadError


@pytest.mark.parametrize("sent", [b"", b"HTTP", OK, OK + b"Content-Length: 0\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_cut_before_the_headers_end(sent: bytes) -> None:
    kind, text = broken(read(sent))
    assert kind is NoResponse
    assert (str(len(sent)) in text) == bool(sent)


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_statuses_without_a_body(status: bytes) -> None:
    got = read(b"HTTP/1.1 %b X\r\nContent-Length: 3\r\n\r\nabc" % status, close=False)
    assert got == [head({b"content-length": [b"3"]}, status, b"X"), End()]


@pytest.mark.parametrize("header", [b"Content-Length: 3", b"Transfer-Encoding: chunked", b"X: y"])
def test_head_has_no_body(header: bytes) -> None:
    got = read(OK + header + b"\r\n\r\n", method=b"HEAD", close=False)
    assert isinstance(got[0], Head)
    assert got[1:] == [End()]


def test_interim_responses_are_skipped() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    got = read(b"HTTP/1.1 100 Continue\r\n\r\n" + early + OK + b"Content-Length: 1\r\n\r\nx", close=False)
    assert got == [head({b"content-length": [b"1"]}), Data(b"x"), End()]


def test_headers_are_lists_under_lower_case_names() -> None:
    got = read(OK + b"Set-Cookie: a=1\r\nX-Empty:\r\nSET-COOKIE: b=2 \t\r\nContent-Length: 0\r\n\r\n")
    assert got[0] == head({b"set-cookie": [b"a=1", b"b=2"], b"x-empty": [b""], b"content-length": [b"0"]})


def test_old_version_and_no_phrase() -> None:
    assert read(b"HTTP/1.0 200\r\n\r\n") == [Head(b"HTTP/1.0", b"200", b"", {}), End()]


def test_what_follows_the_response_is_dropped() -> None:
    parser = ResponseParser()
    assert merged(parser.feed(OK + b"Content-Length: 1\r\n\r\nx" + OK + b"\r\nsmuggled"))[1:] == [Data(b"x"), End()]
    assert parser.feed(b"more") == []
    assert parser.end() == []


@pytest.mark.parametrize(
    "sent",
    [
        b"<html>hello</html>",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nxyz",
        OK + b"Name with space: x\r\n\r\n",
        OK + b"X: a\x00b\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1x\r\n\r\n",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        OK + b"Content-Length: 1, 2\r\n\r\nab",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nx",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"fffffffffffffffff\r\n",
        CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_an_error(sent: bytes) -> None:
    events = read(sent, close=False)
    kind, text = broken(events)
    assert kind is BadResponse
    assert text.isprintable()
    assert End() not in events


def test_data_before_an_error_is_not_lost() -> None:
    got = read(CHUNKED + b"5\r\nhello\r\nzz", close=False)
    assert got[1] == Data(b"hello")
    assert broken(got)[0] is BadResponse


# Bounds.


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_header_block_is_bounded_to_the_byte(size: int) -> None:
    fits = OK + b"X: " + b"a" * 60 + b"\r\nContent-Length: 0\r\n\r\n"
    for limit, last in ((len(fits), End), (len(fits) - 1, Broken)):
        parser = ResponseParser(maxHeaderBytes=limit)
        events = [event for i in range(0, len(fits), size) for event in parser.feed(fits[i : i + size])]
        assert type(events[-1]) is last
    assert isinstance(events[-1], Broken) and isinstance(events[-1].error, HeadersTooLarge)


def test_number_of_headers_is_bounded() -> None:
    parser = ResponseParser(maxHeaders=2)
    (event,) = parser.feed(OK + b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n")
    assert isinstance(event, Broken) and isinstance(event.error, HeadersTooLarge)


def test_interim_responses_without_end_are_bounded() -> None:
    assert broken(read(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 10000, close=False))[0] is HeadersTooLarge


@pytest.mark.parametrize(
    "start", [b"0\r\nTrailer: ", b"0\r\n", b"1;", b"000"], ids=["value", "name", "extension", "size"]
)
def test_a_trailer_or_extension_without_end_is_bounded(start: bytes) -> None:
    parser = ResponseParser()
    parser.feed(CHUNKED + start)
    filler = (b"0" if start == b"000" else b"a") * 65536
    tracemalloc.start()
    try:
        events: list[Event] = []
        for _ in range(100):
            events += parser.feed(filler)
            if events:
                break
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert isinstance(events[-1], Broken)
    assert isinstance(events[-1].error, BadResponse)


def test_many_small_chunks_are_no_endless_trailer() -> None:
    parser = ResponseParser(maxHeaderBytes=100)
    parser.feed(CHUNKED)
    for _ in range(200):
        assert parser.feed(b"1\r\na\r\n") == [Data(b"a")]
    assert parser.feed(b"0\r\n\r\n") == [End()]


# Any cut gives the same events.

names = st.sampled_from([b"X-A", b"x-b", b"Set-Cookie", b"Server"])
values = st.binary(max_size=8).map(lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F))
bodies = st.lists(st.binary(min_size=1, max_size=20), max_size=4)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    lines = [draw(st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404 Not Found", b"HTTP/1.1 204 ", b"HTTP/1.1 301"]))]
    lines += [b"%b: %b" % pair for pair in draw(st.lists(st.tuples(names, values), max_size=4))]
    pieces = draw(bodies)
    framing = draw(st.sampled_from(["length", "chunked", "close", "short"]))
    body = b"".join(pieces)
    if framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        body = b"".join(b"%x;e\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nT: t\r\n\r\n"
    elif framing != "close":
        lines.append(b"Content-Length: %d" % (len(body) + (framing == "short")))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"]))
    return interim + b"\r\n".join([*lines, b"", b""]) + body + draw(st.sampled_from([b"", b"rest"]))


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(responses(), st.lists(st.integers(0, 1000), max_size=6), st.sampled_from([b"GET", b"HEAD"]))
def test_any_cut_gives_the_same_events(data: bytes, cuts: list[int], method: bytes) -> None:
    whole = read(data, method=method)
    assert read(*pieces_of(data, cuts), method=method) == whole
    assert read(*[data[i : i + 1] for i in range(len(data))], method=method) == whole


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000), max_size=6))
def test_nothing_raises(noise: bytes, cuts: list[int]) -> None:
    for data in (noise, OK + noise, CHUNKED + noise, OK + b"\r\n" + noise):
        assert read(*pieces_of(data, cuts)) == read(data)


def test_without_httptools_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['httptools'] = None; import plait.web.client"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.strip().endswith("ImportError: plait.web needs httptools: pip install plait[web]")
