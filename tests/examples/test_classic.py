"""The programs with Twisted's imports are programs for Twisted: nothing in them knows of Plait."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .conftest import SETS

CLASSIC = sorted(SETS["twisted"].folder.glob("*.py"))


@pytest.mark.parametrize("file", CLASSIC, ids=lambda file: file.name)
def test_a_classic_program_does_not_import_plait(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert "plait" not in imported


def test_each_classic_program_has_its_twin() -> None:
    assert {file.name for file in CLASSIC} == {
        "timed_calls.py",
        "tcp_client.py",
        "deferred_connect.py",
        "port_scanner.py",
        "echo_server.py",
        "stdio_proxy.py",
        "download.py",
        "reverse.py",
        "reverse_app.py",
    }
    assert all((SETS["plait"].folder / file.name).is_file() for file in CLASSIC)
