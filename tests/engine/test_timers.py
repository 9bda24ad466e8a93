"""Timed calls."""

import pytest

from plait import Deferred, reactor
from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.interfaces import IDelayedCall, verifyObject


async def test_it_is_called_with_its_arguments_in_order_of_time():
    seen, done = [], Deferred()
    reactor.callLater(0.02, seen.append, 2)
    reactor.callLater(0.01, lambda *a, **k: seen.append((a, k)), 1, x=2)
    reactor.callLater(0.03, done.callback, None)
    await done
    assert seen == [((1,), {"x": 2}), 2]


async def test_cancel():
    call = reactor.callLater(0, pytest.fail, "it was cancelled")
    assert verifyObject(IDelayedCall, call)
    assert call.active() and call in reactor.getDelayedCalls()
    call.cancel()
    assert not call.active() and call not in reactor.getDelayedCalls()
    for change in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCancelled):
            change()
    assert "cancelled" in repr(call)
    done = Deferred()
    reactor.callLater(0.01, done.callback, None)
    await done


async def test_after_the_call_nothing_can_be_changed():
    done = Deferred()
    call = reactor.callLater(0, done.callback, None)
    await done
    assert not call.active() and "called" in repr(call)
    for change in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCalled, match="already-called"):
            change()


async def test_reset_and_delay_move_the_call():
    done = Deferred()
    call = reactor.callLater(1000, done.callback, None)
    assert call.getTime() - reactor.seconds() > 990
    call.delay(1000)
    assert call.getTime() - reactor.seconds() > 1990
    call.delay(-5000)
    assert call.getTime() <= reactor.seconds()
    call.reset(0.01)
    assert call.getTime() - reactor.seconds() <= 0.011
    assert "done" not in repr(call) and "callback" in repr(call)
    await done


async def test_an_error_is_logged_and_the_others_are_called(flushLoggedErrors):
    done = Deferred()
    reactor.callLater(0, lambda: 1 / 0)
    reactor.callLater(0.01, done.callback, None)
    await done
    (failure,) = flushLoggedErrors(ZeroDivisionError)
    text = failure.getTraceback()
    assert "plait/engine" not in text and "1 / 0" in text
