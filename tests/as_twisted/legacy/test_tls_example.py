"""The program of the page on TLS that makes its own authority, as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[3] / "examples" / "tls" / "own_authority.py"


def test_two_that_know_each_other() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plait.as_twisted", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    assert "welcome, Ada\nConnection was closed cleanly.\n" in done.stdout
