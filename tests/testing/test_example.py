"""The tests of the docs page pass."""

from __future__ import annotations

from pathlib import Path

from tests.testing.test_pytest_plugin import Session, session

__all__ = ["session"]

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_line_protocol(session: Session) -> None:
    session((EXAMPLES / "test_line_protocol.py").read_text(), "--strict-markers", head="").assert_outcomes(passed=4)


def test_contracts(session: Session) -> None:
    session((EXAMPLES / "test_contracts.py").read_text(), "--strict-markers", head="").assert_outcomes(passed=3)
