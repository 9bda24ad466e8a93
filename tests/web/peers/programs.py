"""Programs that run beside the test, and never longer: our daemon, nginx, curl, wrk, a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import plait

PATIENCE = 60.0
"""Seconds. Nothing here takes a tenth of it; it is there so that a broken program fails the test and not the whole run."""

SERVED = Path(__file__).parent / "served"
"""The folder with the applications."""


def find(program: str) -> str:
    """Where a program is; skips the test if it is nowhere."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed: NOT TESTED (.ci/peers installs it)")
    return found


class Program:
    """A program in the foreground, whose output is read all the time."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self._said: list[str] = []
        self._change = threading.Condition()
        self._ended = False
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._change:
                self._said.append(line)
                self._change.notify_all()
        with self._change:
            self._ended = True
            self._change.notify_all()

    def output(self) -> str:
        """All that it has said."""
        with self._change:
            return "".join(self._said)

    def wait_until_said(self, text: str) -> str:
        """Wait until it has said something; all that it has said by then."""
        with self._change:
            self._change.wait_for(lambda: self._ended or any(text in line for line in self._said), PATIENCE)
        said = self.output()
        assert text in said, f"{text!r} never came: {said}"
        return said

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; the status."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def stop(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(PATIENCE)
            self._reader.join(PATIENCE)


class Daemon(Program):
    """Our own command, at ports that are free.

    :param folder: where it runs.
    :param arguments: for a ``plait web``, or ``run``; each place to listen at has port 0.
    :ivar ports: the numbers of the ports, in their order.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        source = str(Path(plait.__file__).resolve().parents[1])
        path = [source, str(SERVED), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        super().__init__(
            [sys.executable, "-u", "-m", "plait", *arguments],
            cwd=folder,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(path)),
        )
        try:
            said = self.wait_until_said("daemon#info] Ready.")
        except BaseException:
            self.process.kill()
            raise
        self.ports = [int(number) for number in dict.fromkeys(re.findall(r" starting on (\d+)\n", said))]

    @property
    def port(self) -> int:
        """The first one."""
        return self.ports[0]

    def url(self, path: str = "/") -> str:
        """The URL of a page at the first one."""
        return f"http://127.0.0.1:{self.port}{path}"


def exchange(port: int, *pieces: bytes, end: bool = True) -> bytes:
    """Send each piece by itself; all that is answered until the connection is closed.

    :param end: whether to close our side of it then.
    """
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was closed before it had taken all: what it has said counts
        try:
            while data := connection.recv(65536):
                got += data
        except ConnectionError:
            pass
    return got


class Nginx(Program):
    """nginx, with one worker process.

    :param servers: for each port what is in its ``server`` block.
    :param more: what is in the ``http`` block beside them.
    """

    def __init__(self, folder: Path, *servers: str, more: str = "") -> None:
        program = find("nginx")
        # It takes sockets that listen already, as it would from the nginx before it: so nobody else can take the port.
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in servers]
        self.ports = [int(listener.getsockname()[1]) for listener in listeners]
        blocks = [
            f"server {{ listen 127.0.0.1:{port}; {server} }}" for port, server in zip(self.ports, servers, strict=True)
        ]
        places = " ".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        folder.joinpath("nginx.conf").write_text(
            f"{'user root;' if os.geteuid() == 0 else ''} daemon off; worker_processes 1; pid nginx.pid;"
            f" error_log stderr warn; events {{}}\n"
            f"http {{ access_log off; client_max_body_size 100m; {places} {more}\n" + "\n".join(blocks) + "\n}\n"
        )
        numbers = [listener.fileno() for listener in listeners]
        super().__init__(
            [program, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"],
            pass_fds=numbers,
            env=dict(os.environ, NGINX=";".join(map(str, numbers)) + ";"),
        )
        for listener in listeners:
            listener.close()

    @property
    def port(self) -> int:
        """The first port."""
        return self.ports[0]

    def url(self, path: str = "/") -> str:
        """The URL of a page at it."""
        return f"http://127.0.0.1:{self.port}{path}"


class Fetched(NamedTuple):
    """What curl has got: the bodies, all header lines (with those of redirections), and for each URL what it can tell."""

    body: bytes
    headers: list[str]
    facts: list[dict[str, Any]]

    @property
    def status(self) -> int:
        """The last status."""
        return int(self.facts[-1]["response_code"])

    def header(self, name: str) -> str | None:
        """The last value of a header."""
        found = None
        for line in self.headers:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                found = value.strip()
        return found


class Curl:
    """curl; `folder` is where it runs and may write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._program = find("curl")

    def __call__(self, *arguments: str, given: bytes | None = None, fails: int = 0) -> Fetched:
        """:param given: its standard input. `fails`: the status that it is to end with."""
        done = subprocess.run(
            [self._program, "-q", "-sS", "--noproxy", "*", "--max-time", str(PATIENCE), "-D", "headers"]
            + ["-w", "%{stderr}%{json}\n", *arguments],
            cwd=self.folder,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=PATIENCE + 10,
        )
        told = done.stderr.decode()
        assert done.returncode == fails, told
        facts = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
        return Fetched(done.stdout, self.folder.joinpath("headers").read_text("latin-1").split("\n"), facts)


class Wrk(Program):
    """wrk for a second, with 64 connections that are kept; `wrk.lua` looks at each answer.

    :param expected: the body of each; None: ``number N`` for the number that is put behind the URL.
    """

    def __init__(self, url: str, expected: str | None = None) -> None:
        super().__init__(
            [find("wrk"), "-t", "1", "-c", "64", "-d", "1s", "--timeout", f"{PATIENCE:.0f}s"]
            + ["-s", str(Path(__file__).with_name("wrk.lua")), url, "--", *([] if expected is None else [expected])]
        )

    def counted(self) -> int:
        """Wait for its end; how many answers there were, all of them right."""
        assert self.ended() == 0, self.output()
        found = re.search(r"^RIGHT (\d+) WRONG (\d+) ERRORS (\d+)", self.output(), re.MULTILINE)
        assert found is not None, self.output()
        right, wrong, errors = map(int, found.groups())
        assert (wrong, errors) == (0, 0), self.output()
        return right
