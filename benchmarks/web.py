"""Web servers under load from wrk: a short answer, an ASGI application, a file of a megabyte; and an idle connection's memory.

The server's CPU time is that of its process (and, for nginx, of its worker) over the time of the load, divided by
the requests that wrk has counted. Where there are two cores or more, server and load have one each, so that a server
that is kept busy answers as many requests in a second as its CPU time allows.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import network
from benchmarks.samples import CPU, MEMORY, MeasureError, Sample, Work
from benchmarks.standing import allow_descriptors, memory

CONNECTIONS = 64
"""Keep-alive connections of the load."""

FILE_SIZE = 1024 * 1024

SERVERS = {
    "plait": "web_plait.py",
    "twisted": "web_twisted.py",
    "uvicorn": "web_uvicorn.py",
    "uvloop": "web_uvloop.py",
}
"""Peer -> its program; ``uvloop`` is a bare protocol over httptools, as fast as Python comes. nginx has a file of options."""

NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr crit; events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
server {{ listen 127.0.0.1:{port}; root {root}; }} }}
"""

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass(frozen=True)
class WebWork:
    """One kind of answer, asked for over keep-alive connections."""

    kind: str
    """``hello`` (13 bytes from what the peer's users write), ``asgi``, ``file``."""
    title: str
    peers: Sequence[str]

    unit = CPU

    @property
    def name(self) -> str:
        return f"web-{self.kind}"

    def measure(self, peer: str, seconds: float) -> Sample:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise MeasureError("the load on web servers comes from wrk: install it")
        with run_server(peer, self.kind) as (pid, port):
            url = f"http://127.0.0.1:{port}/{'big.bin' if self.kind == 'file' else ''}"
            argv = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", url]
            network.run_pinned([*argv[:3], "-d1s", url], self.title, 30)
            before = cpu_seconds(pid)
            output = network.run_pinned(argv, f"{self.title} with {peer}", seconds + 30)
            spent = cpu_seconds(pid) - before
        requests = figure(r"^\s*(\d+) requests in", output)
        if re.search(r"Socket errors|Non-2xx", output):
            raise MeasureError(f"{self.title} with {peer}: {output.strip()}")
        return Sample(figure(r"^Requests/sec:\s+([\d.]+)", output), spent / requests * 1e6)


@dataclass(frozen=True)
class IdleWebWork:
    """Keep-alive connections that have had one answer: the memory that each adds to the server."""

    connections: int = 1000
    peers: Sequence[str] = ("plait", "twisted", "uvicorn")

    unit = MEMORY
    name = "web-idle"

    @property
    def title(self) -> str:
        return f"{self.connections:,} idle web connections, each"

    def measure(self, peer: str, seconds: float) -> Sample:
        allow_descriptors(self.connections + 100)
        with run_server(peer, "hello") as (pid, port), ExitStack() as stack:
            first, before = self.connections // 5, 0.0
            for number in range(self.connections):
                if number == first:
                    before = memory(pid)
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                client.sendall(REQUEST)
                if b"200 OK" not in client.recv(4096):
                    raise MeasureError(f"{self.title} with {peer}: no answer")
            return Sample(None, (memory(pid) - before) / (self.connections - first))


WORKS: list[Work] = [
    WebWork("hello", "web: hello, world", ("plait", "twisted", "uvicorn", "uvloop")),
    WebWork("asgi", "web: hello from an ASGI application", ("plait", "uvicorn")),
    WebWork("file", "web: a file of 1 MB", ("plait", "nginx", "twisted")),
    IdleWebWork(),
]


def figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise MeasureError(f"wrk says something else than expected: {text.strip()}")
    return float(found[1])


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process and its children that run."""
    total = 0
    try:
        for process in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
            fields = Path(f"/proc/{process}/schedstat").read_text().split()
            total += int(fields[0])
            for task in Path(f"/proc/{process}/task").iterdir():
                if int(task.name) != process:
                    total += int((task / "schedstat").read_text().split()[0])
    except OSError as error:
        raise MeasureError(f"CPU time is read from /proc, which Linux has: {error}") from None
    return total / 1e9


@contextlib.contextmanager
def run_server(peer: str, kind: str) -> Iterator[tuple[int, int]]:
    """Run the web server of `peer` while the block runs; gives its process's number and its port."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "www"
        root.mkdir()
        Path(folder).chmod(0o755)
        (root / "big.bin").write_bytes(bytes(range(256)) * (FILE_SIZE // 256))
        if peer == "nginx":
            with run_nginx(folder, root) as found:
                yield found
            return
        argv = [sys.executable, str(network.HERE / "servers" / SERVERS[peer]), kind, str(root)]
        with network.running(argv, peer) as (process, port):
            yield process.pid, port


@contextlib.contextmanager
def run_nginx(folder: str, root: Path) -> Iterator[tuple[int, int]]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise MeasureError("nginx, the yardstick for files, is not installed; leave it out with --peers")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = Path(folder) / "nginx.conf"
    options.write_text(NGINX.format(port=port, root=root))
    argv = [program, "-p", folder, "-c", str(options), "-e", "stderr"]
    with network.pinned_server(argv) as process:
        deadline = time.monotonic() + network.START_TIMEOUT
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise MeasureError("nginx does not start")
            time.sleep(0.01)
        yield process.pid, port
