"""What all tests count on."""

import gc
import signal

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
