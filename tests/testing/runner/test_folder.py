"""The folder that tests run in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plait.testing.runner.folder import MARKER, FolderBusyError, NotOursError, working_folder


def test_it_is_made_anew_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "work"
    before = os.getcwd()
    for _ in range(2):
        with working_folder(str(path), mayRename=False) as chosen:
            assert chosen == os.getcwd() == str(path)
            assert os.listdir() == [MARKER]
            Path("left").touch()
    assert os.getcwd() == before
    assert sorted(os.listdir(path)) == sorted([MARKER, "left"])
    assert os.listdir(path.parent) == ["work"]


def test_two_runs_never_share_it(tmp_path: Path) -> None:
    path = str(tmp_path / "work")
    with working_folder(path, mayRename=False):
        with pytest.raises(FolderBusyError, match="another --temp-directory"):
            with working_folder(path, mayRename=False):
                pass
        with working_folder(path, mayRename=True) as second, working_folder(path, mayRename=True) as third:
            assert (second, third) == (f"{path}-1", f"{path}-2")


def test_nor_two_processes(tmp_path: Path) -> None:
    path = str(tmp_path / "work")
    program = (
        "import sys; from plait.testing.runner.folder import working_folder\n"
        "with working_folder(sys.argv[1], False): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "in\n"
        with pytest.raises(FolderBusyError):
            with working_folder(path, mayRename=False):
                pass
        other.kill()
    # A process that is gone holds nothing.
    with working_folder(path, mayRename=False):
        pass


def test_what_is_not_ours_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").touch()
    with pytest.raises(NotOursError, match="remove it yourself"):
        with working_folder(str(tmp_path / "precious"), mayRename=True):
            pass
    assert (tmp_path / "precious" / "data").exists()
    (tmp_path / "empty").mkdir()
    with working_folder(str(tmp_path / "empty"), mayRename=False):
        pass
