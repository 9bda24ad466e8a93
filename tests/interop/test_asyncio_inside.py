"""What asyncio's documentation promises, in a coroutine that Plait drives; and the same in asyncio's own Task.

Each test runs in both (`either`), so that a difference between the two would show.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading

import pytest

from plait import Deferred, ensureDeferred
from plait.current import getReactor


def test_timeouts(either):
    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01) as scope:
                await asyncio.sleep(60)
        assert scope.expired()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(loop.time() + 0.01):
                await Deferred()

        # one that is put off does not expire; one that is over already does at the first wait
        async with asyncio.timeout(0.01) as scope:
            scope.reschedule(loop.time() + 60)
            await asyncio.sleep(0.02)
        assert not scope.expired()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(-1):
                await asyncio.sleep(60)

        # the inner one ends, the outer one does not notice
        async with asyncio.timeout(60) as outer:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01) as inner:
                    await asyncio.Event().wait()
        assert inner.expired() and not outer.expired()
        # and the outer one goes through the inner one
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01) as outer:
                async with asyncio.timeout(60) as inner:
                    await asyncio.Event().wait()
        assert outer.expired() and not inner.expired()
        assert asyncio.current_task().cancelling() == 0

    either(main)


def test_task_groups(either):
    async def give(value, after=0):
        await asyncio.sleep(after)
        return value

    async def add_one(group, tasks):
        await asyncio.sleep(0)
        tasks.append(group.create_task(give(3)))

    async def fail(error):
        await asyncio.sleep(0)
        raise error

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(give(n), name=f"t{n}") for n in range(3)]
            group.create_task(add_one(group, tasks))
        assert [task.result() for task in tasks] == [0, 1, 2, 3]

        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                sibling = group.create_task(asyncio.sleep(60))
                group.create_task(fail(KeyError("a")))
                group.create_task(fail(ValueError("b")))
        assert sorted(type(error).__name__ for error in caught.value.exceptions) == ["KeyError", "ValueError"]
        assert sibling.cancelled()

        # a child's failure cancels the body, wherever it waits
        for wait in (Deferred, lambda: asyncio.sleep(60), asyncio.Event().wait):
            seen = []
            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail(KeyError()))
                    try:
                        await wait()
                    except asyncio.CancelledError:
                        seen.append("cancelled")
                        raise
            assert seen == ["cancelled"]

        # the body's error cancels the children
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                child = group.create_task(asyncio.sleep(60))
                await asyncio.sleep(0)
                raise LookupError("body")
        assert child.cancelled() and caught.group_contains(LookupError)
        await asyncio.sleep(0)  # nothing is left over that would cancel this

    either(main)


def test_gather_wait_for_wait_and_as_completed(either):
    async def fail():
        raise KeyError("k")

    async def main():
        waiting = asyncio.ensure_future(asyncio.sleep(60))
        one, error = await asyncio.gather(asyncio.sleep(0, 1), fail(), return_exceptions=True)
        assert one == 1 and isinstance(error, KeyError)
        with pytest.raises(KeyError):
            await asyncio.gather(asyncio.sleep(60), fail())

        assert await asyncio.wait_for(asyncio.sleep(0, "r"), 60) == "r"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0.01)
        assert waiting.cancelled()

        tasks = [asyncio.ensure_future(asyncio.sleep(n, n)) for n in (0, 60)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({tasks[0]}, {tasks[1]})
        done, pending = await asyncio.wait(tasks, timeout=0.01)
        assert (done, pending) == ({tasks[0]}, {tasks[1]})
        tasks[1].cancel()

        results = [await first for first in asyncio.as_completed([asyncio.sleep(0.02, "b"), asyncio.sleep(0, "a")])]
        assert results == ["a", "b"]
        with pytest.raises(TimeoutError):
            for first in asyncio.as_completed([asyncio.sleep(0, "a"), asyncio.sleep(60)], timeout=0.02):
                await first

    either(main)


def test_shield(either):
    async def main():
        inner = asyncio.ensure_future(asyncio.sleep(0.03, "kept"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.shield(inner)
        assert not inner.done()
        assert await inner == "kept"

        outer = ensureDeferred(keep(inner2 := asyncio.ensure_future(asyncio.sleep(0.01, "kept"))))
        outer.cancel()
        assert outer.called
        outer.addErrback(lambda failure: None)
        assert await inner2 == "kept"

    async def keep(future):
        await asyncio.shield(future)

    either(main)


def test_locks_events_conditions_semaphores_barriers_and_queues(either):
    async def main():
        log, inside, most = [], [], []

        async def worker(n, lock, semaphore):
            async with lock:
                log.append(n)
                await asyncio.sleep(0)
                log.append(n)
            async with semaphore:
                inside.append(n)
                most.append(len(inside))
                for _ in range(10):
                    await asyncio.sleep(0)
                inside.remove(n)

        lock, semaphore = asyncio.Lock(), asyncio.BoundedSemaphore(2)
        workers = [ensureDeferred(worker(n, lock, semaphore)) for n in range(3)]
        workers += [asyncio.ensure_future(worker(n, lock, semaphore)) for n in range(3, 6)]
        for w in workers:
            await w
        assert log[::2] == log[1::2] and sorted(log[::2]) == list(range(6))
        assert not lock.locked() and not semaphore.locked() and max(most) == 2

        # a waiter that is cancelled leaves its place in the row to the next
        await lock.acquire()
        first, second = ensureDeferred(lock.acquire()), ensureDeferred(lock.acquire())
        first.addErrback(lambda failure: failure.type.__name__)
        first.cancel()
        lock.release()
        assert await second is True
        assert first.result == "CancelledError"
        lock.release()
        assert not lock.locked()

        event, condition = asyncio.Event(), asyncio.Condition()
        asyncio.get_running_loop().call_soon(event.set)
        assert await event.wait() is True

        async def notify():
            async with condition:
                condition.notify_all()

        async with condition:
            notifying = ensureDeferred(notify())
            assert await condition.wait() is True
        await notifying

        barrier = asyncio.Barrier(3)
        others = [ensureDeferred(barrier.wait()), asyncio.ensure_future(barrier.wait())]
        assert sorted([await barrier.wait(), await others[0], await others[1]]) == [0, 1, 2]

        queue = asyncio.Queue(maxsize=1)

        async def produce():
            for n in range(5):
                await queue.put(n)

        producing, got = ensureDeferred(produce()), []
        for _ in range(5):
            got.append(await queue.get())
            queue.task_done()
        await queue.join()
        await producing
        assert got == [0, 1, 2, 3, 4]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 0.01)
        getting = ensureDeferred(queue.get())
        getting.addErrback(lambda failure: None)
        getting.cancel()
        await queue.put("not lost")
        assert await queue.get() == "not lost"

    either(main)


def test_streams(either, certificate):
    server_context, client_context = certificate

    async def echo(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main():
        for ours, theirs in ((None, None), (server_context, client_context)):
            server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=ours, limit=2**21)
            async with server:
                port = server.sockets[0].getsockname()[1]
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", port, ssl=theirs, server_hostname="localhost" if theirs else None
                )
                for n in range(3):
                    writer.write(b"line %d\n" % n)
                    await writer.drain()
                    assert await reader.readuntil() == b"LINE %d\n" % n
                big = b"x" * 1_000_000
                sending = ensureDeferred(send(writer, big + b"\n"))
                assert await reader.readexactly(len(big) + 1) == big.upper() + b"\n"
                await sending
                if not ours:
                    writer.write_eof()
                    assert await reader.read() == b""
                writer.close()
                await writer.wait_closed()

    async def send(writer, data):
        writer.write(data)
        await writer.drain()

    either(main)


def test_subprocesses(either):
    async def main():
        program = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.exit(3)"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert await process.communicate(b"hello") == (b"HELLO", None)
        assert process.returncode == 3

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)", stdout=asyncio.subprocess.PIPE
        )
        assert await process.stdout.readline() == b"1\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await process.wait()
        process.terminate()
        assert await process.wait() == -15

        process = await asyncio.create_subprocess_shell("echo $((6 * 7))", stdout=asyncio.subprocess.PIPE)
        assert (await process.communicate())[0] == b"42\n"

    either(main)


def test_threads(either):
    async def main():
        var = contextvars.ContextVar("var")
        var.set("here")
        value, thread = await asyncio.to_thread(lambda: (var.get(), threading.get_ident()))
        assert value == "here" and thread != threading.get_ident()
        loop = asyncio.get_running_loop()
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)

        async def in_the_loop():
            assert asyncio.get_running_loop() is loop
            return await asyncio.sleep(0, threading.get_ident())

        def elsewhere():
            return asyncio.run_coroutine_threadsafe(in_the_loop(), loop).result(30)

        assert await asyncio.to_thread(elsewhere) == threading.get_ident()

        async def waits_for_a_deferred():
            getReactor().callLater(0, d.callback, "fired")
            return await d

        d = Deferred()
        call = asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(waits_for_a_deferred(), loop).result(30))
        assert await call == "fired"

    either(main)


def test_async_generators_are_closed_where_they_are_left(either):
    async def count(closed):
        try:
            for n in range(100):
                yield n
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            closed.append(asyncio.get_running_loop().is_running())

    async def main():
        closed = []
        async for n in count(closed):
            if n == 3:
                break
        # collected by now: the loop's hook closes it
        while not closed:
            await asyncio.sleep(0)

        generator = count(closed)
        assert await anext(generator) == 0
        await generator.aclose()
        assert closed == [True, True]

        # one that waits is thrown into with the cancelling
        generator = count(closed)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                async for _ in generator:
                    await asyncio.sleep(0.02)
        await generator.aclose()
        assert closed == [True, True, True]

    either(main)


def test_what_is_left_at_the_end_of_the_program_is_ended_as_asyncio_run_does(either):
    log = []

    async def count():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            log.append("generator closed")

    async def left_behind():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            log.append("task cancelled")

    async def main():
        generators.append(count())
        assert await anext(generators[0]) == 1
        tasks.append(asyncio.create_task(left_behind()))
        await asyncio.sleep(0)
        return "result"

    generators, tasks = [], []
    assert either(main) == "result"
    assert sorted(log) == ["generator closed", "task cancelled"]
    assert tasks[0].cancelled()


def test_what_nobody_holds_is_not_collected_while_it_waits(plait):
    """asyncio's loop knows its tasks weakly, and a stream its reader: a program must hold its Tasks. Plait holds its own."""

    async def serve(reader, writer):
        writers.append(writer)

    async def visit(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        log.append("waits")
        log.append(await reader.readline())
        writer.close()

    async def main():
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            ensureDeferred(visit(server.sockets[0].getsockname()[1]))
            while not writers or not log:
                await asyncio.sleep(0)
            gc.collect()
            writers[0].write(b"still there\n")
            while len(log) < 2:
                await asyncio.sleep(0)
            writers[0].close()

    log, writers = [], []
    plait(main)
    assert log == ["waits", b"still there\n"]


def test_the_current_task_and_all_tasks(either):
    async def main():
        me = asyncio.current_task()
        assert me.get_loop() is asyncio.get_running_loop()
        await asyncio.sleep(0)
        assert asyncio.current_task() is me
        assert me in asyncio.all_tasks()
        assert not me.done() and me.cancelling() == 0

        async def child():
            mine = asyncio.current_task()
            mine.set_name("child")
            seen.append(mine)
            await Deferred()

        seen = []
        d, task = ensureDeferred(child()), asyncio.create_task(child())
        assert asyncio.current_task() is me
        await asyncio.sleep(0)
        assert {t.get_name() for t in asyncio.all_tasks() - {me}} >= {"child"}
        assert set(seen) <= asyncio.all_tasks() and task in seen
        assert all("child" in t.get_coro().__qualname__ for t in seen)
        stack = seen[0].get_stack()
        assert [frame.f_code.co_name for frame in stack] == ["child"]
        for t in seen:
            t.cancel()
        for waiting in (d, task):
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await asyncio.sleep(0)
        assert not set(seen) & asyncio.all_tasks()

    either(main)


def test_a_task_that_waits_for_all_others_sees_those_that_plait_drives(either):
    """The usual end of a server: cancel every task but one's own, and gather them."""

    async def waits(n):
        try:
            await (never if n % 2 else asyncio.sleep(60))
        finally:
            await asyncio.sleep(0)
            ended.append(n)

    async def main():
        for n in range(4):
            ensureDeferred(waits(n)).addErrback(lambda failure: failure.trap(asyncio.CancelledError))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert len(others) == 4
        for task in others:
            task.cancel()
        done, pending = await asyncio.wait(others)
        assert len(done) == 4 and not pending
        results = await asyncio.gather(*others, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 4

    # Held here: the garbage collector takes what waits for something that nobody can fire any more.
    ended, never = [], Deferred()
    either(main)
    assert sorted(ended) == [0, 1, 2, 3]


def test_context_variables(either):
    var = contextvars.ContextVar("var", default="unset")

    async def main():
        loop = asyncio.get_running_loop()
        var.set("main")
        future = loop.create_future()

        async def child():
            seen = [var.get()]
            var.set("child")
            await asyncio.sleep(0)
            seen.append(var.get())
            await d
            seen.append(var.get())
            await future
            return [*seen, var.get()]

        d = Deferred()
        children = [ensureDeferred(child()), asyncio.create_task(child())]
        var.set("later")
        getReactor().callLater(0, d.callback, None)
        getReactor().callLater(0.01, future.set_result, None)
        assert await children[0] == ["main", "child", "child", "child"]
        # the Task took its context when it was made, before "later" was set
        assert await children[1] == ["main", "child", "child", "child"]
        assert var.get() == "later"

        async def in_context():
            return var.get()

        context = contextvars.copy_context()
        context.run(var.set, "given")
        assert await asyncio.create_task(in_context(), context=context) == "given"

    either(main)
    assert var.get() == "unset"


def test_futures_that_are_awaited_by_several(either):
    async def main():
        future = asyncio.get_running_loop().create_future()

        async def waits():
            return await future

        waiting = [ensureDeferred(waits()), asyncio.create_task(waits()), ensureDeferred(waits())]
        asyncio.get_running_loop().call_soon(future.set_result, 7)
        assert [await w for w in waiting] == [7, 7, 7]
        # one that is done already
        assert await future == 7
        error = asyncio.get_running_loop().create_future()
        error.set_exception(KeyError("k"))
        with pytest.raises(KeyError):
            await error

    either(main)
