"""Tests in other tests, results of unittest, and what trial's private modules have."""

from __future__ import annotations

import sys
import traceback
import unittest
import warnings
from types import ModuleType
from typing import Any

from plait.as_twisted.legacy import trialcase
from plait.deferred import fail
from plait.failure import Failure
from plait.testing import SynchronousTestCase
from plait.testing.runner.result import TestResult as Result
from plait.testing.runner.suites import iterate

KEPT: list[Any] = []


class Case(SynchronousTestCase):
    __test__ = False

    def test_good(self) -> None:
        pass

    def test_bad(self) -> None:
        raise KeyError("bad")

    def test_lost(self) -> None:
        cycle: list[Any] = [fail(KeyError("lost"))]
        cycle.append(cycle)
        KEPT.append(cycle)


class Noting(Result):
    """A result that keeps which test it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.tests: list[Any] = []

    def startTest(self, method: Any) -> None:
        super().startTest(method)
        self.tests.append(method)

    def addError(self, test: Any, error: Any) -> None:  # type: ignore[override]
        super().addError(test, error)
        self.tests.append(test)


def test_the_result_is_told_of_the_decorator() -> None:
    case = Case("test_bad")
    decorated = trialcase.TestDecorator(case)
    assert decorated.id() == case.id() and decorated.countTestCases() == 1
    result = Noting()
    decorated(result)
    assert [type(test) for test in result.tests] == [trialcase.TestDecorator] * 2
    assert all(test._originalTest is case for test in result.tests)


def test_a_suite_is_decorated_in_place() -> None:
    one, two = Case("test_good"), Case("test_bad")
    suite = unittest.TestSuite([one, unittest.TestSuite([two])])
    assert trialcase.decorate(suite, trialcase.TestDecorator) is suite
    tests = list(iterate(suite))
    assert [test._originalTest for test in tests] == [one, two]
    assert all(isinstance(test, trialcase.TestDecorator) for test in tests)
    trialcase.clear_suite(suite)
    assert suite.countTestCases() == 0


class Dropping(Result):
    """A result that drops, when the test is over, what the test has kept."""

    def stopTest(self, method: Any) -> None:
        super().stopTest(method)
        KEPT.clear()


def test_garbage_is_collected_after_a_test() -> None:
    result = Dropping()
    trialcase.CollectingTest(Case("test_good")).run(result)
    assert result.errors == [] and result.successes == 1
    trialcase.CollectingTest(Case("test_lost")).run(result)
    [(_, failure)] = result.errors
    assert failure.check(KeyError)


def test_a_result_of_unittest_takes_failures() -> None:
    try:
        raise KeyError("why")
    except KeyError as error:
        failure, info = Failure(), (KeyError, error, error.__traceback__)
    plain = unittest.TestResult()
    adapter = trialcase.PyUnitResultAdapter(plain)
    case = Case("test_bad")
    adapter.startTest(case)
    for told in (failure, info):
        adapter.addError(case, told)
        adapter.addFailure(case, told)
        adapter.addExpectedFailure(case, told, "todo")
    adapter.addUnexpectedSuccess(case, "todo")
    assert plain.testsRun == 1 and plain.unexpectedSuccesses == [case]
    for each in (plain.errors, plain.failures, plain.expectedFailures):
        assert [text for _, text in each] == ["".join(traceback.format_exception(*info))] * 2


def test_an_observer_keeps_errors() -> None:
    observer = trialcase.LogObserver()
    one, two = Failure(KeyError()), Failure(OSError())
    observer.gotEvent({"isError": 0, "message": ("said",)})
    for failure in (one, two):
        observer.gotEvent({"isError": 1, "failure": failure})
    assert observer.getErrors() == [one, two]
    assert observer.flushErrors(OSError) == [two] and observer.getErrors() == [one]
    assert observer.flushErrors() == [one] and observer.getErrors() == []
    observer._ignoreErrors(KeyError)
    observer.gotEvent({"isError": 1, "failure": one})
    assert observer.getErrors() == []
    observer._clearIgnores()
    observer.gotEvent({"isError": 1, "failure": one})
    assert observer.getErrors() == [one]


def test_warnings_are_collected() -> None:
    seen: list[Any] = []

    def warn(text: str, *, category: type[Warning]) -> str:
        warnings.warn(text, category, stacklevel=1)
        return text.upper()

    for _ in range(2):
        assert trialcase.collect_warnings(seen.append, warn, "one", category=UserWarning) == "ONE"
    assert [(w.message, w.category, w.filename) for w in seen] == [("one", UserWarning, __file__)] * 2


def test_a_module_forgets_which_warnings_it_gave() -> None:
    module: Any = ModuleType("thing")
    module.__warningregistry__ = {"given": True}
    trialcase.forget_warnings_given({"thing": module, "odd": object(), "none": None})
    assert module.__warningregistry__ is None
    assert "thing" not in sys.modules
