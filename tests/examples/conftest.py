"""The programs of the tutorial, in both sets of names, each run as a person runs it: as a process."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import plait

EXAMPLES = Path(__file__).parents[2] / "examples"
# Long enough for a machine that is busy with other things. Nothing waits for it where all is well.
PATIENCE = 60.0


class Done(NamedTuple):
    """How a program has ended."""

    stdout: str
    stderr: str
    returncode: int


@dataclass(frozen=True)
class Programs:
    """One set of the programs, and how Python is told to run them."""

    folder: Path
    options: tuple[str, ...] = ()

    def python(self, *arguments: str | Path) -> list[str]:
        """The command that runs Python, with the import alias where the set needs it."""
        return [sys.executable, *self.options, *map(str, arguments)]

    def command(self, program: str, *arguments: object) -> list[str]:
        return self.python(self.folder / program, *map(str, arguments))

    def run(self, program: str, *arguments: object, input: str | None = None, **options: Any) -> Done:
        """Run a program to its end."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()} | options
        if input is not None:
            options["input"] = input.encode()
        command = self.command(program, *arguments)
        done = subprocess.run(command, timeout=PATIENCE, check=False, **options)
        # Decoded here, since subprocess would make a line feed of each carriage return.
        return Done((done.stdout or b"").decode(), (done.stderr or b"").decode(), done.returncode)

    def copy(self, program: str, port: int, to_port: int, folder: Path) -> Path:
        """A copy of a program in `folder` that listens on `to_port`, since `port` may be taken here."""
        source = (self.folder / program).read_text()
        assert source.count(str(port)) == 1 or source.replace(f"on port {port}", "").count(str(port)) == 1
        copy = folder / program
        copy.write_text(source.replace(str(port), str(to_port)))
        return copy


def environment(**more: str) -> dict[str, str]:
    """The environment of a program: this one, with the Plait that is tested and in a fixed language."""
    source = str(Path(plait.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8", **more}


SETS = {
    "plait": Programs(EXAMPLES),
    "twisted": Programs(EXAMPLES / "classic", ("-m", "plait.as_twisted")),
}


@pytest.fixture(params=SETS)
def programs(request: pytest.FixtureRequest) -> Programs:
    """The programs in Plait's own names, then those with Twisted's imports."""
    return SETS[request.param]


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port of 127.0.0.1 that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def take_ports(count: int, listening: set[int], stack: contextlib.ExitStack) -> int:
    """Take `count` ports in a row, and listen on those at the places in `listening`. The answer is the first.

    They are below those that the system gives to outgoing connections, which could stand in the way.
    """
    for _ in range(1000):
        first = random.randrange(10_000, 30_000)
        with contextlib.ExitStack() as attempt:
            try:
                for place in range(count):
                    taken = attempt.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", first + place))
                    if place in listening:
                        taken.listen()
            except OSError:
                continue
            stack.enter_context(attempt.pop_all())
            return first
    raise AssertionError(f"there are no {count} free ports in a row")


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with contextlib.ExitStack() as stack:
        return take_ports(1, set(), stack)


def connect(port: int, server: subprocess.Popen[Any] | None = None) -> socket.socket:
    """A connection to `port`, as soon as another process, `server`, listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        except ConnectionRefusedError:
            if server is not None and server.poll() is not None:
                raise AssertionError(f"the server has ended: {server.communicate()}") from None
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.02)  # another process's listen() is an event that nobody tells us


@pytest.fixture
def echo_server(programs: Programs, free_port: int, tmp_path: Path) -> Iterator[int]:
    """The port of the echo server, which runs."""
    copy = programs.copy("echo_server.py", 5001, free_port, tmp_path)
    with subprocess.Popen(programs.python(copy), env=environment()) as server:
        try:
            connect(free_port, server).close()
            yield free_port
            assert server.poll() is None, "the echo server has ended by itself"
        finally:
            server.terminate()
            status = server.wait(PATIENCE)
    assert status == 0, "SIGTERM stops the reactor, and the program ends well"
