"""Work over time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import CancelledError, Deferred
from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.interfaces import IReactorTime, verifyObject
from plait.task import Clock, LoopingCall, deferLater, react


@given(st.lists(st.floats(0, 100)), st.lists(st.floats(0, 50), max_size=10))
def test_a_clock_makes_calls_in_order_of_time(delays, steps):
    clock, seen = Clock(), []
    for delay in delays:
        clock.callLater(delay, lambda d=delay: seen.append(d))
    clock.pump([*steps, 101])
    assert seen == sorted(delays) and clock.getDelayedCalls() == []


def test_a_clocks_calls_can_be_changed():
    clock, seen = Clock(), []
    assert verifyObject(IReactorTime, clock)
    call = clock.callLater(5, seen.append, "a")
    call.delay(5)
    clock.advance(9)
    call.reset(2)
    clock.advance(1)
    assert seen == [] and call.active() and call.getTime() == 11
    clock.advance(1)
    assert seen == ["a"]
    with pytest.raises(AlreadyCalled):
        call.cancel()
    call = clock.callLater(1, seen.append, "b")
    call.cancel()
    with pytest.raises(AlreadyCancelled):
        call.reset(1)


def looping(f):
    loop = LoopingCall(f)
    loop.clock = Clock()
    return loop, loop.clock


def test_a_looping_call_keeps_its_times():
    seen = []
    loop, clock = looping(lambda: seen.append(clock.seconds()))
    d = loop.start(10)
    clock.pump([10, 3, 7, 25, 5])
    assert seen == [0, 10, 20, 45, 50]
    loop.stop()
    got = []
    d.addCallback(got.append)
    assert got == [loop] and clock.getDelayedCalls() == []
    with pytest.raises(RuntimeError):
        loop.stop()


def test_a_looping_call_waits_for_deferreds_and_skips_what_they_overlap():
    waits = []

    def slow():
        waits.append(Deferred())
        return waits[-1]

    loop, clock = looping(slow)
    loop.start(1, now=False)
    assert waits == []
    clock.advance(1)
    clock.advance(2.5)
    assert len(waits) == 1
    waits[0].callback(None)
    clock.advance(0.5)
    assert len(waits) == 2
    loop.stop()
    waits[1].callback(None)
    assert not loop.running


def test_an_error_ends_a_looping_call():
    loop, clock = looping(lambda: 1 / 0)
    got = []
    loop.start(1).addErrback(got.append)
    assert got[0].check(ZeroDivisionError) and not loop.running and clock.getDelayedCalls() == []


def test_reset_waits_for_a_whole_interval():
    seen = []
    loop, clock = looping(lambda: seen.append(clock.seconds()))
    loop.start(10)
    clock.advance(6)
    loop.reset()
    clock.advance(6)
    assert seen == [0]
    clock.advance(4)
    assert seen == [0, 16]


def test_wrong_use_is_said():
    loop, _ = looping(print)
    with pytest.raises(ValueError):
        loop.start(-1)
    with pytest.raises(RuntimeError):
        loop.reset()
    loop.start(1)
    with pytest.raises(RuntimeError):
        loop.start(1)


def test_deferLater():
    clock, got = Clock(), []
    deferLater(clock, 3, lambda *a, **k: (a, k), 1, x=2).addCallback(got.append)
    deferLater(clock, 3).addCallback(got.append)
    clock.advance(3)
    assert got == [((1,), {"x": 2}), None]
    d = deferLater(clock, 3, pytest.fail)
    d.cancel()
    d.addErrback(lambda f: got.append(f.type))
    assert got[-1] is CancelledError and clock.getDelayedCalls() == []


@pytest.mark.parametrize(("outcome", "code"), [(None, 0), (SystemExit(7), 7), (KeyError("x"), 1)])
def test_react_exits_with_what_main_says(outcome, code, flushLoggedErrors):
    from plait import Reactor

    async def main(reactor, *argv):
        assert argv == ("a",)
        await deferLater(reactor, 0)
        if outcome is not None:
            raise outcome

    r = Reactor()
    with pytest.raises(SystemExit) as e:
        react(main, ["a"], _reactor=r)
    assert e.value.code == code
    assert len(flushLoggedErrors(KeyError)) == (1 if code == 1 else 0)
    r.loop.close()


def test_withCount_tells_how_many_intervals_have_passed():
    counts = []
    loop = LoopingCall.withCount(counts.append)
    clock = loop.clock = Clock()
    loop.start(1)
    clock.pump([1, 1, 3.5, 0.5])
    assert counts == [1, 1, 1, 3, 1]
    loop.stop()
    counts.clear()
    loop.start(0.1, now=False)
    clock.pump([0.1] * 3)
    assert sum(counts) == 3
    loop.stop()
