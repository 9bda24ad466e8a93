"""A folder with some tests in it, and the command that runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import plait as package

# Seconds. Nothing here takes a tenth of it; it is there so that a run that hangs fails the test and not the whole suite.
PATIENCE = 60.0

SAMPLE = """
import unittest
import warnings
from plait import reactor
from plait.testing import TestCase

class Outcomes(TestCase):
    def test_dirty(self):
        reactor.callLater(100, print)
    def test_error(self):
        {}["nothing"]
    def test_fail(self):
        self.assertEqual(1, 2)
    async def test_ok(self):
        print("a word from test_ok")
    def test_skip(self):
        pass
    test_skip.skip = "no time"
    def test_todo(self):
        self.fail("not yet")
    test_todo.todo = "one day"
    def test_unexpected(self):
        pass
    test_unexpected.todo = "never"
    def test_warns(self):
        warnings.warn("an old thing", DeprecationWarning)

class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = True
    def test_made(self):
        self.assertTrue(self.made)
    def test_parts(self):
        for part in range(3):
            with self.subTest(part=part):
                self.assertNotEqual(part, 1)
"""

GOOD = """
from plait.testing import TestCase

class Good(TestCase):
    def test_one(self):
        pass
    def test_two(self):
        pass
"""


class Project:
    """A folder, and ``plait test`` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        source = str(Path(package.__file__).resolve().parents[1])
        path = [source, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        # What the command shows of machinery, and its colours, are said by the environment.
        environment = {name: value for name, value in os.environ.items() if name not in ("PLAIT_DEBUG", "NO_COLOR")}
        self.environment = {**environment, "PYTHONPATH": os.pathsep.join(path)}

    def write(self, **files: str) -> None:
        """Write Python files: ``pkg__test_a`` is ``pkg/test_a.py``."""
        for name, text in files.items():
            file = self.folder / (name.replace("__", "/") + ".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def package(self, name: str) -> None:
        """Make a folder a package."""
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "__init__.py").touch()

    def command(self, *arguments: str, module: tuple[str, ...] = ("plait", "test"), **how: Any) -> Any:
        """Start the command."""
        return subprocess.Popen(
            [sys.executable, "-m", *module, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **how,
        )

    def run(self, *arguments: str, module: tuple[str, ...] = ("plait", "test")) -> tuple[int, str]:
        """Run the command to its end. Returns its status and what it said."""
        process = self.command(*arguments, module=module)
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return process.returncode, said


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project that is imported in this process: what it brings into `sys.modules` goes with the test."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    yield Project(tmp_path)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or str(getattr(module, "__path__", [""])[0])
        if file.startswith(str(tmp_path)):
            del sys.modules[name]
