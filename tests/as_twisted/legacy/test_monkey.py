"""Attributes replaced for a while."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from plait.as_twisted.legacy.monkey import MonkeyPatcher


def test_replaced_and_restored() -> None:
    target = SimpleNamespace(a=1, b=2)
    patcher = MonkeyPatcher((target, "a", 10), (target, "a", 11))
    patcher.addPatch(target, "b", 20)
    patcher.patch()
    patcher.patch()
    assert (target.a, target.b) == (11, 20)
    patcher.restore()
    assert (target.a, target.b) == (1, 2)
    assert patcher.runWithPatches(lambda plus: target.a + plus, plus=1) == 12
    with pytest.raises(KeyError), patcher:
        assert target.b == 20
        raise KeyError
    assert target.b == 2


def test_what_is_not_there_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):
        MonkeyPatcher((SimpleNamespace(), "a", 1)).patch()
