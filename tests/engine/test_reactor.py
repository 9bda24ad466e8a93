"""The reactor: starting, stopping, running again, events, signals, loops of its own and of others."""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading

import pytest

from plait import Deferred, Protocol, Reactor, ServerFactory, current, reactor
from plait.engine.loops import ENGINES, new_loop
from plait.errors import ReactorAlreadyRunning, ReactorNotRunning, UnknownEngineError
from plait.interfaces import IReactorDaemonize, verifyObject


@pytest.fixture
def own():
    """A reactor of the test's own, on a loop of its own."""
    r = Reactor()
    yield r
    if r._loop is not None:
        r._loop.close()


def test_it_runs_until_it_is_stopped_and_can_be_run_again(own):
    for turn in range(3):
        seen = []
        own.callWhenRunning(seen.append, "running")
        own.callLater(0, own.stop)
        assert not own.running
        own.run()
        assert (turn, seen, own.running) == (turn, ["running"], False)


def test_callWhenRunning_calls_at_once_when_it_runs(own):
    seen = []

    def inside():
        own.callWhenRunning(seen.append, "at once")
        seen.append("after")
        own.stop()

    own.callWhenRunning(inside)
    own.run()
    assert seen == ["at once", "after"]


def test_what_is_wrong_is_said(own):
    with pytest.raises(ReactorNotRunning):
        own.stop()

    def inside():
        with pytest.raises(ReactorAlreadyRunning):
            own.run()
        with pytest.raises(ReactorAlreadyRunning):
            own.iterate()
        own.stop()
        with pytest.raises(ReactorNotRunning):
            own.stop()
        seen.append("inside")

    seen = []
    own.callWhenRunning(inside)
    own.run()
    assert seen == ["inside"]
    with pytest.raises(ValueError, match="no delay"):
        own.callLater(-1, print)
    with pytest.raises(KeyError, match="invalid phase"):
        own.addSystemEventTrigger("whenever", "shutdown", print)
    with pytest.raises(TypeError, match="callable"):
        own.addSystemEventTrigger("before", "shutdown", None)
    with pytest.raises(KeyError, match="no trigger of 'no such event'"):
        own.removeSystemEventTrigger(("no such event", ("before", print, (), {})))


def test_shutdown_runs_its_phases_in_order_and_waits_for_deferreds(own, flushLoggedErrors):
    seen = []
    wait = Deferred()

    def before():
        seen.append("before")
        return wait.addCallback(lambda _: seen.append("waited"))

    async def before_too():
        await asyncio.sleep(0)
        seen.append("coroutine")
        wait.callback(None)

    def bad():
        raise KeyError("a trigger that fails stops nothing")

    own.addSystemEventTrigger("after", "shutdown", seen.append, "after")
    own.addSystemEventTrigger("during", "shutdown", lambda: seen.append("during"))
    own.addSystemEventTrigger("before", "shutdown", before)
    own.addSystemEventTrigger("before", "shutdown", before_too)
    own.addSystemEventTrigger("before", "shutdown", bad)
    removed = own.addSystemEventTrigger("before", "shutdown", seen.append, "removed")
    own.removeSystemEventTrigger(removed)
    own.callWhenRunning(own.stop)
    own.run()
    assert seen == ["before", "coroutine", "waited", "during", "after"]
    assert len(flushLoggedErrors(KeyError)) == 1


def test_events_of_ones_own(own):
    seen = []
    own.addSystemEventTrigger("during", "mine", seen.append, 1)
    own.fireSystemEvent("mine")
    own.fireSystemEvent("nobody listens to this")
    assert seen == [1]


def test_it_is_not_running_before_startup(own):
    held = Deferred()
    seen = []

    def note(phase):
        seen.append((phase, own.running))

    def before():
        note("before")
        own.callLater(0, lambda: (note("held"), held.callback(None)))
        return held

    for _ in range(2):
        held = Deferred()
        seen.clear()
        own.addSystemEventTrigger("during", "startup", note, "during")
        own.addSystemEventTrigger("before", "startup", before)
        own.callWhenRunning(lambda: (note("when running"), own.stop()))
        own.run()
        assert seen == [("before", False), ("held", False), ("during", True), ("when running", True)]
    assert not own.running


