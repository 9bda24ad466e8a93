"""Threads."""

import pickle
import threading
import weakref

import pytest

from plait import Deferred, Reactor, deferToThread, gatherResults, reactor
from plait.engine import ThreadPool, blockingCallFromThread, callMultipleInThread
from plait.errors import ReactorNotRunning


async def test_deferToThread_gives_the_result_in_the_reactors_thread():
    here = threading.get_ident()
    there = await deferToThread(threading.get_ident)
    assert there != here and threading.get_ident() == here
    assert reactor.threadIdent() == here


async def test_an_error_in_the_thread_is_the_deferreds():
    with pytest.raises(KeyError):
        await deferToThread({}.__getitem__, "missing")


async def test_many():
    results = await gatherResults([deferToThread(pow, n, 2) for n in range(100)])
    assert results == [n * n for n in range(100)]


async def test_callFromThread_wakes_the_reactor(flushLoggedErrors):
    done = Deferred()

    def work():
        reactor.callFromThread(lambda: 1 / 0)
        reactor.callFromThread(done.callback, threading.get_ident())

    thread = threading.Thread(target=work)
    thread.start()
    assert await done == thread.ident
    thread.join()
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_callInThread_logs_an_error(flushLoggedErrors):
    done = Deferred()

    def work():
        reactor.callFromThread(done.callback, None)
        raise KeyError

    reactor.callInThread(work)
    await done
    await deferToThread(lambda: None)
    while not (errors := flushLoggedErrors(KeyError)):
        await deferToThread(lambda: None)
    assert len(errors) == 1


async def test_callMultipleInThread_keeps_the_order():
    seen, done = [], Deferred()
    callMultipleInThread(
        [(seen.append, (1,), {}), (seen.append, (2,), {}), (reactor.callFromThread, (done.callback, None), {})]
    )
    await done
    assert seen == [1, 2]


async def test_blockingCallFromThread():
    def asks():
        late = Deferred()
        reactor.callFromThread(reactor.callLater, 0.01, late.callback, "late")
        with pytest.raises(ZeroDivisionError):
            blockingCallFromThread(reactor, lambda: 1 / 0)
        return blockingCallFromThread(reactor, lambda: late)

    assert await deferToThread(asks) == "late"
    with pytest.raises(RuntimeError, match="own thread"):
        blockingCallFromThread(reactor, lambda: None)


def test_work_asked_for_before_the_start_is_done_then():
    r = Reactor()
    seen = []
    r.callInThread(lambda: (seen.append(1), r.callFromThread(r.stop)))
    assert seen == []
    r.run()
    assert seen == [1]
    r.loop.close()


def test_the_size_can_be_set():
    pool = ThreadPool(0, 1)
    pool.adjustPoolsize(maxthreads=3)
    pool.start()
    barrier = threading.Barrier(3, timeout=30)
    done = [threading.Event() for _ in range(3)]
    for event in done:
        pool.callInThread(lambda e=event: (barrier.wait(), e.set()))
    assert all(event.wait(30) for event in done)
    pool.stop()
    assert not pool.started


def test_a_pool_has_its_smallest_number_of_threads_from_the_start():
    for least, most in ((0, 5), (3, 10), (3, 2)):
        pool = ThreadPool(least, most)
        assert pool.threads == []
        pool.start()
        assert len(pool.threads) == min(least, most)
        pool.stop()


def test_the_pool_of_a_reactor_is_there_when_its_size_was_suggested():
    r = Reactor()
    r.suggestThreadPoolSize(3)
    assert r.threadpool.max == 3
    r.suggestThreadPoolSize(2)
    assert r.threadpool.max == 2
    r.callWhenRunning(r.stop)
    r.run()
    assert r.getThreadPool().max == 2  # and so it is for the next run
    r.loop.close()


def test_a_pool_that_is_to_have_no_threads_works_all_the_same():
    for size in (0, 2):
        pool, done = ThreadPool(0, size), threading.Event()
        pool.start()
        pool.adjustPoolsize(maxthreads=0)
        pool.callInThread(done.set)
        assert done.wait(30)
        pool.stop()


def test_who_works_and_who_waits():
    pool = ThreadPool(0, 2, "rope")
    assert (pool.threads, pool.waiters, pool.working, pool._queue.qsize()) == ([], [], [], 0)
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        go_on.wait(10)

    pool.callInThread(work)
    pool.start()
    assert begun.wait(10)
    assert pool.workers == 1 and pool.working == pool.threads and pool.waiters == []
    go_on.set()
    pool.callInThread(ended.set)
    assert ended.wait(10)
    pool.stop()
    assert pool.working == [] and pool.workers == 0


