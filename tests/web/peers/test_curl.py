"""What curl makes of the server, and the server of curl."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.web.peers.conftest import Large
from tests.web.peers.programs import Curl, Daemon


class TestUploads:
    """Bodies, in all the ways that curl has to send them."""

    def test_put(self, curl: Curl, site: Daemon, large: Large) -> None:
        got = curl("-T", str(large.path), site.url("/upload"))
        # curl asks before it sends so much
        assert got.headers[0] == "HTTP/1.1 100 Continue"
        assert (got.status, got.body) == (200, f"{large.size} {large.digest}".encode())

    def test_form(self, curl: Curl, site: Daemon, large: Large) -> None:
        got = curl("-F", "title=a b", "-F", f"photo=@{large.path};filename=p.bin", site.url("/upload"))
        assert got.body.decode().splitlines() == ["title=a b", f"photo:p.bin {large.size} {large.digest}"]

    def test_urlencoded_form(self, curl: Curl, site: Daemon) -> None:
        got = curl("--data-urlencode", "a=ü &=", "-d", "b=2", site.url("/upload"))
        assert got.body.decode().splitlines() == ["a=ü &=", "b=2"]

    def test_chunks_from_standard_input(self, curl: Curl, site: Daemon, large: Large) -> None:
        got = curl("-T", "-", site.url("/upload"), given=large.data)
        assert got.body == f"{large.size} {large.digest}".encode()

    @pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
    def test_expecting_or_not(self, curl: Curl, site: Daemon, expect: str) -> None:
        got = curl("-H", expect, "-T", "-", site.url("/upload"), given=b"few")
        assert got.body == f"3 {hashlib.sha256(b'few').hexdigest()}".encode()
        assert ("HTTP/1.1 100 Continue" in got.headers) is (expect != "Expect:")

    def test_what_is_too_long_is_not_sent(self, curl: Curl, site: Daemon) -> None:
        # The length alone is enough: the server says so instead of 100, and curl sends nothing.
        with open(curl.folder / "long", "wb") as file:
            file.truncate(40_000_001)
        got = curl("-T", "long", site.url("/upload"))
        assert (got.status, got.facts[0]["size_upload"]) == (413, 0)

    def test_what_is_sent_in_vain_does_not_hide_the_answer(self, curl: Curl, hostile: Daemon, large: Large) -> None:
        for coding in ("Content-Length: 20000000", "Transfer-Encoding: chunked"):
            for _ in range(5):
                got = curl("-X", "POST", "-H", "Expect:", "-H", coding, "-T", str(large.path), hostile.url("/here"))
                assert got.status == 413

    def test_echo_both_ways(self, curl: Curl, site: Daemon, large: Large) -> None:
        for query in ("", "?length"):
            got = curl(
                "--data-binary", f"@{large.path}", "-H", "Content-Type: application/x", site.url("/echo" + query)
            )
            assert hashlib.sha256(got.body).hexdigest() == large.digest
            assert got.header("transfer-encoding") == (None if query else "chunked")


class TestFiles:
    """``plait web --path``."""

    def test_the_whole(self, curl: Curl, files: Daemon, large: Large) -> None:
        got = curl(files.url("/large.bin"))
        assert hashlib.sha256(got.body).hexdigest() == large.digest

    @pytest.mark.parametrize(
        ("wanted", "span"),
        [("100-199", slice(100, 200)), ("-7", slice(-7, None)), ("19999990-", slice(19999990, None))],
    )
    def test_range(self, curl: Curl, files: Daemon, large: Large, wanted: str, span: slice) -> None:
        got = curl("-r", wanted, files.url("/large.bin"))
        assert (got.status, got.body) == (206, large.data[span])

    def test_several_ranges(self, curl: Curl, files: Daemon) -> None:
        got = curl("-r", "0-1,8-9", files.url("/below/small.txt"))
        assert got.status == 206 and (got.header("content-type") or "").startswith("multipart/byteranges")
        assert b"\r\n\r\n01\r\n" in got.body and b"\r\n\r\n89\r\n" in got.body

    def test_resume(self, curl: Curl, files: Daemon, large: Large) -> None:
        part = curl.folder / "part"
        part.write_bytes(large.data[:7_000_001])
        got = curl("-C", "-", "-o", "part", files.url("/large.bin"))
        assert (got.status, got.facts[0]["size_download"]) == (206, large.size - 7_000_001)
        assert part.read_bytes() == large.data
        # there is nothing to get any more
        assert curl("-C", "-", "-o", "part", files.url("/large.bin")).status == 416
        assert part.read_bytes() == large.data

    def test_head(self, curl: Curl, files: Daemon, large: Large) -> None:
        got = curl("-I", files.url("/large.bin"))
        assert (got.header("content-length"), got.header("accept-ranges")) == (str(large.size), "bytes")
        assert got.facts[0]["size_download"] == 0

    def test_not_modified(self, curl: Curl, files: Daemon) -> None:
        url = files.url("/below/small.txt")
        assert curl("--etag-save", "tag", url).status == 200
        got = curl("--etag-compare", "tag", url)
        assert (got.status, got.body) == (304, b"")
        path = curl.folder / "copy"
        assert curl("-R", "-o", str(path), url).status == 200
        assert curl("-z", str(path), url).status == 304

    def test_redirection_to_the_folder(self, curl: Curl, files: Daemon) -> None:
        got = curl("-L", files.url("/below?q"))
        assert (got.status, got.facts[0]["num_redirects"]) == (200, 1)
        assert got.facts[0]["url_effective"] == files.url("/below/?q") and b"small.txt" in got.body

    def test_old_version(self, curl: Curl, files: Daemon) -> None:
        got = curl("--http1.0", files.url("/"), files.url("/below/small.txt"))
        assert got.body == b"<p>the page</p>0123456789"
        assert got.header("transfer-encoding") is None

    def test_proxy_header(self, curl: Curl, files: Daemon, folder: Path) -> None:
        got = curl("--haproxy-protocol", f"http://127.0.0.1:{files.ports[1]}/below/small.txt?by-proxy")
        assert (got.status, got.body) == (200, b"0123456789")
        # without one it is nobody that it would talk to
        curl(f"http://127.0.0.1:{files.ports[1]}/", fails=52)
        assert 'small.txt?by-proxy HTTP/1.1" 200 10' in folder.joinpath("access").read_text()

    def test_https(self, curl: Curl, files: Daemon, authority: tuple[Path, Path], large: Large) -> None:
        url = f"https://localhost:{files.ports[2]}/large.bin"
        got = curl("--cacert", str(authority[1]), url)
        assert hashlib.sha256(got.body).hexdigest() == large.digest
        assert curl(url, fails=60).body == b""

    def test_one_connection_for_two_pages(self, curl: Curl, files: Daemon) -> None:
        got = curl(files.url("/"), files.url("/below/small.txt"), files.url("/nowhere"))
        assert [(fact["response_code"], fact["num_connects"]) for fact in got.facts] == [(200, 1), (200, 0), (404, 0)]


class TestResources:
    """What resources answer with."""

    @pytest.mark.parametrize(("path", "way"), [("/basic", "--basic"), ("/digest", "--digest"), ("/md5", "--digest")])
    def test_logging_in(self, curl: Curl, site: Daemon, path: str, way: str) -> None:
        assert curl(site.url(path)).status == 401
        got = curl(way, "-u", "me:pa:ss", site.url(path))
        assert (got.status, got.body) == (200, b"for me")
        # twice in one connection: the second time with a new count of the same nonce
        got = curl(way, "-u", "me:pa:ss", site.url(path), site.url(path))
        assert got.body == b"for mefor me"
        assert curl(way, "-u", "me:wrong", site.url(path)).status == 401
        assert curl("--anyauth", "-u", "me:pa:ss", site.url(path)).body == b"for me"

    @pytest.mark.parametrize("codings", ["gzip", "br", "zstd", "deflate, gzip;q=0.5"])
    def test_compressed(self, curl: Curl, site: Daemon, codings: str) -> None:
        got = curl("--compressed", "-H", f"Accept-Encoding: {codings}", site.url("/text"))
        assert got.body == b"the same again, " * 10_000
        assert got.header("content-encoding") in codings
        assert got.facts[0]["size_download"] < 5_000
        assert curl(site.url("/text")).facts[0]["size_download"] == 160_000

    def test_redirections(self, curl: Curl, site: Daemon) -> None:
        got = curl("-L", site.url("/old"))
        assert (got.body, got.facts[0]["num_redirects"]) == (b"Hello, world!", 1)
        # 307 has the method and the body sent again
        got = curl("-L", "-X", "PUT", "--data-binary", "few", site.url("/moved"))
        assert got.body == f"3 {hashlib.sha256(b'few').hexdigest()}".encode()

    def test_methods(self, curl: Curl, site: Daemon) -> None:
        got = curl("-X", "DELETE", site.url("/hello"))
        assert (got.status, got.header("allow")) == (405, "GET, HEAD")
        got = curl("--request-target", "*", "-X", "OPTIONS", site.url("/"))
        assert got.status == 200
