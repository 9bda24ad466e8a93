"""What a reporter may wear: each of these passes all on to it, and does one thing besides."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

from plait.interfaces import implementer
from plait.testing.logged import LoggedErrors
from plait.testing.marks import Todo
from plait.testing.runner.interfaces import Error, IReporter
from plait.testing.runner.result import asFailure
from plait.testing.steps import DirtyReactorAggregateError

__all__ = ["ReporterWrapper", "UncleanWarningsReporterWrapper"]


@implementer(IReporter)
class ReporterWrapper:
    """Passes all on to another reporter. What is set here, as unittest's suites do, stays here."""

    def __init__(self, originalReporter: Any) -> None:
        self._originalReporter = originalReporter

    def __getattr__(self, name: str) -> Any:
        if name == "_originalReporter":
            raise AttributeError(name)
        return getattr(self._originalReporter, name)

    @property
    def shouldStop(self) -> bool:
        """Whether no other test should be started."""
        stop: bool = self._originalReporter.shouldStop
        return stop

    @shouldStop.setter
    def shouldStop(self, value: bool) -> None:
        self._originalReporter.shouldStop = value

    def startTest(self, method: Any) -> None:
        """A test starts."""
        self._originalReporter.startTest(method)

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        self._originalReporter.stopTest(method)

    def addDuration(self, test: Any, elapsed: float) -> None:
        """The test took `elapsed` seconds."""
        if hasattr(self._originalReporter, "addDuration"):
            self._originalReporter.addDuration(test, elapsed)

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        self._originalReporter.addSuccess(test)

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong that the test does not claim anything about."""
        self._originalReporter.addError(test, error)

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim of the test does not hold."""
        self._originalReporter.addFailure(test, failure)

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run, or not to its end."""
        self._originalReporter.addSkip(test, reason)

    def addExpectedFailure(self, test: Any, failure: Error, todo: Todo | None = None) -> None:
        """The test has failed as it was expected to."""
        self._originalReporter.addExpectedFailure(test, failure, todo)

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""
        self._originalReporter.addUnexpectedSuccess(test, todo)

    def addSubTest(self, test: Any, subtest: Any, err: Error | None) -> None:
        """A part of a test has passed (`err` is None) or not. Told as a failure or an error of its own."""
        if err is None:
            return
        if asFailure(err).check(test.failureException):
            self.addFailure(subtest, err)
        else:
            self.addError(subtest, err)

    def wasSuccessful(self) -> bool:
        """Whether there was no failure and no error so far."""
        good: bool = self._originalReporter.wasSuccessful()
        return good

    def done(self) -> None:
        """All tests have been run."""
        self._originalReporter.done()


class UncleanWarningsReporterWrapper(ReporterWrapper):
    """Makes a warning of what a test leaves behind in the reactor, which is an error otherwise."""

    def addError(self, test: Any, error: Error) -> None:
        """Warn, if the test has only left something behind: apart from that it has passed."""
        failure = asFailure(error)
        if failure.check(DirtyReactorAggregateError):
            warnings.warn(failure.getErrorMessage(), UserWarning, stacklevel=1)
            self._originalReporter.addSuccess(test)
        else:
            self._originalReporter.addError(test, error)


class ExitWrapper(ReporterWrapper):
    """Starts no other test after the first failure or error."""

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong: stop."""
        self._originalReporter.addError(test, error)
        self.shouldStop = True

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim does not hold: stop."""
        self._originalReporter.addFailure(test, failure)
        self.shouldStop = True


class CollectingWrapper(ReporterWrapper):
    """Collects garbage before and after each test, so that what it lets go of is gone when it ends."""

    def startTest(self, method: Any) -> None:
        """A test starts."""
        gc.collect()
        self._originalReporter.startTest(method)

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        gc.collect()
        self._originalReporter.stopTest(method)


class DebuggingWrapper(ReporterWrapper):
    """Gives the traceback of each failure and error to a debugger."""

    def __init__(self, originalReporter: Any, look: Callable[[TracebackType], object]) -> None:
        super().__init__(originalReporter)
        self._look = look

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong: look."""
        self._originalReporter.addError(test, error)
        self._debug(error)

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim does not hold: look."""
        self._originalReporter.addFailure(test, failure)
        self._debug(failure)

    def _debug(self, error: Error) -> None:
        failure = asFailure(error)
        if failure.tb is not None:
            sys.stdout.write(f"\n{failure.getErrorMessage()}\n")
            self._look(failure.tb)


class OutsideTests(ReporterWrapper):
    """Notes the errors that are logged while no test runs; those of a test are the test's own affair."""

    def __init__(self, originalReporter: Any) -> None:
        super().__init__(originalReporter)
        self.logged = LoggedErrors()

    def startTest(self, method: Any) -> None:
        """A test starts: stop listening."""
        self.logged.end()
        self._originalReporter.startTest(method)

    def stopTest(self, method: Any) -> None:
        """The test has come to its end: listen again."""
        self._originalReporter.stopTest(method)
        self.logged.begin()
