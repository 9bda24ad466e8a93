"""A reactor that is stopped, or crashed, from any kind of callback ends in good order and can be run again, on each engine."""

import asyncio
import os
import signal
import socket
import sys
import threading

import pytest

from plait import ClientFactory, Deferred, Protocol, ServerFactory
from plait.deferred import ensureDeferred
from plait.errors import ConnectionLost, ReactorNotRunning
from plait.protocol import ConnectedDatagramProtocol, DatagramProtocol, ProcessProtocol
from plait.task import LoopingCall, deferLater

LOCAL = "127.0.0.1"

CASES = []


def case(function):
    """A way to have `end()` called back: ``function(reactor, end)``."""
    CASES.append(pytest.param(function, id=function.__name__))
    return function


def hooked(base, **hooks):
    """A class whose hooks are these, called with the object alone."""
    return type("Hooked", (base,), {name: lambda self, *_, hook=hook: hook(self) for name, hook in hooks.items()})


def factory_of(base, protocol, **hooks):
    factory = hooked(base, **hooks)()
    factory.noisy = False
    factory.protocol = protocol
    return factory


def link(reactor, server=None, client=None, **factory):
    """A connection whose ends have these hooks; `factory` are the hooks of the client's factory."""
    port = reactor.listenTCP(0, factory_of(ServerFactory, hooked(Protocol, **(server or {}))), interface=LOCAL)
    clients = factory_of(ClientFactory, hooked(Protocol, **(client or {})), **factory)
    return reactor.connectTCP(LOCAL, port.getHost().port, clients)


def greet(protocol):
    protocol.transport.write(b"hello")


def close(protocol):
    protocol.transport.loseConnection()


# -- the reactor's own


@case
def call_when_running(reactor, end):
    reactor.callWhenRunning(end)


@case
def timed_call(reactor, end):
    reactor.callLater(0, end)


@case
def timed_call_among_others(reactor, end):
    for _ in range(3):
        reactor.callLater(0, end)


@case
def looping_call(reactor, end):
    loop = LoopingCall(end)
    loop.clock = reactor
    reactor.callWhenRunning(loop.start, 1000)


@case
def trigger_before_startup(reactor, end):
    reactor.addSystemEventTrigger("before", "startup", reactor.callLater, 0, end)


@case
def trigger_after_startup(reactor, end):
    reactor.addSystemEventTrigger("after", "startup", end)


@case
def event_of_ones_own(reactor, end):
    reactor.addSystemEventTrigger("during", "mine", end)
    reactor.callWhenRunning(reactor.fireSystemEvent, "mine")


@case
def thread_call(reactor, end):
    thread = threading.Thread(target=reactor.callFromThread, args=(end,))
    reactor.callWhenRunning(thread.start)


@case
def call_in_the_pool(reactor, end):
    reactor.callWhenRunning(reactor.callInThread, reactor.callFromThread, end)


@case
def result_of_the_pool(reactor, end):
    def begin():
        pool = reactor.getThreadPool()
        pool.callInThreadWithCallback(lambda *_: reactor.callFromThread(end), len, "")

    reactor.callWhenRunning(begin)


@case
def look_up(reactor, end):
    reactor.callWhenRunning(lambda: reactor.resolve("localhost").addBoth(lambda _: end()))


@pytest.fixture(autouse=True)
def handler_of_a_signal():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@case
def handler_of_a_signal_of_ones_own(reactor, end):
    signal.signal(signal.SIGTERM, lambda *_: end())
    reactor.callWhenRunning(os.kill, os.getpid(), signal.SIGTERM)


# -- Deferreds and coroutines


@case
def callback_of_a_deferred(reactor, end):
    d = Deferred().addCallback(lambda _: end())
    reactor.callWhenRunning(d.callback, None)


@case
def errback_of_a_deferred(reactor, end):
    d = Deferred().addErrback(lambda _: end())
    reactor.callWhenRunning(d.errback, ZeroDivisionError())


@case
def coroutine(reactor, end):
    async def work():
        await deferLater(reactor, 0)
        end()

    reactor.callWhenRunning(lambda: ensureDeferred(work()))