def test_it_can_be_stopped_before_startup_is_through(own):
    own.addSystemEventTrigger("before", "startup", own.stop)
    own.run()
    own.addSystemEventTrigger("before", "startup", own.crash)
    own.run()
    own.callWhenRunning(own.stop)
    own.run()
    assert not own.running


def test_crash_stops_without_triggers(own):
    seen = []
    own.addSystemEventTrigger("during", "shutdown", seen.append, "not called")
    own.callWhenRunning(own.crash)
    own.run()
    assert seen == [] and not own.running


def test_iterate_makes_one_turn(own):
    seen = []
    own.callLater(0, seen.append, 1)
    for _ in range(100):
        own.iterate(0.01)
        if seen:
            break
    assert seen == [1]


def test_stop_cuts_connections_and_tells_their_protocols(own):
    lost = []

    class P(Protocol):
        def connectionMade(self):
            self.transport.write(b"last words")
            own.callLater(0, own.stop)

        def connectionLost(self, reason):
            lost.append(reason.type.__name__)

    port = own.listenTCP(0, ServerFactory.forProtocol(P), interface="127.0.0.1")
    import socket

    with socket.create_connection(("127.0.0.1", port.getHost().port)) as s:
        own.run()
        assert s.recv(100) == b"last words"
    assert lost == ["ConnectionLost"]
    assert not port.connected


def test_it_remembers_by_which_signal_it_was_stopped(own):
    assert own._exitSignal is None
    for number in (signal.SIGTERM, signal.SIGINT):
        own.callWhenRunning(os.kill, os.getpid(), number)
        own.run()
        assert own._exitSignal == number
    own.callWhenRunning(own.stop)
    own.run()
    assert own._exitSignal is None


def test_a_handler_of_the_programs_own_can_hand_the_signal_on(own):
    before = signal.signal(signal.SIGTERM, own.sigTerm)
    try:
        own.callWhenRunning(os.kill, os.getpid(), signal.SIGTERM)
        own.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert own._exitSignal == signal.SIGTERM


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_into_the_background_with_what_was_begun(own):
    assert verifyObject(IReactorDaemonize, own)
    port = own.listenTCP(0, ServerFactory(), interface="127.0.0.1")
    own.getThreadPool().start()
    own.beforeDaemonize()
    assert own.threadpool is None  # threads would not be there in the child
    child = os.fork()
    if child == 0:
        try:
            own.afterDaemonize()
            own.callLater(0, os._exit, 42)
            own.run()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    port.stopListening()


def test_what_runs_does_not_go_into_the_background(own, flushLoggedErrors):
    def inside():
        with pytest.raises(ReactorAlreadyRunning, match="go into the background before it is run"):
            own.beforeDaemonize()
        own.stop()

    own.callWhenRunning(inside)
    own.run()


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_signals_stop_it(own, signal_name):
    before = signal.getsignal(getattr(signal, signal_name))
    seen = []
    own.addSystemEventTrigger("during", "shutdown", seen.append, "in good order")
    own.callWhenRunning(os.kill, os.getpid(), getattr(signal, signal_name))
    own.run()
    assert seen == ["in good order"]
    assert signal.getsignal(getattr(signal, signal_name)) is before


def test_a_second_signal_ends_a_shutdown_that_does_not_end(own):
    def before():
        os.kill(os.getpid(), signal.SIGINT)
        return Deferred()  # never fires

    own.addSystemEventTrigger("before", "shutdown", before)
    own.callWhenRunning(os.kill, os.getpid(), signal.SIGINT)
    own.run()
    assert not own.running


def test_a_programs_own_handler_of_a_signal_is_left_alone(own):
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: (seen.append("mine"), own.callFromThread(own.stop)))
    try:
        own.callWhenRunning(os.kill, os.getpid(), signal.SIGTERM)
        own.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == ["mine"]


