"""Program 1: calls that come later."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from .conftest import PATIENCE, SETS, environment

EXPECTED = re.compile(
    r"Running the reactor\.\.\.\n"
    r"(Current time is \d\d:\d\d:\d\d\n){4}"
    r"Stopping reactor\n"
    r"Reactor stopped\.\n"
)


def test_the_calls_come_in_their_order() -> None:
    # It takes five seconds by design, so both sets run side by side.
    running: list[subprocess.Popen[Any]] = [
        subprocess.Popen(
            programs.command("timed_calls.py"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for programs in SETS.values()
    ]
    for process in running:
        with process:
            output, errors = process.communicate(timeout=PATIENCE)
        assert EXPECTED.fullmatch(output), output
        assert errors == ""
        assert process.returncode == 0
        times = re.findall(r"\d\d:\d\d:\d\d", output)
        assert len(set(times)) == 4
