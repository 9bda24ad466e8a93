"""Test cases in classes, as trial has them: `TestCase`, whose tests may wait for something, and `SynchronousTestCase`.

Both are `unittest.TestCase`, so that pytest, ``python -m unittest`` and any other runner takes them. In a `TestCase`
the methods ``test…``, ``setUp``, ``tearDown`` and the clean-ups may be ``async def`` or return a Deferred; the reactor
then runs until that has a result. A test fails also by what it leaves behind: a failure that was logged and not
flushed, or something that is still there in the reactor.
"""

from __future__ import annotations

import inspect
import os
import sys
import unittest
from collections.abc import Callable, Sequence
from typing import Any
from unittest import SkipTest, mock

from plait.failure import Failure
from plait.testing.asserts import Assertions, FailTest
from plait.testing.marks import Suppression, Todo, holders, makeTodo, nearest
from plait.testing.steps import DirtyReactorAggregateError, ReactorRun, Run

__all__ = [
    "DEFAULT_TIMEOUT_DURATION",
    "DirtyReactorAggregateError",
    "FailTest",
    "SkipTest",
    "SynchronousTestCase",
    "TestCase",
    "Todo",
    "makeTodo",
]

# unittest leaves out the frames of modules that have this name, and so shows the user's line first.
__unittest = True

DEFAULT_TIMEOUT_DURATION = 120.0
"""Seconds for each step of a test that has no `timeout`."""


class Patch:
    """What `SynchronousTestCase.patch` returns: puts the old value back, and the new one in again."""

    def __init__(self, obj: Any, attribute: str, value: Any) -> None:
        self._patch = mock.patch.object(obj, attribute, value)

    def patch(self) -> None:
        """Set the new value."""
        self._patch.start()

    def restore(self) -> None:
        """Put the old value back. Doing it twice does no harm."""
        self._patch.stop()


