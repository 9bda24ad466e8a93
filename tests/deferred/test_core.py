"""The Deferred itself: order, chaining, pausing, cancelling, timeouts, what is told of errors nobody handles."""

import gc
import sys
import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.deferred import (
    AlreadyCalledError,
    CancelledError,
    Deferred,
    TimeoutError,
    fail,
    succeed,
)
from plait.failure import Failure
from plait.task import Clock

MILLION = 1_000_000


def increment(n):
    return n + 1


def result_of(d):
    """What a Deferred has now, as a list of one (or none)."""
    got = []
    d.addBoth(got.append)
    return got


def test_callbacks_get_the_result_of_the_one_before():
    d = Deferred()
    d.addCallback(lambda r: r + 1)
    d.addCallback(lambda r, by, more=0: r * by + more, 10, more=5)
    d.callback(1)
    assert result_of(d) == [25]


def test_a_callback_added_after_firing_is_called_at_once():
    assert result_of(succeed(3).addCallback(lambda r: -r)) == [-3]


def test_an_error_goes_to_the_next_errback_and_a_result_back_to_the_callbacks():
    seen = []
    d = succeed(1)
    d.addCallback(lambda r: 1 / 0)
    d.addCallback(lambda r: seen.append("not called"))
    d.addErrback(lambda f: (seen.append(f.type), "mended")[1])
    d.addErrback(lambda f: seen.append("not called either"))
    d.addCallback(seen.append)
    assert seen == [ZeroDivisionError, "mended"]


def test_addCallbacks_calls_one_of_the_two_with_its_own_arguments():
    def show(*args, **kw):
        return args[1:], kw

    add = {
        "callbackArgs": (1,),
        "callbackKeywords": {"a": 2},
        "errbackArgs": (3,),
        "errbackKeywords": {"b": 4},
    }
    assert result_of(succeed(0).addCallbacks(show, show, **add)) == [((1,), {"a": 2})]
    assert result_of(fail(ValueError()).addCallbacks(show, show, **add)) == [((3,), {"b": 4})]


def test_an_error_in_the_callback_of_a_pair_does_not_go_to_its_errback():
    seen = []
    succeed(0).addCallbacks(lambda r: 1 / 0, lambda f: seen.append("same pair")).addErrback(
        lambda f: seen.append("next")
    )
    assert seen == ["next"]


def test_addBoth_is_called_in_both_cases():
    assert result_of(succeed(1).addBoth(lambda r: ("both", r))) == [("both", 1)]
    assert result_of(fail(KeyError()).addBoth(lambda f: f.type)) == [KeyError]


@pytest.mark.parametrize("add", ["addCallback", "addErrback", "addBoth", "addCallbacks"])
def test_what_cannot_be_called_is_refused_where_it_is_added(add):
    with pytest.raises(TypeError, match="callable"):
        getattr(Deferred(), add)(42)


def test_firing_twice_is_an_error():
    d = succeed(1)
    with pytest.raises(AlreadyCalledError):
        d.callback(2)
    with pytest.raises(AlreadyCalledError):
        d.errback(ValueError())


def test_firing_with_a_deferred_is_an_error():
    with pytest.raises(TypeError, match="return one from a callback"):
        Deferred().callback(Deferred())


def test_errback_takes_the_exception_that_is_being_handled():
    d = Deferred()
    try:
        raise KeyError("k")
    except KeyError:
        d.errback()
    assert result_of(d)[0].type is KeyError


def test_a_returned_deferred_is_waited_for():
    inner, outer, seen = Deferred(), succeed(1), []
    outer.addCallback(lambda r: inner).addCallback(seen.append)
    assert seen == []
    assert "waiting on Deferred" in repr(outer)
    inner.callback("late")
    assert seen == ["late"]


