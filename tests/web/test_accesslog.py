"""The lines of an access log."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plait.web.accesslog import combinedLine, jsonLine, logTime

USUAL: dict[str, Any] = {
    "address": "192.0.2.1",
    "method": b"GET",
    "uri": b"/a?b=c",
    "protocol": b"HTTP/1.1",
    "status": 200,
    "size": 13,
}
WHEN = "[28/Nov/2026:09:30:00 +0000]"


def test_combined() -> None:
    assert combinedLine(**USUAL, when=WHEN, referer=b"http://x/", agent=b"me/1", user=b"jo") == (
        f'"192.0.2.1" - jo {WHEN} "GET /a?b=c HTTP/1.1" 200 13 "http://x/" "me/1"'
    )
    bare = combinedLine(**USUAL | {"address": None, "size": 0}, when=WHEN)
    assert bare == f'"-" - - {WHEN} "GET /a?b=c HTTP/1.1" 200 - "-" "-"'


def test_what_is_escaped() -> None:
    line = combinedLine(**USUAL | {"uri": b'/"\\\n\x1b[1m\xff\xc3\xa4\xe2\x80\xa8'}, when=WHEN, user=b'a b"')
    assert '"GET /\\"\\\\\\x0a\\x1b[1m\\xffä\\xe2\\x80\\xa8 HTTP/1.1"' in line
    assert ' - a\\x20b\\" [' in line


def test_json() -> None:
    line = jsonLine(**USUAL, when=1.5, agent=b"\xff\n", duration=0.25)
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500Z",
        "client": "192.0.2.1",
        "method": "GET",
        "uri": "/a?b=c",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 13,
        "agent": "\\xff\n",
        "duration": 0.25,
    }


def test_time() -> None:
    assert re.fullmatch(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]", logTime())


QUOTED = r'"((?:[^"\\]|\\.)*)"'
FIELDS = re.compile(rf'"([^"]*)" - (\S+) (\[[^]]*\]) {QUOTED} (\d+) (\S+) {QUOTED} {QUOTED}')


@given(st.binary(), st.binary(), st.binary(), st.binary(), st.binary())
def test_nothing_can_be_forged(method: bytes, uri: bytes, referer: bytes, agent: bytes, user: bytes) -> None:
    sent = USUAL | {"method": method, "uri": uri, "referer": referer, "agent": agent, "user": user}
    line = combinedLine(**sent, when=WHEN)
    assert len(line.splitlines()) == 1 and line.isprintable()
    found = FIELDS.fullmatch(line)
    assert found is not None and found[3] == WHEN and found[5] == "200"
    line.encode()  # no half of a letter is left
    record = jsonLine(**sent, when=0)
    assert len(record.splitlines()) == 1 and record.isascii()
    assert json.loads(record)["uri"] == uri.decode("utf-8", "backslashreplace")