class SynchronousTestCase(Assertions):
    """A test case whose tests do not wait for anything.

    Attributes that a method, the class or the module may have: `skip` (a reason), `todo` (why the test is expected to
    fail: see `makeTodo`), `suppress` (a list of `plait.testing.marks.suppress`).
    """

    _plait_runner: type[Run] = Run
    _plait_run: Run
    _cleanups: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]  # addCleanup of unittest fills it

    def runTest(self) -> Any:
        """Nothing: the test of an instance that was made without the name of one, to use its assertions."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def shortDescription(self) -> str:
        """The first line of the test's docstring, or the name of its method."""
        return super().shortDescription() or self._testMethodName

    # -- what is said of the test

    @property
    def _parents(self) -> list[object]:
        """Where trial's tests of reactors look their `timeout` up."""
        return list(holders(self))

    def getSkip(self) -> str | None:
        """Why this test is skipped; None if it is not."""
        skip = nearest(self, "skip")
        if not skip and nearest(self, "__unittest_skip__", False):
            skip = nearest(self, "__unittest_skip_why__", "") or "skipped"
        return skip or None

    def getTodo(self) -> Todo | None:
        """Why this test is expected to fail; None if it is not."""
        todo = nearest(self, "todo")
        if todo is None and nearest(self, "__unittest_expecting_failure__", False):
            todo = "expected to fail"
        return None if todo is None else makeTodo(todo)

    def getSuppress(self) -> Sequence[Suppression]:
        """The warnings that are not looked at while the test runs."""
        suppressions: Sequence[Suppression] = nearest(self, "suppress", ())
        return suppressions

    # -- running

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test and tell `result` what became of it."""
        if result is None:
            result = self.defaultTestResult()
        result.startTest(self)
        try:
            skip = self.getSkip()
            if skip is not None:
                result.addSkip(self, skip)
            else:
                self._plait_run = self._plait_runner(self, result)
                self._plait_run.run()
        finally:
            result.stopTest(self)
        return result

    def debug(self) -> None:
        """Run the test; its first error is raised."""
        result = unittest.TestResult()
        self.run(result)
        for _, text in [*result.errors, *result.failures]:
            raise self.failureException(text)

    def doCleanups(self) -> bool:  # type: ignore[override]
        """Make the calls of `addCleanup`, the last one first: after the test, and before ``tearDown``."""
        good = True
        while self._cleanups:
            function, args, kwargs = self._cleanups.pop()
            good &= self._plait_run.clean_up(function, *args, **kwargs)
        return good

    # -- what a test may do

    def flushLoggedErrors(self, *errorTypes: type[BaseException]) -> list[Failure]:
        """The failures that this test has logged so far, of these exception classes; they are forgotten with this."""
        return self._plait_run.logged.flush(*errorTypes)

    def flushWarnings(self, offendingFunctions: Sequence[Callable[..., Any]] | None = None) -> list[dict[str, Any]]:
        """The warnings that this test has caused so far; they are forgotten with this. The others are given at its end.

        `offendingFunctions` takes only those that blame a line of one of these functions; ValueError if one has no code.
        Each is a dict with "message" (str), "category", "filename", and "lineno".
        """
        warned = self._plait_run.warned
        found = warned[:]
        if offendingFunctions is not None:
            places = [_place(function) for function in offendingFunctions]
            found = [w for w in found if any(os.path.abspath(w.filename) == f and w.lineno in r for f, r in places)]
        warned[:] = [w for w in warned if w not in found]
        return [
            {"message": str(w.message), "category": w.category, "filename": w.filename, "lineno": w.lineno}
            for w in found
        ]

    def callDeprecated(self, version: Any, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `f`, which must warn, at this call, that it is deprecated since `version`. Returns what it returns.

        Warnings of other calls, within `f`, are left for `flushWarnings`.

        `version` may be a pair (version, replacement): then the warning has to name the replacement too.
        """
        since, replacement = version if isinstance(version, tuple) else (version, None)
        result = f(*args, **kwargs)
        seen = self.flushWarnings([self.callDeprecated])
        deprecations = [w["message"] for w in seen if issubclass(w["category"], DeprecationWarning)]
        if not deprecations:
            self.fail(f"{f!r} is not deprecated.")
        self.assertIn(_version_text(since), deprecations[0])
        if replacement is not None:
            name = replacement if isinstance(replacement, str) else replacement.__qualname__
            self.assertIn(name, deprecations[0])
        return result

    def getDeprecatedModuleAttribute(self, moduleName: str, name: str, version: Any, message: str | None = None) -> Any:
        """The attribute `name` of a module, which must warn that it is deprecated since `version`.

        If a `message` is given, the rest of the warning begins with it.
        """
        value = getattr(sys.modules[moduleName], name)
        seen = self.flushWarnings([self.getDeprecatedModuleAttribute])
        self.assertEqual([w["category"] for w in seen], [DeprecationWarning], f"{moduleName}.{name}: {seen}")
        text = f"{moduleName}.{name} was deprecated in {_version_text(version)}"
        if message is not None:
            text = f"{text}: {message}"
        self.assertEqual(seen[0]["message"][: len(text)], text)
        return value

    def patch(self, obj: Any, attribute: str, value: Any) -> Patch:
        """Set ``obj.attribute`` to `value` until the test ends."""
        patch = Patch(obj, attribute, value)
        patch.patch()
        self.addCleanup(patch.restore)
        return patch

    def mktemp(self) -> str:
        """A path at which there is nothing, in a folder that goes when the test ends."""
        return self._plait_run.new_path()


class TestCase(SynchronousTestCase):
    """A test case whose tests, ``setUp``, ``tearDown`` and clean-ups may be ``async def`` or return a Deferred.

    An attribute `timeout` of the method, the class or the module is how many seconds each of these may take (120).
    """

    _plait_runner = ReactorRun

    def getTimeout(self) -> float:
        """How many seconds the test may take."""
        timeout = nearest(self, "timeout")
        try:
            return DEFAULT_TIMEOUT_DURATION if timeout is None else float(timeout)
        except (TypeError, ValueError):
            raise TypeError(f"{self.id()}: timeout is a number of seconds, not {timeout!r}") from None


def _place(function: Callable[..., Any]) -> tuple[str, range]:
    """The file and the lines of a function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        raise ValueError(f"a warning blames a line of a function or method, and {function!r} is neither")
    last = max(line for _, _, line in code.co_lines() if line is not None)
    return os.path.abspath(code.co_filename), range(code.co_firstlineno, last + 1)


def _version_text(version: Any) -> str:
    """A version as a deprecation warning names it; it is a text, or has a package and a number."""
    return f"{version.package} {version.short()}" if hasattr(version, "short") else str(version)
