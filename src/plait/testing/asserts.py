"""What a test can claim: the assertions of trial, on those of `unittest`.

They differ from the standard library's in three things: those that look at a value return it, `assertRaises` returns
the exception, and there are some for Deferreds. Older programs call many of them by other names, which stand at the
end of the class.
"""

from __future__ import annotations

import os
import unittest
import warnings
from collections.abc import Callable, Container, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from plait.deferred import Deferred, ensureDeferred
from plait.failure import Failure

T = TypeVar("T")

# unittest leaves out the frames of modules that have this name, and so shows the user's line as the last.
__unittest = True


class FailTest(AssertionError):
    """What a test claimed is not so."""


class RaisesContext:
    """What `Assertions.assertRaises` returns for a ``with`` block; the exception is in `exception` afterwards."""

    exception: Any
    result: Any = None

    def __init__(self, case: Assertions, expected: Any, message: str | None = None) -> None:
        self._case = case
        self._expected = expected
        self._message = message

    def __enter__(self) -> RaisesContext:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        expected = self._expected
        wanted = _names(expected)
        before = f"{self._message}: " if self._message else ""
        if error is None:
            self._case.fail(f"{before}{wanted} not raised ({self.result!r} returned)")
        if isinstance(error, expected):
            self.exception = error.with_traceback(None)
            return True
        if not isinstance(error, Exception):
            return False
        text = f"{before}{_full_name(type(error))} raised instead of {wanted}:\n {Failure(error).getTraceback()}"
        raise self._case.failureException(text) from error


def _deferred(work: Deferred[Any] | Coroutine[Any, Any, Any]) -> Deferred[Any]:
    return work if isinstance(work, Deferred) else ensureDeferred(work)


