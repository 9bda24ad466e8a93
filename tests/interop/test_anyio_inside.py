"""anyio in a coroutine that Plait drives, and in asyncio's own Task: scopes, groups, streams, threads."""

from __future__ import annotations

import threading

import anyio
import anyio.abc
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

from plait import Deferred, ensureDeferred
from plait.current import getReactor


def test_scopes(either):
    waits = {
        "sleep": lambda: anyio.sleep(60),
        "event": lambda: anyio.Event().wait(),
        "Deferred": lambda: never(),
        "nested": lambda: nested(),
    }

    async def never():
        await Deferred()

    async def nested():
        await ensureDeferred(anyio.sleep(60))

    async def main():
        for name, wait in waits.items():
            with anyio.move_on_after(0.01) as scope:
                await wait()
                pytest.fail("it has not been cancelled")
            assert scope.cancelled_caught, name
            with pytest.raises(TimeoutError):
                with anyio.fail_after(0.01):
                    await wait()
            with anyio.CancelScope() as scope:
                scope.cancel()
                # level-triggered: each wait is cancelled, not only the first
                for _ in range(3):
                    with pytest.raises(anyio.get_cancelled_exc_class()):
                        await wait()
                assert anyio.get_current_task().name
        # a scope within a scope
        with anyio.move_on_after(60) as outer:
            with anyio.move_on_after(0.01) as inner:
                await never()
        assert inner.cancelled_caught and not outer.cancel_called
        with anyio.move_on_after(0.01) as outer:
            with anyio.move_on_after(60) as inner:
                await never()
        assert outer.cancelled_caught and not inner.cancelled_caught
        await anyio.lowlevel.checkpoint()

    either(main)


def test_a_shielded_scope_finishes_its_work(either):
    async def main():
        log = []
        with anyio.move_on_after(0.01) as scope:
            try:
                await Deferred()
            finally:
                with anyio.CancelScope(shield=True):
                    d = Deferred()
                    getReactor().callLater(0.01, d.callback, "tidy")
                    log.append(await d)
                    await anyio.sleep(0.01)
                    log.append("done")
                # outside of it, the cancelling is felt again
                with pytest.raises(anyio.get_cancelled_exc_class()):
                    await anyio.sleep(0)
                log.append("cancelled again")
        assert scope.cancelled_caught and log == ["tidy", "done", "cancelled again"]

    either(main)


def test_task_groups(either):
    async def serve(log, *, task_status=anyio.TASK_STATUS_IGNORED):
        task_status.started("ready")
        try:
            await Deferred()
        finally:
            log.append("served")

    async def fails():
        await anyio.sleep(0)
        raise KeyError("child")

    async def main():
        log = []
        async with anyio.create_task_group() as group:
            assert await group.start(serve, log) == "ready"
            group.cancel_scope.cancel()
        assert log == ["served"]

        with pytest.raises(ExceptionGroup) as caught:
            async with anyio.create_task_group() as group:
                await group.start(serve, log)
                group.start_soon(fails)
                await Deferred()
        assert caught.group_contains(KeyError) and log == ["served", "served"]

        with pytest.raises(ExceptionGroup) as caught:
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.sleep, 60)
                raise LookupError("body")
        assert caught.group_contains(LookupError)

        # a timeout around a group ends all of it
        with anyio.move_on_after(0.01) as scope:
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(serve, log)
        assert scope.cancelled_caught and len(log) == 7
        await anyio.lowlevel.checkpoint()

    either(main)


def test_streams_locks_and_limits(either):
    async def produce(send, numbers):
        async with send:
            for n in numbers:
                await send.send(n)

    async def main():
        send, receive = anyio.create_memory_object_stream[int](0)
        async with anyio.create_task_group() as group:
            group.start_soon(produce, send.clone(), range(3))
            group.start_soon(produce, send, range(3))
            async with receive:
                assert sorted([n async for n in receive]) == [0, 0, 1, 1, 2, 2]

        send, receive = anyio.create_memory_object_stream[int](1)
        with send, receive:
            driven = ensureDeferred(produce(send.clone(), [7]))
            assert await receive.receive() == 7
            await driven
            with anyio.move_on_after(0.01) as scope:
                await receive.receive()
            assert scope.cancelled_caught
            receive.close()
            with pytest.raises(anyio.BrokenResourceError):
                await send.send(1)

        limiter, inside, most = anyio.CapacityLimiter(2), [], []

        async def limited():
            async with limiter:
                inside.append(1)
                most.append(len(inside))
                await anyio.sleep(0.001)
                inside.pop()

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(limited)
            await limited()
        assert max(most) == 2

        lock = anyio.Lock()
        async with lock:
            assert lock.locked()
            waiting = ensureDeferred(lock.acquire())
        await waiting

    either(main)


def test_threads(either):
    async def main():
        here = threading.get_ident()
        assert await anyio.to_thread.run_sync(threading.get_ident) != here

        async def in_the_loop(d):
            getReactor().callLater(0, d.callback, "from Plait")
            return await d, threading.get_ident()

        def elsewhere():
            first = anyio.from_thread.run(in_the_loop, Deferred())
            return first, anyio.from_thread.run_sync(threading.get_ident)

        assert await anyio.to_thread.run_sync(elsewhere) == (("from Plait", here), here)

        go_on = threading.Event()
        with anyio.move_on_after(0.01) as scope:
            await anyio.to_thread.run_sync(go_on.wait, abandon_on_cancel=True)
        go_on.set()
        assert scope.cancelled_caught

    either(main)


def test_sockets_and_processes(either):
    async def echo(stream):
        async with stream:
            async for data in stream:
                await stream.send(data.upper())

    async def main():
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            async with anyio.create_task_group() as group:
                group.start_soon(listener.serve, echo)
                async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                    await stream.send(b"hello")
                    assert await stream.receive() == b"HELLO"
                group.cancel_scope.cancel()
        assert (await anyio.run_process(["echo", "from a process"])).stdout == b"from a process\n"

    either(main)


def test_each_coroutine_has_its_own_scopes(plait):
    """anyio keeps what it knows of a task by the current task: two that Plait drives must not be mixed up."""

    async def main():
        gates = [Deferred(), Deferred()]
        log = []

        async def work(n):
            with anyio.move_on_after(60) as scope:
                scopes.append(scope)
                try:
                    await gates[n]
                    await anyio.sleep(0)
                    log.append(f"{n} goes on")
                finally:
                    log.append(f"{n} ends")
            return scope.cancelled_caught

        scopes = []
        first, second = ensureDeferred(work(0)), ensureDeferred(work(1))
        scopes[0].cancel()
        assert await first is True
        gates[1].callback(None)
        assert await second is False
        assert log == ["0 ends", "1 goes on", "1 ends"]

    plait(main)


def test_cancelling_the_deferred_goes_through_scopes_and_groups(plait):
    async def main():
        log = []

        async def child():
            try:
                await anyio.sleep(60)
            finally:
                log.append("child ends")

        async def work():
            with anyio.fail_after(60):
                async with anyio.create_task_group() as group:
                    group.start_soon(child)
                    await anyio.sleep(0)
                    log.append("waits")
                    await Deferred()

        d = ensureDeferred(work())
        while not log:
            await anyio.sleep(0)
        d.cancel()
        with pytest.raises(BaseExceptionGroup) as caught:
            await d
        assert log == ["waits", "child ends"]
        assert [type(error).__name__ for error in caught.value.exceptions] == ["CancelledError"]

    plait(main)
