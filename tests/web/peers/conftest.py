"""Our daemons, once for all tests of a process, and the programs that talk to them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.certificates import make_certificate
from tests.web.peers.programs import SERVED, Curl, Daemon, Nginx, Program

P = TypeVar("P", bound=Program)

WEB = ("web", "--pidfile", "", "--drain-timeout", "1")
"""What every one of our web servers is started with."""


@pytest.fixture(scope="session")
def kept_running() -> Iterator[Callable[[P], P]]:
    """Takes programs, and ends them when the tests are over."""
    running: list[Program] = []

    def keep(program: P) -> P:
        running.append(program)
        return program

    yield keep
    for program in reversed(running):
        program.stop()


@pytest.fixture
def running() -> Iterator[Callable[[P], P]]:
    """Takes programs, and ends them with the test."""
    programs: list[Program] = []

    def keep(program: P) -> P:
        programs.append(program)
        return program

    yield keep
    for program in reversed(programs):
        program.stop()


class Large:
    """A file with bytes that do not repeat, and its hash."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self.data = random.Random(size).randbytes(size)
        self.digest = hashlib.sha256(self.data).hexdigest()
        path.write_bytes(self.data)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the daemons run: `files` in it is served."""
    folder = tmp_path_factory.mktemp("served")
    folder.joinpath("files/below").mkdir(parents=True)
    folder.joinpath("files/index.html").write_text("<p>the page</p>")
    folder.joinpath("files/below/small.txt").write_text("0123456789")
    return folder


@pytest.fixture(scope="session")
def large(folder: Path) -> Large:
    """20 MB, also served as /large.bin."""
    return Large(folder / "files" / "large.bin", 20_000_000)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and its certificate, for localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def site(folder: Path, kept_running: Callable[[Daemon], Daemon]) -> Daemon:
    """A site of resources, see `served/site_app.py`."""
    return kept_running(
        Daemon(folder, "run", "-n", "--pidfile", "", "-y", str(SERVED / "site_app.py"), "--drain-timeout", "1")
    )


@pytest.fixture(scope="session")
def hostile(folder: Path, kept_running: Callable[[Daemon], Daemon]) -> Daemon:
    """A site with small limits, see `served/hostile_app.py`."""
    return kept_running(
        Daemon(folder, "run", "-n", "--pidfile", "", "-y", str(SERVED / "hostile_app.py"), "--drain-timeout", "1")
    )


@pytest.fixture(scope="session")
def files(folder: Path, authority: tuple[Path, Path], kept_running: Callable[[Daemon], Daemon]) -> Daemon:
    """``plait web --path``, plainly, behind a PROXY header, and under TLS."""
    key, certificate = authority
    return kept_running(
        Daemon(
            folder,
            *WEB,
            *("--path", "files", "--access-log", "access"),
            *("--listen", "tcp:0:interface=127.0.0.1", "--listen", "haproxy:tcp:0:interface=127.0.0.1"),
            *("--https", "0", "--key", str(key), "--certificate", str(certificate)),
        )
    )


@pytest.fixture(scope="session")
def nginx(
    folder: Path, site: Daemon, tmp_path_factory: pytest.TempPathFactory, kept_running: Callable[[Nginx], Nginx]
) -> Nginx:
    """nginx, with our files; and in front of `site` at /up/, and at /raw/, where it keeps nothing before it passes it on."""
    passing = "proxy_pass http://site/; proxy_http_version 1.1; proxy_set_header Connection '';"
    return kept_running(
        Nginx(
            tmp_path_factory.mktemp("nginx"),
            f"root {folder / 'files'}; location /up/ {{ {passing} }}"
            f" location /raw/ {{ {passing} proxy_buffering off; proxy_request_buffering off; }}",
            more=f"upstream site {{ server 127.0.0.1:{site.port}; keepalive 4; }}",
        )
    )


@pytest.fixture(scope="session")
def proxy(folder: Path, nginx: Nginx, kept_running: Callable[[Daemon], Daemon]) -> Daemon:
    """``plait web --proxy``, in front of nginx."""
    return kept_running(Daemon(folder, *WEB, "--proxy", nginx.url(), "--listen", "tcp:0:interface=127.0.0.1"))


@pytest.fixture
def curl(tmp_path: Path) -> Curl:
    return Curl(tmp_path)
