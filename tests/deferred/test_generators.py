"""inlineCallbacks."""

import contextvars

import pytest

from plait.deferred import (
    CancelledError,
    Deferred,
    fail,
    inlineCallbacks,
    maybeDeferred,
    succeed,
)
from plait.deferred.generators import ReturnValue


def result_of(d):
    got = []
    d.addBoth(got.append)
    return got


def test_it_waits_and_returns():
    a = Deferred()

    @inlineCallbacks
    def work(x):
        y = yield a
        z = yield succeed(10)
        plain = yield 7
        return x + y + z + plain

    d = work(1)
    assert not d.called
    a.callback(100)
    assert result_of(d) == [118]


def test_an_error_is_raised_at_the_yield():
    @inlineCallbacks
    def work():
        try:
            yield fail(KeyError("k"))
        except KeyError as e:
            return e.args

    assert result_of(work()) == [("k",)]


def test_an_error_that_leaves_the_generator_is_the_result():
    @inlineCallbacks
    def inner():
        yield succeed(1)
        raise ValueError("deep")

    @inlineCallbacks
    def outer():
        yield inner()

    (failure,) = result_of(outer())
    assert failure.check(ValueError)
    text = failure.getTraceback()
    assert "in outer" in text and "in inner" in text and "plait/deferred" not in text


def test_a_coroutine_is_waited_for_too():
    wait = Deferred()

    async def twice(x):
        return 2 * await x

    async def fails():
        raise KeyError("no")

    @inlineCallbacks
    def work():
        with pytest.raises(KeyError):
            yield fails()
        return (yield twice(succeed(1))), (yield twice(wait))

    done = work()
    wait.callback(2)
    assert result_of(done) == [(2, 4)]
    wait = Deferred()
    done = work()
    done.cancel()
    assert result_of(done)[0].type is CancelledError


def test_a_coroutine_that_comes_after_the_end_is_not_started():
    async def never():
        pytest.fail("started")

    start = Deferred()
    done = []

    @inlineCallbacks
    def outer():
        yield start
        done[0].cancel()
        yield never()

    done.append(outer())
    start.callback(None)
    assert result_of(done[0])[0].type is CancelledError


def test_ReturnValue_ends_the_generator_and_warns_if_it_comes_from_elsewhere():
    def end(value):
        raise ReturnValue(value)

    @inlineCallbacks
    def work():
        yield succeed(1)
        end("old")

    assert result_of(work()) == ["old"]

    def mistaken():
        end("mistake")

    @inlineCallbacks
    def misled():
        mistaken()
        yield

    with pytest.warns(DeprecationWarning, match="'mistaken' causing 'misled' to exit") as caught:
        assert result_of(misled()) == ["mistake"]
    assert caught[0].filename == __file__ and caught[0].lineno == mistaken.__code__.co_firstlineno + 1
    with pytest.raises(TypeError, match="inlineCallbacks needs a generator"):
        inlineCallbacks(mistaken)()


def test_a_function_that_is_no_generator_is_refused():
    @inlineCallbacks
    def work():
        return 5

    with pytest.raises(TypeError, match="no yield"):
        work()


def test_cancelling_cancels_what_is_waited_for():
    cancelled = []
    a = Deferred(cancelled.append)

    @inlineCallbacks
    def work():
        yield a

    d = work()
    d.cancel()
    assert cancelled == [a]
    assert result_of(d)[0].check(CancelledError)


def test_a_generator_that_handles_the_cancelling_goes_on():
    more = Deferred()

    @inlineCallbacks
    def work():
        try:
            yield Deferred()
        except CancelledError:
            pass
        return (yield more)

    d = work()
    d.cancel()
    assert not d.called
    more.callback("the result all the same")
    assert result_of(d) == ["the result all the same"]


def test_it_runs_in_the_context_it_was_called_in():
    var = contextvars.ContextVar("var", default="none")
    a, seen = Deferred(), []

    @inlineCallbacks
    def work():
        seen.append(var.get())
        yield a
        seen.append(var.get())
        var.set("inside")

    var.set("mine")
    work()
    var.set("other")
    a.callback(None)
    assert seen == ["mine", "mine"]
    assert var.get() == "other"


def test_many_fired_deferreds_do_not_recurse():
    @inlineCallbacks
    def work():
        total = 0
        for _ in range(50_000):
            total += yield succeed(1)
        return total

    assert result_of(work()) == [50_000]


def test_maybeDeferred():
    async def coroutine():
        return "c"

    def raises():
        raise KeyError

    waiting = Deferred()
    assert result_of(maybeDeferred(lambda: 5)) == [5]
    assert result_of(maybeDeferred(coroutine)) == ["c"]
    assert result_of(maybeDeferred(raises))[0].check(KeyError)
    assert maybeDeferred(lambda: waiting) is waiting
