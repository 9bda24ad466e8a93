"""The parts of `twisted.application.runner` that are there: the end of a program, and its pid file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.legacy.runnerexit import ExitStatus, exit
from plait.as_twisted.legacy.runnerpidfile import (
    AlreadyRunningError,
    InvalidPIDFileError,
    IPIDFile,
    NonePIDFile,
    NoPIDFound,
    PIDFile,
    StalePIDFileError,
    nonePIDFile,
)
from plait.interfaces import verifyObject


def gone() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_program_ends_with_a_status_and_a_word() -> None:
    code = (
        "from plait import as_twisted; as_twisted.install()\n"
        "from twisted.application.runner._exit import ExitStatus, exit\n"
        "exit(ExitStatus.%s, 'the word')"
    )
    bad = subprocess.run([sys.executable, "-c", code % "EX_CONFIG"], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout, bad.stderr) == (78, "", "the word\n")
    good = subprocess.run([sys.executable, "-c", code % "EX_OK"], capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout, good.stderr) == (0, "the word\n", "")
    with pytest.raises(SystemExit) as caught:
        exit(3)
    assert caught.value.code == 3
    assert ExitStatus.EX_USAGE.value == 64


def test_the_file_is_there_as_long_as_the_block_lasts(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    file = PIDFile(FilePath(str(path)))
    verifyObject(IPIDFile, file)
    assert not file.isRunning()
    with file as entered:
        assert entered is file
        assert path.read_text() == f"{os.getpid()}\n"
        assert file.isRunning()
        with pytest.raises(AlreadyRunningError, match="names a process that runs"), PIDFile(file.filePath):
            pass
    assert not path.exists()
    with pytest.raises(NoPIDFound):
        file.read()


def test_a_stale_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text(f"{gone()}\n")
    file = PIDFile(FilePath(str(path)))
    with pytest.raises(StalePIDFileError):
        file.isRunning()
    with file:
        assert file.read() == os.getpid()


def test_a_file_without_a_number_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text("a letter to mother")
    with pytest.raises(InvalidPIDFileError, match="letter"), PIDFile(FilePath(str(path))):
        pass
    assert path.read_text() == "a letter to mother"


def test_no_pid_file() -> None:
    verifyObject(IPIDFile, NonePIDFile())
    with nonePIDFile as entered:
        assert not entered.isRunning()
        with pytest.raises(NoPIDFound):
            entered.read()
        with pytest.raises(PermissionError):
            entered.writeRunningPID()
        with pytest.raises(FileNotFoundError):
            entered.remove()
