"""Debug mode: where Deferreds were made and fired, and which of them still wait."""

import gc
import os
import subprocess
import sys

import pytest

from plait.deferred import (
    AlreadyCalledError,
    Deferred,
    DeferredList,
    ensureDeferred,
    getDebugging,
    setDebugging,
    succeed,
    waitingDeferreds,
)
from plait.log import globalLogPublisher


@pytest.fixture
def debugging():
    setDebugging(True)
    yield
    setDebugging(False)


def test_it_tells_where_a_deferred_was_made_and_fired(debugging):
    d = Deferred()
    d.callback(1)
    with pytest.raises(AlreadyCalledError) as e:
        d.callback(2)
    text = str(e.value)
    assert "Deferred was created" in text and "First Invoker" in text
    assert "d = Deferred()" in text and "d.callback(1)" in text
    assert "plait/deferred" not in text


def test_without_it_the_error_says_how_to_see_more():
    d = succeed(1)
    with pytest.raises(AlreadyCalledError, match="PLAIT_DEBUG=1") as e:
        d.callback(2)
    assert e.value.args == ()


def test_an_unhandled_error_tells_where_the_deferred_was_made_and_fired(debugging, flushLoggedErrors):
    events = []
    globalLogPublisher.addObserver(events.append)
    events.clear()  # what was logged before there was an observer
    try:
        Deferred().addCallback(lambda r: 1 / r).callback(0)
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1
    first, second = [e for e in events if e["log_namespace"] == "plait.deferred"]
    assert first["log_format"] == "Unhandled error in Deferred:"
    assert "Deferred().addCallback" in second["debugInfo"]


def test_one_deferred_alone_can_be_watched():
    d = Deferred()
    assert not d.debug
    d.debug = True
    d.callback(1)
    with pytest.raises(AlreadyCalledError, match=r"d\.callback\(1\)"):
        d.callback(2)
    e = Deferred()
    e.debug = True
    e.debug = False
    e.callback(1)
    assert not e.debug


def waiting():
    """Those that this test has made, and their lines."""
    return [(w.deferred, w.created.strip().split("\n")[-1].strip()) for w in waitingDeferreds()]


def test_those_that_wait_are_listed_with_where_they_were_made(debugging):
    before = set(map(id, (w.deferred for w in waitingDeferreds())))
    unfired = Deferred()
    fired = succeed(1)
    outer = succeed(None)
    outer.addCallback(lambda r: unfired)
    both = DeferredList([fired, outer])

    async def waits():
        await both

    task = ensureDeferred(waits())
    found = {d: line for d, line in waiting() if id(d) not in before}
    assert {d: line for d, line in found.items() if d in (unfired, outer, both, task)} == {
        unfired: "unfired = Deferred()",
        outer: "outer = succeed(None)",
        both: "both = DeferredList([fired, outer])",
        task: "task = ensureDeferred(waits())",
    }
    assert fired not in found
    text = next(str(w) for w in waitingDeferreds() if w.deferred is outer)
    assert f"waiting on Deferred at {id(unfired):#x}" in text and "outer = succeed(None)" in text
    unfired.callback(None)
    assert not {unfired, outer, both, task} & {d for d, _ in waiting()}


def test_the_list_keeps_nothing_alive(debugging):
    d = Deferred()
    before = len(waitingDeferreds())
    del d
    gc.collect()
    assert len(waitingDeferreds()) == before - 1


def test_without_debug_mode_the_list_says_how_to_turn_it_on():
    assert not getDebugging()
    with pytest.raises(RuntimeError, match="PLAIT_DEBUG=1"):
        waitingDeferreds()


def test_the_environment_turns_it_on():
    code = "from plait.deferred import *; d = Deferred(); print(getDebugging(), len(waitingDeferreds()))"
    for value, printed in (("1", "True 1"), ("", "False")):
        env = {**os.environ, "PLAIT_DEBUG": value}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
        assert run.stdout.strip() == (printed if value else "")
        assert ("RuntimeError" in run.stderr) == (not value)
