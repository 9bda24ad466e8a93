"""Test cases in classes: what becomes of a test, and what its result is told."""

from __future__ import annotations

import sys
import threading
import unittest
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from plait import reactor
from plait.as_twisted.version import Version
from plait.deferred import Deferred, TimeoutError, fail, inlineCallbacks, succeed
from plait.failure import Failure
from plait.log import err
from plait.protocol import Factory
from plait.testing.case import (
    DirtyReactorAggregateError,
    SkipTest,
    SynchronousTestCase,
    makeTodo,
)
from plait.testing.case import TestCase as ReactorTestCase
from plait.testing.marks import suppress
from plait.testing.runner.result import TestResult as Result

BOTH = pytest.mark.parametrize("base", [SynchronousTestCase, ReactorTestCase])


class Outcomes(unittest.TestResult):
    """A result that notes each call as (what, the error or the reason)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any]] = []

    def startTest(self, test: Any) -> None:
        self.calls.append(("start", None))

    def stopTest(self, test: Any) -> None:
        self.calls.append(("stop", None))

    def addSuccess(self, test: Any) -> None:
        self.calls.append(("success", None))

    def addError(self, test: Any, err: Any) -> None:
        self.calls.append(("error", err[1]))

    def addFailure(self, test: Any, err: Any) -> None:
        self.calls.append(("failure", err[1]))

    def addSkip(self, test: Any, reason: str) -> None:
        self.calls.append(("skip", reason))

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self.calls.append(("expected", err[1]))

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.calls.append(("unexpected", None))


def outcomes(case: SynchronousTestCase) -> list[tuple[str, Any]]:
    """What the result was told between the start and the stop."""
    result = Outcomes()
    case.run(result)
    assert result.calls[0] == ("start", None) and result.calls[-1] == ("stop", None)
    return result.calls[1:-1]


def case_of(base: type[SynchronousTestCase], test: Callable[[Any], Any], **attributes: Any) -> Any:
    """A case of a class with this one test."""
    return type("Case", (base,), {"test_it": test, "__module__": __name__, **attributes})("test_it")


def kinds(case: SynchronousTestCase) -> list[tuple[str, str]]:
    return [(what, type(detail).__name__) for what, detail in outcomes(case)]


def later(value: object = None) -> Deferred[Any]:
    d: Deferred[Any] = Deferred()
    reactor.callLater(0, d.callback, value)
    return d


@BOTH
def test_a_test_that_claims_nothing_wrong_is_a_success(base: type[SynchronousTestCase]) -> None:
    assert outcomes(case_of(base, lambda self: None)) == [("success", None)]


@BOTH
def test_a_false_claim_is_a_failure_and_another_exception_an_error(base: type[SynchronousTestCase]) -> None:
    def asserts(self: Any) -> None:
        assert 1 == 2

    assert kinds(case_of(base, lambda self: self.assertEqual(1, 2))) == [("failure", "FailTest")]
    assert kinds(case_of(base, asserts)) == [("failure", "AssertionError")]
    assert kinds(case_of(base, lambda self: 1 / 0)) == [("error", "ZeroDivisionError")]


def test_the_steps_are_run_in_order_and_are_waited_for() -> None:
    seen: list[str] = []

    class Case(ReactorTestCase):
        def setUp(self) -> Any:
            self.addCleanup(self.note, "first added")
            self.addCleanup(self.slowly, "last added")
            return self.slowly("setUp")

        def tearDown(self) -> Any:
            return self.slowly("tearDown")

        def note(self, name: str) -> None:
            seen.append(name)

        def slowly(self, name: str) -> Deferred[Any]:
            return later(name).addCallback(self.note)

        async def test_it(self) -> None:
            assert reactor.running
            await later()
            self.note("test")

    assert outcomes(Case("test_it")) == [("success", None)]
    assert seen == ["setUp", "test", "last added", "first added", "tearDown"]


def test_an_error_in_set_up_leaves_out_the_test_and_tear_down_but_no_clean_up() -> None:
    seen: list[str] = []

    class Case(ReactorTestCase):
        def setUp(self) -> Any:
            self.addCleanup(seen.append, "clean-up")
            return fail(ZeroDivisionError())

        def tearDown(self) -> None:
            seen.append("tearDown")

        def test_it(self) -> None:
            seen.append("test")

    assert kinds(Case("test_it")) == [("error", "ZeroDivisionError")]
    assert seen == ["clean-up"]


def test_each_step_reports_its_own_error() -> None:
    class Case(ReactorTestCase):
        async def tearDown(self) -> None:  # type: ignore[override]
            raise KeyError

        def test_it(self) -> Any:
            self.addCleanup(lambda: fail(IndexError()))
            return later().addCallback(lambda _: 1 / 0)

    assert kinds(Case("test_it")) == [("error", "ZeroDivisionError"), ("error", "IndexError"), ("error", "KeyError")]


def test_tests_that_wait() -> None:
    async def coroutine(self: Any) -> None:
        assert await later(3) == 3

    @inlineCallbacks
    def generator(self: Any) -> Any:
        assert (yield later(3)) == 3

    async def fails(self: Any) -> None:
        self.assertEqual(await later(3), 4)

    for test in (coroutine, generator, lambda self: succeed(1), lambda self: later(), lambda self: coroutine(self)):
        assert outcomes(case_of(ReactorTestCase, test)) == [("success", None)]
    assert kinds(case_of(ReactorTestCase, fails)) == [("failure", "FailTest")]
    assert kinds(case_of(ReactorTestCase, lambda self: fail(KeyError()))) == [("error", "KeyError")]


@BOTH
def test_a_test_that_would_not_be_run_is_an_error(base: type[SynchronousTestCase]) -> None:
    def generator(self: Any) -> Any:
        yield

    async def coroutine(self: Any) -> None:
        pass

    assert kinds(case_of(base, generator)) == [("error", "TypeError")]
    if base is SynchronousTestCase:
        assert kinds(case_of(base, coroutine)) == [("error", "TypeError")]


def test_a_synchronous_test_does_not_wait_for_a_deferred() -> None:
    assert outcomes(case_of(SynchronousTestCase, lambda self: succeed(1))) == [("success", None)]
    assert kinds(case_of(SynchronousTestCase, lambda self: fail(KeyError()))) == [("error", "KeyError")]
    assert kinds(case_of(SynchronousTestCase, lambda self: Deferred())) == [("error", "TypeError")]


# -- time


def test_a_test_that_does_not_end_in_its_time_is_cancelled() -> None:
    cancelled: list[object] = []
    case = case_of(ReactorTestCase, lambda self: Deferred(cancelled.append), timeout=0.001)
    [(what, error)] = outcomes(case)
    assert what == "error" and isinstance(error, TimeoutError)
    assert "test_it" in str(error) and "0.001" in str(error)
    assert len(cancelled) == 1


def test_the_nearest_timeout_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def test(self: Any) -> None:
        pass

    assert case_of(ReactorTestCase, test).getTimeout() == 120
    monkeypatch.setattr(sys.modules[__name__], "timeout", 3, raising=False)
    assert case_of(ReactorTestCase, test).getTimeout() == 3
    assert case_of(ReactorTestCase, test, timeout=2).getTimeout() == 2
    test.timeout = 1  # type: ignore[attr-defined]
    assert case_of(ReactorTestCase, test, timeout=2).getTimeout() == 1
    with pytest.raises(TypeError, match="soon"):
        case_of(ReactorTestCase, lambda self: None, timeout="soon").getTimeout()


# -- skip and todo


@BOTH
def test_skipped_tests_are_not_run(base: type[SynchronousTestCase], monkeypatch: pytest.MonkeyPatch) -> None:
    def test(self: Any) -> None:
        raise KeyError

    assert outcomes(case_of(base, unittest.skip("decorated")(lambda self: None))) == [("skip", "decorated")]
    assert outcomes(case_of(base, test, skip="class")) == [("skip", "class")]
    monkeypatch.setattr(sys.modules[__name__], "skip", "module", raising=False)
    assert outcomes(case_of(base, test)) == [("skip", "module")]
    assert kinds(case_of(base, test, skip=None)) == [("error", "KeyError")]
    test.skip = "method"  # type: ignore[attr-defined]
    assert outcomes(case_of(base, test, skip="class")) == [("skip", "method")]


def test_a_test_may_skip_itself() -> None:
    def test(self: Any) -> Any:
        raise SkipTest("not here")

    assert outcomes(case_of(ReactorTestCase, test)) == [("skip", "not here")]
    assert outcomes(case_of(ReactorTestCase, lambda self: later().addCallback(test))) == [("skip", "not here")]
    assert outcomes(case_of(ReactorTestCase, lambda self: 1 / 0, setUp=test)) == [("skip", "not here")]


@BOTH
def test_todo(base: type[SynchronousTestCase]) -> None:
    def test(self: Any) -> None:
        raise KeyError

    assert kinds(case_of(base, test, todo="broken")) == [("expected", "KeyError")]
    assert kinds(case_of(base, test, todo=(KeyError, "broken"))) == [("expected", "KeyError")]
    assert kinds(case_of(base, test, todo=((IndexError, KeyError), "broken"))) == [("expected", "KeyError")]
    assert kinds(case_of(base, test, todo=(IndexError, "broken"))) == [("error", "KeyError")]
    assert kinds(case_of(base, unittest.expectedFailure(test))) == [("expected", "KeyError")]
    assert outcomes(case_of(base, lambda self: None, todo="broken")) == [("unexpected", None)]


@BOTH
def test_a_todo_is_of_the_test_alone(base: Any) -> None:
    def raises(self: Any) -> None:
        raise KeyError

    def cleans(self: Any) -> None:
        self.addCleanup(raises, self)

    def test(self: Any) -> None:
        pass

    assert kinds(case_of(base, test, todo="broken", setUp=raises)) == [("error", "KeyError")]
    told = sorted(kinds(case_of(base, test, todo="broken", tearDown=raises)), key=str)
    assert told == [("error", "KeyError"), ("unexpected", "NoneType")]
    told = sorted(kinds(case_of(base, cleans, todo="broken")), key=str)
    assert told == [("error", "KeyError"), ("unexpected", "NoneType")]


def test_only_a_test_claims_something() -> None:
    def claims(self: Any) -> None:
        self.fail("no")

    def cleans(self: Any) -> None:
        self.addCleanup(self.fail, "no")

    def test(self: Any) -> None:
        pass

    assert kinds(case_of(ReactorTestCase, test, setUp=claims)) == [("error", "FailTest")]
    assert kinds(case_of(ReactorTestCase, test, tearDown=claims)) == [("error", "FailTest")]
    assert kinds(case_of(SynchronousTestCase, test, setUp=claims)) == [("failure", "FailTest")]
    assert kinds(case_of(SynchronousTestCase, cleans)) == [("error", "FailTest")]


@BOTH
def test_a_reporter_is_told_of_failures(base: Any) -> None:
    def test(self: Any) -> None:
        raise KeyError("why")

    def told(case: Any) -> Any:
        result = Result()
        case.run(result)
        return result

    [(_, failure)] = told(case_of(base, test)).errors
    assert isinstance(failure, Failure) and failure.getErrorMessage() == "'why'" and failure.tb is not None
    [(_, failure, todo)] = told(case_of(base, test, todo="broken")).expectedFailures
    assert failure.check(KeyError) and todo.reason == "broken"


def test_a_patch_can_be_made_again() -> None:
    class Thing:
        value = 1

    def test(self: Any) -> None:
        patch = self.patch(Thing, "value", 2)
        patch.restore()
        patch.restore()
        assert Thing.value == 1
        patch.patch()
        assert Thing.value == 2

    assert outcomes(case_of(SynchronousTestCase, test)) == [("success", None)]
    assert Thing.value == 1


def test_what_waits_is_told_why_it_is_ended() -> None:
    seen: list[Any] = []

    def test(self: Any) -> Deferred[None]:
        d: Deferred[None] = Deferred()
        return d.addErrback(lambda failure: seen.append(failure.value) or failure)  # type: ignore[func-returns-value]

    def cleans(self: Any) -> None:
        def forever() -> Deferred[None]:
            return Deferred(lambda d: seen.append("cancelled"))

        self.addCleanup(forever)

    [(what, error)] = outcomes(case_of(ReactorTestCase, test, timeout=0.01))
    assert what == "error" and isinstance(error, TimeoutError) and "(test) still running at 0.01 secs" in str(error)
    assert isinstance(seen[0], TimeoutError) and str(seen[0]) == str(error)
    [(_, error)] = outcomes(case_of(ReactorTestCase, cleans, timeout=0.01))
    assert "(cleanup function forever) still running" in str(error) and seen[1] == "cancelled"


def test_a_todo_says_why() -> None:
    assert makeTodo("why").reason == "why"
    assert makeTodo("why").errors is None
    assert makeTodo((KeyError, "why")).errors == [KeyError]
    assert "why" in repr(makeTodo("why"))


# -- what is left behind


@BOTH
def test_logged_errors_fail_a_test_unless_they_are_flushed(base: type[SynchronousTestCase]) -> None:
    def test(self: Any) -> None:
        err(KeyError("k"))
        err(IndexError("i"))

    def flushes(self: Any) -> None:
        test(self)
        self.assertEqual([f.type for f in self.flushLoggedErrors(KeyError)], [KeyError])
        self.assertEqual(self.flushLoggedErrors(KeyError), [])
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    assert kinds(case_of(base, test)) == [("error", "KeyError"), ("error", "IndexError")]
    assert outcomes(case_of(base, flushes)) == [("success", None)]


def test_what_is_left_in_the_reactor_is_named() -> None:
    def test(self: Any) -> None:
        reactor.callLater(1000, later)
        reactor.listenTCP(0, Factory(), interface="127.0.0.1")

    [(what, error)] = outcomes(case_of(ReactorTestCase, test))
    assert what == "error" and isinstance(error, DirtyReactorAggregateError)
    assert (len(error.delayedCalls), len(error.selectables)) == (1, 1)
    assert "later" in str(error) and "Factory" in str(error)
    assert reactor.getDelayedCalls() == []
    assert outcomes(case_of(ReactorTestCase, lambda self: None)) == [("success", None)]


def test_a_thread_that_is_still_at_work_is_named() -> None:
    go = threading.Event()

    def test(self: Any) -> None:
        threading.Thread(target=go.wait, args=(30,), name="mine").start()

    def ended(self: Any) -> None:
        go.set()

    try:
        [(what, error)] = outcomes(case_of(ReactorTestCase, test))
        assert what == "error" and isinstance(error, DirtyReactorAggregateError)
        [name] = error.selectables
        assert "mine" in name
        # It is not the next test's, and a thread that comes to its end in time is nobody's.
        assert outcomes(case_of(ReactorTestCase, lambda self: None)) == [("success", None)]
        assert outcomes(case_of(ReactorTestCase, test, tearDown=ended)) == [("success", None)]
    finally:
        go.set()


def test_an_error_that_was_lost_in_a_cycle_is_this_tests() -> None:
    def test(self: Any) -> None:
        d: Any = fail(KeyError("lost"))
        d.cycle = d

    assert kinds(case_of(SynchronousTestCase, test)) == [("error", "KeyError")]


def test_what_was_there_before_is_not_the_tests() -> None:
    call = reactor.callLater(1000, later)
    assert outcomes(case_of(ReactorTestCase, lambda self: None)) == [("success", None)]
    assert call.active()
    call.cancel()


# -- warnings


def warns() -> None:
    warnings.warn("first", DeprecationWarning, stacklevel=1)


def warns_too() -> None:
    warnings.warn("second", UserWarning, stacklevel=1)


def test_warnings_are_kept_until_they_are_flushed() -> None:
    def test(self: Any) -> None:
        warns()
        warns_too()
        [first] = self.flushWarnings([warns])
        self.assertEqual((first["message"], first["category"]), ("first", DeprecationWarning))
        self.assertEqual(first["filename"], __file__)
        self.assertIsInstance(first["lineno"], int)
        self.assertEqual([w["message"] for w in self.flushWarnings()], ["second"])
        self.assertEqual(self.flushWarnings(), [])

    assert outcomes(case_of(SynchronousTestCase, test)) == [("success", None)]


def test_other_warnings_are_given_when_the_test_ends() -> None:
    with pytest.warns(UserWarning, match="second"):
        assert outcomes(case_of(SynchronousTestCase, lambda self: warns_too())) == [("success", None)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kinds(case_of(SynchronousTestCase, lambda self: warns_too())) == [("error", "UserWarning")]
        ignored = case_of(SynchronousTestCase, lambda self: warns_too(), suppress=[suppress(message="sec")])
        assert outcomes(ignored) == [("success", None)]


# -- tools


def test_a_patch_lasts_as_long_as_the_test() -> None:
    class Thing:
        value = 1

    def test(self: Any) -> None:
        self.patch(Thing, "value", 2)
        self.assertEqual(Thing.value, 2)
        second = self.patch(Thing, "value", 3)
        second.restore()
        self.assertEqual(Thing.value, 2)
        self.assertRaises(AttributeError, self.patch, Thing, "nothing", 1)

    assert outcomes(case_of(SynchronousTestCase, test)) == [("success", None)]
    assert Thing.value == 1


def test_paths_for_files_are_new_and_go_with_the_test() -> None:
    paths: list[Path] = []

    def test(self: Any) -> None:
        paths.extend([Path(self.mktemp()), Path(self.mktemp())])
        for path in paths:
            self.assertFalse(path.exists())
            path.mkdir()

    assert outcomes(case_of(SynchronousTestCase, test)) == [("success", None)]
    assert paths[0] != paths[1]
    assert not paths[0].exists()


def test_a_case_is_equal_to_itself_alone() -> None:
    one, other = (case_of(SynchronousTestCase, lambda self: None) for _ in range(2))
    assert one == one and one != other
    assert len({one, other, one}) == 2
    assert one.shortDescription() == "test_it"
    assert one.id().endswith("Case.test_it")


def test_a_case_can_be_made_for_its_assertions() -> None:
    case = SynchronousTestCase()
    assert case.assertEqual(1, 1) == 1
    assert outcomes(case) == [("success", None)]


def test_deprecated_calls() -> None:
    def old() -> int:
        warnings.warn("old was deprecated in Thing 1.2.0; please use new instead", DeprecationWarning, stacklevel=2)
        return 5

    def test(self: Any) -> None:
        self.assertEqual(self.callDeprecated("1.2.0", old), 5)
        self.assertEqual(self.callDeprecated(("1.2.0", "new"), old), 5)
        self.assertRaises(AssertionError, self.callDeprecated, "2.0.0", old)
        self.assertRaises(AssertionError, self.callDeprecated, ("1.2.0", "newer"), old)
        self.assertRaises(AssertionError, self.callDeprecated, "1.2.0", lambda: 5)

    assert outcomes(case_of(SynchronousTestCase, test)) == [("success", None)]


def test_a_deprecated_attribute_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("thing")

    def get(name: str) -> int:
        if name != "old":
            raise AttributeError(name)
        warnings.warn(f"thing.{name} was deprecated in Thing 1.2.0: use new", DeprecationWarning, stacklevel=2)
        return 5

    module.__getattr__ = get  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "thing", module)
    module.__dict__["fine"] = 1

    def test(self: Any) -> None:
        since = Version("Thing", 1, 2, 0)
        self.assertEqual(self.getDeprecatedModuleAttribute("thing", "old", since, "use new"), 5)
        self.assertEqual(self.getDeprecatedModuleAttribute("thing", "old", since), 5)
        self.assertRaises(AssertionError, self.getDeprecatedModuleAttribute, "thing", "old", since, "use nothing")
        self.assertRaises(AssertionError, self.getDeprecatedModuleAttribute, "thing", "fine", since)

    assert outcomes(case_of(SynchronousTestCase, test)) == [("success", None)]


def test_a_class_may_have_a_failure_exception_of_its_own() -> None:
    case = case_of(SynchronousTestCase, lambda self: self.assertEqual(1, 2), failureException=KeyError)
    assert kinds(case) == [("failure", "KeyError")]
