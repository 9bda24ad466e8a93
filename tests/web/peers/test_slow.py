"""Clients that want to hold the server up: slow ones, many, and endless ones."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.web.peers.conftest import WEB
from tests.web.peers.programs import PATIENCE, Daemon, exchange

MANY = 2000
HERE = b"GET /here HTTP/1.0\r\n\r\n"


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Enough for many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY + 500
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            pytest.skip(f"at most {hard} descriptors, and {wanted} are needed: NOT TESTED (ulimit -Hn {wanted})")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(daemon: Daemon) -> int:
    """The most memory that it has had so far, in bytes (Linux only)."""
    try:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


class Slow:
    """A client that sends its request byte by byte, when it is told to."""

    def __init__(self, port: int, head: bytes, rest: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setblocking(False)
        # gone at once when it is closed here: so many would fill the system's table of connections for a minute
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.send(head)
        self.rest = rest
        self.got = b""

    def go_on(self) -> None:
        """One more byte."""
        with contextlib.suppress(ConnectionError):
            self.socket.send(self.rest)

    def hear(self) -> bool:
        """Take what has come; false if the connection is closed."""
        try:
            data = self.socket.recv(4096)
        except ConnectionError:
            return False
        self.got += data
        return bool(data)


def hold_up(daemon: Daemon, slow: list[Slow]) -> int:
    """Go on with all of them, as long as they are let; others are answered between two bytes. How often that was."""
    selector = selectors.DefaultSelector()
    for client in slow:
        selector.register(client.socket, selectors.EVENT_READ, client)
    answered = 0
    while selector.get_map():
        assert exchange(daemon.port, HERE, end=False).endswith(b"\r\n\r\nhere")
        answered += 1
        for key, _ in selector.select(0):
            if not key.data.hear():
                selector.unregister(key.fileobj)
        for key in list(selector.get_map().values()):
            key.data.go_on()
    selector.close()
    return answered


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"x"),
        (b"POST /here HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", b"x"),
    ],
    ids=["headers", "body"],
)
def test_many_slow_ones(hostile: Daemon, descriptors: None, head: bytes, rest: bytes) -> None:
    exchange(hostile.port, HERE, end=False)
    before = memory(hostile)
    slow: list[Slow] = []
    try:
        for _ in range(MANY):
            slow.append(Slow(hostile.port, head, rest))
        assert hold_up(hostile, slow) > 1
        for client in slow:
            assert client.got.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in client.got
    finally:
        for client in slow:
            client.socket.close()
    # a connection costs a few kilobytes, whatever it does
    assert memory(hostile) - before < MANY * 20_000


ENDLESS = [b"POST /here HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n%b\r\n" % (b"x" * 65536)]


def endless(port: int, head: bytes, piece: bytes, rude: bool = False) -> bytes:
    """Send pieces until the server has said all it has to say, or, if rude, until it takes no more of them; what it has said."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        got = b""
        with contextlib.suppress(ConnectionError), selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            ended = False
            while rude or not ended:
                if not ended and selector.select(0):
                    data = connection.recv(65536)
                    ended = not data
                    got += data
                connection.sendall(piece)
    return got


@pytest.mark.parametrize("kind", ["site", "asgi"])
def test_a_body_that_never_ends(
    hostile: Daemon, tmp_path: Path, running: Callable[[Daemon], Daemon], kind: str
) -> None:
    daemon = hostile
    if kind == "asgi":
        arguments = ["--asgi", "fastapi_app:app", "--max-body", "1000000", "--listen", "tcp:0:interface=127.0.0.1"]
        daemon = running(Daemon(tmp_path, *WEB, *arguments))
    path = b"/here" if kind == "site" else b"/upload?name=x"
    before = memory(daemon)
    got = endless(daemon.port, ENDLESS[0].replace(b"/here", path), ENDLESS[1], rude=kind == "site")
    assert got.startswith(b"HTTP/1.1 413 ") and b"Connection: close" in got
    assert memory(daemon) - before < 20_000_000


@pytest.mark.parametrize(
    ("head", "piece", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: %b\r\n" % (b"x" * 1000), 431),
        (b"GET /", b"x" * 1000, 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"x" * 1000, 431),
        (ENDLESS[0], b"1;%b\r\nx\r\n" % (b"x" * 1000), 400),
        (ENDLESS[0] + b"0\r\n", b"X: y\r\n" * 200, 431),
    ],
    ids=["headers", "target", "value", "extensions", "trailers"],
)
def test_a_head_that_never_ends(hostile: Daemon, head: bytes, piece: bytes, status: int) -> None:
    got = endless(hostile.port, head, piece)
    # which limit is met first by trailers, that of their own or that of all between the chunks, is up to how they are cut
    assert int(got[9:12]) in ((400, 431) if status == 431 else (status,)), got
