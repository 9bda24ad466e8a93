"""DeferredList and gatherResults."""

import pytest

from plait.deferred import (
    CancelledError,
    Deferred,
    DeferredList,
    FirstError,
    fail,
    gatherResults,
    succeed,
)


def test_all_results_in_order_whatever_the_order_of_firing():
    a, b, c = Deferred(), Deferred(), Deferred()
    got = []
    DeferredList([a, b, c]).addCallback(got.append)
    c.callback(3)
    a.callback(1)
    assert got == []
    b.callback(2)
    assert got == [[(True, 1), (True, 2), (True, 3)]]


def test_an_error_is_a_pair_too_and_stays_unhandled_unless_consumed(flushLoggedErrors):
    error = KeyError("x")
    for consume in (True, False):
        one = fail(error)
        got = []
        DeferredList([one, succeed(1)], consumeErrors=consume).addCallback(got.extend)
        assert got[0][0] is False and got[0][1].value is error and got[1] == (True, 1)
        left = []
        one.addBoth(left.append)
        assert (left == [None]) is consume


def test_fire_on_one_callback():
    a, b, got = Deferred(), Deferred(), []
    DeferredList([a, b], fireOnOneCallback=True).addCallback(got.append)
    b.callback("b")
    a.callback("a")
    assert got == [("b", 1)]


def test_fire_on_one_errback():
    a, b, got = Deferred(), Deferred(), []
    DeferredList([a, b], fireOnOneErrback=True, consumeErrors=True).addErrback(got.append)
    b.errback(KeyError("b"))
    assert got[0].check(FirstError)
    assert (got[0].value.index, got[0].value.subFailure.type) == (1, KeyError)
    a.callback(None)
    assert len(got) == 1


def test_an_empty_list_fires_at_once_unless_it_waits_for_one():
    got = []
    DeferredList([]).addCallback(got.append)
    assert got == [[]]
    assert not DeferredList([], fireOnOneCallback=True).called


def test_the_list_may_be_changed_by_its_owner_afterwards():
    a = Deferred()
    items = [a]
    d = DeferredList(items)
    items.clear()
    a.callback(1)
    got = []
    d.addCallback(got.append)
    assert got == [[(True, 1)]]


def test_cancel_cancels_all():
    cancelled = []
    members = [Deferred(lambda d, n=n: cancelled.append(n)) for n in range(3)]
    d = DeferredList(members, consumeErrors=True)
    d.cancel()
    got = []
    d.addCallback(got.extend)
    assert cancelled == [0, 1, 2]
    assert [r[1].type for r in got] == [CancelledError] * 3


def test_cancel_goes_on_when_a_canceller_raises(flushLoggedErrors):
    def bad(d):
        raise RuntimeError("no")

    other = []
    waits_on = Deferred(bad)
    d = DeferredList([waits_on, Deferred(other.append)], consumeErrors=True)
    d.cancel()
    assert len(flushLoggedErrors(RuntimeError)) == 1
    got = []
    d.addCallback(got.extend)
    assert got == [] and len(other) == 1
    waits_on.callback("all the same")
    assert got[0] == (True, "all the same") and got[1][1].type is CancelledError


def test_gatherResults_gives_plain_results():
    a, got = Deferred(), []
    gatherResults([succeed(1), a]).addCallback(got.append)
    a.callback(2)
    assert got == [[1, 2]]
    gatherResults([]).addCallback(got.append)
    assert got[1:] == [[]]


def test_gatherResults_fails_with_the_first_error():
    a, got = Deferred(), []
    d = gatherResults([a, fail(KeyError("k"))], consumeErrors=True)
    d.addErrback(got.append)
    assert got[0].value.subFailure.type is KeyError
    assert "KeyError" in str(got[0].value)
    a.errback(ValueError())  # consumed


def test_cancelling_gatherResults():
    a = Deferred()
    d = gatherResults([a], consumeErrors=True)
    d.cancel()
    got = []
    d.addErrback(got.append)
    assert got[0].value.subFailure.check(CancelledError)


def test_first_errors_compare_by_place_and_failure():
    failure = object()
    assert FirstError(failure, 1) == FirstError(failure, 1)
    assert FirstError(failure, 1) != FirstError(failure, 2)
    with pytest.raises(FirstError):
        raise FirstError(failure, 1)
