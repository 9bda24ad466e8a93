"""The example of the docs page prints what the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.testing.runner.conftest import Project
from tests.testing.runner.test_jobs import without_times

ROOT = Path(__file__).parents[3]


def test_the_page_shows_what_the_example_prints(project: Project) -> None:
    shutil.copy(ROOT / "examples" / "test_reverse.py", project.folder)
    page = (ROOT / "docs" / "testing-runner.md").read_text(encoding="utf-8")
    shown = re.search(r"^\$ plait test test_reverse\.py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    status, said = project.run("test_reverse.py")
    assert status == 0
    # The traceback has the path of the file, which is another everywhere.
    said = re.sub(r'File ".*/test_reverse\.py"', 'File "test_reverse.py"', said)
    # Which part of a line is marked differs between versions of Python.
    lines = [line.rstrip() for line in without_times(said).splitlines() if line.strip(" ^~") or not line]
    assert lines == without_times(shown[1]).splitlines()
