"""The clock for tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.errors import AlreadyCalled, AlreadyCancelled
from plait.interfaces import IReactorTime, verifyObject
from plait.task import Clock


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


def test_calls_for_the_same_time_are_made_in_the_order_in_which_they_came():
    clock, seen = Clock(), []
    for n in range(5):
        clock.callLater(1, seen.append, n)
    clock.advance(1)
    assert seen == list(range(5))


def test_a_call_that_is_made_due_by_another_is_made_in_the_same_advance():
    clock, seen = Clock(), []
    clock.callLater(1, lambda: clock.callLater(0, lambda: seen.append(clock.seconds())))
    clock.advance(3)
    assert seen == [3]


one = st.integers(0, 9)
times = st.integers(0, 40).map(lambda n: n / 4)
schedules = st.lists(
    st.one_of(
        st.tuples(st.just("later"), times),
        st.tuples(st.just("nested"), times, times),
        st.tuples(st.just("cancel"), one),
        st.tuples(st.just("reset"), one, times),
        st.tuples(st.just("delay"), one, times),
        st.tuples(st.just("cancel within"), times, one),
        st.tuples(st.just("advance"), st.lists(times, max_size=4)),
    ),
    max_size=40,
)


@given(schedules)
def test_any_schedule_is_kept_in_order_of_time(schedule):
    clock = Clock()
    calls, due, made = [], {}, []  # due: the time at which a call that is still to be made is to come

    def note(n, then=None):
        assert due.pop(n) <= clock.seconds()
        assert all(calls[n].getTime() <= time for time in due.values()), "another one was due before"
        made.append(n)
        if then is not None:
            then()

    def later(delay, then=None):
        n = len(calls)
        due[n] = clock.seconds() + delay
        calls.append(clock.callLater(delay, note, n, then))

    def change(n, what, *args):
        if n >= len(calls):
            return
        if n not in due:
            with pytest.raises((AlreadyCalled, AlreadyCancelled)):
                getattr(calls[n], what)(*args)
            return
        getattr(calls[n], what)(*args)
        if what == "cancel":
            del due[n]
        else:
            due[n] = args[0] + (clock.seconds() if what == "reset" else due[n])

    for step in schedule:
        match step:
            case ("later", delay):
                later(delay)
            case ("nested", delay, inner):
                later(delay, lambda inner=inner: later(inner))
            case ("cancel within", delay, n):
                later(delay, lambda n=n: change(n, "cancel"))
            case ("advance", amounts):
                for amount in amounts:
                    clock.advance(amount)
                    assert all(time > clock.seconds() for time in due.values())
            case (what, n, *args):
                change(n, what, *args)
        assert [c.getTime() for c in clock.getDelayedCalls()] == sorted(due.values())
        assert all(calls[n].active() == (n in due) for n in range(len(calls)))
    clock.pump([10] * 100)  # more than forty delays of ten seconds
    assert clock.calls == [] and not due
    assert len(made) == len(set(made))