def test_a_deferred_that_was_returned_goes_on_with_none():
    inner = Deferred()
    succeed(1).addCallback(lambda r: inner)
    inner.callback("taken")
    assert result_of(inner) == [None]
    inner = succeed("taken")
    succeed(1).addCallback(lambda r: inner)
    assert result_of(inner) == [None]


def test_a_returned_deferreds_error_arrives():
    inner, seen = Deferred(), []
    succeed(1).addCallback(lambda r: inner).addErrback(lambda f: seen.append(f.type))
    inner.errback(KeyError())
    assert seen == [KeyError]


def test_callbacks_added_to_the_inner_one_after_it_was_returned_see_none():
    inner, seen = Deferred(), []
    succeed(1).addCallback(lambda r: inner).addCallback(lambda r: seen.append(("outer", r)))
    inner.addCallback(lambda r: seen.append(("inner", r)))
    inner.callback(7)
    assert seen == [("outer", 7), ("inner", None)]


def test_chainDeferred_hands_on_results_and_errors():
    for fire, check in (("callback", 5), ("errback", KeyError)):
        a, b = Deferred(), Deferred()
        a.chainDeferred(b)
        getattr(a, fire)(5 if fire == "callback" else KeyError())
        got = result_of(b)[0]
        assert (got if fire == "callback" else got.type) == check


def test_chainDeferred_to_one_that_has_been_fired():
    given_up = Deferred()
    given_up.cancel()
    result_of(given_up)
    a = Deferred()
    a.chainDeferred(given_up)
    a.callback("too late")  # is dropped, as after cancel() it may be
    assert result_of(a) == [None]
    b = succeed(1)
    b.chainDeferred(succeed(2))
    assert result_of(b)[0].type is AlreadyCalledError


def test_chainDeferred_to_one_that_is_paused():
    a, b, seen = Deferred(), Deferred(), []
    b.pause()
    b.addCallback(seen.append)
    a.chainDeferred(b)
    a.addCallback(lambda r: seen.append("a goes on"))
    a.callback(1)
    b.unpause()
    assert seen == ["a goes on", 1]


def test_chainDeferred_calls_a_subclass_that_fires_in_its_own_way():
    class Loud(Deferred):
        def callback(self, result):
            super().callback(f"{result}!")

    a, b = Deferred(), Loud()
    a.chainDeferred(b)
    a.callback("hello")
    assert result_of(b) == ["hello!"]


def test_pause_holds_the_queue_until_it_is_taken_back_as_often():
    d, seen = Deferred(), []
    d.addCallback(seen.append)
    d.pause()
    d.pause()
    d.callback(1)
    d.unpause()
    assert seen == []
    d.unpause()
    assert seen == [1]


def test_pause_from_within_a_callback_holds_the_rest():
    d, seen = Deferred(), []
    d.addCallback(lambda r: d.pause())
    d.addCallback(seen.append)
    d.callback(1)
    assert seen == []
    d.unpause()
    assert seen == [None]


def test_a_deferred_that_is_paused_while_it_waits_stays_so():
    inner, outer, seen = Deferred(), Deferred(), []
    outer.addCallback(lambda r: inner).addCallback(seen.append)
    outer.callback(0)
    outer.pause()
    inner.callback("x")
    assert seen == []
    outer.unpause()
    assert seen == ["x"]


def test_adding_from_within_a_callback_keeps_the_order():
    d, seen = Deferred(), []

    def first(r):
        d.addCallback(lambda r: seen.append("third"))
        seen.append("first")

    d.addCallback(first)
    d.addCallback(lambda r: seen.append("second"))
    d.callback(None)
    assert seen == ["first", "second", "third"]


# -- limits


def test_a_million_callbacks_need_no_recursion():
    d = Deferred()
    for _ in range(MILLION):
        d.addCallback(increment)
    d.callback(0)
    assert result_of(d) == [MILLION]


def test_a_long_chain_of_fired_deferreds_does_not_recurse():
    d = succeed(0)
    for _ in range(100_000):
        d.addCallback(lambda r: succeed(r + 1))
    assert result_of(d) == [100_000]