def test_a_pool_in_a_pickle():
    pool = pickle.loads(pickle.dumps(ThreadPool(3, 7, "rope")))
    assert (pool.min, pool.max, pool.name, pool.started) == (3, 7, "rope", False)


def test_what_a_call_needed_is_free_when_its_result_is_told():
    class Thing:
        pass

    pool = ThreadPool(0, 1)
    thing, told = Thing(), threading.Event()
    alive = weakref.ref(thing)
    seen = []
    begun = threading.Event()

    def told_of(success, result):
        begun.wait(10)
        seen.append(alive())
        told.set()

    pool.callInThreadWithCallback(told_of, lambda given: None, thing)
    pool.start()
    del thing
    begun.set()
    assert told.wait(10)
    pool.stop()
    assert seen == [None]


def test_the_reactor_lets_go_of_its_pool_when_it_has_stopped():
    own = Reactor()
    own.suggestThreadPoolSize(3)
    for _ in range(2):
        pool = own.getThreadPool()
        assert own.threadpool is pool and not pool.started
        seen = []

        def running(pool=pool, seen=seen):
            seen.append((pool.started, pool.joined))
            own.stop()

        own.callWhenRunning(running)
        own.run()
        assert seen == [(True, False)]
        assert (pool.started, pool.joined, pool.max) == (False, True, 3)
        assert own.threadpool is None
    own.loop.close()


def test_a_shutdown_before_any_run_ends_the_pool():
    own = Reactor()
    pool = own.getThreadPool()
    own.fireSystemEvent("shutdown")
    assert pool.joined and own.threadpool is None


def test_the_older_name_of_the_current_thread_warns():
    with pytest.warns(DeprecationWarning, match=r"use threading\.current_thread instead"):
        assert ThreadPool.currentThread() is threading.current_thread()


@pytest.mark.parametrize("error", [KeyError, SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_whatever_a_thread_raises_is_told_and_the_thread_goes_on(error, flushLoggedErrors):
    pool = ThreadPool(0, 1)
    pool.start()

    def fails():
        raise error("in a thread")

    pool.callInThread(fails)
    told, done = [], threading.Event()
    pool.callInThreadWithCallback(lambda *result: told.append(result), fails)
    pool.callInThreadWithCallback(lambda *result: told.append(result) or fails(), lambda: "good")
    pool.callInThread(done.set)
    assert done.wait(10) and pool.workers == 1
    pool.stop()
    assert told[0][0] is False and told[0][1].check(error)
    assert told[1] == (True, "good")
    assert len(flushLoggedErrors(error)) == 2
    with pytest.raises(error, match="in a thread"):
        await deferToThread(fails)


def test_a_pool_that_is_stopped_while_busy_waits_for_what_has_begun_and_drops_the_rest(reactor):
    reactor.suggestThreadPoolSize(1)
    ending, seen = threading.Event(), []
    reactor.addSystemEventTrigger("during", "shutdown", ending.set)

    def work():
        for _ in range(3):
            reactor.callInThread(seen.append, "had not begun")
        reactor.callFromThread(reactor.stop)
        ending.wait(10)
        while reactor.threadpool is not None:
            pass
        reactor.callInThread(seen.append, "asked for at the end")
        seen.append("had begun")

    reactor.callWhenRunning(reactor.callInThread, work)
    reactor.run(installSignalHandlers=False)
    assert seen == ["had begun"]
    reactor.callWhenRunning(reactor.callInThread, reactor.callFromThread, reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert seen == ["had begun", "asked for at the end"]


def stopped_while_busy(reactor, work):
    """Run `reactor`, have `work` done in a thread, and stop as soon as that has begun. What it did."""
    did = []

    def thread():
        reactor.callFromThread(reactor.stop)
        work(did)

    reactor.callWhenRunning(reactor.callInThread, thread)
    reactor.run(installSignalHandlers=False)
    return did


def test_a_thread_that_waits_for_the_reactor_does_not_hold_up_its_end(reactor):
    def work(did):
        for _ in range(2):
            with pytest.raises(ReactorNotRunning, match="has ended"):
                blockingCallFromThread(reactor, Deferred)  # which nobody fires
            did.append("told")

    assert stopped_while_busy(reactor, work) == ["told", "told"]
    assert stopped_while_busy(reactor, lambda did: None) == []
    # and the next run answers again
    reactor.callWhenRunning(
        reactor.callInThread, lambda: blockingCallFromThread(reactor, reactor.callLater, 0, reactor.stop)
    )
    reactor.run(installSignalHandlers=False)
