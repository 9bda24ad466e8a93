"""Timed calls."""

import contextvars
import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import Deferred, reactor
from plait.engine.timers import Timers
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


class VirtualLoop:
    """As much of an event loop as timers need, with a clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 0.0
        self.handles = []

    def time(self):
        return self.now

    def call_later(self, delay, function):
        class Handle:
            def cancel(handle):
                self.handles.remove(handle)

        handle = Handle()
        handle.when, handle.function = self.now + delay, function
        self.handles.append(handle)
        return handle

    def go_to(self, time):
        while due := [h for h in self.handles if h.when <= time]:
            handle = min(due, key=lambda h: h.when)
            self.handles.remove(handle)
            self.now = max(self.now, handle.when)
            handle.function()
        self.now = time


@given(st.lists(st.tuples(st.sampled_from(["add", "cancel", "reset", "delay", "go"]), st.floats(0, 20))))
def test_any_schedule_is_kept(steps):
    loop = VirtualLoop()
    timers = Timers(loop)
    calls, made = [], []
    for what, number in steps:
        active = [c for c in calls if c.active()]
        if what == "add":
            n = len(calls)
            calls.append(timers.add(number, lambda n=n: made.append((n, loop.now)), (), {}))
        elif what == "go":
            loop.go_to(loop.now + number)
        elif active:
            call = active[int(number) % len(active)]
            if what == "cancel":
                call.cancel()
            else:
                getattr(call, what)(number)
        assert set(timers.pending()) == {c for c in calls if c.active()}
        assert all(c.time >= loop.now for c in timers.pending())
        assert len(loop.handles) <= 1, "the loop has one timer at most"
    wanted = {n: c.time for n, c in enumerate(calls) if not c.cancelled}
    loop.go_to(10_000)
    # the loop is told a delay and not a time, and so the last digits may differ
    assert dict(made) == pytest.approx(wanted) and len(made) == len(wanted)
    assert [t for _, t in made] == sorted(t for _, t in made)
    assert timers.pending() == []


def test_cancelled_calls_do_not_pile_up():
    timers = Timers(VirtualLoop())
    for _ in range(10_000):
        timers.add(1000, print, (), {}).cancel()
    assert len(timers._heap) <= 2 * 64 + 1


def test_a_call_that_asks_for_the_next_at_once_does_not_keep_the_loop():
    loop = VirtualLoop()
    timers = Timers(loop)
    made = []

    def again():
        made.append(1)
        timers.add(0, again, (), {})

    timers.add(0, again, (), {})
    (handle,) = loop.handles
    loop.handles.clear()
    handle.function()
    assert made == [1] and len(loop.handles) == 1


def test_due_calls_can_be_made_without_a_turn_of_the_loop(reactor):
    seen = []
    reactor.callLater(0, seen.append, "first")
    reactor.callLater(0, lambda: (seen.append("second"), reactor.callLater(0, seen.append, "third")))
    later = reactor.callLater(1000, seen.append, "not yet")
    reactor.runUntilCurrent()
    assert seen == ["first", "second"], "what they ask for is for the next time"
    reactor.runUntilCurrent()
    assert seen == ["first", "second", "third"] and reactor.getDelayedCalls() == [later]
    reactor.callLater(0, reactor.stop)
    reactor.run(installSignalHandlers=False)  # the loop's own timer is set again
    assert later.active()


def test_what_is_cancelled_or_made_is_gone_without_the_garbage_collector(without_collector):
    class Thing:
        def hook(self, *args, **kw):
            pass

    loop = VirtualLoop()
    timers = Timers(loop)
    things = [Thing(), Thing()]
    calls = [timers.add(10, thing.hook, (thing,), {"x": thing}) for thing in things]
    held, made = map(weakref.ref, things)
    waiting = [weakref.ref(call) for call in calls]
    del things
    calls.pop(0).cancel()
    assert held() is None and made() is not None
    calls.clear()
    loop.go_to(20)
    assert [made(), *[ref() for ref in waiting]] == [None] * 3


def test_a_plain_call_keeps_nothing_but_itself_for_the_collector_to_look_at():
    call = contextvars.Context().run(Timers(VirtualLoop()).add, 10, len, ("",), {})
    gc.collect()
    kept = {type(thing) for thing in gc.get_referents(call) if gc.is_tracked(thing)}
    assert kept == {Timers, type(len), type}, "what it was given, and its class"
