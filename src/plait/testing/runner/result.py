"""What became of each test: the result that all reporters are."""

from __future__ import annotations

import time
import unittest
from typing import Any

from plait.failure import Failure
from plait.interfaces import implementer
from plait.testing.marks import Todo, makeTodo
from plait.testing.runner.interfaces import Error, IReporter

__all__ = ["TestResult"]

# The reason of a test that is expected to fail and does not say why, as unittest's own.
_DEFAULT_TODO = "Test expected to fail"


@implementer(IReporter)
class TestResult(unittest.TestResult):
    """A `unittest.TestResult` that keeps failures as `Failure`, so that nothing of them is lost.

    Attributes: `errors` and `failures` (pairs of a test and a `Failure`), `skips` (a test and a reason),
    `expectedFailures` (a test, a `Failure`, and a `Todo`), `unexpectedSuccesses` (a test and a `Todo`), `successes` (how
    many), `testsRun`, `shouldStop`.
    """

    __test__ = False  # pytest takes every class with such a name for a test
    stream: Any = None
    tbformat: Any = "default"
    args: Any = None
    separator: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.successes = 0
        self.skips: list[tuple[Any, Any]] = []
        self.expectedFailures: list[tuple[Any, Failure, Todo]] = []  # type: ignore[assignment]
        self.unexpectedSuccesses: list[tuple[Any, Todo]] = []  # type: ignore[assignment]
        self.errors: list[tuple[Any, Failure]] = []  # type: ignore[assignment]
        self.failures: list[tuple[Any, Failure]] = []  # type: ignore[assignment]
        self._startTime: float | None = None
        self._testStarted = 0.0
        self._lastTime = 0.0
        self._duration: float | None = None

    def __repr__(self) -> str:
        return (
            f"<{type(self).__qualname__} run={self.testsRun} errors={len(self.errors)} "
            f"failures={len(self.failures)} todos={len(self.expectedFailures)} "
            f"dones={len(self.unexpectedSuccesses)} skips={len(self.skips)}>"
        )

    def _getTime(self) -> float:
        return time.monotonic()

    def startTest(self, method: Any) -> None:
        """A test starts."""
        super().startTest(method)
        self._duration = None
        self._testStarted = self._getTime()
        if self._startTime is None:
            self._startTime = self._getTime()

    def addDuration(self, test: Any, elapsed: float) -> None:
        """The test took `elapsed` seconds: what counts, if the one who runs the test knows it better."""
        self._duration = elapsed

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        super().stopTest(method)
        measured = self._getTime() - self._testStarted
        self._lastTime = measured if self._duration is None else self._duration

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        self.successes += 1

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        """Something went wrong that the test does not claim anything about."""
        self.errors.append((test, asFailure(error)))

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        """A claim of the test does not hold."""
        self.failures.append((test, asFailure(fail)))

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run, or not to its end, for this reason."""
        self.skips.append((test, reason))

    def addExpectedFailure(self, test: Any, error: Error, todo: Todo | None = None) -> None:  # type: ignore[override]
        """The test has failed as it was expected to; `todo` says why."""
        self.expectedFailures.append((test, asFailure(error), _todo_of(test, todo)))

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""
        self.unexpectedSuccesses.append((test, _todo_of(test, todo)))

    def addSubTest(self, test: Any, subtest: Any, err: Error | None) -> None:  # type: ignore[override]
        """A part of a test has passed (`err` is None) or not."""
        if err is None:
            return
        if asFailure(err).check(test.failureException):
            self.addFailure(subtest, err)
        else:
            self.addError(subtest, err)

    def cleanupErrors(self, errs: Error) -> None:
        """Something was left behind, of which no test is to blame."""

    def wasSuccessful(self) -> bool:
        """Whether there was no failure and no error so far. A test that passes unexpectedly is none."""
        return not self.failures and not self.errors

    def done(self) -> None:
        """All tests have been run."""


def asFailure(error: Error) -> Failure:
    """The `Failure` of what a result is told of. TypeError for anything else."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, tuple) and len(error) == 3:
        kind, value, tb = error
        return Failure(value, kind, tb)
    raise TypeError(f"an error is a Failure, or the three things of sys.exc_info(), not {error!r}")


def _todo_of(test: Any, todo: Todo | None) -> Todo:
    if todo is not None:
        return todo
    own: Todo | None = test.getTodo() if hasattr(test, "getTodo") else None
    return makeTodo(_DEFAULT_TODO) if own is None else own
