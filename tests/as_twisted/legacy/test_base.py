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
