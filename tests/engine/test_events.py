"""The three phases of a system event."""

from __future__ import annotations

import pytest

from plait.deferred import Deferred
from plait.engine.events import SystemEvents, ThreePhaseEvent


def test_a_trigger_is_called_once() -> None:
    event = ThreePhaseEvent()
    calls: list[str] = []
    for phase in ("after", "during", "before"):
        event.addTrigger(phase, calls.append, phase)
    event.fireEvent()
    event.fireEvent()
    assert calls == ["before", "during", "after"]


def test_a_phase_that_has_been_called_cannot_be_taken_back_and_says_so() -> None:
    event = ThreePhaseEvent()
    waited: Deferred[None] = Deferred()
    handle = event.addTrigger("before", lambda: waited)
    event.fireEvent()
    assert (event.state, len(event.finishedBefore)) == ("BEFORE", 1)
    with pytest.warns(DeprecationWarning, match="called already"):
        event.removeTrigger(handle)
    waited.callback(None)
    assert (event.state, event.finishedBefore) == ("BASE", [])
    with pytest.raises(ValueError, match="no such trigger"):
        event.removeTrigger(handle)


def test_a_like_trigger_of_another_phase_stays() -> None:
    event = ThreePhaseEvent()
    calls: list[int] = []
    event.addTrigger("before", calls.append, 1)
    event.removeTrigger(event.addTrigger("during", calls.append, 1))
    event.fireEvent()
    assert calls == [1]


def test_ids_that_are_none_are_refused() -> None:
    events = SystemEvents()
    event, (phase, *rest) = events.add("during", "shutdown", print, (), {})
    for wrong, error in (
        (None, TypeError),
        (("other", (phase, *rest)), KeyError),
        ((event, ("between", *rest)), KeyError),
        ((event, None), ValueError),
        ((event, ("after", *rest)), ValueError),
    ):
        with pytest.raises(error):
            events.remove(wrong)  # type: ignore[arg-type]
    events.remove((event, (phase, *rest)))  # type: ignore[arg-type]
