"""The programs of the docs page print what the page says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_log_events() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "logs" / "events.py")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    printed = [line.split(" ", 1)[1] if line[0] != "\t" else line for line in done.stdout.splitlines()]
    page = (ROOT / "docs" / "logging.md").read_text().split("```text\n")[1].split("```")[0].splitlines()
    promised = [line.split(" ", 1)[1] if line[0] != "\t" else line for line in page]
    dots = promised.index("\t...")
    assert printed[:dots] == promised[:dots]
    after = len(promised) - dots - 1
    assert printed[-after:] == promised[dots + 1 :]


def test_values_of_a_context() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "logs" / "requests.py")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / "docs" / "logging.md").read_text().split("```text\n")[2].split("```")[0]


def test_files() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "logs" / "files.py")], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[shop#info] sold apples for the 99. time\nTrue\n", "")
