"""The plugin, in pytest sessions of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import plait

pytest_plugins = ["pytester"]

HEAD = """
import pytest
from plait import reactor
from plait.deferred import Deferred, fail, inlineCallbacks, succeed
from plait.log import Logger, err, msg

def later(value, delay=0):
    d = Deferred()
    reactor.callLater(delay, d.callback, value)
    return d
"""

Session = Callable[..., pytest.RunResult]


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Run the tests in a text, in a process of its own: it has a reactor of its own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(plait.__file__).parent.parent), prepend=os.pathsep)

    def run(tests: str, *args: str, ini: str = "", head: str = HEAD) -> pytest.RunResult:
        pytester.makepyfile(head + tests)
        pytester.makeini("[pytest]\n" + ini)
        return pytester.runpytest_subprocess(
            "-p", "no:plait", "-p", "plait.testing.pytest_plugin", "-p", "no:cacheprovider", *args, timeout=120
        )

    return run


def test_tests_on_the_reactor_pass(session: Session) -> None:
    result = session(
        """
def test_plain():
    assert 1

def test_fired():
    return succeed(3)

def test_unfired():
    d = later(3)
    d.addCallback(lambda n: seen.append(n))
    return d

seen = []

@inlineCallbacks
def test_generator():
    assert (yield later(2)) == 2
    seen.append("generator")

async def test_coroutine():
    assert reactor.running
    assert await later(1) == 1
    seen.append("coroutine")

class TestMethods:
    async def test_async(self):
        assert await later(1) == 1
        seen.append("method")

    def test_deferred(self):
        return later(4).addCallback(seen.append)

@pytest.mark.parametrize("n", [1, 2])
async def test_parameters(n):
    assert await later(n) == n

async def test_asyncio():
    import asyncio
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        assert await later("x") == "x"

def test_they_have_run():
    assert seen == [3, "generator", "coroutine", "method", 4]
""",
        "-W",
        "error",
    )
    result.assert_outcomes(passed=11)


def test_tests_on_the_reactor_fail_with_the_users_traceback(session: Session) -> None:
    result = session(
        """
def helper(n):
    assert n == 2, "in the helper"

async def test_coroutine():
    await later(1)
    helper(await later(3))

def test_callback():
    return later(3).addCallback(helper)

def test_errback():
    return fail(KeyError("from fail"))

@inlineCallbacks
def test_generator():
    try:
        yield fail(KeyError("caught"))
    except KeyError:
        pass
    yield later(1)
    helper(5)

def test_before_the_deferred():
    raise ValueError("at once")
"""
    )
    result.assert_outcomes(failed=5)
    text = result.stdout.str()
    assert "helper(await later(3))" in text
    assert text.count('assert n == 2, "in the helper"') >= 3
    assert "KeyError: 'from fail'" in text
    assert "ValueError: at once" in text
    assert "plait/testing" not in text and "plait/deferred" not in text


def test_outcomes_of_pytest_pass_through(session: Session) -> None:
    result = session(
        """
async def test_skip():
    await later(1)
    pytest.skip("not here")

async def test_fail():
    await later(1)
    pytest.fail("not this")

async def test_xfail():
    await later(1)
    pytest.xfail("not yet")

async def test_raises():
    with pytest.raises(ValueError):
        await fail(ValueError())
""",
        "-rs",
    )
    result.assert_outcomes(skipped=1, failed=1, xfailed=1, passed=1)
    result.stdout.fnmatch_lines(["*not this*", "SKIPPED*not here*"])


def test_a_test_that_takes_too_long(session: Session) -> None:
    result = session(
        """
cleaned = []

@pytest.mark.plait_timeout(0.01)
async def test_slow():
    try:
        await Deferred()  # where it waits
    finally:
        cleaned.append(1)

def test_never():
    return Deferred()

@pytest.mark.plait_timeout(0.01)
async def test_stubborn():
    while len(cleaned) < 10:
        try:
            await Deferred()
        except BaseException:
            cleaned.append(2)

late = Deferred()

@pytest.mark.plait_timeout(0.01)
async def test_too_late():
    try:
        await Deferred()
    finally:
        await late

async def test_what_comes_too_late_does_not_end_another_test():
    await later(1)
    late.callback(None)
    await later(1)
    cleaned.append("late")

def test_the_reactor_is_still_good():
    assert cleaned[:2] == [1, 2] and cleaned[-1] == "late"
    return later(1)
