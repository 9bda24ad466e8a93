"""What blocks the loop is told, by a thread."""

import ctypes
import threading
import time
from contextlib import contextmanager

import pytest

from plait.engine import BlockWatch
from plait.engine import blocking as module
from plait.engine.blocking import LoopBlocked, stackOf
from plait.engine.heartbeat import Heartbeat, Lag
from plait.log import eventAsText, globalLogPublisher

# Seconds. Nothing here takes a tenth of it.
PATIENCE = 30


class Told:
    """What the watch has logged, and an event for each kind of message."""

    def __init__(self):
        self.texts = []
        self._change = threading.Condition()

    def observe(self, event):
        if event.get("log_namespace") == "plait.engine":
            with self._change:
                self.texts.append((threading.current_thread().name, eventAsText(event)))
                self._change.notify_all()

    def wait_for(self, text, count=1):
        """Block until so many messages contain `text`; gives them."""
        with self._change:
            assert self._change.wait_for(lambda: len(self.having(text)) >= count, PATIENCE), self.texts
            return self.having(text)

    def having(self, text):
        return [each for _, each in self.texts if text in each]


@pytest.fixture
def told():
    told = Told()
    globalLogPublisher.watch(told.observe)
    yield told
    globalLogPublisher.removeObserver(told.observe)


@pytest.fixture
def watched(reactor, flushLoggedErrors):
    @contextmanager
    def watched():
        watch = BlockWatch(reactor, 0.25)  # well above what a busy machine takes between two turns
        watch.start()
        try:
            yield watch
        finally:
            watch.stop()
            flushLoggedErrors(LoopBlocked)

    return watched


def run(reactor, function):
    """Call `function` in a loop that has begun to beat, and stop when the loop has turned since."""

    def call():
        try:
            function()
        finally:
            reactor.callLater(0.02, reactor.stop)

    reactor.callWhenRunning(reactor.callLater, 0.02, call)
    reactor.run(installSignalHandlers=False)


def test_what_waits_is_told_while_it_waits_and_how_long_it_took_afterwards(reactor, told, watched):
    def waits():
        told.wait_for("is blocked")  # nothing else can end this

    with watched():
        run(reactor, waits)
        told.wait_for("turns again: it was blocked for")
    (message,) = told.having("is blocked, by:")
    lines = message.splitlines()
    assert "in run" not in message and "in mainLoop" not in message  # who has called the reactor is of no interest
    assert "in call" in lines[2]
    assert any("in waits" in line for line in lines)
    assert "told.wait_for" in message  # with its line
    assert lines[-1].startswith("plait.engine.blocking.LoopBlocked: for ")
    assert {name for name, _ in told.texts} == {"plait: watches the loop"}


def test_what_computes_is_told(reactor, told, watched):
    def computes():
        while not told.having("is blocked"):
            sum(range(1000))

    with watched():
        run(reactor, computes)
        told.wait_for("turns again")
    assert "in computes" in told.having("is blocked")[0]


def test_each_block_is_told_once(reactor, told, watched):
    def twice():
        told.wait_for("is blocked")
        reactor.callLater(0, lambda: reactor.callLater(0.05, again))

    def again():
        told.wait_for("is blocked", 2)
        reactor.callLater(0.05, reactor.stop)

    with watched():
        reactor.callWhenRunning(reactor.callLater, 0.02, twice)
        reactor.run(installSignalHandlers=False)
        told.wait_for("turns again", 2)
    assert len(told.having("is blocked")) == 2
    assert "in twice" in told.having("is blocked")[0] and "in again" in told.having("is blocked")[1]


@pytest.mark.skipif(not module._COUNTS_SWITCHES, reason="the system does not count a thread's switches")
def test_c_code_that_keeps_the_interpreter_is_told_afterwards(reactor, told, watched):
    c = ctypes.PyDLL(None)  # keeps the interpreter's lock, as an extension with a mistake does

    def keeps_it():
        c.usleep(500_000)

    with watched():
        run(reactor, keeps_it)
        told.wait_for("blocked for")
    assert not told.having("suspended")


