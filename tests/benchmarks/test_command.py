"""`python -m benchmarks` runs, with Plait alone and for moments only: no figure is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import deferreds, network, standing
from benchmarks.__main__ import WORKS, main
from benchmarks.samples import MeasureError

ROOT = Path(__file__).parent.parent.parent

needs_compiler = pytest.mark.skipif(
    network.find_compiler() is None or sys.platform != "linux",
    reason="NOT TESTED: the load generator needs Linux and a C compiler (gcc or clang)",
)


def command(*options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "benchmarks", "--quick", "--seconds", "0.05", *options]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@needs_compiler
def test_each_kind_of_load_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    words = ["echo-64-1", "echo-65536-1", "lines", "connect"]
    done = command("--peers", "plait", "--json", str(file), *(option for word in words for option in ("--only", word)))
    assert (done.returncode, done.stderr) == (0, "")
    assert "lines 32 B, 20 connections, 50 deep" in done.stdout
    measured = {row["name"]: row["peers"]["plait"] for row in json.loads(file.read_text())["rows"]}
    assert measured.keys() == {work.name for work in WORKS if any(word in work.name for word in words)}
    assert [name for name, figures in measured.items() if not figures["cost"] > 0 < figures["per_second"]] == []


@needs_compiler
def test_the_bare_protocol_is_measured_beside_plait() -> None:
    done = command("--peers", "plait,uvloop,asyncio", "--only", "echo-64-1", "--only", "lines")
    assert (done.returncode, done.stderr) == (0, "")
    assert "plait / uvloop" in done.stdout


@needs_compiler
def test_tls_is_measured_for_each_peer() -> None:
    try:
        network.build_load(tls=True)
        network.certificate()
    except MeasureError as error:
        pytest.skip(f"NOT TESTED: {error}")
    done = command("--peers", "plait,uvloop,asyncio", "--only", "tls-1024-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "TLS echo 1 KB, 100 connections" in done.stdout


def test_deferreds_are_measured(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    words = [
        "--only",
        "deferred",
        "--only",
        "inline-callbacks",
        "--only",
        "coroutine",
        "--only",
        "timers",
        "--only",
        "call-from",
        "--only",
        "log-",
    ]
    done = command("--peers", "plait", "--json", str(file), *words)
    assert (done.returncode, done.stderr) == (0, "")
    measured = {row["name"] for row in json.loads(file.read_text())["rows"]}
    assert measured == {work.name for work in WORKS if work in deferreds.WORKS}


def test_the_start_is_measured() -> None:
    done = command("--peers", "plait", "--only", "import")
    assert (done.returncode, done.stderr) == (0, "")
    assert "import, until the reactor is ready" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: memory is read from /proc")
def test_the_memory_of_a_connection_is_measured() -> None:
    sample = standing.IdleWork(300).measure("plait", 0.0)
    assert 0 < sample.cost < standing.IdleWork(300, whole=True).measure("plait", 0.0).cost


def test_a_server_that_does_not_start_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(network.SERVERS, "plait", ["no_such_server.py"])
    with pytest.raises(MeasureError, match=r"the plait server does not start: .*no_such_server"):
        with network.run_server("plait", "echo"):
            pass


@pytest.mark.parametrize("compilers", ["none"])
def test_no_compiler_is_one_clear_error(
    compilers: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(network, "find_compiler", lambda: None)
    monkeypatch.setattr(network, "BUILD", tmp_path)
    assert main(["--quick", "--peers", "plait", "--only", "echo-64-1"]) == 1
    assert "install gcc" in capsys.readouterr().err


def test_a_word_that_names_nothing_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "nonsense"]) == 2
    assert "echo-64-1" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--peers", "nobody"], ["--rounds", "0"], ["--seconds", "-1"]])
def test_options_are_checked(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(option)
    assert ended.value.code == 2
    assert option[1] in capsys.readouterr().err