@case
def coroutine_that_goes_on(reactor, end):
    async def work():
        end()
        await deferLater(reactor, 1000)

    reactor.callWhenRunning(lambda: ensureDeferred(work()).addErrback(lambda _: None))


@case
def task_of_asyncio(reactor, end):
    async def work():
        await asyncio.sleep(0)
        end()

    reactor.callWhenRunning(lambda: reactor.loop.create_task(work()))


@case
def async_hook(reactor, end):
    class Slow(Protocol):
        async def dataReceived(self, data):
            await deferLater(reactor, 0)
            end()

    port = reactor.listenTCP(0, factory_of(ServerFactory, Slow), interface=LOCAL)
    clients = factory_of(ClientFactory, hooked(Protocol, connectionMade=greet))
    reactor.connectTCP(LOCAL, port.getHost().port, clients)


# -- connections


@case
def started_connecting(reactor, end):
    reactor.callWhenRunning(lambda: link(reactor, startedConnecting=lambda _: end()))


@case
def build_protocol(reactor, end):
    link(reactor, buildProtocol=lambda _: end())


@case
def connection_made_to_us(reactor, end):
    link(reactor, server={"connectionMade": lambda _: end()})


@case
def connection_made_by_us(reactor, end):
    link(reactor, client={"connectionMade": lambda _: end()})


@case
def connection_made_that_writes_and_closes(reactor, end):
    def all_of_it(protocol):
        greet(protocol)
        close(protocol)
        end()

    link(reactor, client={"connectionMade": all_of_it})


@case
def data_received(reactor, end):
    link(reactor, server={"dataReceived": lambda _: end()}, client={"connectionMade": greet})


@case
def connection_lost(reactor, end):
    link(reactor, server={"connectionLost": lambda _: end()}, client={"connectionMade": close})


@case
def connection_lost_by_an_abort(reactor, end):
    def abort(protocol):
        protocol.transport.abortConnection()

    link(reactor, client={"connectionMade": abort, "connectionLost": lambda _: end()})


@case
def client_connection_lost(reactor, end):
    link(reactor, server={"connectionMade": close}, clientConnectionLost=lambda _: end())


@case
def client_connection_failed(reactor, end):
    with socket.socket() as sock:
        sock.bind((LOCAL, 0))
        number = sock.getsockname()[1]
    clients = factory_of(ClientFactory, Protocol, clientConnectionFailed=lambda _: end())
    reactor.connectTCP(LOCAL, number, clients)


@case
def stop_factory(reactor, end):
    factory = factory_of(ServerFactory, Protocol, stopFactory=lambda _: end())
    port = reactor.listenTCP(0, factory, interface=LOCAL)
    reactor.callWhenRunning(port.stopListening)


@case
def producer_that_is_paused(reactor, end):
    class Producer:
        def pauseProducing(self):
            end()

        def resumeProducing(self):
            pass

        def stopProducing(self):
            pass

    def flood(protocol):
        protocol.transport.registerProducer(Producer(), True)
        protocol.transport.write(b"x" * (32 << 20))

    def hold(protocol):
        protocol.transport.pauseProducing()

    link(reactor, server={"connectionMade": hold}, client={"connectionMade": flood})


@case
def pull_producer(reactor, end):
    class Producer:
        def resumeProducing(self):
            end()

        def stopProducing(self):
            pass

    link(reactor, client={"connectionMade": lambda p: p.transport.registerProducer(Producer(), False)})


@case
def unix_connection(reactor, end):
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no UNIX sockets here")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"hello")
        factory = factory_of(ServerFactory, hooked(Protocol, dataReceived=lambda _: end()))
        reactor.adoptStreamConnection(ours.fileno(), ours.family, factory)


# -- datagrams, descriptors, children


@case
def datagram_received(reactor, end):
    port = reactor.listenUDP(0, hooked(DatagramProtocol, datagramReceived=lambda _: end())(), interface=LOCAL)
    where = (LOCAL, port.getHost().port)

    def send(protocol):
        protocol.transport.write(b"hello", where)

    reactor.listenUDP(0, hooked(DatagramProtocol, startProtocol=send)(), interface=LOCAL)


