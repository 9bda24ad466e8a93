"""Applications of Django, FastAPI and Flask under ``plait web``: right answers under load, and to the end."""

from __future__ import annotations

import http.client
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.peers.conftest import Large
from tests.web.peers.programs import PATIENCE, Curl, Daemon, Wrk

PIECES = "".join(f"piece {n};" * 1000 for n in range(50)).encode()


class Numbers(threading.Thread):
    """Asks for a page for each number from `first` until it is told to stop, or the server ends; each answer has to be complete.

    :param keeps: whether it keeps its connection.
    :ivar answered: the paths that were answered. `wrong`: what went wrong with others. `cut`: those whose connection was closed
        without an answer. `refused`: whether the server took no connection any more.
    """

    def __init__(self, port: int, page: str, first: int, keeps: bool = True) -> None:
        super().__init__(daemon=True)
        self.page, self.first, self.keeps = page, first, keeps
        self.answered: list[str] = []
        self.wrong: list[str] = []
        self.cut: list[str] = []
        self.refused = False
        self.some = threading.Event()
        self.enough = threading.Event()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def run(self) -> None:
        for number in range(self.first, self.first + 1_000_000):
            if self.enough.is_set() or not self._ask(number):
                break
            self.some.set()
        self._connection.close()
        self.some.set()

    def _ask(self, number: int) -> bool:
        connection, path = self._connection, f"{self.page}{number}"
        try:
            if connection.sock is None:
                connection.connect()
        except ConnectionRefusedError:
            self.refused = True
            return False
        try:
            connection.request("GET", path, headers={} if self.keeps else {"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read()
        except ConnectionError:  # nothing of an answer
            self.cut.append(path)
            connection.close()
            return True
        except (OSError, http.client.HTTPException) as error:
            self.wrong.append(f"{path}: {error!r}")
            return False
        if (answer.status, body) == (200, b"number %d" % number):
            self.answered.append(path)
        else:
            self.wrong.append(f"{path}: {answer.status} {body!r}")
        return True


def each_answer_is_that_to_its_request(daemon: Daemon) -> None:
    load = Wrk(daemon.url("/number/"))
    clients = [Numbers(daemon.port, "/number/", 10_000_000 * n) for n in range(1, 4)]
    try:
        for client in clients:
            client.start()
        assert load.counted()
    finally:
        load.stop()
        for client in clients:
            client.enough.set()
            client.join(PATIENCE)
    for client in clients:
        assert client.answered and not client.wrong and not client.cut


def streams(daemon: Daemon, curl: Curl) -> None:
    assert curl(daemon.url("/stream")).body == PIECES
    assert curl("--http1.0", daemon.url("/stream")).body == PIECES


def what_is_begun_is_answered_when_the_server_ends(daemon: Daemon, begun: Path) -> None:
    clients = [Numbers(daemon.port, "/slow/", 10_000_000 * n, keeps=n % 2 == 0) for n in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        assert client.some.wait(PATIENCE)
    daemon.signal(signal.SIGTERM)
    assert daemon.ended() == 0
    for client in clients:
        client.join(PATIENCE)
        assert client.refused and not client.wrong
    answered = [path for client in clients for path in client.answered]
    # Only that to which nothing has begun may be without an answer: it has crossed the end of its connection.
    assert sorted(begun.read_text().split()) == sorted(answered)


@pytest.mark.parametrize(
    ("kind", "name", "workers"),
    [("asgi", "django", 1), ("asgi", "fastapi", 2), ("wsgi", "django_wsgi", 1), ("wsgi", "flask", 2)],
)
def test_application(
    tmp_path: Path,
    running: Callable[[Daemon], Daemon],
    curl: Curl,
    large: Large,
    kind: str,
    name: str,
    workers: int,
) -> None:
    pytest.importorskip(name.partition("_")[0])
    arguments = ["--pidfile", "", f"--{kind}", f"begun:{name}", "--listen", "tcp:0:interface=127.0.0.1"]
    daemon = running(Daemon(tmp_path, "web", *arguments, "--workers", str(workers)))
    each_answer_is_that_to_its_request(daemon)
    streams(daemon, curl)
    if name == "fastapi":  # it takes the body as it is, and as it comes
        got = curl("--data-binary", f"@{large.path}", daemon.url("/upload?name=large.bin"))
    else:
        got = curl("-F", f"file=@{large.path}", daemon.url("/upload"))
    assert got.body == f"large.bin {large.size} {large.digest}".encode()
    what_is_begun_is_answered_when_the_server_ends(daemon, tmp_path / "begun")
    said = daemon.output()
    assert "#error" not in said and "#critical" not in said and "Traceback" not in said, said
    if name == "fastapi":  # each process has begun and ended
        assert (said.count("lifespan begins"), said.count("lifespan ends")) == (2, 2)
