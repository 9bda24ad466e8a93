"""One run of one test of a class: its steps, what becomes of each, and what is left behind after the last.

The steps are setUp, the test, tearDown, and the clean-ups. `Run` makes plain calls; `ReactorRun` waits for what they
return. What belongs to a run lies here and not in the test case, so that no name gets in the way of a user's own.
"""

from __future__ import annotations

import inspect
import os
import shutil
import sys
import tempfile
import unittest
import warnings
from collections.abc import Callable, Sequence
from gc import collect
from types import TracebackType
from typing import Any, TypeAlias
from unittest import SkipTest

from plait.current import getReactor
from plait.deferred import Deferred, TimeoutError
from plait.failure import Failure
from plait.log import globalLogPublisher
from plait.testing.logged import LoggedErrors
from plait.testing.marks import Todo
from plait.testing.running import TimedOut, leftovers, runToEnd, sweep, threads

# unittest leaves out the frames of modules that have this name, and so shows the user's line first.
__unittest = True

# Only CPython can collect the young objects alone, which takes less than a millisecond.
_COLLECT_YOUNG = sys.implementation.name == "cpython"

_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]


class DirtyReactorAggregateError(Exception):
    """A test has left something behind in the reactor.

    `delayedCalls` has the names of calls, `selectables` those of ports, connections and threads.
    """

    def __init__(self, delayedCalls: Sequence[str], selectables: Sequence[str] | None = None) -> None:
        self.delayedCalls = list(delayedCalls)
        self.selectables = list(selectables or ())
        listed = "".join(f"\n  {name}" for name in [*self.delayedCalls, *self.selectables])
        super().__init__(f"left behind in the reactor (cancel, close or await it before the test ends):{listed}")


