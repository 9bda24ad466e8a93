"""Coroutines that Plait drives, and Deferreds awaited in asyncio's Tasks, on each engine."""

import asyncio
import contextvars
import gc
import threading
import traceback

import anyio
import pytest

from plait.deferred import CancelledError, Deferred, ensureDeferred, fail, succeed
from plait.engine.loops import new_loop

ENGINES = ["asyncio", "uvloop"]


def result_of(d):
    got = []
    d.addBoth(got.append)
    return got


@pytest.fixture(params=ENGINES)
def run(request):
    """Run a coroutine function as asyncio does, in a Task on a new loop of the engine."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")

    def run(main):
        with asyncio.Runner(loop_factory=lambda: new_loop(request.param)) as runner:
            return runner.run(main())

    return run


def driven(coroutine):
    """Await in a Task what Plait drives, so that a test runs in the loop."""
    return ensureDeferred(coroutine)


# -- without a loop


def test_it_starts_at_once_and_goes_on_in_the_call_that_fires():
    a, seen = Deferred(), []

    async def work():
        seen.append("started")
        seen.append(await a)
        return "done"

    d = ensureDeferred(work())
    assert seen == ["started"]
    a.callback("fired")
    assert seen == ["started", "fired"]
    assert result_of(d) == ["done"]


def test_what_is_there_is_not_waited_for():
    async def work():
        return await succeed(1) + await succeed(2)

    assert result_of(ensureDeferred(work())) == [3]


def test_none_arrives_as_none():
    a = Deferred()

    async def work():
        return [await a, await succeed(None)]

    d = ensureDeferred(work())
    a.callback(None)
    assert result_of(d) == [[None, None]]


def test_errors_are_raised_at_the_await():
    a = Deferred()

    async def work():
        for d in (a, fail(KeyError("b"))):
            try:
                await d
            except (ValueError, KeyError) as e:
                seen.append(e.args[0])

    seen = []
    ensureDeferred(work())
    a.errback(ValueError("a"))
    assert seen == ["a", "b"]


def test_coroutines_await_coroutines_and_the_traceback_shows_the_chain_only():
    a = Deferred()

    async def inner():
        await a

    async def outer():
        await ensureDeferred(inner())

    d = ensureDeferred(outer())
    a.errback(ValueError("x"))
    (failure,) = result_of(d)
    text = "".join(traceback.format_exception(failure.value)) + failure.getTraceback()
    assert "in inner" in text and "in outer" in text
    assert "plait/deferred" not in text


def test_a_turn_of_the_loop_without_a_loop_is_a_clear_error():
    async def work():
        await asyncio.sleep(0)

    (failure,) = result_of(ensureDeferred(work()))
    assert failure.check(RuntimeError) and "no loop runs" in failure.getErrorMessage()


def test_what_cannot_be_awaited_is_a_clear_error():
    class Odd:
        def __await__(self):
            yield "odd"

    async def work():
        await Odd()

    (failure,) = result_of(ensureDeferred(work()))
    assert "'odd'" in failure.getErrorMessage()


def test_ensureDeferred_tells_who_forgot_to_call():
    async def work():
        pass

    with pytest.raises(TypeError, match=r"call it, work\(\.\.\.\)"):
        ensureDeferred(work)
    d = Deferred()
    assert ensureDeferred(d) is d


def test_cancel_through_the_deferred_is_at_once():
    a, seen = Deferred(), []

    async def work():
        try:
            await a
        except CancelledError:
            seen.append("cancelled")
            raise

    d = ensureDeferred(work())
    d.cancel()
    assert seen == ["cancelled"]
    assert result_of(d)[0].check(CancelledError)


def test_a_coroutine_that_cancels_itself_is_cancelled_at_its_next_wait():
    async def work():
        me[0].cancel()
        await Deferred()

    me = []

    async def begin():
        await gate
        await work()

    gate = Deferred()
    me.append(ensureDeferred(begin()))
    gate.callback(None)
    assert result_of(me[0])[0].check(CancelledError)


def test_context_variables_are_those_of_the_start():
    var = contextvars.ContextVar("var", default=None)
    a, seen = Deferred(), []

    async def work():
        seen.append(var.get())
        await a
        seen.append(var.get())
        var.set("set inside")

    var.set("start")
    ensureDeferred(work())
    var.set("later")
    a.callback(None)
    assert seen == ["start", "start"] and var.get() == "later"


# -- in a loop


def test_a_deferred_in_a_task(run):
    async def main():
        loop = asyncio.get_running_loop()
        a, b = Deferred(), Deferred()
        loop.call_soon(a.callback, 5)
        loop.call_soon(b.errback, KeyError("k"))
        assert await a == 5
        with pytest.raises(KeyError):
            await b
        assert await succeed("there") == "there"
        with pytest.raises(ValueError):
            await fail(ValueError())

    run(main)


def test_cancelling_the_task_cancels_the_deferred(run):
    async def main():
        cancelled = []
        d = Deferred(cancelled.append)

        async def waits():
            await d

        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cancelled == [d]
        d.addErrback(lambda f: None)

    run(main)


def test_several_tasks_await_one_deferred(run):
    async def main():
        d = Deferred()

        async def waits():
            return await d

        tasks = [asyncio.ensure_future(waits()) for _ in range(2)]
        await asyncio.sleep(0)
        d.callback("first")
        assert (await tasks[0], await tasks[1]) == ("first", None)

    run(main)


def test_asyncio_in_a_driven_coroutine(run):
    async def work():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 1)
        assert await future == 1
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert await asyncio.to_thread(lambda: 2) == 2
        assert await asyncio.gather(asyncio.sleep(0, "a"), asyncio.sleep(0, "b")) == ["a", "b"]
        assert await asyncio.wait_for(asyncio.sleep(0, "w"), 5) == "w"
        queue = asyncio.Queue()
        queue.put_nowait("q")
        assert await queue.get() == "q"
        assert asyncio.current_task() is not None
        return "done"

    async def main():
        assert await driven(work()) == "done"

    run(main)


def test_timeouts_and_task_groups_of_asyncio(run):
    async def slow(d=None):
        async with asyncio.timeout(0.01):
            await (asyncio.sleep(60) if d is None else d)

    async def child():
        await asyncio.sleep(0)
        return 1

    async def failing():
        raise KeyError("child")

    async def group(fails=False):
        async with asyncio.TaskGroup() as g:
            task = g.create_task(child())
            if fails:
                g.create_task(failing())
                await Deferred()  # cancelled by the group
        return task.result()

    async def main():
        cancelled = []
        for d in (None, Deferred(cancelled.append)):
            with pytest.raises(TimeoutError):
                await driven(slow(d))
        assert len(cancelled) == 1
        assert await driven(group()) == 1
        with pytest.raises(ExceptionGroup) as e:
            await driven(group(fails=True))
        assert e.group_contains(KeyError)

    run(main)


def test_scopes_and_groups_of_anyio(run):
    async def work():
        with anyio.move_on_after(0.01) as scope:
            await Deferred()
        assert scope.cancelled_caught
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(60)
        assert scope.cancelled_caught
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.01):
                await anyio.sleep(60)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 60)
            group.cancel_scope.cancel()
        send, receive = anyio.create_memory_object_stream(1)
        async with send, receive:
            await send.send("m")
            return await receive.receive()

    async def main():
        assert await driven(work()) == "m"

    run(main)


def test_cancel_through_the_tasks_face_comes_a_turn_later_with_its_message(run):
    async def main():
        seen = []
        for wait in (Deferred, lambda: asyncio.sleep(60), lambda: asyncio.sleep(0)):
            tasks = []

            async def work(wait=wait, tasks=tasks):
                tasks.append(asyncio.current_task())
                try:
                    while True:
                        await wait()
                except asyncio.CancelledError as e:
                    seen.append(e.args)
                    raise

            d = ensureDeferred(work())
            assert tasks[0].cancel("why") is True
            assert tasks[0].cancelling() == 1
            assert seen == []
            with pytest.raises(asyncio.CancelledError):
                await d
            assert seen.pop() == ("why",)
            assert tasks[0].done() and tasks[0].cancelled()
            assert tasks[0].cancel() is False

    run(main)


def test_cancel_through_the_deferred_while_waiting_for_a_future(run):
    async def main():
        future, seen = asyncio.get_running_loop().create_future(), []

        async def work():
            try:
                await future
            except CancelledError:
                seen.append("at once")

        d = ensureDeferred(work())
        d.cancel()
        assert seen == ["at once"] and future.cancelled() and d.called

    run(main)


def test_the_outer_task_is_the_current_one_again(run):
    async def main():
        outer = asyncio.current_task()
        a = Deferred()

        async def work():
            assert asyncio.current_task() is not outer
            await a
            assert asyncio.current_task() is not outer

        d = ensureDeferred(work())
        assert asyncio.current_task() is outer
        a.callback(None)
        assert asyncio.current_task() is outer
        await d

    run(main)


def test_a_waiting_coroutine_is_among_all_tasks_and_asyncio_ends_it(run):
    seen = []

    async def work():
        try:
            await Deferred()
        except asyncio.CancelledError:
            seen.append("ended")
            raise

    async def main():
        d = ensureDeferred(work())
        assert len(asyncio.all_tasks()) == 2
        assert seen == []
        d.addErrback(lambda f: None)

    run(main)
    assert seen == ["ended"]


def test_futures_both_ways(run):
    async def main():
        loop = asyncio.get_running_loop()
        a = Deferred()
        future = a.asFuture(loop)
        a.callback(1)
        assert await future == 1
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        future.set_result(2)
        assert await d == 2
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        future.set_exception(KeyError("k"))
        with pytest.raises(KeyError):
            await d
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        d.cancel()
        assert future.cancelled()
        with pytest.raises(asyncio.CancelledError):
            await d

        async def stubborn():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return "stays"

        d = Deferred.fromFuture(asyncio.create_task(stubborn()))
        await asyncio.sleep(0)
        d.cancel()
        assert await d == "stays"
        future = loop.create_future()
        future.cancel = lambda: False
        d = Deferred.fromFuture(future)
        d.cancel()
        d.cancel()  # a second time: do not wait for its end
        with pytest.raises(CancelledError):
            await d
        future.set_result("dropped")
        await asyncio.sleep(0)
        cancelled = []
        b = Deferred(cancelled.append)
        b.asFuture(loop).cancel()
        await asyncio.sleep(0)
        assert cancelled == [b]
        b.addErrback(lambda f: None)

    run(main)


def test_context_follows_through_futures_and_deferreds(run):
    var = contextvars.ContextVar("var", default=None)

    async def main():
        async def work():
            await asyncio.sleep(0)
            first = var.get()
            await a
            return first, var.get()

        a = Deferred()
        var.set("mine")
        d = ensureDeferred(work())
        var.set("other")
        asyncio.get_running_loop().call_later(0.01, a.callback, None)
        assert await d == ("mine", "mine")

    run(main)


def test_iterating_over_a_deferred_ends():
    d = Deferred()
    assert list(d) == [d]


def test_yield_from_in_a_generator_that_plait_drives():
    def work():
        return (yield from a), (yield from succeed(2))

    a = Deferred()
    d = ensureDeferred(work())
    a.callback(1)
    assert result_of(d) == [(1, 2)]


def test_a_task_in_another_thread_awaits_a_deferred_while_plait_drives_here(run):
    """One thread's driver must not be taken for what drives in another."""
    passed = threading.Barrier(2, timeout=60)
    results = []

    async def task():
        d = Deferred()
        asyncio.get_running_loop().call_soon(lambda: (passed.wait(), d.callback("in a task")))
        results.append(await d)

    async def driven_coroutine():
        await succeed(None)
        other.start()
        passed.wait()  # it stands here, as the current task of this loop, while the other awaits
        other.join(60)
        results.append("driven")

    async def main():
        await driven(driven_coroutine())

    other = threading.Thread(target=lambda: asyncio.run(task()))
    run(main)
    assert results == ["in a task", "driven"]


def test_what_has_ended_or_is_forgotten_is_no_task(run):
    async def work(d):
        await d

    async def main():
        a, forgotten = Deferred(), Deferred()
        done = ensureDeferred(work(a))
        ensureDeferred(work(forgotten))
        assert len(asyncio.all_tasks()) == 3
        a.callback(None)
        del forgotten
        gc.collect()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await done

    run(main)


def test_an_error_in_nested_coroutines_is_raised_without_a_frame_of_ours():
    d = Deferred()

    async def inner():
        await d

    async def outer():
        await inner()

    result = ensureDeferred(outer())
    d.errback(ValueError("broken"))
    caught = []
    result.addErrback(lambda f: caught.append(f.frames))
    assert [frame.name for frame in caught[0]] == ["outer", "inner"]
