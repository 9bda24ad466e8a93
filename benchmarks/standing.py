"""What is there before any work is done: how long the import takes, and what an idle connection holds."""

from __future__ import annotations

import os
import re
import resource
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import network
from benchmarks.samples import CPU, MEMORY, MeasureError, Sample, Work

IMPORTS = {
    "plait": "from plait import reactor\nreactor.seconds()",
    "twisted": "from twisted.internet import reactor\nreactor.seconds()",
}
"""Peer -> how a program begins; a reactor that can tell the time has its event loop."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 seconds. A close in the usual way would leave each port in TIME_WAIT."""


@dataclass(frozen=True)
class ImportWork:
    """A fresh interpreter imports the reactor; its own start is not counted."""

    name = "import"
    title = "import, until the reactor is ready"
    unit = CPU

    @property
    def peers(self) -> Sequence[str]:
        return list(IMPORTS)

    def measure(self, peer: str, seconds: float) -> Sample:
        self._start(peer)  # the first one compiles the modules, and reads the files from the disk
        begin = time.perf_counter()
        costs = [self._start(peer)]
        while time.perf_counter() - begin < seconds:
            costs.append(self._start(peer))
        return Sample(len(costs) / (time.perf_counter() - begin), sum(costs) / len(costs))

    def _start(self, peer: str) -> float:
        code = f"import time\nbegin = time.process_time_ns()\n{IMPORTS[peer]}\nprint(time.process_time_ns() - begin)"
        # Both from bytecode that is of the same age: an installed library has some, one in its repository perhaps not.
        env = {**os.environ, "PYTHONPYCACHEPREFIX": str(network.BUILD / "pycache")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        argv = [sys.executable, "-c", code]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise MeasureError(f"{self.title} with {peer}: {done.stderr.strip()}")
        return int(done.stdout) / 1000


@dataclass(frozen=True)
class IdleWork:
    """Connections that have sent and got a message, and are silent since: the memory that each adds to the server.

    With `whole`: the memory that the server then has, all in all.
    """

    connections: int
    whole: bool = False

    unit = MEMORY

    @property
    def name(self) -> str:
        return f"{'server-idle' if self.whole else 'idle'}-{self.connections}"

    @property
    def title(self) -> str:
        return f"{self.connections:,} idle connections, {'the server' if self.whole else 'each'}"

    @property
    def peers(self) -> Sequence[str]:
        return list(network.SERVERS)

    def measure(self, peer: str, seconds: float) -> Sample:
        allow_descriptors(self.connections + 100)
        with network.run_server(peer, "echo") as (server, port), ExitStack() as stack:
            # The first ones fill what the start has left free, and make what is made once.
            first = self.connections // 5
            before = 0.0
            for number in range(self.connections):
                if number == first:
                    before = memory(server.pid)
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                ask(client)
            after = memory(server.pid)
        return Sample(None, after if self.whole else (after - before) / (self.connections - first))


def ask(client: socket.socket) -> None:
    """Send a message and wait until it is back."""
    message = b"x" * 64
    client.sendall(message)
    if client.recv(len(message), socket.MSG_WAITALL) != message:
        raise MeasureError("the server did not send back what it got")


def memory(pid: int) -> float:
    """The kilobytes in memory that are the process's own, and no file's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError as error:
        raise MeasureError(f"memory is read from /proc, which Linux has: {error}") from None
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise MeasureError(f"/proc/{pid}/status has no RssAnon (Linux 4.5 and later)")
    return float(found[1])


def allow_descriptors(count: int) -> None:
    """Let this process, and the servers that it starts, have so many file descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
        except ValueError:
            raise MeasureError(f"{count} file descriptors are needed and {hard} allowed: raise ulimit -Hn") from None


WORKS: list[Work] = [ImportWork(), IdleWork(10_000), IdleWork(10_000, whole=True)]
