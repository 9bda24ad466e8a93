"""The alias, on for one test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from plait import as_twisted


@pytest.fixture
def no_twisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else has imported of Twisted in this process is out of sight."""
    for name in [n for n in sys.modules if n == "twisted" or n.startswith("twisted.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def alias(no_twisted: None) -> Iterator[None]:
    """The alias is on."""
    as_twisted.install()
    yield
    as_twisted.uninstall()
