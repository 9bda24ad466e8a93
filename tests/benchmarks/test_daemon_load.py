"""`python -m benchmarks.daemon_load` runs, with few clients and for a moment: nothing is lost. No figure of time is asserted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.daemon_load import SCENARIOS, Client, Counts

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: it looks into /proc, which is Linux's")


@pytest.mark.slow
def test_nothing_is_lost() -> None:
    argv = [sys.executable, "-m", "benchmarks.daemon_load", "--connections", "5", "--seconds", "0.6"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    rows = done.stdout.splitlines()[3:]
    assert len(rows) == len(SCENARIOS)
    for (name, _, kills), row in zip(SCENARIOS, rows, strict=True):
        events, requests, answered, _, refused, cut, torn, noted, processes = map(int, row.removeprefix(name).split())
        assert events > 0 and answered + cut == requests and processes > 1
        assert (refused, torn, noted) == (0, 0, 0) and (kills or cut == 0)


class Transport:
    def write(self, data: bytes) -> None:
        pass


@pytest.mark.parametrize(
    ("received", "counted"),
    [(b"", (0, 1, 0)), (b"7 ", (0, 0, 1)), (b"7 1\r\n", (1, 0, 0)), (b"7 1 last\r\n", (1, 0, 0))],
)
def test_what_is_lost_is_seen(received: bytes, counted: tuple[int, int, int]) -> None:
    counts = Counts()
    client = Client(counts)
    client.connection_made(Transport())
    client.ask()
    if received:
        client.data_received(received)
    client.connection_lost(None)
    assert (counts.answered, counts.cut, counts.torn) == counted
    assert counts.is_good(kills=False) == (counted == (1, 0, 0))


def test_the_daemon_says_what_it_has_answered(tmp_path: Path) -> None:
    (tmp_path / f"answered.{os.getpid()}").write_bytes(b"1\n2\n")
    (tmp_path / "answered.2").write_bytes(b"3\n")
    from benchmarks.daemon_load import Daemon

    daemon = Daemon.__new__(Daemon)
    daemon.folder = tmp_path
    assert daemon.noted() == {b"1", b"2", b"3"}
