"""LoopingCall: a call that is repeated at fixed times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.current import getReactor
from plait.deferred import Deferred
from plait.task import Clock, LoopingCall


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


def test_the_reactor_is_the_clock_unless_another_is_set():
    loop = LoopingCall(print)
    assert loop.clock is getReactor()
    clock = loop.clock = Clock()
    assert loop.clock is clock


def test_the_interval_may_be_changed_while_it_runs():
    seen = []
    loop, clock = looping(lambda: seen.append(clock.seconds()))
    loop.start(10)
    loop.interval = 4
    clock.pump([10, 1, 1, 4])
    assert seen == [0, 10, 12, 16]
    assert loop.call.getTime() == 20


def test_an_interval_of_zero_calls_again_and_again():
    counts = []

    def count(n):
        counts.append(n)
        if len(counts) == 3:
            loop.stop()

    loop = LoopingCall.withCount(count)
    clock = loop.clock = Clock()
    loop.start(0)
    assert counts == [1]
    clock.advance(0)
    assert counts == [1, 1, 1] and clock.calls == []


def test_it_may_stop_itself_and_be_started_again():
    ends = []
    loop, clock = looping(lambda: loop.stop())
    for _ in range(2):
        loop.start(1).addCallback(ends.append)
    assert ends == [loop, loop] and clock.calls == [] and not loop.running


def test_stop_while_the_function_waits_is_told_when_it_is_done():
    wait, ends = Deferred(), []
    loop, clock = looping(lambda: wait)
    loop.start(1).addCallback(ends.append)
    loop.stop()
    assert ends == []
    wait.callback(None)
    assert ends == [loop] and clock.calls == []


def test_a_coroutine_function_may_be_repeated():
    seen, wait = [], Deferred()

    async def work():
        seen.append("begun")
        await wait
        seen.append("done")

    loop, clock = looping(work)
    loop.start(1)
    clock.advance(5)
    assert seen == ["begun"]
    wait.callback(None)
    clock.advance(1)
    assert seen == ["begun", "done", "begun", "done"]
    loop.stop()


@given(st.integers(1, 20), st.lists(st.integers(0, 50), max_size=30), st.booleans())
def test_counts_add_up_to_the_intervals_that_have_passed(interval, steps, now):
    counts, times = [], []
    loop = LoopingCall.withCount(lambda n: (counts.append(n), times.append(clock.seconds())))
    clock = loop.clock = Clock()
    loop.start(interval, now=now)
    clock.pump(steps)
    assert sum(counts) == sum(steps) // interval + now
    assert all(n > 0 for n in counts)
    assert len({t // interval for t in times}) == len(times)  # never twice in one interval
    assert len(clock.calls) == 1