class Run:
    """A run of a test that does not wait for anything."""

    fixtures_claim = True
    """Whether an AssertionError of setUp or tearDown is a failure, as in the test itself, and not an error."""

    kind = ""
    """What kind of function is called now; nothing for setUp, the test, and tearDown."""

    def __init__(self, case: Any, result: unittest.TestResult) -> None:
        self.case = case
        self.result = result
        self.passed = True
        self.todo: Todo | None = case.getTodo()
        self.todone = False
        self.logged = LoggedErrors()
        self.warned: list[warnings.WarningMessage] = []
        self._scratch: str | None = None

    def run(self) -> None:
        """Go through all steps, and report."""
        self.logged.begin()
        try:
            with globalLogPublisher.setAside(), warnings.catch_warnings(record=True) as self.warned:
                warnings.simplefilter("always")
                for args, kwargs in self.case.getSuppress():
                    warnings.filterwarnings(*args, **kwargs)
                self._run_steps()
            for w in self.warned:
                self.step(warnings.warn_explicit, w.message, w.category, w.filename, w.lineno)
        finally:
            self.logged.end()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)
        if self.todone:
            self.result.addUnexpectedSuccess(self.case)
        elif self.passed:
            self.result.addSuccess(self.case)

    def _run_steps(self) -> None:
        known = self.left()
        if self._try(lambda: self.call(self.case.setUp), self.fixtures_claim):
            self.todone = self._try(self._test, claim=True, todo=self.todo) and self.todo is not None
            self.case.doCleanups()
            self._try(lambda: self.call(self.case.tearDown), self.fixtures_claim)
        # If there was no test, and those that tearDown has added.
        self.case.doCleanups()
        if _COLLECT_YOUNG:
            # A Deferred that failed and was forgotten is logged when it goes, which may be in some other test.
            collect(1)
        for failure in self.logged.flush():
            self.report(_raised(failure.prepared()))
        self.check_left(known)

    def _test(self) -> None:
        method = getattr(self.case, self.case._testMethodName)
        if inspect.isgeneratorfunction(method):
            raise TypeError(
                f"{method!r} is a generator function and therefore will never run; is @inlineCallbacks missing?"
            )
        self.call(method)

    def step(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Make a call and report its error. Returns whether there was none."""
        return self._try(lambda: self.call(function, *args, **kwargs))

    def clean_up(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Make one of the calls of `addCleanup`, as `step`."""
        self.kind = "cleanup function "
        try:
            return self.step(function, *args, **kwargs)
        finally:
            self.kind = ""

    def _try(self, attempt: Callable[[], object], claim: bool = False, todo: Todo | None = None) -> bool:
        try:
            attempt()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.report(_info(error), claim, todo)
            return False
        return True

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Make a call; TypeError if it only begins something that would have to be waited for."""
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"{function!r} is a coroutine function, and would not be run: use TestCase")
        result = function(*args, **kwargs)
        if isinstance(result, Deferred):
            outcome: list[Any] = []
            result.addBoth(outcome.append)
            if not outcome:
                raise TypeError(
                    f"{function!r} returned a Deferred that has not fired: use TestCase, which waits for it"
                )
            if isinstance(outcome[0], Failure):
                raise outcome[0].prepared()

    def report(self, info: _ExcInfo, claim: bool = False, todo: Todo | None = None) -> None:
        """Tell the result of an error. An AssertionError is a failure where something may be claimed (`claim`).

        `todo` says that an error was expected.
        """
        self.passed = False
        error = info[1]
        if isinstance(error, SkipTest):
            self.result.addSkip(self.case, str(error))
            return
        told: Any = Failure(error, *info[::2]) if _takes_failures(self.result) else info
        if todo is not None and todo.expected(Failure(error)):
            self.result.addExpectedFailure(self.case, told)
        elif claim and isinstance(error, AssertionError | self.case.failureException):
            self.result.addFailure(self.case, told)
        else:
            self.result.addError(self.case, told)

    def left(self) -> list[object]:
        """What is there in the reactor now."""
        return []

    def check_left(self, known: list[object]) -> None:
        """Report what is there in the reactor beyond what is `known`."""

    def new_path(self) -> str:
        """A path at which there is nothing, in a folder that goes with this run."""
        if self._scratch is None:
            self._scratch = tempfile.mkdtemp(prefix="plait-")
        return os.path.join(tempfile.mkdtemp(dir=self._scratch), "temp")


class ReactorRun(Run):
    """A run of a test that may wait; each step has the time that the test case's `getTimeout` gives."""

    fixtures_claim = False

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Make a call and run the reactor until what it gave has a result."""
        work: Any = None
        if inspect.iscoroutinefunction(function):
            # Called when the reactor runs, as all that asks asyncio for the running loop wants it.
            work = lambda: function(*args, **kwargs)  # noqa: E731
        else:
            result = function(*args, **kwargs)
            if isinstance(result, Deferred):
                work = result
            elif inspect.iscoroutine(result):
                work = lambda: result  # noqa: E731
        if work is None:
            return
        timeout = self.case.getTimeout()
        name = getattr(function, "__name__", repr(function))
        try:
            runToEnd(work, timeout, f"{self.case.id()} ({self.kind}{name}) still running at {timeout} secs")
        except TimedOut as late:
            raise TimeoutError(*late.args) from late.__cause__

    def left(self) -> list[object]:
        """The delayed calls, ports and connections of the reactor, if there is one, and the threads."""
        return _all_left(getReactor()) if "plait.engine" in sys.modules else threads()

    def check_left(self, known: list[object]) -> None:
        """End what is left behind, and report it if the test has passed so far."""
        if "plait.engine" not in sys.modules or getReactor().running:
            return
        left = sweep(getReactor(), known, _all_left)
        if (left.calls or left.others) and self.passed:
            self.report(_raised(DirtyReactorAggregateError(left.calls, left.others)))


def _all_left(reactor: Any) -> list[object]:
    return [*leftovers(reactor), *threads()]


def _takes_failures(result: object) -> bool:
    """Whether `result` is told of errors by a Failure, as one of `plait.testing.runner` is, or as `sys.exc_info` gives."""
    interfaces = sys.modules.get("plait.testing.runner.interfaces")
    return interfaces is not None and bool(interfaces.IReporter.providedBy(result))


def _raised(error: BaseException) -> _ExcInfo:
    """What a result is told of an error that did not come out of a step. Raised here, as runners want a traceback."""
    try:
        raise error
    except BaseException as raised:
        return _info(raised)


def _info(error: BaseException) -> _ExcInfo:
    assert error.__traceback__ is not None
    return type(error), error, error.__traceback__
