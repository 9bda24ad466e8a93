"""What was logged."""

from __future__ import annotations

import pytest

from plait.log import formatEvent, globalLogPublisher


@pytest.fixture
def logged():
    """The text of each event that is logged meanwhile."""
    lines = []

    def observe(event):
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)
