"""What `twisted.python.failure` has beside Failure."""

from __future__ import annotations

import pdb
from types import TracebackType

import pytest

from plait.as_twisted.legacy.failure import format_frames, startDebugMode
from plait.failure import Failure


def test_frames_as_text() -> None:
    lines: list[str] = []
    format_frames([["f", "there.py", 7, {}, {}]], lines.append)
    assert lines == ['  File "there.py", line 7, in f\n']
    lines.clear()
    format_frames([["f", "there.py", 7, {}, {}]], lines.append, "brief")
    assert lines == ["there.py:7:f\n"]
    with pytest.raises(ValueError, match="'default', 'brief' or 'verbose'"):
        format_frames([], lines.append, "loud")


def test_the_debugger_is_started_where_the_exception_was_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Failure, "__init__", Failure.__init__)  # to be put back
    looked_at: list[TracebackType] = []
    monkeypatch.setattr(pdb, "post_mortem", looked_at.append)
    startDebugMode()
    try:
        raise ValueError
    except ValueError as e:
        failure = Failure(captureVars=True)
        assert looked_at == [e.__traceback__] and failure.captureVars
    Failure(KeyError("never raised"))
    assert len(looked_at) == 1
