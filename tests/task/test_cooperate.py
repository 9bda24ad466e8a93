"""Long work in small steps."""

import gc
import weakref

import pytest

from plait.deferred import Deferred
from plait.task import (
    Clock,
    Cooperator,
    NotPaused,
    SchedulerStopped,
    TaskDone,
    TaskFailed,
    TaskStopped,
    coiterate,
    cooperate,
)


def stepping(**kw):
    """A cooperator that takes one step in each second of its clock."""
    clock = Clock()
    return Cooperator(lambda: lambda: True, lambda f: clock.callLater(1, f), **kw), clock


def result_of(d):
    got = []
    d.addBoth(got.append)
    return got


def test_iterators_take_turns():
    c, clock = stepping()
    seen = []
    first = c.coiterate(iter(seen.append(("a", n)) for n in range(2)))
    done = [result_of(first), result_of(c.coiterate(iter(seen.append(("b", n)) for n in range(2))))]
    clock.pump([1] * 6)
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert all(len(d) == 1 for d in done) and clock.getDelayedCalls() == []


def test_a_yielded_deferred_is_waited_for():
    c, clock = stepping()
    wait, seen = Deferred(), []

    def work():
        seen.append("before")
        yield wait
        seen.append("after")

    done = result_of(c.coiterate(work()))
    clock.pump([1, 1, 1])
    assert seen == ["before"] and clock.getDelayedCalls() == []
    wait.callback(None)
    clock.pump([1, 1])
    assert seen == ["before", "after"] and len(done) == 1


@pytest.mark.parametrize("way", ["raises", "yields a failure"])
def test_an_error_ends_the_task(way):
    c, clock = stepping()
    wait = Deferred()

    def work():
        if way == "raises":
            raise KeyError
        yield wait

    task = c.cooperate(work())
    done = result_of(task.whenDone())
    clock.advance(1)
    if way != "raises":
        wait.errback(KeyError())
    assert done[0].check(KeyError)
    with pytest.raises(TaskFailed):
        task.pause()


def test_pause_resume_and_stop():
    c, clock = stepping()
    seen = []
    task = c.cooperate(iter(seen.append(n) for n in range(10)))
    clock.advance(1)
    task.pause()
    task.pause()
    clock.pump([1, 1])
    task.resume()
    clock.pump([1, 1])
    assert seen == [0]
    task.resume()
    clock.advance(1)
    assert seen == [0, 1]
    with pytest.raises(NotPaused):
        task.resume()
    done = result_of(task.whenDone())
    task.stop()
    assert done[0].check(TaskStopped)
    with pytest.raises(TaskStopped):
        task.stop()
    assert clock.getDelayedCalls() == []


def test_an_end_is_remembered():
    c, clock = stepping()
    iterator = iter([None])
    task = c.cooperate(iterator)
    clock.pump([1, 1])
    assert result_of(task.whenDone()) == [iterator]
    with pytest.raises(TaskDone):
        task.stop()


def test_stopping_the_cooperator_ends_all_and_refuses_more():
    c, clock = stepping()
    done = result_of(c.coiterate(iter([1])))
    c.stop()
    assert done[0].check(SchedulerStopped) and not c.running
    assert result_of(c.coiterate(iter([1])))[0].check(SchedulerStopped)
    assert clock.getDelayedCalls() == []


def test_stopping_the_cooperator_ends_those_that_wait():
    c, clock = stepping()
    outstanding = Deferred()
    waits, paused = c.cooperate(iter([outstanding])), c.cooperate(iter([1]))
    paused.pause()
    clock.advance(1)
    ends = [result_of(task.whenDone()) for task in (waits, paused)]
    c.stop()
    assert [end[0].type for end in ends] == [SchedulerStopped] * 2
    outstanding.callback(None)
    paused.resume()
    c.start()
    assert clock.calls == []


def test_the_end_of_one_may_stop_another_while_the_cooperator_stops():
    c, _ = stepping()
    first, second = c.cooperate(iter([1])), c.cooperate(iter([1]))
    first.whenDone().addErrback(lambda f: second.stop())
    end = result_of(second.whenDone())
    c.stop()
    assert [f.type for f in end] == [TaskStopped]


def test_a_task_that_nobody_can_resume_is_not_kept():
    c, _ = stepping()
    task = c.cooperate(iter([1]))
    task.pause()
    gone = weakref.ref(task)
    del task
    gc.collect()
    assert gone() is None


def test_one_that_comes_later_gets_its_turn():
    c, clock = stepping()
    seen = []
    c.coiterate(iter(seen.append("a") for _ in range(100)))
    clock.pump([1, 1])
    c.coiterate(iter(seen.append("b") for _ in range(100)))
    clock.pump([1] * 4)
    assert sorted(seen[-4:]) == ["a", "a", "b", "b"]


def test_it_may_be_started_later():
    c, clock = stepping(started=False)
    done = result_of(c.coiterate(iter([1])))
    clock.pump([1, 1])
    assert done == []
    c.start()
    clock.pump([1, 1])
    assert len(done) == 1


async def test_the_shared_cooperator_works_on_the_reactor():
    seen = []
    await coiterate(iter(seen.append(n) for n in range(1000)))
    assert seen == list(range(1000))
    task = cooperate(iter([1]))
    await task.whenDone()
