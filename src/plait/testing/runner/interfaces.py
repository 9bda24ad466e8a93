"""What tests and reporters promise each other. Both are `unittest`'s, and a little more."""

from __future__ import annotations

import unittest
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from plait.failure import Failure
from plait.interfaces import Attribute, Interface
from plait.testing.marks import Todo

__all__ = ["IReporter", "ITestCase"]

Error: TypeAlias = Failure | tuple[type[BaseException], BaseException, TracebackType | None]
"""How a reporter is told of an error: a `Failure`, or what `sys.exc_info` returns."""


class ITestCase(Interface):
    """A test that can be run. Every `unittest.TestCase` is one."""

    failureException: Any = Attribute("the exception class of a claim that does not hold")

    def __call__(self, result: Any) -> Any:
        """Run the test and tell `result`."""

    def countTestCases(self) -> int:
        """How many tests this is."""

    def id(self) -> str:
        """The full name: module, class and method."""

    def run(self, result: Any) -> Any:
        """Run the test and tell `result`."""

    def shortDescription(self) -> str | None:
        """A line that says what the test is about."""


class IReporter(Interface):
    """What is told of each test: that it starts, what became of it, that it stops; and in the end that all is done."""

    stream: Any = Attribute("the file that is written to")
    tbformat: Any = Attribute("how tracebacks look: 'default', 'brief' or 'verbose'")
    args: Any = Attribute("for the use of the reporter")
    shouldStop: bool = Attribute("whether no other test should be started")
    separator: Any = Attribute("a line between parts of the report")
    testsRun: int = Attribute("how many tests have been started")

    def startTest(self, method: Any) -> None:
        """A test starts."""

    def stopTest(self, method: Any) -> None:
        """A test, of which `startTest` was told, has come to its end."""

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong that the test does not claim anything about."""

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim of the test does not hold."""

    def addExpectedFailure(self, test: Any, failure: Error, todo: Todo | None = None) -> None:
        """The test has failed as it was expected to."""

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run, or not to its end, for this reason."""

    def wasSuccessful(self) -> bool:
        """Whether there was no failure and no error so far."""

    def done(self) -> None:
        """All tests have been run: this is the time for a summary."""


if not TYPE_CHECKING:
    from zope.interface import classImplements

    classImplements(unittest.TestCase, ITestCase)
