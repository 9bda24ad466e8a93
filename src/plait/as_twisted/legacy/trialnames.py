"""What `twisted.trial.runner` and `twisted.trial.reporter` have besides the rooms' own: a loader that finds names as
`reflect.namedAny` does, and reporters for a tool that is not installed everywhere and for tests in the place of others.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from typing import Any

from plait.as_twisted.legacy.reflect import namedAny
from plait.testing.marks import Todo
from plait.testing.runner import loading
from plait.testing.runner.interfaces import Error
from plait.testing.runner.result import TestResult, asFailure
from plait.testing.runner.wrappers import ReporterWrapper

__all__ = ["SubunitReporter", "TestLoader", "samefile"]

TestProtocolClient: Any
try:
    TestProtocolClient = importlib.import_module("subunit").TestProtocolClient
except ImportError:
    TestProtocolClient = None


class TestLoader(loading.TestLoader):
    """Makes suites of tests; see `plait.testing.runner.loading.TestLoader`."""

    def findObject(self, qualName: str) -> tuple[Any, Any]:
        """What a dotted name names, and what it was found in. Raises what `reflect.namedAny` raises."""
        found = namedAny(qualName)
        owner = qualName.rpartition(".")[0]
        return found, namedAny(owner) if owner else None


def compose(fx: Callable[[Any], Any], fy: Callable[..., Any]) -> Callable[..., Any]:
    """The function that calls `fy`, and `fx` with its result."""

    def composed(*args: Any, **kwargs: Any) -> Any:
        return fx(fy(*args, **kwargs))

    return composed


def samefile(filename1: str, filename2: str) -> bool:
    """Whether two paths lead to one file: `os.path.samefile`, which is what to use."""
    warnings.warn(
        "twisted.trial.runner.samefile was deprecated in Twisted 26.10.0; please use os.path.samefile instead",
        DeprecationWarning,
        stacklevel=2,
    )
    return os.path.samefile(filename1, filename2)


class AdaptedReporter(ReporterWrapper):
    """Passes all on, with what a function makes of each test in its place."""

    def __init__(self, originalReporter: Any, testAdapter: Callable[[Any], Any]) -> None:
        super().__init__(originalReporter)
        self.testAdapter = testAdapter

    def startTest(self, method: Any) -> None:
        """A test starts."""
        super().startTest(self.testAdapter(method))

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        super().stopTest(self.testAdapter(method))

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        super().addSuccess(self.testAdapter(test))

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong."""
        super().addError(self.testAdapter(test), error)

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim does not hold."""
        super().addFailure(self.testAdapter(test), failure)

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run."""
        super().addSkip(self.testAdapter(test), reason)

    def addExpectedFailure(self, test: Any, failure: Error, todo: Todo | None = None) -> None:
        """The test has failed as it was expected to."""
        super().addExpectedFailure(self.testAdapter(test), failure, todo)

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""
        super().addUnexpectedSuccess(self.testAdapter(test), todo)


class SubunitReporter(TestResult):
    """Writes a subunit stream, with the package of that name. RuntimeError if it is not installed."""

    def __init__(
        self, stream: Any = None, tbformat: str = "default", realtime: bool = False, publisher: Any = None
    ) -> None:
        if TestProtocolClient is None:
            raise RuntimeError("Subunit not available")
        super().__init__()
        self._subunit = TestProtocolClient(stream)

    def startTest(self, method: Any) -> None:
        """A test starts."""
        super().startTest(method)
        self._subunit.startTest(method)

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        super().stopTest(method)
        self._subunit.stopTest(method)

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        super().addSuccess(test)
        self._subunit.addSuccess(test)

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        """Something went wrong."""
        super().addError(test, error)
        self._subunit.addError(test, _exc_info(error))

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        """A claim does not hold."""
        super().addFailure(test, fail)
        self._subunit.addFailure(test, _exc_info(fail))

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run."""
        super().addSkip(test, reason)
        self._subunit.addSkip(test, str(reason))

    def addExpectedFailure(self, test: Any, error: Error, todo: Todo | None = None) -> None:  # type: ignore[override]
        """The test has failed as it was expected to."""
        super().addExpectedFailure(test, error, todo)
        self._subunit.addExpectedFailure(test, _exc_info(error))

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail: the stream has no word for that."""
        super().addUnexpectedSuccess(test, todo)
        self._subunit.addSuccess(test)


def _exc_info(error: Error) -> tuple[Any, Any, Any]:
    failure = asFailure(error)
    return failure.type, failure.value, failure.tb
