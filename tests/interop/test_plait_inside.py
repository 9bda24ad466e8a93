"""Plait inside a program that asyncio runs: `asyncio.run`, Runners one after another, loops in several threads."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref

import pytest

from plait import (
    ClientFactory,
    Deferred,
    DeferredList,
    Factory,
    LineReceiver,
    Protocol,
    deferToThread,
    ensureDeferred,
    gatherResults,
)
from plait.current import getReactor
from plait.deferred import CancelledError, DeferredLock, DeferredQueue
from plait.engine.loops import new_loop
from plait.errors import ConnectionRefusedError, ReactorAlreadyRunning
from plait.task import LoopingCall, deferLater

from .conftest import nothing_logged, run_in_asyncio


class Echo(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(line.upper())

    def connectionLost(self, reason):
        self.factory.lost.append(reason.type.__name__)


class Client(LineReceiver):
    """A client whose events are asyncio's futures and queues."""

    def connectionMade(self):
        self.lines = asyncio.Queue()
        self.closed = asyncio.get_running_loop().create_future()
        self.factory.connected.set_result(self)

    def lineReceived(self, line):
        self.lines.put_nowait(line)

    def connectionLost(self, reason):
        self.closed.set_result(reason.type.__name__)


class ClientSide(ClientFactory):
    protocol = Client

    def __init__(self):
        self.connected = asyncio.get_running_loop().create_future()

    def clientConnectionFailed(self, connector, reason):
        self.connected.set_exception(reason.value)


def listen(protocol=Echo):
    factory = Factory.forProtocol(protocol)
    factory.lost = []
    return getReactor().listenTCP(0, factory, interface="127.0.0.1")


async def talk(port):
    """A whole conversation of Plait's client with Plait's server."""
    factory = ClientSide()
    getReactor().connectTCP("127.0.0.1", port.getHost().port, factory)
    client = await factory.connected
    for word in (b"one", b"two"):
        client.sendLine(word)
        assert await client.lines.get() == word.upper()
    client.transport.loseConnection()
    assert await client.closed == "ConnectionDone"


def test_servers_and_clients(in_asyncio):
    async def main():
        reactor = getReactor()
        assert reactor.running and reactor.loop is asyncio.get_running_loop()
        with pytest.raises(ReactorAlreadyRunning):
            reactor.run()
        port = listen()
        await talk(port)
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(talk(port))

        # asyncio's client with Plait's server, and the reverse
        reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
        writer.write(b"hello\r\n")
        assert await reader.readline() == b"HELLO\r\n"
        writer.close()
        await writer.wait_closed()
        while len(port.factory.lost) < 12:
            await asyncio.sleep(0)
        assert set(port.factory.lost) == {"ConnectionDone"}

        number = port.getHost().port
        await port.stopListening()
        factory = ClientSide()
        reactor.connectTCP("127.0.0.1", number, factory)
        with pytest.raises(ConnectionRefusedError):
            await factory.connected

        async def shout(reader, writer):
            writer.write((await reader.readline()).upper())
            writer.close()

        async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
            factory = ClientSide()
            reactor.connectTCP("127.0.0.1", server.sockets[0].getsockname()[1], factory)
            client = await factory.connected
            client.sendLine(b"hello")
            assert await client.lines.get() == b"HELLO"
            assert await client.closed == "ConnectionDone"

    in_asyncio(main)


def test_timers_and_looping_calls(in_asyncio):
    async def main():
        reactor, log = getReactor(), []
        late = reactor.callLater(60, log.append, "late")
        reactor.callLater(0.01, log.append, "soon")
        assert await deferLater(reactor, 0.02, lambda: "done") == "done"
        assert log == ["soon"] and late.active()
        late.cancel()

        count = asyncio.Semaphore(0)
        looping = LoopingCall(count.release)
        ended = looping.start(0.001)
        for _ in range(3):
            await count.acquire()
        looping.stop()
        assert await ended is looping
        assert reactor.getDelayedCalls() == []

    in_asyncio(main)


