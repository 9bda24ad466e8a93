"""The alias, on for one test."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from plait import as_twisted


def forget_twisted(patch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n == "twisted" or n.startswith("twisted.")]:
        patch.delitem(sys.modules, name)


@pytest.fixture
def alias(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The alias is on, and whatever else has imported of Twisted in this process is out of sight."""
    forget_twisted(monkeypatch)
    as_twisted.install()
    yield
    as_twisted.uninstall()
