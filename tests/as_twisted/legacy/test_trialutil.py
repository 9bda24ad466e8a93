"""The small helpers of trial."""

from __future__ import annotations

import pstats
from pathlib import Path
from typing import Any

import pytest

from plait.as_twisted.legacy import trialutil
from plait.as_twisted.legacy.filepath import FilePath
from plait.failure import Failure
from plait.task import Clock
from plait.testing import MemoryReactorClock
from plait.testing.runner.result import TestResult as Result


def test_a_janitor_cancels_calls_and_tells() -> None:
    result, clock = Result(), MemoryReactorClock()
    janitor = trialutil.Janitor("test", result, clock)
    assert janitor.postCaseCleanup() and result.errors == []
    clock.callLater(5, print)
    assert not janitor.postCaseCleanup()
    [(test, failure)] = result.errors
    assert test == "test" and len(failure.value.delayedCalls) == 1
    assert clock.getDelayedCalls() == [] and janitor.postCaseCleanup()


def test_a_janitor_ends_what_is_watched() -> None:
    result, reactor = Result(), MemoryReactorClock()
    janitor = trialutil.Janitor("test", result, reactor)
    janitor.postClassCleanup()
    assert result.errors == []
    thing: Any = "a thing"
    reactor.addReader(thing)
    janitor.postClassCleanup()
    [(_, failure)] = result.errors
    assert failure.value.selectables == ["'a thing'"] and reactor.getReaders() == []


def test_attributes_are_taken_from_the_first_that_has_it() -> None:
    clock = Clock()
    assert trialutil.acquireAttribute([object(), clock], "rightNow") == 0
    assert trialutil.acquireAttribute([object()], "rightNow", 3) == 3
    with pytest.raises(AttributeError, match="rightNow"):
        trialutil.acquireAttribute([object()], "rightNow")


def test_exc_info() -> None:
    info = (KeyError, KeyError(), None)
    assert trialutil.excInfoOrFailureToExcInfo(info) is info
    failure = Failure(KeyError("a"))
    assert trialutil.excInfoOrFailureToExcInfo(failure) == (KeyError, failure.value, failure.tb)


def test_a_log_is_added_to(tmp_path: Path) -> None:
    path = FilePath(str(tmp_path / "new" / "test.log"))
    for text in ("one\n", "☀\n"):
        with trialutil.openTestLog(path) as file:
            file.write(text)
    assert Path(path.path).read_text("utf-8") == "one\n☀\n"


def test_a_call_is_measured(tmp_path: Path) -> None:
    out = str(tmp_path / "profile")
    assert trialutil.profiled(sorted, out)([2, 1], reverse=True) == [2, 1]
    assert pstats.Stats(out).total_calls >= 1  # type: ignore[attr-defined]


def test_only_what_is_marked_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in (str, lambda path: str(path).encode()):
        folder = tmp_path / "folder"
        folder.mkdir()
        path: Any = FilePath(kind(folder))
        with pytest.raises(trialutil.NoMarkerError):
            trialutil.remove_safely(path)
        (folder / "_trial_marker").touch()
        trialutil.remove_safely(path)
        assert not folder.exists() and capsys.readouterr().out == ""


def test_what_cannot_be_removed_is_moved_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "_trial_marker").touch()
    path: Any = FilePath(str(folder))

    def refuse() -> None:
        raise OSError("busy")

    path.remove = refuse
    trialutil.remove_safely(path)
    assert "could not remove" in capsys.readouterr().out
    [moved] = tmp_path.iterdir()
    assert moved.name != "folder" and (moved / "_trial_marker").exists()


def test_a_list_as_a_phrase() -> None:
    phrase = trialutil.list_to_phrase
    assert phrase([], "and") == ""
    assert phrase([1], "and") == "1"
    assert phrase([1, 2], "and") == "1 and 2"
    assert phrase(("a", "b", 3), "or", "; ") == "a; b; or 3"
    with pytest.raises(TypeError):
        phrase("abc", "and")
