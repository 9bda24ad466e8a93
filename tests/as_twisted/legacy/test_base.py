"""A timed call that somebody else than the reactor makes."""

from __future__ import annotations

from typing import Any

import pytest

from plait import engine
from plait.as_twisted.legacy.base import DelayedCall
from plait.engine import Reactor
from plait.errors import AlreadyCancelled


def test_the_makers_clock_and_functions_are_used() -> None:
    told: list[tuple[str, Any]] = []
    call = DelayedCall(
        5,
        print,
        (1,),
        {"sep": ""},
        lambda c: told.append(("cancel", c)),
        lambda c: told.append(("reset", c)),
        lambda: 10,
    )
    assert (call.getTime(), call.func, call.args, call.kw) == (5, print, (1,), {"sep": ""})
    call.reset(3)
    assert call.getTime() == 13
    call.delay(2)
    assert call.getTime() == 15
    call.cancel()
    assert told == [("reset", call), ("reset", call), ("cancel", call)]
    assert not call.active()
    with pytest.raises(AlreadyCancelled):
        call.cancel()
    assert len(told) == 3


def test_what_the_reactor_gives_is_one_too() -> None:
    reactor = Reactor()
    call = reactor.callLater(1, print)
    assert isinstance(call, DelayedCall)
    assert isinstance(call, engine.DelayedCall)
    assert not isinstance("call", DelayedCall)
    call.cancel()
    reactor.loop.close()


def made(time: float) -> DelayedCall:
    return DelayedCall(time, print, ("text",), {"sep": ""}, id, id, lambda: 1.5)


def test_they_are_in_order_by_their_times() -> None:
    first, last = made(1), made(2)
    assert sorted([last, first]) == [first, last]
    assert first <= last and last > first and last >= first and not last < first


def test_the_text_says_where_a_call_was_made_if_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = made(12)
    assert str(plain) == f"<DelayedCall {id(plain):#x} [10.5s] called=0 cancelled=0 print('text', sep='')>"
    monkeypatch.setattr(DelayedCall, "debug", True)
    traced = made(12)
    monkeypatch.undo()
    assert "traceback at creation" in repr(traced) and "in made" in repr(traced)
    traced.cancel()
    assert "called=0 cancelled=1" in repr(traced)
