"""What is said of a test beside its code: that it is skipped, expected to fail, or ignores some warnings.

Each of these is an attribute (``skip``, ``todo``, ``timeout``, ``suppress``) of the test method, of its class, or of its
module; the nearest one counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from plait.failure import Failure

Errors: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]

Suppression: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]


class Todo:
    """Why a test is expected to fail, and with which errors (any, if `errors` is None)."""

    def __init__(self, reason: str, errors: Sequence[type[BaseException]] | None = None) -> None:
        self.reason = reason
        self.errors = errors

    def __repr__(self) -> str:
        return f"<Todo reason={self.reason!r} errors={self.errors!r}>"

    def expected(self, failure: Failure) -> bool:
        """Whether the test was expected to fail like this."""
        return self.errors is None or bool(failure.check(*self.errors))


def makeTodo(value: str | tuple[Errors, str]) -> Todo:
    """The `Todo` of a ``todo`` attribute: a reason, or (an exception class or several, a reason)."""
    if isinstance(value, str):
        return Todo(value)
    errors, reason = value
    return Todo(reason, errors if isinstance(errors, tuple) else [errors])


def suppress(action: str = "ignore", **kwargs: Any) -> Suppression:
    """An entry for a ``suppress`` list: the arguments of `warnings.filterwarnings`.

    suppress = [plait.testing.marks.suppress(message="foo is old", category=DeprecationWarning)]
    """
    return (action,), kwargs


def nearest(test: Any, name: str, default: Any = None) -> Any:
    """The attribute `name` of the method of `test`, of its class, or of the module; `default` where none has it.

    A function does not count: many modules import one that is called ``skip``, ``timeout`` or ``suppress``.
    """
    for holder in holders(test):
        value = getattr(holder, name, test)
        if value is not test and not callable(value):
            return value
    return default


def holders(test: Any) -> Iterator[object]:
    """Who may have something to say of a test, the nearest first."""
    method = getattr(test, test._testMethodName, None)
    if method is not None:
        yield method
    yield test
    for module in (getattr(method, "__module__", None), type(test).__module__):
        if module in sys.modules:
            yield sys.modules[module]
