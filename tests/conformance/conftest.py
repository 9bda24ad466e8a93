"""A tiny wheel of test modules, made for each test."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.modules import Module

MakeModule = Callable[[str], Module]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """An unpacked wheel with a package of tests, `twisted.test`, that is empty as yet."""
    folder = tmp_path / "wheel"
    for package in (folder / "twisted", folder / "twisted" / "test"):
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
    return folder


@pytest.fixture
def make_module(wheel: Path) -> MakeModule:
    """Puts `twisted.test.test_sample` with this text into the wheel."""

    def make(text: str) -> Module:
        folder = wheel / "twisted" / "test"
        (folder / "test_sample.py").write_text(textwrap.dedent(text), encoding="utf-8")
        # Python takes what it has compiled within the same second for that of the new text.
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        return Module("twisted.test.test_sample", "sample", "A", 3)

    return make
