"""``plait ps`` and ``plait stop``: which daemons run, and ending one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plait.daemon import registry
from plait.daemon.ending import Target
from plait.daemon.pidfile import is_alive
from plait.daemon.registry import Daemon, Entry, daemons, start_of

from .conftest import PATIENCE, REVERSER, Plait, await_end
from .test_runner import HEAD, needs_root
from .test_workers import connect, start, until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

# It takes its time to stop, until the pipe "gate" is written to.
SLOW = (
    HEAD
    + """
class Slow(Noting):
    def stopService(self):
        note("stopping")
        waiting = Deferred()
        gate = os.open("gate", os.O_RDWR | os.O_NONBLOCK)
        reactor.loop.add_reader(gate, lambda: waiting.called or waiting.callback(None))
        return waiting
import os
Slow("a")
"""
)


def listed(plait: Plait, pid: int) -> dict[str, Any] | None:
    """What ``plait ps --json`` says of one daemon; other tests have theirs."""
    result = plait("ps", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    found = [daemon for daemon in json.loads(result.stdout) if daemon["pid"] == pid]
    assert len(found) <= 1
    return found[0] if found else None


def entry_of(pid: int) -> Path:
    return Path(registry.own_folder()) / f"{pid}.json"


# ---- ps


def test_a_daemon_is_listed_while_it_runs(plait: Plait, reverser: str) -> None:
    before = time.time()
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    daemon = listed(plait, pid)
    assert daemon is not None and before - 1 < daemon.pop("since") < time.time() + 1
    folder = os.path.realpath(plait.folder)
    assert daemon == {
        "pid": pid,
        "application": "Reverser",
        "file": str(plait.path(reverser)),
        "folder": folder,
        "workers": [],
        "inspect": f"{folder}/plait.pid.sock",
    }
    lines = plait("ps").stdout.splitlines()
    assert lines[0].split() == ["PID", "SINCE", "APPLICATION", "FOLDER", "WORKERS"]
    (line,) = [line for line in lines if line.split()[0] == str(pid)]
    assert line.split()[0:1] + line.split()[3:] == [str(pid), "Reverser", folder, "-"]
    plait.stop()
    assert listed(plait, pid) is None and not entry_of(pid).exists()


def test_workers_are_listed_as_they_are(plait: Plait) -> None:
    pids = start(plait)
    parent = plait.pid()
    with connect(plait) as connection:
        connection.sendall(b"hello\r\n")
        server = int(connection.recv(100).split()[1])
        os.kill(next(pid for pid in pids if pid != server), signal.SIGKILL)

        def as_it_is() -> bool:
            daemon = listed(plait, parent)
            assert daemon is not None
            workers = sorted(daemon["workers"], key=lambda worker: -worker["connections"])
            counts = [(worker["state"], worker["connections"], worker["restarts"]) for worker in workers]
            return counts == [("ready", 1, 0), ("ready", 0, 1)] and workers[0]["pid"] == server

        until(as_it_is)
        text = plait("ps").stdout
        assert "2 of 2 ready" in text and "1 connections, 0 restarts" in text and "0 connections, 1 restarts" in text
    plait.stop()


def test_a_daemon_that_was_killed_is_listed_no_more(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    os.kill(pid, signal.SIGKILL)
    await_end(pid)
    assert entry_of(pid).exists()
    assert listed(plait, pid) is None
    assert not entry_of(pid).exists()


def test_an_upgraded_daemon_is_listed_once(plait: Plait, reverser: str) -> None:
    from .test_upgrade import upgraded

    assert plait("run", "-y", reverser).returncode == 0
    old = plait.pid()
    os.kill(old, signal.SIGUSR2)
    new = upgraded(plait, old)
    await_end(old)
    assert listed(plait, old) is None and listed(plait, new) is not None
    plait.stop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the entries of this process, in place of the real one."""
    folder = tmp_path / "entries"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(registry, "own_folder", lambda make=False: str(folder))
    monkeypatch.setattr(registry, "_folders_of_others", lambda own: iter(()))
    return folder


@pytest.fixture
def sleeper() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "600"])
    yield process.pid
    process.kill()
    process.wait()


def test_a_number_that_was_given_again_is_not_taken_for_the_daemon(folder: Path, sleeper: int) -> None:
    daemon = Daemon(sleeper, start_of(sleeper) or "", time.time(), "app", "/app.py", "/")
    Entry().write(daemon)
    assert [found.pid for found in daemons()] == [sleeper]
    daemon.started = "12345"
    Entry().write(daemon)
    assert daemons() == [] and list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "nonsense",
        "[" * 100_000,
        '{"pid": "PID", "started": "START", "since": 1, "application": "a", "file": "f", "folder": "d", "workers": []}',
        '{"pid": PID, "started": "START", "since": "x", "application": "a", "file": "f", "folder": "d", "workers": []}',
        '{"pid": PID, "started": "START", "since": 1, "application": 5, "file": "f", "folder": "d", "workers": []}',
        '{"pid": PID, "started": "START", "since": 1, "application": "a", "file": "f", "folder": "d", "workers": [1]}',
        '{"pid": PID, "started": "START", "since": 1, "application": "a", "file": "f", "folder": "d", "what": 1}',
    ],
)
def test_what_is_no_entry_is_removed(folder: Path, sleeper: int, text: str) -> None:
    path = folder / f"{sleeper}.json"
    path.write_text(text.replace("PID", str(sleeper)).replace("START", start_of(sleeper) or ""))
    assert daemons() == [] and not path.exists()


