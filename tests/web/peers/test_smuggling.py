"""Nobody gets a request past who is in front of the server, nor an answer that is not theirs."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.peers.programs import PATIENCE, Daemon, Nginx, exchange
from tests.web.peers.smuggling import CORPUS, OK

LAST = b"GET /say/last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]


@pytest.mark.parametrize("split", [False, True], ids=["at once", "byte by byte"])
def test_what_could_be_read_in_two_ways_is_refused(site: Daemon, split: bool) -> None:
    for name, (status, data) in CORPUS.items():
        whole = data + LAST
        pieces = [bytes([byte]) for byte in whole] if split else [whole]
        answers = exchange(site.port, *pieces)
        if status == OK:
            assert statuses(answers) == [200, 200], name
            assert re.findall(rb"<.*?>", answers) == [b"</say/first>", b"</say/last>"], name
        else:
            # one answer, and the end
            assert b"</say/" not in answers and statuses(answers) in ([400], [501], [505]), (name, answers)


@pytest.mark.parametrize("more", ["", "proxy_request_buffering off;"], ids=["kept", "passed on at once"])
def test_what_nginx_passes_on_is_read_as_nginx_reads_it(
    site: Daemon, tmp_path: Path, running: Callable[[Nginx], Nginx], more: str
) -> None:
    nginx = running(
        Nginx(
            tmp_path,
            "client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; lingering_close off;"
            " ignore_invalid_headers off; underscores_in_headers on;"
            f" location / {{ proxy_pass http://one; proxy_http_version 1.1; proxy_set_header Connection ''; {more} }}",
            more=f"upstream one {{ server 127.0.0.1:{site.port}; keepalive 1; }}",
        )
    )
    good = 0
    for name, (status, data) in CORPUS.items():
        answers = exchange(nginx.port, data + LAST, end=False)
        if status == OK:
            assert re.findall(rb"<.*?>", answers) == [b"</say/first>", b"</say/last>"], (name, answers)
        # Others share nginx's one connection to the server: had anything been left on it, they would get that.
        other = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=PATIENCE)
        for number in range(2):
            other.request("GET", f"/say/{number}")
            answer = other.getresponse()
            assert (answer.status, answer.read()) == (200, b"</say/%d>" % number), name
        other.close()
        good += 1
    assert good == len(CORPUS)
