"""What all tests count on."""

import gc
import signal
import socket
import threading

import pytest

from plait.engine import Reactor

# A shell that runs the tests in the background has SIGINT ignored, by them and by every daemon that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["asyncio", "uvloop"])
def reactor(request):
    """A reactor of the test's own, on each engine. It closes what the test leaves open."""
    reactor = Reactor(engine=request.param)
    yield reactor
    reactor.removeAll()
    reactor.loop.close()


@pytest.fixture
def without_collector():
    """What is let go must be free by its reference count alone: nobody looks for cycles meanwhile."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Names:
    """In the place of `socket.getaddrinfo`: the answers to some names are held back.

    Attributes: `asked`, the names that have been asked for, and `threads`, in which that was. `answers` may have an address
    or an error for a name.
    """

    def __init__(self):
        self.asked = []
        self.threads = []
        self.answers = {}
        self._held = {}
        self._change = threading.Condition()
        self._real = socket.getaddrinfo

    def __call__(self, host, port, family=0, type=0, proto=0, flags=0):
        if flags & socket.AI_NUMERICHOST:
            return self._real(host, port, family, type, proto, flags)
        with self._change:
            self.asked.append(host)
            self.threads.append(threading.current_thread())
            self._change.notify_all()
        if host in self._held:
            self._held[host].wait()
        answer = self.answers.get(host, host)
        if isinstance(answer, Exception):
            raise answer
        return self._real(answer, port, family, type, proto, flags)

    def hold(self, *hosts):
        """Give no answer for these until they are released, or the test ends."""
        for host in hosts:
            self._held[host] = threading.Event()
            self.answers[host] = "192.0.2.1"

    def release(self, *hosts):
        """Answer."""
        for host in hosts:
            self._held[host].set()

    def wait_until_asked(self, count):
        """Block until there have been `count` questions."""
        with self._change:
            assert self._change.wait_for(lambda: len(self.asked) >= count, 30), f"only {self.asked} are asked for"

    def end(self):
        self.release(*self._held)


@pytest.fixture
def names(monkeypatch):
    """What the system's resolver knows, as the test wants it."""
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    yield names
    names.end()
