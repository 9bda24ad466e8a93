"""Log files that are put aside, by one process or several."""

from __future__ import annotations

import errno
import gzip
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from plait.log import LogFile, Rotation, capturedLogs, formatEvent, textFileLogObserver
from plait.log._descriptor import Descriptor
from plait.log._rotation import files_aside, tidy
from tests.log.test_losses import event


def rotated(tmp_path: Path) -> list[str]:
    """The contents of the files that were put aside, the oldest first."""
    return [Path(name).read_text() for name in reversed(files_aside(str(tmp_path / "app.log")))]


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_line_that_would_make_it_too_large_begins_another(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "app.log"), Rotation(maxSize=10))
    for line in ("one\n", "two\n", "three\n", "a very long line\n"):
        file.write(line)
    file.close()
    assert (tmp_path / "app.log").read_text() == "a very long line\n"
    assert sorted(rotated(tmp_path)) == ["one\ntwo\n", "three\n"]


@pytest.mark.parametrize("every, seconds", [("day", 86400), ("hour", 3600)])
def test_the_first_line_of_another_period_begins_another(every: str, seconds: int, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = LogFile(str(path), Rotation(every=every))  # type: ignore[arg-type]
    file.write("early\n")
    age(path, seconds)
    yesterday = time.localtime(path.stat().st_mtime)
    file.write("late\n")
    file.write("later\n")
    file.close()
    assert path.read_text() == "late\nlater\n"
    (name,) = files_aside(str(path))
    assert name.removeprefix(f"{path}.") == time.strftime("%Y-%m-%dT%H-%M-%S", yesterday)
    assert Path(name).read_text() == "early\n"


def test_the_same_time_twice_makes_two_names(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = LogFile(str(path))
    for text in ("one\n", "two\n", "three\n"):
        file.write(text)
        os.utime(path, (1e9, 1e9))
        file.rotate()
    assert sorted(rotated(tmp_path)) == ["one\n", "three\n", "two\n"]


def test_the_oldest_go_and_all_but_the_newest_are_compressed(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = LogFile(str(path), Rotation(keep=3, compress=True))
    (tmp_path / "app.log.old").write_text("another program's")
    for number in range(5):
        file.write(f"{number}\n")
        age(path, 100_000 - number * 10_000)
        file.rotate()
        if file._tidying is not None:
            file._tidying.join()
    newest, *older = files_aside(str(path))
    assert Path(newest).read_text() == "4\n"
    assert [gzip.decompress(Path(name).read_bytes()) for name in older] == [b"3\n", b"2\n"]
    assert all(name.endswith(".gz") for name in older)
    assert (tmp_path / "app.log.old").exists()
    assert not list(tmp_path.glob("*.part"))


def test_what_cannot_be_compressed_stays_as_it_is(tmp_path: Path) -> None:
    path = str(tmp_path / "app.log")
    file = LogFile(path)
    for when in (1e9, 1.1e9):
        file.write("line\n")
        os.utime(path, (when, when))
        file.rotate()
    oldest = files_aside(path)[1]
    os.mkdir(f"{oldest}.gz.part")
    with pytest.raises(OSError):
        tidy(path, Rotation(compress=True))
    assert Path(oldest).read_text() == "line\n"


def test_a_file_that_cannot_be_put_aside_goes_on_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = tmp_path / "app.log"
    file = LogFile(str(path), Rotation(maxSize=5))
    with capturedLogs() as events:
        monkeypatch.setattr(os, "rename", refuse)
        for line in ("one\n", "two\n", "three\n"):
            file.write(line)
            file._not_before = 0.0  # as if a minute had passed
        for thread in threading.enumerate():
            if thread.name == "plait: tells of logs":
                thread.join()
        monkeypatch.undo()
    assert path.read_text() == "one\ntwo\nthree\n"
    assert [formatEvent(each) for each in events] == [
        f"Cannot put the log file {path} aside: Permission denied. It goes on as it is."
    ]
    file.write("four\n")
    assert path.read_text() == "four\n"
    assert rotated(tmp_path) == ["one\ntwo\nthree\n"]


def test_with_a_rotation_a_file_that_was_moved_away_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = LogFile(str(path), Rotation(maxSize=1000))
    file.write("one\n")
    path.rename(tmp_path / "moved")
    file.write("two\n")
    assert path.read_text() == "two\n"
    path.unlink()
    file.write("three\n")
    assert path.read_text() == "three\n"
    assert (tmp_path / "moved").read_text() == "one\n"


def test_the_mode_of_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.touch()
    path.chmod(0o600)
    file = LogFile(str(path))
    file.write("one\n")
    file.rotate()
    assert path.stat().st_mode & 0o777 == 0o600


def test_processes_that_write_to_one_file_lose_no_line(tmp_path: Path) -> None:
    code = """
import sys
from plait.log import LogFile, Rotation
file = LogFile("app.log", Rotation(maxSize=2000, compress=True, keep=10_000))
for number in range(1000):
    file.write(f"{sys.argv[1]} {number}\\n")
if file._tidying is not None:
    file._tidying.join()
"""
    programs = [subprocess.Popen([sys.executable, "-c", code, name], cwd=tmp_path) for name in "abc"]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    lines = (tmp_path / "app.log").read_text().splitlines()
    for name in files_aside(str(tmp_path / "app.log")):
        data = Path(name).read_bytes()
        assert len(lines) < 3000
        lines += (gzip.decompress(data) if name.endswith(".gz") else data).decode().splitlines()
    assert sorted(lines) == sorted(f"{name} {number}" for name in "abc" for number in range(1000))


def test_a_line_that_was_torn_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "app.log"
    file = LogFile(str(path))
    observer = textFileLogObserver(file, None)
    observer(event("whole"))
    _room_for(monkeypatch, 7)
    observer(event("torn"))
    monkeypatch.undo()
    assert path.read_text() == "- [app#info] whole\n"
    observer(event("next"))
    assert path.read_text().splitlines()[1:] == [
        "- [plait.log#error] An event could not be logged here: No space left on device.",
        "- [app#info] next",
    ]


def test_what_cannot_be_taken_back_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    pipe = Descriptor(writing)
    _room_for(monkeypatch, 2)
    with pytest.raises(OSError):
        pipe.put(b"torn\n")
    monkeypatch.undo()
    pipe.put(b"next\n")
    pipe.put(b"last\n")
    pipe.close()
    with open(reading) as lines:
        assert lines.read() == "to\nnext\nlast\n"


def _room_for(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let there be room for so many bytes."""
    write = os.write

    def scarcely(descriptor: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = write(descriptor, data[:room])
        room -= done
        return done

    monkeypatch.setattr(os, "write", scarcely)