def waiting_chain(count):
    """The first and the last of `count` Deferreds, each of which waits for the one before."""
    first = last = Deferred()
    for _ in range(count - 1):
        outer = succeed(None)
        outer.addCallback(lambda r, inner: inner, last)
        last = outer
    return first, last


@pytest.mark.parametrize("count", [20 * sys.getrecursionlimit(), pytest.param(MILLION, marks=pytest.mark.slow)])
def test_a_long_chain_of_waiting_deferreds_does_not_recurse(count):
    first, last = waiting_chain(count)
    first.callback("end to end")
    assert result_of(last) == ["end to end"]
    first, last = waiting_chain(count)
    last.cancel()
    assert result_of(last)[0].type is CancelledError


@pytest.mark.parametrize("count", [20 * sys.getrecursionlimit(), pytest.param(MILLION, marks=pytest.mark.slow)])
def test_a_long_chain_by_chainDeferred_does_not_recurse(count):
    first = last = Deferred()
    for _ in range(count):
        d = Deferred()
        last.chainDeferred(d)
        last = d
    first.errback(KeyError("end to end"))
    assert result_of(last)[0].type is KeyError


def test_many_deferreds_leave_nothing_behind():
    def some(count):
        for n in range(count):
            d = Deferred()
            d.addCallback(increment).addErrback(increment)
            d.callback(n)
            succeed(None).addCallback(lambda r: succeed(2)).addBoth(str)
            failed = fail(KeyError(n))
            failed.addErrback(lambda f: None)
            given_up = Deferred(lambda d: None)
            given_up.cancel()
            given_up.addErrback(lambda f: None)

    def living():
        gc.collect()
        return len(gc.get_objects())

    some(10)
    gc.disable()  # nothing may be left for the collector either
    try:
        before = living()
        some(10_000)
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


