"""What goes wrong at a start is one line on standard error, with the status that the documentation gives it."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from .conftest import Plait, await_end

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

BOTH = pytest.mark.parametrize("mode", [["-n"], []], ids=["foreground", "daemon"])


def one_line(result: subprocess.CompletedProcess[str], status: int) -> str:
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (status, "", 1), result
    assert result.stderr.endswith("\n")
    return result.stderr


@BOTH
def test_an_unknown_option(plait: Plait, reverser: str, mode: list[str]) -> None:
    line = one_line(plait("run", *mode, "--pidfil", "x", "-y", reverser), 2)
    assert line == "plait run: unknown option --pidfil: did you mean --pidfile? (see plait run --help)\n"
    assert os.listdir(plait.folder) == [reverser]


@BOTH
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[services.a]\nuse = 'os:getcwd'\nport = 1\n", "site.toml:3: os:getcwd has no parameter 'port'"),
        (
            "[run]\nlogfile = 'x.log'\npidfil = 'x'\n",
            "site.toml:3: plait run has no option 'pidfil': did you mean pidfile?",
        ),
        ("[run\n", "site.toml:1: "),
        ("[services.a]\nuse = 'nothing'\n", "site.toml:2: there is no service 'nothing' to run"),
    ],
)
def test_a_config_with_a_mistake(plait: Plait, mode: list[str], text: str, message: str) -> None:
    plait.path("site.toml").write_text(text)
    # The log of the foreground is standard output: it goes to a file, to see that the message alone is on the terminal.
    assert one_line(plait("run", *mode, "-l", "log", "--config", "site.toml"), 1).startswith(f"plait: {message}")
    assert not plait.path("plait.pid").exists()


@BOTH
def test_a_pid_file_that_a_crash_has_left(plait: Plait, reverser: str, mode: list[str]) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    os.kill(pid, signal.SIGKILL)
    await_end(pid)
    line = one_line(plait("run", *mode, "-l", "log", "-y", reverser), 1)
    assert line.startswith(
        f"plait: the pid file {plait.path('plait.pid')} is stale: it names process {pid}, which is gone."
    )
    assert plait.pid() == pid  # it is left for the one who decides


def test_a_pid_file_that_a_crash_has_left_is_removed_on_request(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    os.kill(pid, signal.SIGKILL)
    await_end(pid)
    line = one_line(plait("run", "--stale-pidfile=remove", "-y", reverser), 0)
    assert line == f"plait: removed the stale pid file {plait.path('plait.pid')} of process {pid}\n"
    assert plait.ask("live") == "evil"
    plait.stop()
