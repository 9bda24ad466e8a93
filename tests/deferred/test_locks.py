"""Locks, semaphores, queues, and the race."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import (
    CancelledError,
    Deferred,
    DeferredLock,
    DeferredQueue,
    DeferredSemaphore,
    FailureGroup,
    QueueOverflow,
    QueueUnderflow,
    ensureDeferred,
    fail,
    race,
    succeed,
)


def result_of(d):
    got = []
    d.addBoth(got.append)
    return got


@pytest.mark.parametrize(("make", "tokens"), [(DeferredLock, 1), (lambda: DeferredSemaphore(3), 3)])
def test_no_more_than_its_tokens_hold_it_and_in_order(make, tokens):
    lock, got = make(), []
    for n in range(6):
        lock.acquire().addCallback(lambda held, n=n: got.append((n, held is lock)))
    assert got == [(n, True) for n in range(tokens)]
    for _ in range(6):
        lock.release()
    assert [n for n, _ in got] == list(range(6))
    with pytest.raises(RuntimeError, match="release"):
        lock.release()


def test_giving_up_waiting():
    lock = DeferredLock()
    lock.acquire()
    waits = lock.acquire()
    third = result_of(lock.acquire())
    waits.cancel()
    assert result_of(waits)[0].check(CancelledError)
    lock.release()
    assert third == [lock]


def test_run_releases_whatever_happens():
    lock, late = DeferredLock(), Deferred()
    first = result_of(lock.run(lambda x: late, 1))
    second = result_of(lock.run(lambda: 1 / 0))

    async def coroutine():
        return "c"

    third = result_of(lock.run(coroutine))
    assert (first, second, lock.locked) == ([], [], True)
    late.callback("done")
    assert first == ["done"] and second[0].check(ZeroDivisionError) and third == ["c"]
    assert not lock.locked


def test_async_with():
    lock, gate = DeferredLock(), Deferred()

    async def work(n, log):
        async with lock as held:
            assert held is lock
            log.append(n)
            await gate

    log = []
    results = [result_of(ensureDeferred(work(n, log))) for n in range(2)]
    assert log == [0]
    gate.callback(None)
    assert log == [0, 1] and results == [[None], [None]] and not lock.locked


def test_a_semaphore_needs_a_token():
    with pytest.raises(ValueError, match="tokens >= 1"):
        DeferredSemaphore(0)


@given(st.lists(st.booleans(), max_size=60))
def test_a_queue_gives_each_object_once_and_in_order(puts):
    queue, got, put, wanted = DeferredQueue(), [], 0, 0
    for is_put in puts:
        if is_put:
            queue.put(put)
            put += 1
        else:
            queue.get().addCallback(got.append)
            wanted += 1
        assert got == list(range(min(put, wanted)))
        assert (len(queue.pending), len(queue.waiting)) == (max(0, put - wanted), max(0, wanted - put))


def test_a_queues_bounds():
    queue = DeferredQueue(size=1, backlog=1)
    queue.put(1)
    with pytest.raises(QueueOverflow):
        queue.put(2)
    assert result_of(queue.get()) == [1]
    waits = queue.get()
    with pytest.raises(QueueUnderflow):
        queue.get()
    waits.cancel()
    assert result_of(waits)[0].check(CancelledError) and queue.waiting == []


def test_the_first_result_wins_and_the_others_are_cancelled():
    cancelled = []
    ds = [Deferred(lambda d, n=n: cancelled.append(n)) for n in range(3)]
    got = result_of(race(ds))
    ds[0].errback(KeyError())
    assert got == []
    ds[2].callback("first")
    assert got == [(2, "first")] and cancelled == [1]


def test_a_race_that_all_lose():
    got = result_of(race([fail(KeyError("a")), fail(ValueError("b"))]))
    assert [f.type for f in got[0].value.failures] == [KeyError, ValueError]
    assert got[0].check(FailureGroup)


def test_cancelling_a_race_cancels_all():
    cancelled = []
    d = race([Deferred(cancelled.append), Deferred(cancelled.append)])
    d.cancel()
    assert len(cancelled) == 2 and result_of(d)[0].check(FailureGroup)
    assert result_of(race([succeed(1)])) == [(0, 1)]
