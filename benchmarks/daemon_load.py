"""How many requests are lost while a daemon is upgraded, or loses a worker: `python -m benchmarks.daemon_load`.

Clients keep their connections and ask every 10 ms, if the last question has been answered. What is counted:

- *refused*: connections that could not be made;
- *cut*: requests that were sent and whose connection ended without an answer;
- *torn*: answers of which the beginning came, and not the end;
- *noted*: requests that the server has noted as answered, and whose answer has not come.

Nothing may be refused, torn or noted, ever. Nothing may be cut by an upgrade; of a worker that is killed, what it had under way
is.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

APP = Path(__file__).parent / "servers" / "daemon_app.py"

# Seconds between two questions on one connection.
PAUSE = 0.01

# Seconds for anything that the daemon has to do.
PATIENCE = 60.0

# Seconds between two workers that are killed.
BETWEEN_KILLS = 1.0


@dataclass
class Counts:
    """What has happened to all clients."""

    requests: int = 0
    answered: int = 0
    connections: int = 0
    refused: int = 0
    cut: int = 0
    torn: int = 0
    noted: int = 0
    events: int = 0
    answers: set[bytes] = field(default_factory=set)
    processes: set[bytes] = field(default_factory=set)

    def is_good(self, kills: bool) -> bool:
        """Whether nothing went wrong that may not."""
        return not (self.refused or self.torn or self.noted or (self.cut and not kills)) and self.answered > 0


class Client(asyncio.Protocol):
    """One connection. `ended` is set when it has ended."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._asked: bytes | None = None
        self._received = b""
        self._last = False  # the server takes no further question on this connection
        self._transport: Any = None
        self.ended = asyncio.Event()
        self.answered = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._counts.connections += 1

    def ask(self) -> None:
        """Send a question, if the last one has been answered."""
        if self._asked is None and not self._last:
            self._counts.requests += 1
            self._asked = b"%d" % self._counts.requests
            self.answered.clear()
            self._transport.write(self._asked + b"\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n"):
            process, question, *last = self._received.split()
            assert question == self._asked, (question, self._asked)
            self._counts.answered += 1
            self._counts.answers.add(question)
            self._counts.processes.add(process)
            self._asked, self._received = None, b""
            self._last = bool(last)
            self.answered.set()

    def connection_lost(self, error: Exception | None) -> None:
        if self._received:
            self._counts.torn += 1
        elif self._asked is not None:
            self._counts.cut += 1
        self.ended.set()
        self.answered.set()

    def close(self) -> None:
        self._transport.close()


async def use(port: int, counts: Counts, end: asyncio.Event) -> None:
    """A user, who asks and asks, and connects anew when the server has closed."""
    loop = asyncio.get_running_loop()
    while not end.is_set():
        try:
            _, client = await loop.create_connection(lambda: Client(counts), "127.0.0.1", port)
        except OSError:
            counts.refused += 1
            await asyncio.sleep(PAUSE)
            continue
        while not client.ended.is_set() and not end.is_set():
            client.ask()
            await asyncio.sleep(PAUSE)
        await client.answered.wait()
        client.close()


class Daemon:
    """The application, run in a folder of its own."""

    def __init__(self, folder: Path, options: list[str]) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "plait", "run", *options, "--drain-timeout", "60", "-y", str(APP)]
        subprocess.run(command, cwd=folder, check=True)
        self.port = int((folder / "port").read_text())

    def pid(self) -> int:
        """The process that the pid file names."""
        return int((self.folder / "plait.pid").read_text())

    def workers(self) -> list[int]:
        """The workers that have been ready, in that order."""
        found = re.findall(r"Worker \d+ is ready, process (\d+)", (self.folder / "plait.log").read_text())
        return [int(pid) for pid in found]

    async def upgrade(self) -> None:
        """Let a new process take the place of the one that runs, and wait until that has ended."""
        old = self.pid()
        os.kill(old, signal.SIGUSR2)
        await until(lambda: self.pid() != old and not Path(f"/proc/{old}").exists())

    async def kill_a_worker(self) -> None:
        """Kill the one that has the most connections, being the oldest; wait until there is another one, and a while."""
        before = self.workers()
        os.kill(next(pid for pid in before if Path(f"/proc/{pid}").exists()), signal.SIGKILL)
        await until(lambda: len(self.workers()) > len(before))
        await asyncio.sleep(BETWEEN_KILLS)

    def stop(self) -> None:
        """End it; what it has noted is complete then."""
        subprocess.run([sys.executable, "-m", "plait", "stop"], cwd=self.folder, check=True)

    def noted(self) -> set[bytes]:
        """The requests that it has answered, as it says."""
        return {line for file in self.folder.glob("answered.*") for line in file.read_bytes().split()}


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the daemon does not do what it was told")
        await asyncio.sleep(0.02)


async def load(
    daemon: Daemon, users: int, seconds: float, event: Callable[[], Awaitable[None]], counts: Counts
) -> None:
    """Have users ask for so long, while `event` happens again and again."""
    end = asyncio.Event()
    tasks = [asyncio.create_task(use(daemon.port, counts, end)) for _ in range(users)]
    deadline = time.monotonic() + seconds
    await asyncio.sleep(0.5)  # until all are connected
    while time.monotonic() < deadline:
        await event()
        counts.events += 1
    end.set()
    await asyncio.gather(*tasks)


def run(options: list[str], kills: bool, users: int, seconds: float) -> Counts:
    """One scenario, from the start of the daemon to its end."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as name:
        daemon = Daemon(Path(name), options)
        try:
            uvloop.run(load(daemon, users, seconds, daemon.kill_a_worker if kills else daemon.upgrade, counts))
        finally:
            daemon.stop()
        counts.noted = len(daemon.noted() - counts.answers)
    return counts


SCENARIOS: tuple[tuple[str, list[str], bool], ...] = (
    ("SIGUSR2 again and again", [], False),
    ("SIGUSR2 again and again, --workers 2", ["--workers", "2"], False),
    ("kill -9 of a worker, --workers 2", ["--workers", "2"], True),
)

COLUMNS = ("events", "requests", "answered", "connections", "refused", "cut", "torn", "noted")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.daemon_load", description=__doc__.split("\n")[0])
    parser.add_argument("--connections", type=int, default=200, metavar="N", help="clients at once (default: 200)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="how long each time (default: 10)")
    options = parser.parse_args()
    print(f"{options.connections} connections, a request every {PAUSE * 1000:g} ms on each, {options.seconds:g} s\n")
    print(f"{'':38}" + "".join(f"{name:>12}" for name in (*COLUMNS, "processes")), flush=True)
    good = True
    for name, arguments, kills in SCENARIOS:
        counts = run(arguments, kills, options.connections, options.seconds)
        good = good and counts.is_good(kills)
        figures = [*(getattr(counts, column) for column in COLUMNS), len(counts.processes)]
        print(f"{name:38}" + "".join(f"{figure:12}" for figure in figures), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
