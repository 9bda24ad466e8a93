"""The helper that removes the pid file for a daemon that may no longer do so."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import await_end

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

PROGRAM = """
import os, sys
from plait.daemon.keeper import Keeper
from plait.daemon.pidfile import PidFile
file = PidFile(sys.argv[1])
keeper = Keeper(file)
file.claim()
print(os.path.exists(file.path), flush=True)
{end}
print(os.path.exists(file.path), flush=True)
"""


def play(tmp_path: Path, end: str) -> tuple[str, Path]:
    """Run a process with a keeper until its end, by `end`. Returns what it printed about the pid file, and its path."""
    path = tmp_path / "plait.pid"
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(end=end), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    output, _ = process.communicate(timeout=60)
    return output, path


@pytest.mark.parametrize("end", ["keeper.release()", "keeper.release(); keeper.release(); keeper.dismiss()"])
def test_a_release_returns_when_the_file_is_gone(tmp_path: Path, end: str) -> None:
    output, path = play(tmp_path, end)
    assert output == "True\nFalse\n"
    assert not path.exists()


def test_a_dismissal_leaves_the_file(tmp_path: Path) -> None:
    output, path = play(tmp_path, "keeper.dismiss()")
    assert output == "True\nTrue\n"
    assert path.exists()


def test_a_keeper_that_was_killed_keeps_nobody_waiting(tmp_path: Path) -> None:
    output, path = play(tmp_path, "os.kill(keeper._pid, 9); keeper.release()")
    assert output == "True\nTrue\n"
    assert path.exists()


def test_a_process_forked_off_the_daemon_releases_nothing(tmp_path: Path) -> None:
    end = "if os.fork() == 0:\n    keeper.release()\n    os._exit(0)\nos.wait()"
    output, _ = play(tmp_path, end)
    assert output == "True\nTrue\n"


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os.killpg(0, 15)", "os.killpg(0, 2)", "os._exit(3)"])
def test_a_daemon_that_dies_leaves_no_file(tmp_path: Path, end: str) -> None:
    output, path = play(tmp_path, end)
    assert output == "True\n"
    for _ in range(1000):  # the keeper is no child of ours: it can only be watched
        if not path.exists():
            return
        time.sleep(0.01)
    raise AssertionError("the pid file is still there")


def test_a_file_of_another_process_is_left(tmp_path: Path) -> None:
    output, path = play(tmp_path, "open(file.path, 'w').write('1'); keeper.release()")
    assert output == "True\nTrue\n"
    assert path.read_text() == "1"


def test_the_next_process_takes_it_over(tmp_path: Path) -> None:
    """As in an upgrade: the file names the next process, and is removed when that has ended, not the first."""
    path = tmp_path / "plait.pid"
    program = PROGRAM.format(
        end="""
news, tell = os.pipe()
os.set_inheritable(keeper.fileno(), True)
os.set_inheritable(tell, True)
code = "import os, sys; from plait.daemon.keeper import Keeper; k = Keeper.inherit(int(sys.argv[1])); k.transfer();"
code += "os.write(int(sys.argv[2]), b'.'); os.close(int(sys.argv[2])); sys.stdin.read()"
import subprocess
child = subprocess.Popen([sys.executable, "-c", code, str(keeper.fileno()), str(tell)], close_fds=False)
os.close(tell)
os.read(news, 1)
keeper.forget()
keeper.release()
print(open(file.path).read().strip() == str(child.pid))
"""
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert lines == ["True\n", "True\n", "True\n"]
    assert process.wait(60) == 0
    next_pid = int(path.read_text())
    process.stdin.close()
    await_end(next_pid)
    deadline = time.monotonic() + 60
    while path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.stdout.close()