def test_neither_a_link_nor_a_pipe_is_read(folder: Path, sleeper: int) -> None:
    right = folder.parent / "right"
    right.write_text(json.dumps(vars(Daemon(sleeper, start_of(sleeper) or "", 1.0, "a", "f", "d"))))
    (folder / f"{sleeper}.json").symlink_to(right)
    os.mkfifo(folder / "1.json")
    assert daemons() == [] and right.exists()


def test_a_name_does_not_move_the_cursor(folder: Path, sleeper: int, capsys: pytest.CaptureFixture[str]) -> None:
    from plait.cli import main

    Entry().write(Daemon(sleeper, start_of(sleeper) or "", 1.0, "a\x1b[2J\nb", "f", "d"))
    assert main(["ps"]) == 0
    assert "a?[2J?b" in capsys.readouterr().out


def test_without_daemons(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from plait.cli import main

    assert main(["ps"]) == 0
    assert capsys.readouterr() == ("", "plait ps: no daemon runs\n")
    assert main(["ps", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_folder_that_others_can_write_in_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    (tmp_path / "plait-4711").mkdir()  # somebody else was first
    monkeypatch.setattr(registry, "_is_ours", lambda path, user: os.lstat(path).st_uid == user)
    with pytest.raises(PermissionError, match="no folder that belongs to user 4711 alone"):
        registry.own_folder(make=True)
    Entry().write(Daemon(1, "", 1.0, "a", "f", "d"))  # and keeps nobody from running
    assert daemons() == []


def test_the_folder_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    monkeypatch.setattr(registry, "_is_ours", lambda path, user: os.path.isdir(path) and user == 4711)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert registry.own_folder(make=True) == str(tmp_path / "plait")
    assert (tmp_path / "plait").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    assert registry.own_folder(make=True) == str(tmp_path / "plait-4711")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    monkeypatch.undo()
    assert not registry._is_ours(str(tmp_path / "open"), os.geteuid())
    assert not registry._is_ours(str(tmp_path / "missing"), os.geteuid())
    assert registry._is_ours(str(tmp_path), os.geteuid())


@needs_root
def test_root_sees_all_and_believes_a_user_about_its_own_processes_only(sleeper: int) -> None:
    other = subprocess.Popen(["sleep", "600"], user=65534, group=65534)
    folder = Path(tempfile.gettempdir()) / "plait-4711test"
    folder.mkdir(mode=0o700)
    try:
        os.chown(folder, 65534, 65534)
        for pid in (other.pid, sleeper, os.getpid()):
            path = folder / f"{pid}.json"
            path.write_text(json.dumps(vars(Daemon(pid, start_of(pid) or "", 1.0, "foreign", "f", "d"))))
        assert [daemon.pid for daemon in daemons() if daemon.application == "foreign"] == [other.pid]
        assert len(list(folder.iterdir())) == 3  # nothing is removed there
    finally:
        other.kill()
        other.wait()
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


# ---- stop


@pytest.mark.parametrize("how", ["pid", "pidfile", "name", "nothing"])
def test_a_daemon_is_stopped_and_waited_for(plait: Plait, how: str) -> None:
    name = f"reverser {os.getpid()} {how}"
    assert plait("run", "-y", plait.application(REVERSER.replace('"Reverser"', repr(name)))).returncode == 0
    pid = plait.pid()
    words = {"pid": [str(pid)], "pidfile": [str(plait.path("plait.pid"))], "name": [name], "nothing": []}[how]
    result = plait("stop", *words)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not is_alive(pid) and plait.log().endswith("Stopped.\n")
    again = plait("stop", *words)
    assert again.returncode == 3 and len(again.stderr.splitlines()) == 1


def test_one_that_does_not_end_in_time_and_then_has_to(plait: Plait) -> None:
    plait.gate("gate")
    assert plait("run", "-y", plait.application(SLOW)).returncode == 0
    pid = plait.pid()
    result = plait("stop", "--timeout", "0.2")
    assert result.returncode == 1
    assert result.stderr == f"plait stop: test (process {pid}) still runs after 0.2 s; --now does not let it drain\n"
    assert is_alive(pid)
    result = plait("stop", "--now", "--timeout", str(PATIENCE))
    assert (result.returncode, result.stderr) == (0, "")
    assert not is_alive(pid) and "again, stopping at once" in plait.log()


def test_at_once_without_a_first_attempt(plait: Plait) -> None:
    plait.gate("gate")
    assert plait("run", "-y", plait.application(SLOW)).returncode == 0
    pid = plait.pid()
    assert plait("stop", "--now", str(pid)).returncode == 0
    assert not is_alive(pid) and "again, stopping at once" in plait.log()


def test_workers_are_stopped_with_their_parent(plait: Plait) -> None:
    pids = start(plait)
    assert plait("stop").returncode == 0
    assert [pid for pid in pids if is_alive(pid)] == []


def test_a_name_that_two_have(plait: Plait, reverser: str) -> None:
    name = f"twice {os.getpid()}"
    app = plait.application(REVERSER.replace('"Reverser"', repr(name)))
    for number in "12":
        plait.path(number).mkdir()
        assert plait("run", "-d", number, "-y", app).returncode == 0
    pids = sorted(int(plait.path(f"{number}/plait.pid").read_text()) for number in "12")
    result = plait("stop", name)
    assert result.returncode == 3
    assert f"2 daemons are called '{name}'" in result.stderr and all(str(pid) in result.stderr for pid in pids)
    assert all(is_alive(pid) for pid in pids)
    for pid in pids:
        assert plait("stop", str(pid)).returncode == 0


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (None, 3, "other.pid is neither a daemon that runs nor a pid file: say which daemon, see plait ps"),
        ("GONE", 3, "the pid file other.pid is stale: it names process GONE, which is gone"),
        (
            "ALIVE",
            1,
            "the pid file other.pid names process ALIVE, which is no daemon that plait ps lists: if it is yours, kill ALIVE",
        ),
        ("nonsense", 1, "holds no process id"),
    ],
)
def test_a_pid_file_of_nobody(plait: Plait, sleeper: int, content: str | None, status: int, message: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for word, pid in (("GONE", gone.pid), ("ALIVE", sleeper)):
        message = message.replace(word, str(pid))
        content = content and content.replace(word, str(pid))
    if content is not None:
        plait.path("other.pid").write_text(content + "\n")
    result = plait("stop", "other.pid")
    assert result.returncode == status and message in result.stderr and len(result.stderr.splitlines()) == 1
    assert is_alive(sleeper)


def test_a_process_that_is_no_daemon_is_left_alone(plait: Plait, sleeper: int) -> None:
    result = plait("stop", str(sleeper))
    assert result.returncode == 3
    assert result.stderr == f"plait stop: process {sleeper} is no daemon that runs: see plait ps\n"
    assert is_alive(sleeper)


def test_without_a_pid_file_in_this_folder(plait: Plait) -> None:
    result = plait("stop")
    assert result.returncode == 3
    assert result.stderr == "plait stop: plait.pid is not in this folder: say which daemon, see plait ps\n"


@pytest.mark.parametrize("arguments", [["--timeout", "x"], ["--timeout", "-1"], ["one", "two"], ["--what"]])
def test_a_command_that_is_typed_wrongly(plait: Plait, arguments: list[str]) -> None:
    result = plait("stop", *arguments)
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1


@needs_root
def test_a_daemon_that_has_given_up_its_rights_is_root_s_to_list_and_to_stop() -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    folder.chmod(0o755)
    plait = Plait(folder)
    try:
        app = plait.path(plait.application(HEAD + "import encodings.idna\n"))
        app.chmod(0o644)
        assert plait("run", "-u", "nobody", "-y", str(app)).returncode == 0
        pid = plait.pid()
        assert listed(plait, pid) is not None
        result = plait("stop")
        assert (result.returncode, result.stderr) == (0, "")
        assert not is_alive(pid) and entry_of(pid).exists()  # it could not remove that
        assert listed(plait, pid) is None and not entry_of(pid).exists()
    finally:
        plait.clean_up()
        shutil.rmtree(folder)


# ---- where the system tells less


def test_without_descriptors_of_processes(sleeper: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    started = start_of(sleeper) or ""
    with pytest.raises(ProcessLookupError), Target(sleeper, "another time"):
        pass
    with Target(sleeper, started) as target:
        os.kill(sleeper, signal.SIGSTOP)  # so that it cannot end
        os.waitpid(sleeper, os.WUNTRACED)
        assert target.end(0.01, now=False) is False
        assert target.end(0.01, now=True) is False
        os.kill(sleeper, signal.SIGCONT)
        assert target.end(PATIENCE, now=False) is True
    with pytest.raises(ProcessLookupError), Target(sleeper, started):
        pass


def test_without_proc_ps_says_when_a_process_was_started(sleeper: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ps") is None:
        pytest.skip("there is no ps on this machine: install procps to see this")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(registry, "open", lambda *_: (_ for _ in ()).throw(FileNotFoundError()), raising=False)
    own, other = start_of(os.getpid()), start_of(sleeper)
    assert own is not None and other is not None and own != "" and start_of(sleeper) == other
    assert start_of(2**22 + 5) is None