@pytest.mark.slow
def test_a_million_deferreds_leave_nothing_behind():
    def living():
        gc.collect()
        return len(gc.get_objects())

    before = living()
    first, last = waiting_chain(MILLION)
    many = [Deferred().addTimeout(1, Clock()) for _ in range(MILLION // 10)]
    first.callback(None)
    for d in many:
        d.callback(None)
    del first, last, many, d
    assert living() - before < 100


# -- cancelling


def test_cancel_calls_the_canceller_and_fails_with_cancelled_error():
    called = []
    d = Deferred(called.append)
    d.cancel()
    assert called == [d]
    assert result_of(d)[0].check(CancelledError)


def test_a_canceller_may_fire_it_itself():
    d = Deferred(lambda d: d.callback("instead"))
    d.cancel()
    assert result_of(d) == ["instead"]


def test_after_cancel_without_a_canceller_one_late_result_is_dropped():
    d = Deferred()
    d.cancel()
    assert result_of(d)[0].check(CancelledError)
    d.callback("too late")
    with pytest.raises(AlreadyCalledError):
        d.callback("a second time")


def test_with_a_canceller_a_late_result_is_an_error():
    d = Deferred(lambda d: None)
    d.cancel()
    result_of(d)
    with pytest.raises(AlreadyCalledError):
        d.callback("too late")


def test_cancel_goes_to_what_is_waited_for():
    cancelled, seen = [], []
    inner = Deferred(lambda d: cancelled.append("inner"))
    outer = succeed(None).addCallback(lambda r: inner)
    outer.addErrback(lambda f: seen.append(f.type))
    outer.cancel()
    assert (cancelled, seen) == (["inner"], [CancelledError])


def test_cancel_after_the_result_does_nothing():
    d = succeed(1)
    d.cancel()
    assert result_of(d) == [1]


# -- timeouts


def test_a_timeout_cancels_and_says_so():
    clock, cancelled = Clock(), []
    d = Deferred(cancelled.append).addTimeout(10, clock)
    got = result_of(d)
    clock.advance(9)
    assert got == []
    clock.advance(1)
    assert got[0].check(TimeoutError)
    assert len(cancelled) == 1


def test_a_result_in_time_stops_the_clock():
    clock = Clock()
    d = Deferred().addTimeout(10, clock)
    d.callback("in time")
    assert result_of(d) == ["in time"]
    assert clock.getDelayedCalls() == []


def test_onTimeoutCancel_may_change_the_error():
    clock = Clock()
    d = Deferred().addTimeout(3, clock, lambda result, timeout: ("gave up", timeout))
    clock.advance(3)
    assert result_of(d) == [("gave up", 3)]


def test_an_error_that_is_no_timeout_stays():
    clock = Clock()
    d = Deferred().addTimeout(3, clock)
    d.errback(KeyError())
    assert result_of(d)[0].type is KeyError


# -- errors nobody handles


def test_an_unhandled_error_is_logged_when_it_is_collected(flushLoggedErrors):
    def fails(r):
        raise ValueError("nobody looks")

    d = succeed(None).addCallback(fails)
    assert flushLoggedErrors() == []
    del d
    gc.collect()
    (failure,) = flushLoggedErrors(ValueError)
    assert [f.name for f in failure.frames][-1] == "fails"


def test_a_handled_error_is_not_logged(flushLoggedErrors):
    d = fail(ValueError())
    d.addErrback(lambda f: None)
    del d
    gc.collect()
    assert flushLoggedErrors() == []


def test_an_error_is_handled_once_something_else_is_waited_for(flushLoggedErrors):
    d = fail(ValueError())
    d.addErrback(lambda f: Deferred())
    del d
    gc.collect()
    assert flushLoggedErrors() == []


def test_an_error_that_another_deferred_took_is_logged_once(flushLoggedErrors):
    inner = fail(ValueError())
    outer = succeed(None).addCallback(lambda r, d: d, inner)
    del inner, outer
    gc.collect()
    assert len(flushLoggedErrors(ValueError)) == 1


def test_a_failed_deferred_keeps_no_frames_alive():
    class Big:
        pass

    import weakref

    def fails(r):
        big = Big()
        refs.append(weakref.ref(big))
        raise ValueError

    refs = []
    d = succeed(None).addCallback(fails)
    assert refs[0]() is None
    d.addErrback(lambda f: None)


def test_a_printed_traceback_shows_the_users_frames_only():
    def users(r):
        return 1 / 0

    got = result_of(succeed(1).addCallback(users))
    text = got[0].getTraceback()
    assert "in users" in text and "plait/deferred" not in text


def test_returning_the_deferred_itself_warns():
    d = Deferred()
    d.addCallback(lambda r: d)
    with pytest.warns(DeprecationWarning, match="attached to") as caught:
        d.callback(1)
    assert caught[0].filename == __file__


def test_attributes_as_programs_read_them():
    d = Deferred()
    assert (d.called, d.paused, hasattr(d, "result")) == (False, 0, False)
    d.callback(5)
    assert (d.called, d.paused, d.result) == (True, 0, 5)
    d.note = "programs put their own things here"
    assert "current result: 5" in repr(d)


def test_repr_tells_what_is_waited_for():
    a, b, c = Deferred(), Deferred(), Deferred()
    assert repr(a) == f"<Deferred at {id(a):#x}>"
    a.chainDeferred(b)
    c.addCallback(lambda r: a)
    c.callback(None)
    for waits in (b, c):
        assert repr(waits) == f"<Deferred at {id(waits):#x} waiting on Deferred at {id(a):#x}>"
    a.callback(1)
    assert repr(b) == f"<Deferred at {id(b):#x} current result: 1>"


# -- any tree of Deferreds


@st.composite
def scripts(draw):
    """A number of Deferreds, and things to do with them, in any order."""
    count = draw(st.integers(1, 6))
    one = st.integers(0, count - 1)
    step = st.one_of(
        st.tuples(st.just("fire"), one),
        st.tuples(st.just("fail"), one),
        st.tuples(st.just("cancel"), one),
        st.tuples(st.just("pause"), one),
        st.tuples(st.just("unpause"), one),
        st.tuples(st.just("add"), one),
        st.tuples(st.just("chain"), one, one),
        st.tuples(st.just("raise"), one),
        st.tuples(st.just("mend"), one),
        st.tuples(st.just("timeout"), one, st.integers(0, 9)),
        st.tuples(st.just("advance"), st.integers(0, 9)),
    )
    return count, draw(st.lists(step, max_size=40))


@given(scripts())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_calls_each_callback_once_and_in_order_and_reports_each_error(flushLoggedErrors, script):
    count, steps = script
    clock = Clock()
    deferreds = [Deferred() for _ in range(count)]
    used = [False] * count  # returned from a callback: may not be returned twice
    calls = {n: [] for n in range(count)}
    added = dict.fromkeys(range(count), 0)
    pauses = dict.fromkeys(range(count), 0)

    def note(result, n, number, then=None):
        calls[n].append(number)
        if then == "raise":
            raise ValueError(number)
        if then is not None:
            return then
        return result

    def add(n, then=None):
        deferreds[n].addBoth(note, n, added[n], then)
        added[n] += 1

    for step in steps:
        kind, n = step[0], step[1]
        if kind == "advance":
            clock.advance(n)
            continue
        d = deferreds[n]
        if kind == "fire" and not d.called:
            d.callback(n)
        elif kind == "fail" and not d.called:
            d.errback(ValueError(n))
        elif kind == "cancel":
            d.cancel()
        elif kind == "pause":
            pauses[n] += 1
            d.pause()
        elif kind == "unpause" and pauses[n]:
            pauses[n] -= 1
            d.unpause()
        elif kind == "add":
            add(n)
        elif kind == "chain" and step[2] > n and not used[step[2]]:
            used[step[2]] = True
            add(n, deferreds[step[2]])
        elif kind == "raise":
            add(n, "raise")
        elif kind == "mend":
            d.addErrback(lambda f: None)
        elif kind == "timeout":
            d.addTimeout(step[2], clock)
    for n, d in enumerate(deferreds):
        while pauses[n]:
            pauses[n] -= 1
            d.unpause()
    # the innermost first, so that all who wait get their result
    for d in reversed(deferreds):
        if not d.called:
            d.callback(None)
    assert clock.calls == []  # a result stops the clock
    unhandled = 0
    for n, d in enumerate(deferreds):
        assert calls[n] == list(range(added[n])), f"Deferred {n}"
        assert d.paused == 0
        unhandled += isinstance(d.result, Failure)
    assert flushLoggedErrors() == []
    del d
    deferreds.clear()
    reported = len(flushLoggedErrors())
    if reported < unhandled:  # some are in a circle
        gc.collect()
        reported += len(flushLoggedErrors())
    assert reported == unhandled


def test_the_traceback_of_a_rested_error_names_its_origin_when_it_is_awaited():
    def origin(r):
        raise ValueError("early")

    d = succeed(None).addCallback(origin)  # rests here: its frames are let go

    async def user():
        await d

    got = result_of(Deferred.fromCoroutine(user()))
    text = "".join(traceback.format_exception(got[0].value))
    assert "in origin" in text


def test_failure_result_stays_a_failure():
    assert isinstance(result_of(fail(KeyError()))[0], Failure)


@pytest.mark.parametrize("fire", [lambda d: d.callback(1), lambda d: d.errback(KeyError()), lambda d: d.cancel()])
def test_a_fired_deferred_lets_its_canceller_go(fire):
    import weakref

    class Canceller:
        def __call__(self, d):
            pass

    canceller = Canceller()
    gone = weakref.ref(canceller)
    d = Deferred(canceller)
    del canceller
    fire(d)
    assert gone() is None
    d.addErrback(lambda f: None)