def test_deferreds_in_tasks(in_asyncio):
    async def main():
        reactor = getReactor()

        def later(result):
            d = Deferred()
            reactor.callLater(0, d.errback if isinstance(result, Exception) else d.callback, result)
            return d

        async def wait(d):
            return await d

        assert await asyncio.gather(wait(later(1)), wait(later(2)), later(3).asFuture(reactor.loop)) == [1, 2, 3]
        assert await DeferredList([later(1), later(2)]) == [(True, 1), (True, 2)]
        results = await DeferredList([later(1), later(KeyError("k"))], consumeErrors=True)
        assert results[0] == (True, 1) and results[1][1].check(KeyError)
        assert await gatherResults([later("a"), later("b")]) == ["a", "b"]
        with pytest.raises(KeyError):
            await later(KeyError("k"))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(wait(later(n))) for n in range(3)]
        assert [task.result() for task in tasks] == [0, 1, 2]
        assert await asyncio.wait_for(wait(later("w")), 30) == "w"
        # a Deferred's callback that starts a coroutine, and a Task that waits for that
        d = later(1).addCallback(lambda n: ensureDeferred(wait(later(n + 1))))
        assert await d == 2

        lock, queue, log = DeferredLock(), DeferredQueue(), []

        async def worker(n):
            await lock.acquire()
            try:
                log.append(n)
                await asyncio.sleep(0)
                log.append(n)
            finally:
                lock.release()
            queue.put(n)

        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(worker(n))
            assert sorted([await queue.get() for _ in range(3)]) == [0, 1, 2]
        assert log == [0, 0, 1, 1, 2, 2]

    in_asyncio(main)


def test_cancelling_both_ways(in_asyncio):
    async def main():
        log = []

        async def wait(d):
            return await d

        # Task -> Deferred
        d = Deferred(lambda _: log.append("canceller"))
        task = asyncio.create_task(wait(d))
        await asyncio.sleep(0)
        task.cancel("why")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert log == ["canceller"] and task.cancelled()
        assert d.called and d.result is None  # the error was the Task's, which no longer wants it
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Deferred(lambda _: log.append("timeout"))

        # Deferred -> Task: Plait's error, which a Task does not take for its own cancelling
        d = Deferred()
        task = asyncio.create_task(wait(d))
        await asyncio.sleep(0)
        d.cancel()
        with pytest.raises(CancelledError):
            await task
        assert not task.cancelled()

        # Deferred -> future -> Task: it ends as the Task does
        task = asyncio.create_task(asyncio.sleep(60))
        d = Deferred.fromFuture(task)
        await asyncio.sleep(0)
        d.cancel()
        with pytest.raises(asyncio.CancelledError):
            await d
        with pytest.raises(asyncio.CancelledError):
            await task

        # and the end of a Task that somebody else has cancelled
        task = asyncio.create_task(asyncio.sleep(60))
        d = Deferred.fromFuture(task)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await d
        assert log == ["canceller", "timeout"]

    in_asyncio(main)


