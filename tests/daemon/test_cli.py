"""The command line: what may be typed, and the one line that answers what may not."""

from __future__ import annotations

import subprocess
import sys

import pytest

import plait as package
from plait.daemon.cli import main, make_parser


def test_alone_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "usage: plait" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert "run" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"plait {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "-y", "a.py", "--frobnicate"], "--frobnicate"),
        (["run", "-y"], "expected one argument"),
        (["frobnicate"], "frobnicate"),
        (["run", "-y", "a.py", "b.py"], "b.py"),
        (["run", "-y", "a.py", "--umask", "9"], "'9' is not an octal number"),
        (["run", "-y", "a.py", "--umask", "7777"], "'7777' is not an octal number"),
        (["run", "-y", "a.py", "--stale-pidfile", "ask"], "refuse"),
        (["run", "-y", "a.py", "--pid", "x"], "--pid"),
    ],
)
def test_a_wrong_command_line_is_answered_by_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("plait") and message in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["run"], "-y FILE"), (["run", "-y", "a.py", "-l", "-"], "add -n")],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said


def test_options_in_short_and_in_one_word() -> None:
    options = make_parser().parse_args(["run", "-noy", "app.py", "-u", "nobody", "-g", "5", "--umask", "022"])
    assert (options.nodaemon, options.python, options.uid, options.gid) == (True, "app.py", "nobody", "5")
    assert options.umask == 0o22


def test_help_loads_nothing_of_the_engine() -> None:
    program = "import sys; from plait.daemon import cli; cli.main([]); print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    modules = result.stderr.split()
    assert "plait.daemon.cli" in modules
    assert not {"plait.engine", "plait.service", "asyncio", "uvloop"} & set(modules)
