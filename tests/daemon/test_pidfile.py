"""The pid file: alive, stale, garbage, and two starts at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.daemon.errors import StartError
from plait.daemon.pidfile import PidFile, is_alive


@pytest.fixture
def pidfile(tmp_path: Path) -> PidFile:
    return PidFile(str(tmp_path / "plait.pid"))


def dead_pid() -> int:
    """The number of a process that has ended and has been waited for."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_claim_and_release(pidfile: PidFile, tmp_path: Path) -> None:
    assert pidfile.check(remove_stale=False) is None
    pidfile.claim()
    assert Path(pidfile.path).read_text() == f"{os.getpid()}\n"
    assert os.listdir(tmp_path) == ["plait.pid"]
    pidfile.release()
    assert os.listdir(tmp_path) == []
    pidfile.release()


def test_everybody_may_read_it_whatever_the_umask(pidfile: PidFile) -> None:
    before = os.umask(0o077)
    try:
        pidfile.claim()
    finally:
        os.umask(before)
    assert os.stat(pidfile.path).st_mode & 0o777 == 0o644


def test_a_file_is_claimed_once(pidfile: PidFile, tmp_path: Path) -> None:
    pidfile.claim()
    with pytest.raises(StartError, match="another start was faster"):
        pidfile.claim()
    assert os.listdir(tmp_path) == ["plait.pid"]


def test_a_live_process_is_refused(pidfile: PidFile) -> None:
    Path(pidfile.path).write_text(f"{os.getppid()}\n")
    for remove_stale in (False, True):
        with pytest.raises(StartError, match=f"already running: .*{os.getppid()}"):
            pidfile.check(remove_stale)
    assert Path(pidfile.path).exists()


def test_a_stale_file_is_refused_with_what_to_do(pidfile: PidFile) -> None:
    pid = dead_pid()
    Path(pidfile.path).write_text(str(pid))
    with pytest.raises(StartError) as refusal:
        pidfile.check(remove_stale=False)
    for words in ("stale", pidfile.path, str(pid), "--stale-pidfile=remove"):
        assert words in str(refusal.value)
    assert Path(pidfile.path).exists()


def test_a_stale_file_is_removed_on_request(pidfile: PidFile) -> None:
    pid = dead_pid()
    Path(pidfile.path).write_text(f"{pid}\n")
    assert pidfile.check(remove_stale=True) == pid
    assert not Path(pidfile.path).exists()
    pidfile.claim()


def test_our_own_number_in_the_file_is_stale(pidfile: PidFile) -> None:
    # In a container each start may get the same number.
    Path(pidfile.path).write_text(str(os.getpid()))
    with pytest.raises(StartError, match="stale"):
        pidfile.check(remove_stale=False)
    assert pidfile.check(remove_stale=True) == os.getpid()


@pytest.mark.parametrize("content", [b"", b"hello", b"12 34", b"-5", b"0", b"99999999999", b"4294967296", b"\xff\0"])
def test_garbage_is_refused_and_left_alone(pidfile: PidFile, content: bytes) -> None:
    Path(pidfile.path).write_bytes(content)
    for remove_stale in (False, True):
        with pytest.raises(StartError, match="holds no process id"):
            pidfile.check(remove_stale)
    assert Path(pidfile.path).read_bytes() == content


@given(content=st.binary(max_size=200))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file_holds_there_is_a_message(pidfile: PidFile, content: bytes) -> None:
    Path(pidfile.path).write_bytes(content)
    with pytest.raises(StartError) as refusal:
        pidfile.check(remove_stale=False)
    assert "\n" not in str(refusal.value)


def test_a_folder_in_its_place(pidfile: PidFile) -> None:
    os.mkdir(pidfile.path)
    with pytest.raises(StartError, match="cannot read the pid file"):
        pidfile.check(remove_stale=True)


def test_no_folder_to_write_it_in(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot write the pid file .*No such file"):
        PidFile(str(tmp_path / "missing" / "plait.pid")).claim()


def test_a_file_that_names_another_process_by_now_is_left(pidfile: PidFile) -> None:
    pidfile.claim()
    Path(pidfile.path).write_text("1\n")
    pidfile.release()
    assert Path(pidfile.path).read_text() == "1\n"


def test_a_file_system_without_links(pidfile: PidFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: str, target: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    pidfile.claim()
    assert os.listdir(tmp_path) == ["plait.pid"]
    with pytest.raises(StartError, match="another start was faster"):
        pidfile.claim()


def test_a_process_that_waits_to_be_noticed_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("without /proc there is no telling")
    assert not is_alive(process.pid)
    process.wait()
    assert is_alive(os.getpid())


RACE = """
import sys
from plait.daemon.errors import StartError
from plait.daemon.pidfile import PidFile
file = PidFile(sys.argv[1])
print("there", flush=True)
sys.stdin.readline()
try:
    file.check(remove_stale=True)
    file.claim()
except StartError as error:
    print(error, flush=True)
else:
    print("won", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("stale", [False, True])
def test_of_several_starts_at_once_one_wins(pidfile: PidFile, stale: bool) -> None:
    if stale:
        Path(pidfile.path).write_text(str(dead_pid()))
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, pidfile.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    try:
        for start in starts:
            assert start.stdout is not None and start.stdout.readline() == "there\n"
        for start in starts:
            assert start.stdin is not None
            start.stdin.write("\n")
            start.stdin.flush()
        said = [start.stdout.readline() for start in starts if start.stdout]
        winners = [start.pid for start, words in zip(starts, said, strict=True) if words == "won\n"]
        assert len(winners) == 1, said
        assert int(Path(pidfile.path).read_text()) == winners[0]
    finally:
        for start in starts:
            start.communicate("\n", timeout=60)