""",
        ini="plait_timeout = 0.02",
    )
    result.assert_outcomes(failed=4, passed=2)
    result.stdout.fnmatch_lines(
        [
            "*await Deferred()  # where it waits*",
            "*TimedOut: not finished after 0.01 seconds; it was cancelled*",
            "*TimedOut: not finished after 0.02 seconds; it was cancelled*",
        ]
    )


@pytest.mark.parametrize("value", ["-1", "soon", "0"])
def test_a_timeout_that_is_none(session: Session, value: str) -> None:
    result = session("async def test(): ...", ini=f"plait_timeout = {value}")
    assert f"the ini option plait_timeout wants a number of seconds above 0, not '{value}'" in (
        result.stdout.str() + result.stderr.str()
    )
    assert result.ret != 0


def test_a_marker_without_a_number(session: Session) -> None:
    result = session("@pytest.mark.plait_timeout\nasync def test(): ...", "--strict-markers")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*the marker plait_timeout wants a number of seconds above 0, not None*"])


def test_a_reactor_that_is_stopped_in_a_test(session: Session) -> None:
    result = session(
        """
async def test_stops():
    reactor.stop()
    await Deferred()

async def test_next():
    await later(1)
"""
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*NotFinished: the reactor was stopped before this was finished*"])


def test_an_interrupt_ends_the_session(session: Session) -> None:
    result = session(
        """
import os, signal

async def test_interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    await later(1, 20)

def test_never_reached():
    print("reached")
"""
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*KeyboardInterrupt*"])


def test_what_is_left_behind_is_an_error(session: Session) -> None:
    result = session(
        """
from plait.protocol import ClientFactory, Factory, Protocol

lost = []

def forgotten():
    raise AssertionError("never called")

class Connected(Protocol):
    def connectionMade(self):
        self.factory.made.callback(self)

    def connectionLost(self, reason):
        lost.append(reason)

def connect():
    port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    factory = ClientFactory.forProtocol(Connected)
    factory.made = Deferred()
    reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
    return port, factory.made

async def test_call():
    reactor.callLater(1000, forgotten)

async def test_port_and_connections():
    port, made = connect()
    await made

async def test_connections():
    port, made = connect()
    await made
    await port.stopListening()

async def test_closing_takes_a_moment():
    port, made = connect()
    (await made).transport.loseConnection()
    await port.stopListening()

def test_all_is_gone():
    assert reactor.getDelayedCalls() == []
    assert len(lost) == 3

def test_plain_tests_are_not_looked_at():
    reactor.callLater(1000, forgotten).cancel()
"""
    )
    result.assert_outcomes(passed=6, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*dirty reactor: 1 thing left behind (cancel, close or await before the test ends):*",
            "  *DelayedCall *forgotten*",
            "*dirty reactor: 3 things left behind*",
            "  *Factory on *",
            "*dirty reactor: 2 things left behind*",
        ]
    )
    # in any order
    result.stdout.re_match_lines_random([r"  <Protocol #\d+ on \d+>", r"  <Connected to 127\.0\.0\.1:\d+>"])
    assert "entries are hidden" not in result.stdout.str()


def test_a_test_that_failed_already_is_swept_in_silence(session: Session) -> None:
    result = session(
        """
async def test_call():
    reactor.callLater(1000, print)
    raise ValueError

async def test_next():
    pass
"""
    )
    result.assert_outcomes(failed=1, passed=1)


def test_logged_errors(session: Session) -> None:
    result = session(
        """
async def test_logs_an_error():
    await later(1)
    try:
        raise ValueError("logged")
    except ValueError:
        err(None, "why not")

async def test_expects_it(flushLoggedErrors):
    err(ValueError("expected"))
    err(KeyError("also expected"))
    assert [f.value.args for f in flushLoggedErrors(ValueError)] == [("expected",)]
    assert flushLoggedErrors(ValueError) == []
    assert len(flushLoggedErrors()) == 1

async def test_expects_another(flushLoggedErrors):
    err(ValueError("unexpected"))
    assert len(flushLoggedErrors(KeyError)) == 0

async def test_forgets_a_deferred():
    fail(ZeroDivisionError("forgotten"))

async def test_nothing_is_left_of_that(flushLoggedErrors):
    assert flushLoggedErrors() == []

def test_plain_with_the_fixture(flushLoggedErrors):
    err(ValueError("in a plain test"))

def test_plain_without():
    err(ValueError("not looked at"))
"""
    )
    result.assert_outcomes(passed=3, failed=4)
    text = result.stdout.str()
    assert "1 error logged and not flushed (see flushLoggedErrors)" in text
    assert "ValueError: logged" in text and "ValueError: unexpected" in text
    assert "ZeroDivisionError: forgotten" in text
    assert "ValueError: in a plain test" in text


def test_the_log_of_a_test_that_failed_is_shown(session: Session) -> None:
    result = session(
        """
log = Logger("mine")

async def test_fails():
    log.info("on the way to {where}", where="hell")
    assert 0

