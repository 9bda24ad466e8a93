"""What a test can claim."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from plait.deferred import Deferred, fail, succeed
from plait.testing.asserts import Assertions, FailTest

CASE: Any = Assertions("fail")

TRUE_AND_FALSE: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    ("assertTrue assert_ failUnless", (1,), (0,)),
    ("assertFalse assertNot failIf", (0,), (1,)),
    ("assertEqual assertEquals failUnlessEqual failUnlessEquals", (1, 1), (1, 2)),
    ("assertNotEqual assertNotEquals failIfEqual failIfEquals", (1, 2), (1, 1)),
    ("assertIs assertIdentical failUnlessIdentical", (None, None), ([], [])),
    ("assertIsNot assertNotIdentical failIfIdentical", ([], []), (None, None)),
    ("assertIn failUnlessIn", (1, [1]), (2, [1])),
    ("assertNotIn failIfIn", (2, [1]), (1, [1])),
    ("assertIsInstance failUnlessIsInstance", (1, (str, int)), (1, str)),
    ("assertNotIsInstance failIfIsInstance", (1, str), (1, int)),
    ("assertAlmostEqual assertAlmostEquals failUnlessAlmostEqual failUnlessAlmostEquals", (1.0, 1.0), (1.0, 1.1)),
    ("assertNotAlmostEqual assertNotAlmostEquals failIfAlmostEqual failIfAlmostEquals", (1.0, 1.1), (1.0, 1.0)),
    ("assertApproximates failUnlessApproximates", (1.0, 1.5, 0.5), (1.0, 1.5, 0.4)),
    ("assertSubstring failUnlessSubstring", ("b", "abc"), ("d", "abc")),
    ("assertNotSubstring failIfSubstring", ("d", "abc"), ("b", "abc")),
]


@pytest.mark.parametrize(("names", "good", "bad"), TRUE_AND_FALSE)
def test_claims_about_values(names: str, good: tuple[Any, ...], bad: tuple[Any, ...]) -> None:
    for name in names.split():
        assert getattr(CASE, name)(*good) == good[0]
        with pytest.raises(FailTest):
            getattr(CASE, name)(*bad)
        with pytest.raises(FailTest, match="because"):
            getattr(CASE, name)(*bad, msg="because")


@pytest.mark.parametrize("name", ["assertRaises", "failUnlessRaises"])
def test_assert_raises_gives_the_exception(name: str) -> None:
    check = getattr(CASE, name)
    error = KeyError("k")

    def raises(*args: Any, **kwargs: Any) -> None:
        assert (args, kwargs) == ((1,), {"two": 2})
        raise error

    assert check(KeyError, raises, 1, two=2) is error
    assert check((IndexError, LookupError), raises, 1, two=2) is error
    with check(KeyError) as context:
        raise error
    assert context.exception is error


def test_assert_raises_fails() -> None:
    with pytest.raises(FailTest, match=r"KeyError not raised \(5 returned\)"):
        CASE.assertRaises(KeyError, lambda: 5)
    with pytest.raises(FailTest, match="AssertionError not raised"):
        CASE.assertRaises(AssertionError, lambda: None)
    with pytest.raises(FailTest, match=r"builtins.ZeroDivisionError raised instead of KeyError or IndexError"):
        CASE.assertRaises((KeyError, IndexError), lambda: 1 / 0)
    with pytest.raises(FailTest, match="here: KeyError not raised"), CASE.assertRaises(KeyError, msg="here"):
        pass
    with pytest.raises(KeyboardInterrupt), CASE.assertRaises(KeyError):
        raise KeyboardInterrupt


def test_assert_warns() -> None:
    def warn(*texts: str) -> int:
        for text in texts:
            warnings.warn(text, UserWarning, stacklevel=1)
        return 3

    for check in (CASE.assertWarns, CASE.failUnlessWarns):
        assert check(UserWarning, "one", __file__, warn, "one", "one") == 3
        for category, text, file, texts in (
            (UserWarning, "one", __file__, []),
            (UserWarning, "one", __file__, ["two"]),
            (UserWarning, "one", __file__, ["one", "two"]),
            (DeprecationWarning, "one", __file__, ["one"]),
            (UserWarning, "one", "elsewhere.py", ["one"]),
        ):
            with pytest.raises(FailTest):
                check(category, text, file, warn, *texts)
        with pytest.raises(FailTest, match="different warnings"):
            check(UserWarning, "one", __file__, warn, "one", "two")
        check(UserWarning, warn, "one")
        with check(UserWarning):
            warn("one")


async def gives(value: object) -> object:
    if isinstance(value, Exception):
        raise value
    return value


def test_the_result_that_is_there() -> None:
    assert CASE.successResultOf(succeed(3)) == 3
    assert CASE.successResultOf(gives(3)) == 3
    d = succeed(3)
    CASE.successResultOf(d)
    assert CASE.successResultOf(d) is None
    with pytest.raises(FailTest, match="has not been fired"):
        CASE.successResultOf(Deferred())
    with pytest.raises(FailTest, match=r"Success result expected(?s:.)*builtins.ZeroDivisionError: why"):
        CASE.successResultOf(fail(ZeroDivisionError("why")))


def test_the_failure_that_is_there() -> None:
    error = KeyError()
    assert CASE.failureResultOf(fail(error)).value is error
    assert CASE.failureResultOf(gives(error), IndexError, LookupError).value is error
    with pytest.raises(FailTest, match="has not been fired"):
        CASE.failureResultOf(Deferred())
    with pytest.raises(FailTest, match=r"Failure result expected.*has the result 3"):
        CASE.failureResultOf(succeed(3))
    with pytest.raises(FailTest, match=r"\(builtins.IndexError or builtins.OSError\) expected(?s:.)*builtins.KeyError"):
        CASE.failureResultOf(fail(error), IndexError, OSError)


def test_no_result_yet() -> None:
    d: Deferred[int] = Deferred()
    CASE.assertNoResult(d)
    d.callback(3)
    with pytest.raises(FailTest, match="but it has 3"):
        CASE.assertNoResult(d)
    assert CASE.successResultOf(d) == 3
    d = fail(KeyError())
    with pytest.raises(FailTest, match="KeyError"):
        CASE.assertNoResult(d)
    assert CASE.successResultOf(d) is None


def test_a_failure_that_comes() -> None:
    error = KeyError()
    for check in (CASE.assertFailure, CASE.failUnlessFailure):
        assert CASE.successResultOf(check(fail(error), IndexError, LookupError)) is error
        assert "has the result 3" in str(CASE.failureResultOf(check(succeed(3), KeyError), FailTest).value)
        assert "KeyError" in str(CASE.failureResultOf(check(fail(error), OSError), FailTest).value)
