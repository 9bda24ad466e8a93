"""Program 7: a service in an application, and the application as a daemon."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import PATIENCE, Programs, connect, environment


@pytest.fixture
def application(programs: Programs, free_port: int, tmp_path: Path) -> Path:
    """The application and the module beside it, in a folder of their own, on a port that is free."""
    folder = tmp_path / "app"
    folder.mkdir()
    programs.copy("reverse.py", 2323, free_port, folder)
    app = folder / "reverse_app.py"
    app.write_text((programs.folder / app.name).read_text())
    return app


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Where the daemon runs: not the folder of the application, which it must find all the same."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def ask(port: int, server: subprocess.Popen[str] | None = None) -> bytes:
    """All that the reverser says to two lines and the command."""
    with connect(port, server) as client:
        client.sendall(b"hello world!\r\nhandle_quit\r\nquit\r\n")
        return client.makefile("rb").read()


ANSWER = b"!dlrow olleh\r\ntiuq_eldnah\r\n"


@contextlib.contextmanager
def ended_in_the_end(pid_file: Path) -> Iterator[None]:
    """Ends the daemon even where a check fails."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(pid_file.read_text()), signal.SIGKILL)


def test_a_daemon(programs: Programs, application: Path, free_port: int, run_folder: Path) -> None:
    pid_file, log_file = run_folder / "reverse.pid", run_folder / "reverse.log"
    command = programs.python("-m", "plait", "run", "-y", application)
    with ended_in_the_end(pid_file):
        done = subprocess.run(
            [*command, "--pidfile", pid_file.name, "--logfile", log_file.name],
            cwd=run_folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
        pid = int(pid_file.read_text())
        assert os.getsid(pid) != os.getsid(0), "a daemon has left our session"
        assert ask(free_port) == ANSWER

        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while pid_file.exists():  # no child of ours, so its end is not told to us
            assert time.monotonic() < deadline, log_file.read_text()
            time.sleep(0.02)
    log = log_file.read_text()
    assert str(free_port) in log
    assert "Traceback" not in log


def test_in_the_foreground(programs: Programs, application: Path, free_port: int, run_folder: Path) -> None:
    command = programs.python("-m", "plait", "run", "-n", "-y", application)
    with subprocess.Popen(
        command,
        cwd=run_folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert ask(free_port, server) == ANSWER
        finally:
            server.send_signal(signal.SIGINT)
        log, errors = server.communicate(timeout=PATIENCE)
    assert str(free_port) in log
    assert (errors, server.returncode) == ("", 0)
    assert "Traceback" not in log
    assert not [file for file in run_folder.iterdir() if file.suffix == ".log"]
