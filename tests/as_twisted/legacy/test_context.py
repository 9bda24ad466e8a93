"""Values that a call sees."""

from __future__ import annotations

import uuid

import pytest

from plait.as_twisted.legacy import context


def test_values_are_seen_inside_and_not_afterwards() -> None:
    def outer() -> tuple[object, ...]:
        inner = context.call({"b": 20}, lambda: (context.get("a"), context.get("b")))
        return (*inner, context.get("b"))

    assert context.call({"a": 1, "b": 2}, outer) == (1, 20, 2)
    assert context.get("a") is None and context.get("a", 5) == 5


def test_values_end_with_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        context.call({"a": 1}, lambda: 1 / 0)
    assert context.get("a") is None


def test_arguments_and_defaults() -> None:
    key = uuid.uuid4()
    assert context.call({}, int, "11", base=2) == 3
    context.setDefault(key, 7)
    assert context.get(key) == 7
    assert context.call({key: None}, context.get, key) is None


def test_another_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "theContextTracker", context.theContextTracker)
    tracker = context.ThreadedContextTracker()
    context.installContextTracker(tracker)
    assert context.theContextTracker is tracker
    assert context.call({"a": 1}, tracker.getContext, "a") == 1
    key = object()
    context.setDefault(key, "usual")
    assert context.defaultContextDict.pop(key) == "usual" and tracker.getContext(key) is None