async def test_passes():
    log.info("on the way home")
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Captured Plait log call*", "*[[]mine#info[]] on the way to hell"])
    assert "home" not in result.stdout.str()


def test_fixtures(session: Session) -> None:
    result = session(
        """
events = []

@pytest.fixture
async def number():
    return await later(42)

@pytest.fixture
async def resource(number):
    events.append("open")
    yield number + await later(1)
    await later(1)
    events.append("closed")

@pytest.fixture(scope="module")
async def shared():
    call = reactor.callLater(1000, print)
    yield call
    call.cancel()

async def test_in_a_coroutine(resource, shared):
    assert resource == 43
    assert shared.active()

def test_in_a_plain_test(resource, shared):
    assert events == ["open", "closed", "open"]
    assert shared.active()

class TestClass:
    @pytest.fixture
    async def mine(self):
        self.attribute = await later("set")
        return self

    async def test_the_instance(self, mine):
        assert mine is self and self.attribute == "set"

def test_all_closed():
    assert events == ["open", "closed"] * 2
"""
    )
    result.assert_outcomes(passed=4)


def test_fixtures_that_fail(session: Session) -> None:
    result = session(
        """
@pytest.fixture
async def broken():
    await later(1)
    raise ValueError("broken fixture")

@pytest.fixture
async def twice():
    yield 1
    yield 2

async def test_broken(broken):
    pass

async def test_twice(twice):
    pass
"""
    )
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        ["*ValueError: broken fixture*", "*RuntimeError: the fixture twice yields more than once*"]
    )


def test_other_plugins_keep_their_tests(session: Session) -> None:
    result = session(
        """
pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
async def theirs():
    import asyncio
    return asyncio.get_running_loop()

async def test_theirs(theirs):
    import asyncio
    assert asyncio.get_running_loop() is theirs
    assert reactor.loop is theirs  # attached to the loop that runs, and not running one of its own
"""
    )
    result.assert_outcomes(passed=1)


def test_hypothesis(session: Session) -> None:
    result = session(
        """
from hypothesis import given, settings, strategies as st

seen = []

@given(st.integers())
@settings(max_examples=10, deadline=None)
async def test_examples(n):
    seen.append(await later(n))

@given(st.integers())
@settings(max_examples=10, deadline=None)
async def test_fails(n):
    assert await later(n) < 0

def test_seen():
    assert seen
"""
    )
    result.assert_outcomes(passed=2, failed=1)


def test_a_session_without_plait_does_not_import_it(session: Session) -> None:
    result = session(
        """
import sys

def test_imports():
    ours = {name for name in sys.modules if name.split(".")[0] == "plait"}
    assert ours == {"plait", "plait.testing", "plait.testing.pytest_plugin"}

def test_returning_something_is_still_a_mistake():
    return 3
""",
        "-W",
        "error",
        head="",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_returning_something_is_still_a_mistake*"])


def test_classes_of_tests_are_run_by_their_own_rules(session: Session) -> None:
    result = session(
        """
from plait.testing import SkipTest, SynchronousTestCase, TestCase

class EmptyTests(TestCase):
    pass

class WaitingTests(TestCase):
    def setUp(self):
        return later(3).addCallback(lambda n: setattr(self, "n", n))

    async def test_passes(self):
        assert await later(self.n) == 3

    def test_fails(self):
        return later(self.n).addCallback(self.assertEqual, 4)

    def test_leaves(self):
        reactor.callLater(1000, later, 1)

    def test_logs(self):
        err(KeyError("logged"))

    def test_skips(self):
        raise SkipTest("not here")

    def test_is_skipped(self):
        pass
    test_is_skipped.skip = "not today"

    def test_todo(self):
        1 / 0
    test_todo.todo = "broken"

    def test_hangs(self):
        return Deferred()
    test_hangs.timeout = 0.01

class PlainTests(SynchronousTestCase):
    def test_passes(self):
        self.assertEqual(self.successResultOf(succeed(1)), 1)
        pytest.raises(KeyError, {}.pop, 1)
        err(KeyError())
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
""",
        "-v",
    )
    result.assert_outcomes(passed=2, failed=4, skipped=2, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*WaitingTests::test_fails FAILED*",
            "E  *3 != 4*",
            "*DirtyReactorAggregateError: left behind in the reactor*",
            "*KeyError: 'logged'",
            "*TimeoutError: *test_hangs* still running at 0.01 secs",
        ]
    )
    result.stdout.no_fnmatch_line("*EmptyTests*")
    result.stdout.no_fnmatch_line("*runTest*")


def test_the_plain_runner_takes_the_same_classes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(plait.__file__).parent.parent), prepend=os.pathsep)
    path = pytester.makepyfile(
        HEAD
        + """
import unittest
from plait.testing import case

class WaitingTests(case.TestCase):
    async def test_passes(self):
        self.assertEqual(await later(3), 3)

    async def test_fails(self):
        self.assertEqual(await later(3), 4)

unittest.main()
"""
    )
    result = pytester.runpython(path)
    result.stderr.fnmatch_lines(["Traceback*", "*in test_fails", "*FailTest: 3 != 4", "*", "Ran 2 tests*"])
    result.stderr.no_fnmatch_line("*running.py*")