def test_a_suspended_process_is_told_even_if_its_loop_is_slow_to_come_back(reactor, told, monkeypatch):
    watch = BlockWatch(reactor, 0.2)
    heart = watch._heart
    monkeypatch.setattr(heart, "runs", lambda: True)
    heart.resting = False
    heart.due = time.monotonic() - 5
    watch._look(module._Moment(), overslept=5.0)  # the thread is back, and the loop is not
    assert told.having("came 5.0 s late: the process was suspended")
    assert time.monotonic() - heart.due < 1


def test_a_loop_that_has_nothing_to_do_is_not_blocked(reactor, told, watched):
    with watched() as watch:
        reactor.callWhenRunning(reactor.callLater, 0.5, reactor.stop)
        reactor.run(installSignalHandlers=False)
    assert watch.lag.count > 3  # it was looked at
    assert not told.having("is blocked")


def test_a_loop_that_does_not_run_is_not_blocked(reactor, told, watched):
    with watched() as watch:
        run(reactor, lambda: None)
        rests = threading.Event()
        # the thread looks once more, and then waits for the next run
        for _ in range(PATIENCE * 100):
            if watch._heart.resting:
                break
            rests.wait(0.01)
        assert watch._heart.resting
        run(reactor, lambda: told.wait_for("is blocked"))
    assert len(told.having("is blocked")) == 1


def test_the_stack_of_a_loop_with_no_code_of_the_programs_is_empty(reactor):
    found = []
    done = threading.Event()

    def look():
        found.append(stackOf(reactor.threadIdent()))
        done.set()
        reactor.callFromThread(reactor.stop)

    def begin():
        threading.Timer(0.1, look).start()

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    done.wait(PATIENCE)
    assert found == [[]]
    assert stackOf(None) == []


def test_stopping_ends_the_thread_and_the_timer(reactor):
    before = threading.active_count()
    watch = BlockWatch(reactor, 5)
    watch.start()
    watch.start()
    assert threading.active_count() == before + 1
    assert reactor.lag is watch.lag
    assert reactor.getDelayedCalls() == []  # it is none of the program's
    watch.stop()
    watch.stop()
    assert threading.active_count() == before
    assert reactor.lag is None


def test_a_log_that_is_blocked_does_not_keep_the_watch_from_stopping(
    reactor, told, watched, monkeypatch, flushLoggedErrors
):
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    entered, free = threading.Event(), threading.Event()

    def blocks(event):
        if threading.current_thread().name == "plait: watches the loop":
            entered.set()
            free.wait(PATIENCE)

    globalLogPublisher.watch(blocks)
    try:
        with watched():
            run(reactor, lambda: entered.wait(PATIENCE))
        assert entered.is_set() and not free.is_set()
    finally:
        free.set()
        globalLogPublisher.removeObserver(blocks)
        told.wait_for("is blocked")
        flushLoggedErrors(LoopBlocked)


def test_no_time_is_no_limit(reactor):
    for after in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="more than 0"):
            BlockWatch(reactor, after)


def test_lateness_is_counted():
    lag = Lag()
    for seconds in (-0.001, 0.0005, 0.001, 0.003, 99.0):
        lag.add(seconds)
    assert lag.buckets[0] == 3 and lag.buckets[2] == 1 and lag.buckets[-1] == 1
    assert sum(lag.buckets) == lag.count == 5
    assert lag.worst == 99.0 and lag.total == pytest.approx(99.0045)


def test_the_beat_notes_how_late_it_was(reactor):
    heart = Heartbeat(reactor, 0.01)
    heart.start()
    block = threading.Event()
    reactor.callWhenRunning(reactor.callLater, 0.05, lambda: (block.wait(0.2), reactor.callLater(0.02, reactor.stop)))
    reactor.run(installSignalHandlers=False)
    heart.stop()
    assert heart.lag.worst > 0.15
    assert heart.lag.count == sum(heart.lag.buckets) > 1
