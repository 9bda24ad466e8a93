"""What was logged."""

from __future__ import annotations

import pytest

from plait.log import formatEvent, globalLogPublisher


@pytest.fixture
def logged():
    """The text of each event that the room logs meanwhile."""
    lines = []

    def observe(event):
        if event.get("log_namespace", "").startswith("plait.auth"):  # what others logged before is told, too
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)
