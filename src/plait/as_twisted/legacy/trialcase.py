"""What `twisted.trial.unittest` has besides `plait.testing.case`: tests in other tests, and results of unittest.

Also what programs take from trial's private modules: an observer of errors, and warnings that are collected.
"""

from __future__ import annotations

import gc
import unittest
import warnings
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple

from plait.as_twisted.legacy.trialnames import AdaptedReporter
from plait.failure import Failure
from plait.interfaces import implementer
from plait.testing.logged import LoggedErrors
from plait.testing.runner.interfaces import Error, ITestCase

__all__ = ["PyUnitResultAdapter", "TestDecorator", "decorate"]


class PyUnitResultAdapter:
    """Makes of a `unittest.TestResult`, which takes what `sys.exc_info` gives, one that takes a Failure."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong."""
        self.original.addError(test, exc_info(error))

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim does not hold."""
        self.original.addFailure(test, exc_info(failure))

    def addExpectedFailure(self, test: Any, failure: Error, todo: Any = None) -> None:
        """The test has failed as it was expected to."""
        self.original.addExpectedFailure(test, exc_info(failure))

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        """The test has passed, though it was expected to fail."""
        self.original.addUnexpectedSuccess(test)


def exc_info(error: Error) -> tuple[Any, Any, Any]:
    """What `sys.exc_info` would have given for a Failure; such a tuple itself."""
    return error if isinstance(error, tuple) else (error.type, error.value, error.getTracebackObject())


@implementer(ITestCase)
class TestDecorator:
    """A test that runs another, which its class may do in its own way. The result is told of this one, not of that."""

    __test__ = False  # pytest takes every class with such a name for a test

    def __init__(self, test: Any) -> None:
        self._originalTest = test

    def __getattr__(self, name: str) -> Any:
        if name == "_originalTest":
            raise AttributeError(name)
        return getattr(self._originalTest, name)

    def __call__(self, result: Any) -> Any:
        return self.run(result)

    def run(self, result: Any) -> Any:
        """Run the other test."""
        return self._originalTest.run(AdaptedReporter(result, type(self)))


class CollectingTest(TestDecorator):
    """A test before and after which garbage is collected; what is logged by that is an error of the test."""

    def run(self, result: Any) -> Any:
        """Collect, run the test, collect."""
        gc.collect()
        super().run(result)
        logged = LoggedErrors()
        logged.begin()
        try:
            gc.collect()
        finally:
            logged.end()
        for failure in logged.flush():
            result.addError(self, failure)


def decorate(test: Any, decorator: Callable[[Any], Any]) -> Any:
    """``decorator(test)``; of a suite, all tests in it are replaced so, and it is returned itself."""
    try:
        tests = iter(test)
    except TypeError:
        return decorator(test)
    each = list(tests)
    clear_suite(test)
    for one in each:
        test.addTest(decorate(one, decorator))
    return test


def clear_suite(suite: unittest.TestSuite) -> None:
    """Take all tests out of a suite."""
    suite._tests = []


class LogObserver:
    """Keeps the failures of log events in the form of `twisted.python.log`."""

    def __init__(self) -> None:
        self._errors: list[Failure] = []
        self._ignored: list[type[BaseException]] = []

    def gotEvent(self, event: dict[str, Any]) -> None:
        """An event was logged."""
        failure = event.get("failure") if event.get("isError") else None
        if failure is not None and not failure.check(*self._ignored):
            self._errors.append(failure)

    def getErrors(self) -> list[Failure]:
        """What was logged and not flushed."""
        return self._errors

    def flushErrors(self, *errorTypes: type[BaseException]) -> list[Failure]:
        """The failures of these classes, or all; they are forgotten with this."""
        found = [each for each in self._errors if not errorTypes or each.check(*errorTypes)]
        self._errors = [each for each in self._errors if each not in found]
        return found

    def _ignoreErrors(self, *errorTypes: type[BaseException]) -> None:
        self._ignored.extend(errorTypes)

    def _clearIgnores(self) -> None:
        self._ignored = []


the_observer = LogObserver()
"""Nothing tells this one of any event: each test watches its own log."""


class CollectedWarning(NamedTuple):
    """A warning that `collect_warnings` saw."""

    message: str
    category: type[Warning]
    filename: str
    lineno: int


def collect_warnings(
    observeWarning: Callable[[CollectedWarning], object], f: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    """Call `f`, and `observeWarning` with each warning that this causes, instead of giving it."""

    def show(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        observeWarning(CollectedWarning(str(message), category, filename, lineno))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        return f(*args, **kwargs)


def forget_warnings_given(modules: MutableMapping[Any, Any]) -> None:
    """Let no module of `modules` (as `sys.modules`) know which warnings it has given already."""
    for module in list(modules.values()):
        try:
            if module is not None:
                module.__warningregistry__ = None
        except AttributeError:  # something else than a module
            pass