@case
def datagram_refused(reactor, end):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOCAL, 0))
        number = sock.getsockname()[1]

    def send(protocol):
        protocol.transport.connect(LOCAL, number)
        protocol.transport.write(b"hello")

    refused = hooked(ConnectedDatagramProtocol, startProtocol=send, connectionRefused=lambda _: end())
    reactor.listenUDP(0, refused(), interface=LOCAL)


class Descriptor:
    """A socket of ours that is watched."""

    def __init__(self, end):
        self.end = end
        self.ours, theirs = socket.socketpair()
        theirs.send(b"x")
        theirs.close()

    def fileno(self):
        return self.ours.fileno()

    def doRead(self):
        self.ours.recv(1)
        self.end()

    def doWrite(self):
        self.end()

    def connectionLost(self, reason):
        self.ours.close()


@case
def reader(reactor, end):
    reactor.addReader(Descriptor(end))


@case
def writer(reactor, end):
    reactor.addWriter(Descriptor(end))


@pytest.mark.parametrize("hook", ["makeConnection", "outReceived", "errReceived", "inConnectionLost"])
def test_hooks_of_a_child(reactor, hook):
    run_to_the_end(reactor, "stop", lambda reactor, end: spawn(reactor, **{hook: lambda _: end()}))


def spawn(reactor, **hooks):
    program = "import os; os.close(0); os.write(1, b'out'); os.write(2, b'err')"
    protocol = hooked(ProcessProtocol, **hooks)()
    reactor.callWhenRunning(reactor.spawnProcess, protocol, sys.executable, [sys.executable, "-c", program])


@case
def child_that_has_exited(reactor, end):
    spawn(reactor, processExited=lambda _: end())


@case
def child_that_has_ended(reactor, end):
    spawn(reactor, processEnded=lambda _: end())


# -- the tests


def run_to_the_end(reactor, how, arrange):
    """Run until the callback that `arrange` makes ends the reactor; then run it once more."""
    ended, late = [], []

    def end():
        if not ended:
            assert reactor.running
            ended.append(how)
            getattr(reactor, how)()

    arrange(reactor, end)
    guard = reactor.callLater(60, lambda: (late.append(True), reactor.crash()))
    reactor.run()
    assert ended == [how] and not late
    assert not reactor.running
    guard.reset(60)

    again = []
    reactor.callWhenRunning(lambda: (again.append(reactor.running), reactor.stop()))
    reactor.run()
    assert again == [True] and not late
    assert not reactor.running
    guard.cancel()
    for call in reactor.getDelayedCalls():
        call.cancel()


@pytest.mark.parametrize("how", ["stop", "crash"])
@pytest.mark.parametrize("arrange", CASES)
def test_it_ends_and_runs_again(reactor, arrange, how):
    run_to_the_end(reactor, how, arrange)


@pytest.mark.parametrize("phase", ["before", "during", "after"])
def test_a_crash_while_it_stops(reactor, phase):
    seen = []

    def crash():
        with pytest.raises(ReactorNotRunning):
            reactor.stop()
        seen.append(phase)
        reactor.crash()

    def arrange(reactor, end):
        reactor.addSystemEventTrigger(phase, "shutdown", crash)
        reactor.callWhenRunning(end)

    run_to_the_end(reactor, "stop", arrange)
    assert seen == [phase]


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_what_is_connected_is_told_of_a_stop_and_not_of_a_crash(reactor, how):
    lost = []

    class P(Protocol):
        def connectionLost(self, reason):
            lost.append(reason.type)

    def arrange(reactor, end):
        port = reactor.listenTCP(0, factory_of(ServerFactory, P), interface=LOCAL)
        client = hooked(P, connectionMade=lambda _: reactor.callLater(0.01, end))
        reactor.connectTCP(LOCAL, port.getHost().port, factory_of(ClientFactory, client))
        reactor.run()

    ended = []
    arrange(reactor, lambda: (ended.append(list(lost)), getattr(reactor, how)()))
    assert ended == [[]]
    assert lost == ([ConnectionLost, ConnectionLost] if how == "stop" else [])
    # what was left by the crash is there still, and ends with the next stop
    reactor.callWhenRunning(reactor.stop)
    reactor.run()
    assert lost == [ConnectionLost, ConnectionLost]
