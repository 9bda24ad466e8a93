"""Whatever an application puts into an answer's head, it is one head, of its own lines."""

from __future__ import annotations

import re

import pytest

from tests.web.peers.programs import Curl, Daemon, exchange

PLACES = [
    *("site/value", "site/added", "site/type", "site/cookie", "site/status", "site/redirect", "site/page", "site/etag"),
    *("site/written", "asgi/value", "asgi/long", "asgi/more", "wsgi/value", "wsgi/status", "wsgi/cookie"),
]
# What is no name of a header at all is an error of the application's.
NAMES = ["site/name", "asgi/name", "wsgi/name"]

# A name, a colon, a value in which there are no control characters that matter to anybody (RFC 9110, section 5.5).
LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\r\n\0]*")


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("place", PLACES + NAMES)
def test_no_line_is_put_in(hostile: Daemon, place: str, version: str) -> None:
    answers = exchange(
        hostile.port, f"GET /{place} HTTP/{version}\r\nHost: h\r\nConnection: close\r\n\r\n".encode(), end=False
    )
    head, empty, body = answers.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert empty and re.fullmatch(rb"HTTP/1\.1 \d{3} [^\r\n\0]*", first), answers
    for line in lines:
        assert LINE.fullmatch(line) and not line.lower().startswith(b"injected"), line
    names = [line.partition(b":")[0].lower() for line in lines]
    for once in (b"content-length", b"transfer-encoding", b"content-type", b"date"):
        assert names.count(once) <= 1
    if place in NAMES:
        assert first.startswith(b"HTTP/1.1 500 ") and b"Injected" not in body
    elif place != "site/page":
        assert body in (b"body", b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"), answers


def test_curl_sees_the_same(hostile: Daemon, curl: Curl) -> None:
    got = curl(*[hostile.url(f"/{place}") for place in PLACES])
    assert not [line for line in got.headers if line.lower().startswith("injected")]
    assert [fact["response_code"] for fact in got.facts] == [
        302 if "redirect" in p or "page" in p else 200 for p in PLACES
    ]
