"""The demo application, as `make run` starts it: three services in one process, and a page that counts for them."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEMO = Path(__file__).parent.parent.parent / "examples" / "demo_app.py"
PORTS = ("DEMO_ECHO_PORT", "DEMO_REVERSE_PORT", "DEMO_WEB_PORT")


def start(tmp_path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "plait", "run", "-n", "-y", str(DEMO)],
        cwd=tmp_path,
        env={**os.environ, **dict.fromkeys(PORTS, "0"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Demo:
    """The application while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []
        self.ports: dict[str, int] = {}
        assert process.stdout is not None
        for line in process.stdout:
            self.log.append(line)
            if found := re.search(r"(\w+): 127\.0\.0\.1 port (\d+)$", line.rstrip()):
                self.ports[found[1]] = int(found[2])
            if "Ready." in line:
                return
        raise AssertionError("the demo does not start:\n" + "".join(self.log))

    def connect(self, name: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.ports[name]), timeout=30)

    def talk(self, name: str, data: bytes) -> bytes:
        """Send `data` and read until the server closes."""
        with self.connect(name) as connection:
            connection.sendall(data)
            with connection.makefile("rb") as answers:
                return answers.read()

    def status(self) -> dict[str, Any]:
        client = http.client.HTTPConnection("127.0.0.1", self.ports["web"], timeout=30)
        client.request("GET", "/status")
        answer = client.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        state = json.loads(answer.read())
        client.close()
        return {service["name"]: service for service in state["services"]}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    process = start(tmp_path)
    try:
        yield Demo(process)
    finally:
        process.kill()
        process.communicate()


def test_each_service_answers_and_is_counted(demo: Demo) -> None:
    assert demo.talk("echo", b"hello\r\nquit\r\n") == b"You said: hello\r\nGoodbye.\r\n"
    assert demo.talk("reverser", b"hello world!\r\nquit\r\n") == b"!dlrow olleh\r\n"
    with demo.connect("reverser") as waiting:
        waiting.sendall(b"with LF alone, as nc sends it\n")
        assert waiting.makefile("rb").readline() == b"ti sdnes cn sa ,enola FL htiw\r\n"
        services = demo.status()
        assert services["echo"]["accepted"] == 1
        assert services["echo"]["connections"] == 0
        assert services["echo"]["received"] == len(b"hello\r\nquit\r\n")
        assert services["echo"]["sent"] == len(b"You said: hello\r\nGoodbye.\r\n")
        assert services["reverser"]["accepted"] == 2
        assert services["reverser"]["connections"] == 1
        assert services["web"]["connections"] == 1
    assert {name: service["port"] for name, service in services.items()} == demo.ports


def test_the_page_is_served_on_a_connection_that_stays(demo: Demo) -> None:
    client = http.client.HTTPConnection("127.0.0.1", demo.ports["web"], timeout=30)
    client.request("GET", "/")
    first = client.getresponse()
    page = first.read().decode()
    assert (first.status, first.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert 'fetch("/status"' in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "").replace("curl http://", "")
    used = client.sock
    client.request("HEAD", "/")
    second = client.getresponse()
    assert (second.status, second.read(), second.headers["Content-Length"]) == (
        200,
        b"",
        str(len(page.encode())),
    )
    client.request("GET", "/nowhere")
    third = client.getresponse()
    assert third.status == 404
    third.read()
    assert client.sock is used
    client.close()


@pytest.mark.parametrize(
    ("request_bytes", "status_line"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 "),
        (b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 501 "),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 413 "),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", b"HTTP/1.1 431 "),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"HTTP/1.1 431 "),
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 "),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 "),
    ],
)
def test_a_request_that_cannot_be_served_or_is_the_last_ends_the_connection(
    demo: Demo, request_bytes: bytes, status_line: bytes
) -> None:
    answer = demo.talk("web", request_bytes)
    assert answer.startswith(status_line)
    assert answer.count(b"HTTP/1.1 ") == 1 or status_line.endswith(b"200 ")
    assert demo.talk("echo", b"quit\r\n") == b"Goodbye.\r\n"


def test_ctrl_c_ends_it_cleanly(demo: Demo) -> None:
    with demo.connect("echo"):
        demo.process.send_signal(signal.SIGINT)
        rest, _ = demo.process.communicate(timeout=30)
    assert demo.process.returncode == 0
    assert "Traceback" not in "".join(demo.log) + rest


def test_a_taken_port_is_one_clear_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(tmp_path, DEMO_WEB_PORT=str(port))
        output, _ = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert str(port) in output
    assert "Traceback" not in output
