"""Memory stays flat over connections that are made and lost, and over timers: no leak grows with the work done."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks.test_command import ROOT


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: memory is read from /proc")
def test_memory_does_not_grow_with_connections_nor_with_timers() -> None:
    argv = [sys.executable, "benchmarks/flat_memory.py"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.count("at the end") == 2
