"""wrk: many connections that are kept, each with one request after the other, as fast as the answers come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.peers.conftest import WEB
from tests.web.peers.programs import Curl, Daemon, Wrk

Running = Callable[[Daemon], Daemon]


def loaded(daemon: Daemon, url: str, expected: str, curl: Curl) -> None:
    """Every answer under load is right, and another client is answered meanwhile."""
    load = Wrk(url, expected)
    try:
        others = 0
        while load.process.poll() is None:
            assert curl(url).body.decode() == expected
            others += 1
        assert load.counted() and others
    finally:
        load.stop()
    said = daemon.output()
    assert "#error" not in said and "#critical" not in said and "Traceback" not in said, said


@pytest.mark.parametrize(("path", "expected"), [("/hello", "Hello, world!"), ("/files/below/small.txt", "0123456789")])
def test_resource_and_file(site: Daemon, curl: Curl, path: str, expected: str) -> None:
    loaded(site, site.url(path), expected, curl)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_application(folder: Path, curl: Curl, running: Running, kind: str) -> None:
    daemon = running(
        Daemon(folder, *WEB, f"--{kind}", f"{kind}_plain:application", "--listen", "tcp:0:interface=127.0.0.1")
    )
    loaded(daemon, daemon.url(), "Hello, world!", curl)


def test_proxy(proxy: Daemon, curl: Curl) -> None:
    loaded(proxy, proxy.url("/below/small.txt"), "0123456789", curl)
