"""nginx behind Plait, and in front of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.peers.conftest import WEB, Large
from tests.web.peers.programs import Curl, Daemon, Nginx

Route = Callable[[str], str]

# The ways to the site: nginx in front; nginx in front that keeps nothing; our proxy in front of both.
ROUTES = ["nginx /up", "nginx /raw", "proxy /up", "proxy /raw"]


@pytest.fixture
def to_site(request: pytest.FixtureRequest, nginx: Nginx, proxy: Daemon) -> Route:
    """The URL of a page of our site."""
    first, prefix = request.param.split()
    return lambda path: (nginx if first == "nginx" else proxy).url(prefix + path)


@pytest.fixture
def to_files(request: pytest.FixtureRequest, nginx: Nginx, proxy: Daemon) -> Route:
    """The URL of a file: served by us, with nginx in front; by nginx, with our proxy in front."""
    return (lambda path: nginx.url("/up/files" + path)) if request.param == "nginx" else proxy.url


@pytest.fixture(scope="session")
def ten(folder: Path) -> Large:
    """10 MB."""
    return Large(folder / "files" / "ten.bin", 10_000_000)


@pytest.mark.parametrize("to_site", ROUTES, indirect=True)
class TestBodies:
    """There and back, as they were."""

    def test_with_a_length(self, curl: Curl, to_site: Route, ten: Large) -> None:
        got = curl("-H", "Content-Type: a/b", "--data-binary", f"@{ten.path}", to_site("/echo?length"))
        assert (got.status, got.header("content-length")) == (200, "10000000")
        assert hashlib.sha256(got.body).hexdigest() == ten.digest

    def test_in_chunks(self, curl: Curl, to_site: Route, ten: Large) -> None:
        got = curl("-T", "-", to_site("/echo"), given=ten.data)
        assert (got.status, got.header("transfer-encoding")) == (200, "chunked")
        assert hashlib.sha256(got.body).hexdigest() == ten.digest

    def test_none(self, curl: Curl, to_site: Route) -> None:
        assert curl("-X", "PUT", to_site("/echo")).body == b""
        assert curl("-d", "", to_site("/echo?length")).body == b""

    def test_several_at_once(self, curl: Curl, to_site: Route, ten: Large) -> None:
        url = to_site("/upload")
        got = curl("--parallel", *[part for _ in range(4) for part in ("-T", str(ten.path), url)])
        assert got.body == f"{ten.size} {ten.digest}".encode() * 4


@pytest.mark.parametrize("to_files", ["nginx", "proxy"], indirect=True)
class TestFiles:
    """What belongs to a file comes through."""

    def test_whole(self, curl: Curl, to_files: Route, ten: Large) -> None:
        got = curl(to_files("/ten.bin"))
        assert hashlib.sha256(got.body).hexdigest() == ten.digest

    def test_range(self, curl: Curl, to_files: Route, ten: Large) -> None:
        got = curl("-r", "9999000-", to_files("/ten.bin"))
        assert (got.status, got.body) == (206, ten.data[-1000:])
        assert got.header("content-range") == "bytes 9999000-9999999/10000000"
        assert curl("-r", "10000000-", to_files("/ten.bin")).status == 416

    def test_head(self, curl: Curl, to_files: Route, ten: Large) -> None:
        # The second one shows that nothing was left of the first.
        got = curl("-I", to_files("/ten.bin"), to_files("/below/small.txt"))
        assert [fact["response_code"] for fact in got.facts] == [200, 200]
        assert got.header("content-length") == "10"

    def test_not_modified(self, curl: Curl, to_files: Route) -> None:
        url = to_files("/below/small.txt")
        tag = curl(url).header("etag")
        got = curl("-H", f"If-None-Match: {tag}", url, url)
        assert ([fact["response_code"] for fact in got.facts], got.body) == ([304, 304], b"")

    def test_not_there(self, curl: Curl, to_files: Route) -> None:
        assert curl(to_files("/nowhere")).status == 404


def test_one_connection_of_nginx_for_many_requests(curl: Curl, nginx: Nginx) -> None:
    got = curl(*[nginx.url("/up/who")] * 20)
    assert len(set(got.body.split()[::4])) == 1


def test_our_proxy_says_who_has_asked(curl: Curl, proxy: Daemon, nginx: Nginx) -> None:
    got = curl("-H", "X-Forwarded-For: 192.0.2.9", "-H", "Host: of.the.visitor", proxy.url("/raw/who"))
    assert got.body.split()[1:] == [b"127.0.0.1", b"of.the.visitor", b"site"]


def test_a_connection_of_ours_goes_on_behind_each_answer(curl: Curl, proxy: Daemon) -> None:
    got = curl(proxy.url("/up/hello"), proxy.url("/up/cached"), proxy.url("/nowhere"), proxy.url("/up/hello"))
    assert [fact["num_connects"] for fact in got.facts] == [1, 0, 0, 0]


def test_nobody_gets_above_what_is_passed_on(
    curl: Curl, folder: Path, nginx: Nginx, running: Callable[[Daemon], Daemon]
) -> None:
    daemon = running(Daemon(folder, *WEB, "--proxy", nginx.url("/below"), "--listen", "tcp:0:interface=127.0.0.1"))
    assert curl(daemon.url("/small.txt")).body == b"0123456789"
    for path in ("/../", "/%2e%2e/", "/..%2f", "/a/..%2f..%2f", "/./../", "//../"):
        assert b"the page" in curl("--path-as-is", nginx.url("/below" + path)).body
        assert curl("--path-as-is", daemon.url(path)).status == 400


def test_nobody_behind_us(curl: Curl, tmp_path: Path, running: Callable[[object], object]) -> None:
    nginx = Nginx(tmp_path, "return 200 there;")
    running(nginx)
    daemon = Daemon(tmp_path, *WEB, "--proxy", nginx.url(), "--listen", "tcp:0:interface=127.0.0.1")
    running(daemon)
    assert curl(daemon.url()).body == b"there"
    nginx.stop()
    assert curl(daemon.url()).status == 502
