"""Levels have an order and names."""

from __future__ import annotations

import pytest

from plait.log import InvalidLogLevelError, LogLevel

NAMES = ["debug", "info", "warn", "error", "critical"]


def test_the_levels_in_order() -> None:
    assert [level.name for level in LogLevel.iterconstants()] == NAMES
    assert sorted(LogLevel, reverse=True)[0] is LogLevel.critical
    assert LogLevel.debug < LogLevel.info <= LogLevel.info < LogLevel.warn
    assert LogLevel.critical > LogLevel.error >= LogLevel.error


def test_a_level_is_compared_with_levels_only() -> None:
    with pytest.raises(TypeError):
        assert LogLevel.debug < 3


@pytest.mark.parametrize("name", NAMES)
def test_level_with_name(name: str) -> None:
    assert LogLevel.levelWithName(name).name == name


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(InvalidLogLevelError, match="no log level 'warning'; the levels are debug, info, warn") as e:
        LogLevel.levelWithName("warning")
    assert e.value.level == "warning"