class Assertions(unittest.TestCase):
    """The assertions. Each raises `FailTest`, with `msg` in its text if one is given."""

    failureException = FailTest

    def fail(self, msg: Any = None) -> Any:
        """Fail the test, always."""
        raise self.failureException(msg)

    # -- values

    def assertTrue(self, expr: T, msg: Any = None) -> T:
        """`expr` is true. Returns it."""
        super().assertTrue(expr, msg)
        return expr

    def assertFalse(self, expr: T, msg: Any = None) -> T:
        """`expr` is false. Returns it."""
        super().assertFalse(expr, msg)
        return expr

    def assertEqual(self, first: T, second: Any, msg: Any = None) -> T:
        """``first == second``. Returns `first`."""
        super().assertEqual(first, second, msg)
        return first

    def assertNotEqual(self, first: T, second: Any, msg: Any = None) -> T:
        """``first != second``. Returns `first`."""
        super().assertNotEqual(first, second, msg)
        return first

    def assertIs(self, first: T, second: Any, msg: Any = None) -> T:  # type: ignore[override]
        """``first is second``. Returns `first`."""
        super().assertIs(first, second, msg)
        return first

    def assertIsNot(self, first: T, second: Any, msg: Any = None) -> T:  # type: ignore[override]
        """``first is not second``. Returns `first`."""
        super().assertIsNot(first, second, msg)
        return first

    def assertIn(self, member: T, container: Container[Any], msg: Any = None) -> T:  # type: ignore[override]
        """``member in container``. Returns `member`."""
        super().assertIn(member, container, msg)
        return member

    def assertNotIn(self, member: T, container: Container[Any], msg: Any = None) -> T:  # type: ignore[override]
        """``member not in container``. Returns `member`."""
        super().assertNotIn(member, container, msg)
        return member

    def assertIsInstance(self, obj: T, cls: Any, msg: Any = None) -> T:  # type: ignore[override]
        """`obj` is of the class, or of one of a tuple of classes. Returns it."""
        super().assertIsInstance(obj, cls, msg)
        return obj

    def assertNotIsInstance(self, obj: T, cls: Any, msg: Any = None) -> T:  # type: ignore[override]
        """`obj` is not of the class, nor of one of a tuple of classes. Returns it."""
        super().assertNotIsInstance(obj, cls, msg)
        return obj

    def assertAlmostEqual(  # type: ignore[override]
        self, first: T, second: Any, places: int | None = None, msg: Any = None, delta: Any = None
    ) -> T:
        """The two differ by nothing in the first 7 places, or in `places`, or by no more than `delta`."""
        super().assertAlmostEqual(first, second, places, msg, delta)
        return first

    def assertNotAlmostEqual(  # type: ignore[override]
        self, first: T, second: Any, places: int | None = None, msg: Any = None, delta: Any = None
    ) -> T:
        """The opposite of `assertAlmostEqual`."""
        super().assertNotAlmostEqual(first, second, places, msg, delta)
        return first

    def assertApproximates(self, first: Any, second: Any, tolerance: Any, msg: Any = None) -> Any:
        """The two differ by no more than `tolerance`. Returns `first`."""
        if abs(first - second) > tolerance:
            self.fail(msg or f"{first!r} and {second!r} differ by more than {tolerance!r}")
        return first

    def assertSubstring(self, substring: Any, astring: Any, msg: Any = None) -> Any:
        """`substring` is a part of `astring`. Returns it."""
        return self.assertIn(substring, astring, msg)

    def assertNotSubstring(self, substring: Any, astring: Any, msg: Any = None) -> Any:
        """`substring` is no part of `astring`. Returns it."""
        return self.assertNotIn(substring, astring, msg)

    # -- calls

    def assertRaises(  # type: ignore[override]
        self, exception: Any, f: Callable[..., Any] | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """The call ``f(*args, **kwargs)``, or the ``with`` block, raises an exception of this class (or of a tuple).

        With `f`, the exception is returned; without, a context that has it as `exception` after the block.
        """
        if f is None:
            return RaisesContext(self, exception, kwargs.get("msg"))
        with RaisesContext(self, exception) as context:
            context.result = f(*args, **kwargs)
        return context.exception

    def assertWarns(self, category: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """``assertWarns(category, message, filename, f, *args, **kwargs)``: the call warns of just this, once or more.

        `filename` is that of the line that is blamed. Returns what `f` returns. The two forms of `unittest` are there
        too: ``assertWarns(category, f, …)`` and ``with assertWarns(category):``.
        """
        if not args or not isinstance(args[0], str):
            return super().assertWarns(category, *args, **kwargs)
        message, filename, f, *rest = args
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            result = f(*rest, **kwargs)
        if not seen:
            self.fail(f"{f!r} gave no warning")
        if len({(warning.category, str(warning.message)) for warning in seen}) > 1:
            self.fail("Can't handle different warnings")
        for warning in seen:
            self.assertIs(warning.category, category)
            self.assertEqual(str(warning.message), message)
            blamed = os.path.splitext(os.path.abspath(warning.filename))[0]
            self.assertEqual(blamed, os.path.splitext(os.path.abspath(filename))[0])
        return result

    # -- Deferreds

    def successResultOf(self, deferred: Deferred[T] | Coroutine[Any, Any, T]) -> T:
        """The result that the Deferred or coroutine has now; the test fails if it has none, or an error.

        The Deferred goes on with None.
        """
        waiting = _deferred(deferred)
        result = _result_of(self, waiting, "Success result")
        if isinstance(result, Failure):
            self.fail(f"Success result expected on {waiting!r}, but it has failed with {_text(result)}")
        value: T = result
        return value

    def failureResultOf(self, deferred: Deferred[Any] | Coroutine[Any, Any, Any], *types: Any) -> Failure:
        """The Failure that the Deferred or coroutine has now, of one of these exception classes if any are given.

        The test fails otherwise. The Deferred goes on with None.
        """
        waiting = _deferred(deferred)
        wanted = f"Failure of type ({' or '.join(_full_name(t) for t in types)})" if types else "Failure result"
        result = _result_of(self, waiting, wanted)
        if not isinstance(result, Failure):
            self.fail(f"{wanted} expected on {waiting!r}, but it has the result {result!r}")
        failure: Failure = result
        if types and not failure.check(*types):
            self.fail(f"{wanted} expected on {waiting!r}, but it has failed with {_text(failure)}")
        return failure

    def assertNoResult(self, deferred: Deferred[Any] | Coroutine[Any, Any, Any]) -> None:
        """The Deferred or coroutine has neither a result nor an error yet. It is left as it is."""
        results: list[Any] = []

        def look(result: Any) -> Any:
            results.append(result)
            return result

        waiting = _deferred(deferred).addBoth(look)
        if results:
            # It is told here, and so need not be logged as well.
            waiting.addErrback(lambda failure: None)
            self.fail(f"No result expected on {waiting!r}, but it has {results[0]!r}")

    def assertFailure(self, deferred: Deferred[Any], *expectedFailures: Any) -> Deferred[Any]:
        """The Deferred fails, at some time, with one of these exception classes; it goes on with the exception.

        Return it from the test, or await it.
        """

        def succeeded(result: Any) -> Any:
            self.fail(f"was to fail with {_names(expectedFailures)}, but has the result {result!r}")

        def failed(failure: Failure) -> Any:
            if failure.check(*expectedFailures):
                return failure.value
            self.fail(f"was to fail with {_names(expectedFailures)}, but did so with:\n{failure.getBriefTraceback()}")

        return deferred.addCallbacks(succeeded, failed)

    # -- the other names of the same

    assert_ = failUnless = assertTrue
    assertNot = failIf = assertFalse
    assertEquals = failUnlessEqual = failUnlessEquals = assertEqual
    assertNotEquals = failIfEqual = failIfEquals = assertNotEqual
    assertIdentical = failUnlessIdentical = assertIs
    assertNotIdentical = failIfIdentical = assertIsNot
    failUnlessIn = assertIn
    failIfIn = assertNotIn
    failUnlessIsInstance = assertIsInstance
    failIfIsInstance = assertNotIsInstance
    assertAlmostEquals = failUnlessAlmostEqual = failUnlessAlmostEquals = assertAlmostEqual  # type: ignore[assignment]
    assertNotAlmostEquals = failIfAlmostEqual = failIfAlmostEquals = assertNotAlmostEqual  # type: ignore[assignment]
    failUnlessApproximates = assertApproximates
    failUnlessSubstring = assertSubstring
    failIfSubstring = assertNotSubstring
    failUnlessRaises = assertRaises  # type: ignore[assignment]
    failUnlessWarns = assertWarns
    failUnlessFailure = assertFailure


def _names(types: Any) -> str:
    each = types if isinstance(types, tuple) else (types,)
    return " or ".join(getattr(t, "__name__", str(t)) for t in each)


def _full_name(cls: Any) -> str:
    return f"{cls.__module__}.{cls.__qualname__}" if isinstance(cls, type) else str(cls)


def _text(failure: Failure) -> str:
    return f"{_full_name(failure.type)}: {failure.getErrorMessage()}\n{failure.getTraceback()}"


def _result_of(case: Assertions, deferred: Deferred[Any], what: str) -> Any:
    results: list[Any] = []
    deferred.addBoth(results.append)
    if not results:
        case.fail(f"{what} expected on {deferred!r}, but it has not been fired")
    return results[0]
