"""What it costs a program to be inspected: `python -m benchmarks.inspect_load`.

A daemon holds idle connections (10,000) and answers an echo load. What is measured is CPU time, which other programs on the
machine do not change much:

- *pause*: a timer in the daemon asks to be called every millisecond; the most CPU time that its thread has used between two
  calls, while snapshots are taken one after the other (each from the beginning, with all addresses), and for comparison while
  none is. It must stay below 10 ms.
- *throughput*: echoes per CPU second of the daemon, while ten snapshots are taken in each such second (so as if it never had
  to wait; `--every` says otherwise), against without. It must stay above 95 %. Rounds with and without are taken in turn, and
  medians count.

It ends with 1 if one of the two is not so.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from plait.daemon.inspection.asking import Asker

APP = Path(__file__).parent / "servers" / "inspected_app.py"
PATIENCE = 60.0
LONGEST_PAUSE = 0.010
LEAST_THROUGHPUT = 0.95
MESSAGE = b"x" * 64
CLIENTS = 8


@contextlib.contextmanager
def daemon(folder: str) -> Iterator[tuple[int, int]]:
    """The daemon: its process, and its port."""
    command = [sys.executable, "-m", "plait", "run", "--rundir", folder, "--drain-timeout", "0", "-y", str(APP)]
    subprocess.run(command, check=True, timeout=PATIENCE)
    pid = int(Path(folder, "plait.pid").read_text())
    try:
        yield pid, int(Path(folder, "port").read_text())
    finally:
        os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(FileNotFoundError):
            deadline = time.monotonic() + PATIENCE
            while Path(folder, "plait.pid").exists() and time.monotonic() < deadline:
                time.sleep(0.05)


def cpu_of(pid: int) -> float:
    """The CPU time of a process so far, in seconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def ask_line(port: int, line: bytes) -> bytes:
    """What the daemon answers to a line."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        sock.sendall(line + b"\r\n")
        with sock.makefile("rb") as answers:
            return answers.readline()


def longest_pause(port: int, seconds: float, asker: Asker | None) -> tuple[float, int]:
    """The longest pause of the daemon's loop in so many seconds, and how many snapshots were taken meanwhile."""
    ask_line(port, b"begin")
    taken, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if asker is None:
            time.sleep(left)
        else:
            asker.ask()
            asker.close()  # the next one is told of all connections again
            taken += 1
    return float(ask_line(port, b"pause")), taken


def echoes(pid: int, port: int, seconds: float, asker: Asker | None, every: float) -> float:
    """Echoes per second of the daemon's CPU time, in so many such seconds, with a snapshot `every` so many or none."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(CLIENTS)]
        for client in clients:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"echo\r\n")
            client.recv(100)
        if asker is not None:
            asker.ask()  # the first one is another matter
        begun = looked = now = cpu_of(pid)
        count = 0
        watching: threading.Thread | None = None
        while now - begun < seconds:
            for _ in range(20):
                for client in clients:
                    client.sendall(MESSAGE)
                for client in clients:
                    client.recv(len(MESSAGE), socket.MSG_WAITALL)
                count += len(clients)
            now = cpu_of(pid)
            if asker is not None and now - looked >= every and (watching is None or not watching.is_alive()):
                looked = now
                watching = threading.Thread(target=asker.ask)
                watching.start()
        if watching is not None:
            watching.join()
        return count / (cpu_of(pid) - begun)


def main(arguments: list[str] | None = None) -> int:
    """Measure, and tell. The status to exit with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inspect_load", description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000, help="idle connections (10000)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each round (5)")
    parser.add_argument("--every", type=float, default=0.1, help="CPU seconds between two snapshots (0.1)")
    parser.add_argument("--rounds", type=int, default=5, help="of each kind (5)")
    options = parser.parse_args(arguments)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder, daemon(folder) as (pid, port), contextlib.ExitStack() as stack:
        for _ in range(options.connections):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        asker = Asker(os.path.join(folder, "plait.pid.sock"))
        stack.callback(asker.close)
        count = len(asker.ask()["connections"])
        pauses: list[float] = []
        without: list[float] = []
        rates: list[float] = []
        plain: list[float] = []
        snapshots = 0
        for _ in range(options.rounds):
            pause, taken = longest_pause(port, options.seconds, asker)
            pauses.append(pause)
            snapshots += taken
            without.append(longest_pause(port, options.seconds, None)[0])
            rates.append(echoes(pid, port, options.seconds, asker, options.every))
            plain.append(echoes(pid, port, options.seconds, None, options.every))
    ratio = statistics.median(rates) / statistics.median(plain)
    pause = statistics.median(pauses)
    print(f"{count} connections, {snapshots} snapshots one after the other")
    print(f"most CPU time between two calls: median {pause * 1000:.1f} ms, worst {max(pauses) * 1000:.1f} ms")
    print(
        f"               without snapshots: median {statistics.median(without) * 1000:.1f} ms, worst {max(without) * 1000:.1f} ms"
    )
    print(f"echoes per CPU second while inspected every {options.every:g} s of it: {ratio:.1%} of those without")
    return 0 if pause < LONGEST_PAUSE and ratio > LEAST_THROUGHPUT else 1


if __name__ == "__main__":
    sys.exit(main())
