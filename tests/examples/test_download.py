"""Program 6: a page into a file, from a real HTTP server, with and without TLS."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.certificates import make_certificate

from .conftest import SETS, Programs, environment

pytest.importorskip("httptools", reason="the web room needs httptools: pip install plait[web]")

PAGE = bytes(range(256)) * 4096
PROGRESS = re.compile(r"(?:\rProgress: \d+%)+\nDownload Complete\.\n")


class Site(BaseHTTPRequestHandler):
    """A page; one that is cut in the middle, one of unknown length, one that has moved. All else is a 404."""

    def do_GET(self) -> None:
        if self.path == "/page":
            self.answer(200, PAGE, ("Content-Length", str(len(PAGE))))
        elif self.path == "/cut":
            self.answer(200, PAGE[: len(PAGE) // 2], ("Content-Length", str(len(PAGE))))
        elif self.path == "/stream":
            self.answer(200, PAGE)
        elif self.path == "/moved":
            self.answer(301, b"", ("Location", "/page"), ("Content-Length", "0"))
        else:
            self.answer(404, b"nothing", ("Content-Length", "7"))

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(context: ssl.SSLContext | None = None) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[str]:
    yield from serve()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed but itself, with its key in the same file."""
    key, certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    file = key.with_name("localhost.pem")
    file.write_bytes(key.read_bytes() + certificate.read_bytes())
    return file


@pytest.fixture
def secure_site(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield from serve(context)


def test_a_page_with_its_progress(programs: Programs, site: str, tmp_path: Path) -> None:
    done = programs.run("download.py", f"{site}/page", tmp_path / "page")
    assert PROGRESS.fullmatch(done.stdout), done.stdout
    percents = [int(number) for number in re.findall(r"(\d+)%", done.stdout)]
    assert percents == sorted(percents) and percents[-1] == 100
    assert (done.stderr, done.returncode) == ("", 0)
    assert (tmp_path / "page").read_bytes() == PAGE


def test_a_page_of_unknown_length(programs: Programs, site: str, tmp_path: Path) -> None:
    done = programs.run("download.py", f"{site}/stream", tmp_path / "page")
    assert done.stdout.strip() == "Download Complete."
    assert (done.stderr, done.returncode) == ("", 0)
    assert (tmp_path / "page").read_bytes() == PAGE


def test_a_page_that_has_moved(programs: Programs, site: str, tmp_path: Path) -> None:
    done = programs.run("download.py", f"{site}/moved", tmp_path / "page")
    assert PROGRESS.fullmatch(done.stdout), done.stdout
    assert (tmp_path / "page").read_bytes() == PAGE


def test_a_page_that_is_not_there(programs: Programs, site: str, tmp_path: Path) -> None:
    done = programs.run("download.py", f"{site}/nothing", tmp_path / "page")
    assert (done.stdout, done.stderr, done.returncode) == ("Error: 404 Not Found\n", "", 0)
    assert not (tmp_path / "page").exists()


def test_a_connection_that_is_cut_is_an_error(programs: Programs, site: str, tmp_path: Path) -> None:
    done = programs.run("download.py", f"{site}/cut", tmp_path / "page")
    assert "Download Complete." not in done.stdout
    assert "Error: " in done.stdout.splitlines()[-1]
    assert (done.stderr, done.returncode) == ("", 0)


def test_nobody_is_there(programs: Programs, closed_port: int, tmp_path: Path) -> None:
    done = programs.run("download.py", f"http://127.0.0.1:{closed_port}/", tmp_path / "page")
    assert done.stdout.startswith("Error: Connection was refused by other side: ")
    assert (done.stderr, done.returncode) == ("", 0)


def test_https(programs: Programs, secure_site: str, certificate: Path, tmp_path: Path) -> None:
    trusting = environment(SSL_CERT_FILE=str(certificate))
    done = programs.run("download.py", f"{secure_site}/page", tmp_path / "page", env=trusting)
    assert PROGRESS.fullmatch(done.stdout), done.stdout
    assert (done.stderr, done.returncode) == ("", 0)
    assert (tmp_path / "page").read_bytes() == PAGE


def test_plait_does_not_trust_a_certificate_that_nobody_has_signed(secure_site: str, tmp_path: Path) -> None:
    done = SETS["plait"].run("download.py", f"{secure_site}/page", tmp_path / "page")
    assert done.stdout.startswith("Error: ") and "ertificate" in done.stdout
    assert (done.stderr, done.returncode) == ("", 0)
    assert not (tmp_path / "page").exists()


def test_the_classic_context_trusts_anybody(secure_site: str, tmp_path: Path) -> None:
    done = SETS["twisted"].run("download.py", f"{secure_site}/page", tmp_path / "page")
    assert PROGRESS.fullmatch(done.stdout), done.stdout
    assert (tmp_path / "page").read_bytes() == PAGE


@pytest.mark.parametrize("arguments", [[], ["http://localhost/"], ["a", "b", "c"]], ids=str)
def test_wrong_arguments(programs: Programs, arguments: list[str]) -> None:
    done = programs.run("download.py", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ") and done.stderr.endswith("download.py URL FILE\n")
    assert done.stderr.count("\n") == 1
