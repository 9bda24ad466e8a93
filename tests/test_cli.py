"""The command ``plait``: its commands, its help, and that none of them is loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import plait as package
from plait.cli import main


def test_alone_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "usage: plait" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["passwd", "--help"], ["test", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert arguments[0].strip("-") in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"plait {package.__version__}\n"


def test_a_command_that_is_not_there_is_answered_by_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["frobnicate"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("plait") and "frobnicate" in said


def test_help_loads_nothing_of_the_engine() -> None:
    program = "import sys; from plait import cli; cli.main([]); print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    modules = result.stderr.split()
    assert {"plait.auth.passwd", "plait.daemon.cli", "plait.testing.runner.cli"} <= set(modules)
    assert not {"plait.auth.files", "plait.engine", "plait.service", "asyncio", "uvloop"} & set(modules)
