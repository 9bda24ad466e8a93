"""Servers under load: echo, in the clear and under TLS, pipelined lines and strings, new connections, datagrams.

The server of a peer is a program of its own (`servers/`), the load another (`load.c`); where there are
two cores or more, each has one to itself. The server's CPU time is read from its process clock, in
nanoseconds, at the first and the last instant that the load counts: start-up, imports and connecting are
left out, a server's thread is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.samples import CPU, MeasureError, Sample

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "benchmarks"

START_TIMEOUT = 20.0
"""Seconds that a server may take to import everything and to listen."""

SERVERS = {
    "plait": ["plait_server.py"],
    "twisted": ["twisted_server.py"],
    "uvloop": ["asyncio_server.py", "{kind}", "uvloop"],
    "asyncio": ["asyncio_server.py"],
    "watched": ["watched_server.py"],
}


@dataclass(frozen=True)
class NetworkWork:
    """One kind of load on a server."""

    kind: str
    """``echo``, ``lines``, ``int32``, ``connect``, ``udp`` or ``tls``, as in `load.c`."""
    size: int
    """Bytes in a message, its line end or its length included."""
    connections: int
    depth: int = 1
    """Messages in flight on each connection."""

    unit = CPU

    @property
    def peers(self) -> list[str]:
        return list(SERVERS)

    @property
    def name(self) -> str:
        depth = f"-{self.depth}" if self.depth > 1 else ""
        return f"{self.kind}-{self.size}-{self.connections}{depth}"

    @property
    def title(self) -> str:
        size = f"{self.size // 1024} KB" if self.size >= 1024 else f"{self.size} B"
        connections = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        if self.kind == "connect":
            return f"connect, echo {size}, close; {self.connections} at once"
        if self.kind == "udp":
            return f"UDP echo {size}, {self.connections} peers"
        if self.kind == "tls":
            return f"TLS echo {size}, {connections}"
        depth = f", {self.depth} deep" if self.depth > 1 else ""
        return f"{self.kind} {size}, {connections}{depth}"

    def measure(self, peer: str, seconds: float) -> Sample:
        load = build_load(tls=self.kind == "tls")
        with run_server(peer, "echo" if self.kind == "connect" else self.kind) as (server, port):
            numbers = [self.connections, self.size, self.depth, min(0.3, seconds / 4), seconds]
            arguments = [str(port), str(server.pid), self.kind, *map(str, numbers)]
            figures = run_load([str(load), *arguments], f"{self.title} with {peer}", timeout=seconds + 30)
        return Sample(figures.pop("per_second"), figures.pop("cpu_us"), figures)


WORKS = [
    NetworkWork("echo", 64, 1),
    NetworkWork("echo", 64, 100),
    NetworkWork("echo", 1024, 1),
    NetworkWork("echo", 1024, 100),
    NetworkWork("echo", 65536, 1),
    NetworkWork("echo", 65536, 100),
    NetworkWork("lines", 32, 20, depth=50),
    NetworkWork("int32", 32, 20, depth=50),
    NetworkWork("connect", 64, 50),
    NetworkWork("udp", 64, 100),
    NetworkWork("tls", 1024, 1),
    NetworkWork("tls", 1024, 100),
]


def build_load(tls: bool = False) -> Path:
    """Compile the load generator, if that is not done yet; for TLS it needs OpenSSL's headers."""
    if sys.platform != "linux":
        raise MeasureError("the load generator needs Linux (epoll); --only deferred runs everywhere")
    source, program = HERE / "load.c", BUILD / ("load-tls" if tls else "load")
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    compiler = find_compiler()
    if compiler is None:
        raise MeasureError("no C compiler for benchmarks/load.c: install gcc or clang, or name one in CC")
    BUILD.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there, so that a second run never starts half a program.
    fresh = program.with_name(f"{program.name}.{os.getpid()}")
    argv = [compiler, "-O2", "-o", str(fresh), str(source)]
    argv += ["-DWITH_TLS", "-lssl", "-lcrypto"] if tls else []
    built = subprocess.run(argv, capture_output=True, text=True, check=False)
    if built.returncode:
        hint = " (TLS needs OpenSSL's headers, libssl-dev)" if tls else ""
        raise MeasureError(f"{compiler} cannot build {source}{hint}:\n{built.stderr.strip()}")
    fresh.replace(program)
    return program


def certificate() -> tuple[Path, Path]:
    """The PEM files of a key and its certificate (ECDSA, P-256), made at first use; no load looks at the certificate."""
    key, cert = BUILD / "key.pem", BUILD / "cert.pem"
    if not cert.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        argv += ["-days", "3650", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(cert)]
        try:
            subprocess.run(argv, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise MeasureError("the openssl command is needed to make a certificate: install it") from None
        except subprocess.CalledProcessError as error:
            raise MeasureError(f"openssl makes no certificate: {error.stderr.strip()}") from None
    return key, cert


def find_compiler() -> str | None:
    """The path of a C compiler, or None."""
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    return next((path for name in names if name and (path := shutil.which(name))), None)


def cores() -> tuple[set[int], set[int]]:
    """The cores for the server and for the load: one each if there are two, else the same for both."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return set(usable), set(usable)
    return {usable[0]}, {usable[-1]}


@contextlib.contextmanager
def run_server(peer: str, kind: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the server of `peer` while the block runs; gives its process and its port."""
    script, *arguments = SERVERS[peer]
    argv = [sys.executable, str(HERE / "servers" / script)]
    argv += [argument.format(kind=kind) for argument in arguments] or [kind]
    argv += map(str, certificate()) if kind == "tls" else []
    with running(argv, peer) as found:
        yield found


@contextlib.contextmanager
def pinned_server(argv: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program on the server's core while the block runs."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        os.sched_setaffinity(process.pid, cores()[0])
        yield process
    finally:
        process.terminate()  # one with a worker of its own has to end that
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def running(argv: list[str], peer: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The same for a server that prints its port; gives its process and the port."""
    with pinned_server(argv) as process:
        assert process.stdout is not None and process.stderr is not None
        readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT)
        line = process.stdout.readline() if readable else ""
        if not line.strip().isdigit():
            process.kill()
            reason = process.stderr.read().strip() or f"no port printed within {START_TIMEOUT:g} seconds"
            raise MeasureError(f"the {peer} server does not start: {reason}")
        yield process, int(line)


def run_pinned(argv: list[str], what: str, timeout: float) -> str:
    """Run a load generator on its core and return what it prints."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            os.sched_setaffinity(process.pid, cores()[1])
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise MeasureError(f"{what}: the load did not end within {timeout:g} seconds") from None
    if process.returncode:
        raise MeasureError(f"{what}: {errors.strip()}")
    return output


def run_load(argv: list[str], what: str, timeout: float) -> dict[str, float]:
    """Run the load generator and return the figures that it prints."""
    figures: dict[str, float] = json.loads(run_pinned(argv, what, timeout))
    return figures