# -- engines


def test_the_engine_can_be_chosen(monkeypatch):
    for engine in ("asyncio", "uvloop"):
        loop = new_loop(engine)
        assert type(loop).__module__.startswith(engine)
        loop.close()
    monkeypatch.setenv("PLAIT_ENGINE", "asyncio")
    assert type(Reactor().loop).__module__.startswith("asyncio")
    monkeypatch.delenv("PLAIT_ENGINE")
    assert type(Reactor().loop).__module__.startswith("uvloop")
    assert type(Reactor(engine="asyncio").loop).__module__.startswith("asyncio")


def test_an_unknown_engine_is_one_clear_error():
    with pytest.raises(
        UnknownEngineError, match="unknown engine 'epoll': PLAIT_ENGINE can be uvloop, winloop, asyncio"
    ):
        new_loop("epoll")
    assert "winloop" in ENGINES
    if sys.platform != "win32":
        with pytest.raises(UnknownEngineError, match="not installed"):
            new_loop("winloop")


def test_without_the_fast_loop_asyncio_does():
    program = """
import sys
sys.modules["uvloop"] = None  # as if it were not installed
from plait import reactor
reactor.callLater(0, reactor.stop)
reactor.run()
print(type(reactor.loop).__module__.partition(".")[0])
"""
    env = {k: v for k, v in os.environ.items() if k != "PLAIT_ENGINE"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, env=env)
    assert (done.stdout, done.stderr) == ("asyncio\n", "")


# -- loops of others


def test_inside_asyncio_the_reactor_is_there_without_run():
    program = """
import asyncio
from plait import reactor, Deferred, ClientFactory, Protocol, ServerFactory, deferToThread

class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)

async def main(n):
    assert reactor.running and reactor.loop is asyncio.get_running_loop()
    port = reactor.listenTCP(0, ServerFactory.forProtocol(Echo), interface="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    await writer.wait_closed()
    await port.stopListening()
    d = Deferred()
    reactor.callLater(0.001, d.callback, n)
    assert await deferToThread(lambda: "thread") == "thread"
    try:
        reactor.run()
    except Exception as e:
        print(type(e).__name__)
    return await d

print(asyncio.run(main(1)), asyncio.run(main(2)))
reactor.callLater(0, reactor.stop)
reactor.run()
print("own loop")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout == "ReactorAlreadyRunning\nReactorAlreadyRunning\n1 2\nown loop\n"


def test_stop_inside_asyncio_ends_what_is_the_reactors_and_not_the_loop():
    async def main():
        r = current.getReactor()
        port = r.listenTCP(0, ServerFactory(), interface="127.0.0.1")
        stopped = asyncio.Event()
        r.addSystemEventTrigger("after", "shutdown", stopped.set)
        r.stop()
        await stopped.wait()
        await asyncio.sleep(0)
        return port.connected

    assert asyncio.run(main()) is False


def test_each_thread_can_have_its_own():
    results = {}
    all_there = threading.Barrier(3)  # the number of a thread that has ended is given to another

    def work(name):
        all_there.wait(30)
        r = Reactor()
        r.callLater(0.01, r.stop)
        r.callWhenRunning(lambda: results.update({name: (r.threadIdent(), current.getReactor() is r)}))
        r.run(installSignalHandlers=False)
        r.loop.close()
        all_there.wait(30)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert [results[n][1] for n in range(3)] == [True] * 3
    assert len({results[n][0] for n in range(3)}) == 3


def test_the_default_reactor_is_one_object():
    import plait

    assert plait.reactor is reactor is current.getReactor()
    assert "Reactor" in repr(reactor)


async def test_context_follows_timers_threads_and_connections():
    var = contextvars.ContextVar("var", default="unset")
    var.set("mine")
    done = Deferred()
    reactor.callLater(0, lambda: done.callback(var.get()))
    assert await done == "mine"
    from plait import deferToThread

    assert await deferToThread(var.get) == "mine"
