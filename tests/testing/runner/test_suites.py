"""Suites, and what stands in them for what could not be had."""

from __future__ import annotations

import gc
import unittest
import weakref
from typing import Any

from plait.failure import Failure
from plait.log import err
from plait.testing import SynchronousTestCase
from plait.testing.runner import suites
from plait.testing.runner.result import TestResult as Result


class Three(unittest.TestCase):
    __test__ = False  # of these tests, not one of them
    ran: list[str] = []

    def setUp(self) -> None:
        self.ran.append(self._testMethodName)

    def test_1(self) -> None:
        pass

    def test_2(self) -> None:
        raise KeyboardInterrupt

    def test_3(self) -> None:
        pass

    @classmethod
    def tearDownClass(cls) -> None:
        cls.ran.append("torn down")


def test_ctrl_c_ends_the_suites_and_takes_fixtures_down() -> None:
    for kind, left in ((suites.TestSuite, 3), (suites.DestructiveTestSuite, 1)):
        Three.ran = []
        inner = kind([Three("test_1"), Three("test_2"), Three("test_3")])
        outer = suites.TestSuite([inner, Three("test_1")])
        result = Result()
        outer.run(result)
        assert Three.ran == ["test_1", "test_2", "torn down"]
        assert result.shouldStop and result.testsRun == 2
        assert inner.countTestCases() == left


def test_a_destructive_suite_lets_go_of_its_tests() -> None:
    test = unittest.FunctionTestCase(int)
    gone = weakref.ref(test)
    suite = suites.DestructiveTestSuite([test])
    del test
    assert suite.countTestCases() == 1
    suite.run(Result())
    gc.collect()
    assert gone() is None and suite.countTestCases() == 0
    assert list(suites.iterate(suite)) == []


def test_a_suite_runs_again() -> None:
    suite = suites.TestSuite([unittest.FunctionTestCase(int)])
    for _ in range(2):
        result = Result()
        suite.run(result)
        assert result.successes == 1


def test_errors_that_are_logged_between_tests_are_reported() -> None:
    class Logs(SynchronousTestCase):
        def test_expected(self) -> None:
            err(ValueError("in a test"))
            self.flushLoggedErrors(ValueError)

    class Between(suites.TestSuite):
        def run(self, result: Any, debug: bool = False) -> Any:
            err(KeyError("between tests"))
            return super().run(result, debug)

    result = Result()
    suites.LoggedSuite([Between([Logs("test_expected")])]).run(result)
    [(holder, failure)] = result.errors
    assert holder.id() == suites.NOT_IN_TEST and failure.check(KeyError)
    assert result.successes == 1


def test_holders() -> None:
    for kind in (Result, unittest.TestResult):
        result = kind()
        holder = suites.TestHolder("a name")
        holder(result)
        assert (holder.id(), holder.shortDescription(), holder.countTestCases()) == ("a name", "a name", 0)
        assert result.wasSuccessful() and result.testsRun == 1
        error = suites.ErrorHolder("a name", Failure(ValueError("broken")))
        error.run(result)
        assert not result.wasSuccessful() and len(result.errors) == 1
        assert repr(error) == "<ErrorHolder description='a name' error=ValueError('broken')>"
