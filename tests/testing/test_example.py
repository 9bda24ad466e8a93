"""The tests of the docs page pass."""

from __future__ import annotations

from pathlib import Path

from tests.testing.test_pytest_plugin import Session, session

__all__ = ["session"]

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "test_line_protocol.py"


def test_line_protocol(session: Session) -> None:
    session(EXAMPLE.read_text(), "--strict-markers", head="").assert_outcomes(passed=4)