def test_threads(in_asyncio):
    var = contextvars.ContextVar("var", default=None)

    async def main():
        reactor, here = getReactor(), threading.get_ident()
        var.set("main")
        seen = await deferToThread(lambda: (var.get(), threading.get_ident()))
        assert seen[0] == "main" and seen[1] != here
        with pytest.raises(ZeroDivisionError):
            await deferToThread(lambda: 1 // 0)
        assert await asyncio.gather(*(deferToThread(pow, 2, n).asFuture(reactor.loop) for n in range(5))) == [
            1,
            2,
            4,
            8,
            16,
        ]
        called = asyncio.Event()

        def elsewhere():
            reactor.callFromThread(called.set)

        reactor.callInThread(elsewhere)
        await called.wait()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await deferToThread(release.wait)
        release.set()

    release = threading.Event()
    in_asyncio(main)


def test_plait_adds_nothing_to_what_asyncio_waits_for_at_its_end(in_asyncio):
    """A program that leaves timers, ports, connections and waiting coroutines behind ends without a word."""
    log = []

    async def waits(d):
        try:
            await d
        finally:
            log.append("ended")

    async def main():
        getReactor().callLater(60, log.append, "never")
        port = listen()
        factory = ClientSide()
        getReactor().connectTCP("127.0.0.1", port.getHost().port, factory)
        await factory.connected
        driven.append(ensureDeferred(waits(Deferred())))
        driven[0].addErrback(lambda failure: log.append(failure.type.__name__))
        getReactor().removeAll()

    driven = []
    in_asyncio(main)
    assert log == ["ended", "CancelledError"]


def test_one_program_after_another(engine):
    """The same default reactor in each: nothing of the first is in the second's way."""

    async def main():
        port = listen()
        await talk(port)
        assert await deferToThread(lambda: "thread") == "thread"
        assert await deferLater(getReactor(), 0, lambda: "timer") == "timer"
        await port.stopListening()
        return getReactor()

    with nothing_logged():
        reactors = [run_in_asyncio(main, engine) for _ in range(3)]
        asyncio.run(main())
    assert all(reactor.loop for reactor in reactors)
    assert not any(reactor.running for reactor in reactors)


def test_a_program_that_stops_the_reactor_can_go_on(in_asyncio):
    async def main():
        log = []
        number = listen().getHost().port
        reactor = getReactor()
        ended = asyncio.Event()
        reactor.addSystemEventTrigger("before", "shutdown", lambda: deferLater(reactor, 0.01, log.append, "before"))
        reactor.addSystemEventTrigger("after", "shutdown", log.append, "after")
        reactor.addSystemEventTrigger("after", "shutdown", ended.set)
        reactor.stop()
        await ended.wait()
        await asyncio.sleep(0.01)
        assert log == ["before", "after"]
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", number)

    in_asyncio(main)


def test_loops_in_two_threads_at_once(engine):
    """Each has a reactor of its own; Deferreds, connections and threads of the two do not meet."""
    both = threading.Barrier(2, timeout=30)

    async def main():
        reactor = getReactor()
        both.wait()
        assert getReactor() is reactor and reactor.loop is asyncio.get_running_loop()
        port = listen()

        async def driven():
            for _ in range(50):
                await deferLater(reactor, 0)
                assert asyncio.current_task().get_loop() is reactor.loop
                await asyncio.sleep(0)

        driven_by_plait = [ensureDeferred(driven()) for _ in range(5)]
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(driven())
                group.create_task(talk(port))
        for d in driven_by_plait:
            await d
        assert await deferToThread(lambda: "thread") == "thread"
        await port.stopListening()
        both.wait()
        return reactor

    def work():
        try:
            reactors.append(run_in_asyncio(main, engine))
        except BaseException as e:
            both.abort()
            reactors.append(e)

    with nothing_logged():
        reactors, threads = [], [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not [error for error in reactors if isinstance(error, BaseException)]
    assert reactors[0] is not reactors[1]


def test_a_runner_goes_on_where_it_stopped(engine):
    async def first():
        port = listen()
        await talk(port)
        return port

    async def second(port):
        await talk(port)
        await port.stopListening()

    with nothing_logged(), asyncio.Runner(loop_factory=lambda: new_loop(engine)) as runner:
        port = runner.run(first())
        runner.run(second(port))


def test_the_loops_of_programs_that_have_ended_are_let_go(engine):
    async def main():
        assert await deferLater(getReactor(), 0, lambda: "timer") == "timer"
        loops.append(weakref.ref(asyncio.get_running_loop()))

    async def outer():
        # one that runs meanwhile, so that the others' reactors are not the default one
        assert getReactor().running
        for _ in range(3):
            await asyncio.to_thread(run_in_asyncio, main, engine)

    loops = []
    run_in_asyncio(outer, engine)
    run_in_asyncio(main, engine)
    gc.collect()
    assert [loop() is None for loop in loops] == [True, True, True, False]


def test_context_variables_in_hooks(in_asyncio):
    """Each hook sees the variables of the place that began it all, and a coroutine its own over each wait."""
    var = contextvars.ContextVar("var", default="unset")

    class Server(Protocol):
        async def dataReceived(self, data):
            before = var.get()
            var.set(f"{before} and {data.decode()}")
            await asyncio.sleep(0)
            await deferLater(getReactor(), 0)
            await deferToThread(lambda: None)
            self.transport.write(var.get().encode())
            self.transport.loseConnection()

    async def ask(port, name):
        reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
        writer.write(name.encode())
        assert await reader.read() == f"listening and {name}".encode()
        writer.close()

    async def main():
        var.set("listening")
        port = listen(Server)
        var.set("asking")
        await asyncio.gather(*(ask(port, name) for name in "abcde"))
        await port.stopListening()

    in_asyncio(main)
