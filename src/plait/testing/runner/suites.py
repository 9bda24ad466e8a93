"""Tests together: suites, and what stands in a suite for a test that could not be had."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import Any

from plait.interfaces import implementer
from plait.testing.runner.interfaces import Error, ITestCase
from plait.testing.runner.result import asFailure
from plait.testing.runner.wrappers import OutsideTests

__all__ = ["DestructiveTestSuite", "ErrorHolder", "LoggedSuite", "TestHolder", "TestSuite"]

# The name under which errors are reported that were logged while no test was running.
NOT_IN_TEST = "<not in test>"


class TestSuite(unittest.TestSuite):
    """Tests that are run one after the other, with the fixtures of their classes and modules. Can be run again.

    Ctrl-C ends it: what was run so far is in the result, whose `shouldStop` is set.
    """

    __test__ = False
    _cleanup = False

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run the tests and tell `result`."""
        outermost = not getattr(result, "_testRunEntered", False)
        try:
            return super().run(result, debug)
        except KeyboardInterrupt:
            result.shouldStop = True
            self._interrupted()
            if outermost:
                # What unittest does where a run comes to its end: the last class and module are torn down.
                self._tearDownPreviousClass(None, result)  # type: ignore[attr-defined]
                self._handleModuleTearDown(result)  # type: ignore[attr-defined]
                result._testRunEntered = False
            return result

    def _interrupted(self) -> None:
        """A test was cut short."""


class DestructiveTestSuite(TestSuite):
    """A suite that lets go of each test once it has run, and of all that the test holds. It cannot be run again."""

    _cleanup = True

    def _removeTestAtIndex(self, index: int) -> None:
        self._tests[index] = None  # type: ignore[call-overload]

    def _interrupted(self) -> None:
        left = [index for index, test in enumerate(self._tests) if test is not None]
        if left:
            self._removeTestAtIndex(left[0])


class LoggedSuite(TestSuite):
    """A suite that also reports the errors that are logged while none of its tests is running."""

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run the tests and tell `result`."""
        listening = OutsideTests(result)
        listening.logged.begin()
        try:
            super().run(listening, debug)
        finally:
            listening.logged.end()
        holder = TestHolder(NOT_IN_TEST)
        for failure in listening.logged.flush():
            result.addError(holder, failure)
        return result


@implementer(ITestCase)
class TestHolder:
    """Stands for a test in a report: it has a name, and passes."""

    __test__ = False
    failureException: Any = None

    def __init__(self, description: str) -> None:
        self.description = description

    def __call__(self, result: Any) -> Any:
        return self.run(result)

    def countTestCases(self) -> int:
        """None."""
        return 0

    def id(self) -> str:
        """The description."""
        return self.description

    def shortDescription(self) -> str:
        """The description."""
        return self.description

    def run(self, result: Any) -> Any:
        """Tell `result` that this has passed."""
        result.startTest(self)
        result.addSuccess(self)
        result.stopTest(self)
        return result


class ErrorHolder(TestHolder):
    """Stands for what could not be loaded, or was not in a test: an error that is reported when it is run.

    `error` is what `sys.exc_info` returns; it may be given as a `Failure`.
    """

    def __init__(self, description: str, error: Error) -> None:
        super().__init__(description)
        failure = asFailure(error)
        self.error = (failure.type, failure.value, failure.tb)

    def __repr__(self) -> str:
        return f"<ErrorHolder description={self.description!r} error={self.error[1]!r}>"

    def run(self, result: Any) -> Any:
        """Report the error."""
        result.startTest(self)
        result.addError(self, self.error)
        result.stopTest(self)
        return result


def iterate(test: Any) -> Iterator[Any]:
    """The tests of a suite, and of the suites in it, in their order; a test alone gives itself."""
    try:
        tests = iter(test)
    except TypeError:
        yield test
        return
    for each in tests:
        if each is not None:
            yield from iterate(each)
