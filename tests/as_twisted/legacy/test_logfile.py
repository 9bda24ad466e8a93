"""Log files that are put aside."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from plait.as_twisted.legacy.logfile import DailyLogFile, LogFile
from plait.log import capturedLogs, formatEvent


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_by_length(tmp_path: Path) -> None:
    log = LogFile("log", str(tmp_path), rotateLength=4)
    for text in ("aaaa", b"bb", "bb", "c"):
        log.write(text)
    assert content(tmp_path) == {"log": "c", "log.1": "bbbb", "log.2": "aaaa"}
    assert log.listLogs() == [1, 2]
    assert log.getLog(2).readLines() == ["aaaa"]
    with pytest.raises(ValueError):
        log.getLog(3)
    log.close()
    assert log.closed


def test_the_oldest_is_deleted(tmp_path: Path) -> None:
    log = LogFile.fromFullPath(str(tmp_path / "log"), rotateLength=1, maxRotatedFiles=2)
    for text in "abcd":
        log.write(text)
    log.close()
    assert content(tmp_path) == {"log": "d", "log.1": "c", "log.2": "b"}


def test_only_when_told(tmp_path: Path) -> None:
    log = LogFile("log", str(tmp_path), rotateLength=None)
    log.write("a" * 10)
    assert not log.shouldRotate()
    log.rotate()
    log.write("b")
    assert content(tmp_path) == {"log": "b", "log.1": "a" * 10}
    log.close()


def test_appended_and_opened_again(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a\n")
    log = LogFile("log", str(tmp_path), defaultMode=0o640)
    log.write("b\n")
    assert stat.S_IMODE(os.stat(tmp_path / "log").st_mode) == 0o640
    reader = log.getCurrentLog()
    assert reader.readLines(1) == ["a\n"] and reader.readLines() == ["b\n"]
    reader.close()
    os.rename(tmp_path / "log", tmp_path / "aside")
    log.reopen()
    log.write("c")
    assert content(tmp_path) == {"aside": "a\nb\n", "log": "c"}
    log.close()


class Daily(DailyLogFile):
    """A log file with a calendar of its own."""

    today = (2030, 5, 17)

    def toDate(self, *args: float) -> tuple[int, ...]:
        return self.today


def test_by_the_day(tmp_path: Path) -> None:
    log = Daily("log", str(tmp_path))
    log.write("a\n")
    log.write("b\n")
    log.today = (2030, 5, 18)
    log.write("c\n")
    assert content(tmp_path) == {"log": "c\n", "log.2030_5_17": "a\nb\n"}
    assert log.getLog((2030, 5, 17)).readLines() == ["a\n", "b\n"]
    assert log.getLog((2030, 5, 18)).readLines() == ["c\n"]
    with pytest.raises(ValueError):
        log.getLog((2030, 5, 16))
    log.close()


@pytest.mark.parametrize("kind", [Daily, LogFile])
def test_a_rotation_that_fails_loses_nothing_and_is_told_once(
    kind: type[Daily | LogFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    log = kind("log", str(tmp_path))
    monkeypatch.setattr(kind, "shouldRotate", lambda self: True)
    monkeypatch.setattr(os, "rename", refuse)
    with capturedLogs() as events:
        log.write("a\n")
        log.write("b\n")
    monkeypatch.undo()
    assert content(tmp_path) == {"log": "a\nb\n"}
    assert [formatEvent(event) for event in events] == [
        f"Cannot rotate the log file {tmp_path / 'log'}: Permission denied"
    ]
    log.rotate()
    log.write("c\n")
    assert (tmp_path / "log").read_text() == "c\n"
    log.close()


def test_threads_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogFile("log", str(tmp_path), rotateLength=3)
    other = threading.Thread(target=lambda: log.write("b\n"))
    rename = os.rename

    def interrupted(*paths: str) -> None:
        monkeypatch.setattr(os, "rename", rename)
        other.start()
        other.join(0.1)  # it comes to its end only if it does not wait for us
        rename(*paths)

    monkeypatch.setattr(os, "rename", interrupted)
    log.write("long\n")
    log.write("a\n")
    other.join()
    log.close()
    assert content(tmp_path) == {"log": "a\nb\n", "log.1": "long\n"}


def test_its_size_and_its_readers(tmp_path: Path) -> None:
    log = LogFile("log", str(tmp_path))
    log.write("abc")
    log.close()
    log = LogFile("log", str(tmp_path))
    assert log.size == 3
    log.write(b"\xff")
    assert log.size == 4
    with pytest.raises(TypeError, match="number"):
        log.getLog("1")  # type: ignore[arg-type]
    log.close()


def test_the_mode_of_a_device_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[object] = []
    monkeypatch.setattr(os, "chmod", lambda *args: changed.append(args))
    log = LogFile("null", "/dev", defaultMode=0o555)
    log.write("gone")
    log.close()
    assert changed == [] and log.defaultMode == 0o555
