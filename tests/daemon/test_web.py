"""``plait web``, as a real process."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import urllib.request
from collections.abc import Callable
from typing import IO

import pytest

from tests.certificates import make_certificate
from tests.daemon.conftest import Plait

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            print(message["type"], flush=True)
            await send({"type": message["type"] + ".complete"})
            if message["type"].endswith("shutdown"):
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"from asgi"})
"""

WSGI = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"from wsgi"]
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


def get(port: int, path: str = "/", scheme: str = "http", context: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(f"{scheme}://localhost:{port}{path}", timeout=30, context=context) as answer:
        body: bytes = answer.read()
    return body


def test_files(plait: Plait, port: int, read_until: Callable[[IO[str], str], str]) -> None:
    plait.path("www").mkdir()
    plait.path("www/index.html").write_text("the page")
    plait.path("www/.secret").write_text("hidden")
    process = plait.open(
        "web", "--path", "www", "--listen", f"tcp:{port}:interface=127.0.0.1", "--access-log", "access"
    )
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    assert get(port) == b"the page"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(port, "/.secret")
    process.send_signal(signal.SIGTERM)
    assert plait.ended() == 0
    first, second = plait.path("access").read_text().splitlines()
    assert '"GET / HTTP/1.1" 200 8 "-" "Python-urllib' in first
    assert '"GET /.secret HTTP/1.1" 404 ' in second
    assert not plait.path("plait.pid").exists()


def test_asgi_with_workers_and_https(plait: Plait, port: int, read_until: Callable[[IO[str], str], str]) -> None:
    plait.application(ASGI, "served.py")
    key, certificate = make_certificate(plait.folder)
    process = plait.open(
        "web",
        "--asgi",
        "served",
        "--https",
        str(port),
        "--certificate",
        str(certificate),
        "--key",
        str(key),
        "--workers",
        "2",
    )
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    context = ssl.create_default_context(cafile=str(certificate))
    assert get(port, scheme="https", context=context) == b"from asgi"
    process.send_signal(signal.SIGTERM)
    assert plait.ended() == 0


def test_asgi_lifespan(plait: Plait, port: int, read_until: Callable[[IO[str], str], str]) -> None:
    plait.application(ASGI, "served.py")
    process = plait.open("web", "--asgi", "served:app", "--listen", str(port))
    assert process.stdout is not None
    shown = read_until(process.stdout, "Ready.")
    assert "lifespan.startup" in shown
    assert get(port) == b"from asgi"
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    assert "lifespan.shutdown" in rest


def test_wsgi_in_the_background(plait: Plait, port: int) -> None:
    plait.application(WSGI, "served.py")
    done = plait("web", "--wsgi", "served:application", "--listen", str(port), "--daemon", "--access-log", "access",
                 "--access-log-format", "json")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert get(port) == b"from wsgi"
    plait.stop()
    line = json.loads(plait.path("access").read_text())
    assert (line["method"], line["uri"], line["status"], line["bytes"]) == ("GET", "/", 200, 9)


def test_a_proxy(plait: Plait, port: int, read_until: Callable[[IO[str], str], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        url = f"http://127.0.0.1:{upstream.getsockname()[1]}/base"
        process = plait.open("web", "--proxy", url, "--listen", str(port))
        assert process.stdout is not None
        read_until(process.stdout, "Ready.")
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            asked, _ = upstream.accept()
            assert asked.recv(1000).startswith(b"GET /base/x HTTP/1.1\r\n")
            asked.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            asked.close()
            with client.makefile("rb") as answer:
                assert answer.read().endswith(b"\r\n\r\nhi")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "say what to serve with one of --path, --asgi, --wsgi, --proxy and --forward-proxy"),
        (
            ["--path", ".", "--asgi", "x"],
            "say what to serve with one of --path, --asgi, --wsgi, --proxy and --forward-proxy, not --path and --asgi",
        ),
        (["--path", "nowhere"], "there is nothing at --path nowhere"),
        (["--asgi", "nosuchmodule:app"], "--asgi nosuchmodule:app: there is no module nosuchmodule here"),
        (["--wsgi", "json:nothing"], "--wsgi json:nothing: json has no nothing"),
        (["--wsgi", "json:__name__"], "--wsgi json:__name__ is str, which is no application"),
        (["--path", ".", "--private"], "--private, --only-to and --tunnel-port are for --forward-proxy"),
        (["--forward-proxy", "--tunnel-port", "x"], "--tunnel-port x: it has to be a port, or 'all'"),
        (["--proxy", "ftp://x"], "--proxy ftp://x: it has to be http://HOST[:PORT][/PATH]"),
        (
            ["--path", ".", "--https", "1"],
            "--https needs a --certificate (and its --key), or a folder of --certificates",
        ),
        (["--path", ".", "--key", "x"], "--certificate, --key and --certificates are for --https: add that"),
    ],
)
def test_mistakes_are_one_line(plait: Plait, arguments: list[str], error: str) -> None:
    done = plait("web", *arguments)
    assert (done.returncode, done.stderr) == (2, f"plait: plait run web: {error}\n")


def test_an_unknown_option_is_one_line(plait: Plait) -> None:
    done = plait("web", "--pth", ".")
    assert (done.returncode, done.stderr) == (
        2,
        "plait web: unknown option --pth: did you mean --path? (see plait web --help)\n",
    )
