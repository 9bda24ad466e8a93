"""Names that nobody answers for: the attempt ends in its time, and holds up neither other work nor the reactor's end."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from textwrap import dedent

import pytest

from plait import deferToThread, reactor
from plait.engine import Reactor
from plait.errors import ConnectError, DNSLookupError, TimeoutError, UnknownHostError
from tests.transport.helpers import Client, Server


def run(program):
    """What a program writes that must come to its end by itself."""
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


async def test_the_attempt_ends_in_its_time_and_others_go_on_meanwhile(names):
    slow = [f"slow-{number}.invalid" for number in range(20)]
    names.hold(*slow)
    async with Server() as server:
        clients = [Client() for _ in slow]
        connectors = [
            reactor.connectTCP(name, 80, client, timeout=1) for name, client in zip(slow, clients, strict=True)
        ]
        await deferToThread(names.wait_until_asked, len(slow))
        good = Client()
        reactor.connectTCP("localhost", server.address.port, good)
        p = await good.connected
        assert await reactor.resolve("localhost") == "127.0.0.1"
        assert await deferToThread(lambda: "done") == "done"
        for client in clients:
            error = await client.failed
            assert isinstance(error, TimeoutError) and "timeout" in str(error)
        assert {connector.state for connector in connectors} == {"disconnected"}
        p.transport.loseConnection()
        await (await server.accepted()).lost


@pytest.mark.parametrize(
    "error, told",
    [
        (socket.gaierror(socket.EAI_AGAIN, "try again later"), UnknownHostError),
        (UnicodeError("label too long"), ConnectError),
        (RuntimeError("a mistake in the resolver"), ConnectError),
    ],
)
async def test_a_resolver_that_raises_is_an_attempt_that_fails(names, flushLoggedErrors, error, told):
    names.answers["name.invalid"] = error
    client = Client()
    connector = reactor.connectTCP("name.invalid", 80, client)
    failed = await client.failed
    assert isinstance(failed, told) and str(error.args[-1]) in str(failed)
    assert connector.state == "disconnected"
    with pytest.raises(DNSLookupError):
        await reactor.resolve("name.invalid")
    assert len(flushLoggedErrors(RuntimeError)) == isinstance(error, RuntimeError), "a mistake is told in the log"


async def test_our_own_side_may_have_a_name(names):
    names.answers["own.invalid"] = "127.0.0.1"
    async with Server() as server:
        client = Client()
        reactor.connectTCP("localhost", server.address.port, client, bindAddress=("own.invalid", 0))
        p = await client.connected
        assert p.transport.getHost().host == "127.0.0.1"
        assert names.asked[-2:] == ["own.invalid", "localhost"]
        p.transport.loseConnection()
        await (await server.accepted()).lost


def test_the_end_of_the_reactor_is_not_held_up(names):
    names.hold("slow.invalid")
    own = Reactor(asyncio.new_event_loop())
    client = Client()
    own.connectTCP("slow.invalid", 80, client, timeout=None)
    ended = []
    own.callInThread(lambda: (names.wait_until_asked(1), own.callFromThread(own.stop)))
    own.addSystemEventTrigger("after", "shutdown", ended.append, True)
    own.run(installSignalHandlers=False)
    assert ended and isinstance(client.failed.result, ConnectError), "the attempt was called off"
    own.loop.close()


def test_the_end_of_the_process_is_not_held_up():
    program = """
        import socket, threading
        from plait import ClientFactory, reactor

        asked = []
        real = socket.getaddrinfo

        def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
            if flags & socket.AI_NUMERICHOST:
                return real(host, port, family, type, proto, flags)
            asked.append(host)
            if len(asked) == 8:
                reactor.callFromThread(reactor.stop)
            threading.Event().wait()

        socket.getaddrinfo = getaddrinfo
        for number in range(4):
            reactor.resolve(f"{number}.invalid").addErrback(lambda failure: None)
            reactor.connectTCP(f"{number}.other.invalid", 80, ClientFactory(), timeout=None)
        reactor.run()
        print("ended")
    """
    assert run(program) == ["ended"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="only Linux tells of the threads of a process")
def test_the_loop_is_asked_nothing():
    """It would ask in threads of its own, of which Python does not know (uvloop), or in those of its executor."""
    program = """
        import os, threading
        from plait import ClientFactory, Factory, Protocol, reactor

        class Client(Protocol):
            def connectionMade(self):
                known = {str(thread.native_id) for thread in threading.enumerate()}
                print(sorted(thread.name for thread in threading.enumerate()), set(os.listdir("/proc/self/task")) == known)
                reactor.stop()

        port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1").getHost().port
        factory = ClientFactory()
        factory.protocol = Client
        reactor.connectTCP("localhost", port, factory, bindAddress=("127.0.0.1", 0))
        reactor.run()
    """
    assert run(program) == ["['MainThread',", "'plait-lookup']", "True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_was_asked_before_a_fork_is_answered_in_the_child():
    program = """
        import os, socket
        from plait import reactor

        parent = os.getpid()
        real = socket.getaddrinfo
        reading, writing = os.pipe()

        def getaddrinfo(host, *args):
            if os.getpid() == parent and args[-1] != socket.AI_NUMERICHOST:
                os.write(writing, b"!")
                os.read(os.pipe()[0], 1)  # for ever
            return real(host, *args)

        socket.getaddrinfo = getaddrinfo
        reactor.resolve("localhost").addCallback(print).addBoth(lambda _: reactor.stop())
        os.read(reading, 1)
        if os.fork() == 0:
            reactor.run()
        else:
            os.wait()
    """
    assert run(program) == ["127.0.0.1"]


def test_each_of_several_reactors_is_told_in_its_own_thread(names):
    names.hold("shared.invalid")
    told = []

    def serve():
        own = Reactor(asyncio.new_event_loop())
        own.resolve("shared.invalid").addCallback(
            lambda address: told.append((address, threading.get_ident()))
        ).addBoth(lambda _: own.stop())
        ready.wait()
        own.run(installSignalHandlers=False)
        own.loop.close()

    threads = [threading.Thread(target=serve) for _ in range(3)]
    ready = threading.Barrier(len(threads), action=lambda: names.release("shared.invalid"))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(told) == sorted(("192.0.2.1", thread.ident) for thread in threads)
    assert names.asked == ["shared.invalid"], "they ask together"
