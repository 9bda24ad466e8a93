"""The pytest plugin: tests that return a Deferred, and ``async def`` tests and fixtures, run on Plait's reactor.

- The reactor runs until the test is finished, for at most `plait_timeout` seconds (an option of pytest's ini file,
  120 by default; ``@pytest.mark.plait_timeout(5)`` sets it for one test).
- What such a test leaves behind in the reactor (delayed calls, ports, connections) is an error that names it.
- So is a failure that was logged, unless the test fetches it with the fixture `flushLoggedErrors`.
- Classes on `plait.testing.TestCase` see to all this by themselves.
- Tests and fixtures that are marked for another plugin (anyio, asyncio, trio) are left to it.

Nothing of Plait is imported before a test needs it: pytest loads this module in every session.
"""

from __future__ import annotations

import functools
import inspect
import sys
import unittest
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from plait.failure import Failure
    from plait.testing.logged import LoggedErrors

_OTHERS = ("anyio", "asyncio", "trio", "tornado", "twisted")


class _Watch:
    """What is known of one test: whether it used the reactor, and what it logged."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.checked = False
        self.failed = False
        self._logged: LoggedErrors | None = None
        if "plait.log" in sys.modules:
            self._begin()

    def _begin(self) -> LoggedErrors:
        if self._logged is None:
            from plait.testing.logged import LoggedErrors

            self._logged = LoggedErrors()
            self._logged.begin()
        return self._logged

    def use(self) -> None:
        """The test uses the reactor: look at what it logs and leaves behind."""
        self.checked = True
        self._begin()

    def flush(self, *errorTypes: type[BaseException]) -> list[Failure]:
        return self._begin().flush(*errorTypes)

    def lines(self) -> str:
        return "".join(self._logged.lines) if self._logged is not None else ""

    def end(self) -> None:
        if self._logged is not None:
            self._logged.end()

    def check_logged(self) -> None:
        failures = self.flush() if self.checked else []
        if failures:
            tracebacks = "\n".join(failure.getTraceback() for failure in failures)
            pytest.fail(
                f"{_count(failures, 'error')} logged and not flushed (see flushLoggedErrors):\n\n{tracebacks}",
                pytrace=False,
            )

    def check_left(self, known: list[object]) -> None:
        if not self.checked:
            return
        from plait.current import getReactor
        from plait.testing.running import sweep

        left = sweep(getReactor(), known)
        names = [*left.calls, *left.others]
        if names and not self.failed:
            listed = "\n".join(f"  {name}" for name in names)
            pytest.fail(
                f"dirty reactor: {_count(names, 'thing')} left behind (cancel, close or await before the test ends):\n"
                f"{listed}",
                pytrace=False,
            )


_watch_key = pytest.StashKey[_Watch]()
_known_key = pytest.StashKey[list[object]]()


def _count(things: list[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "plait_timeout", "seconds that a test on Plait's reactor may take before it is cancelled", default="120"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "plait_timeout(seconds): how long this test may take on Plait's reactor before it is cancelled"
    )
    config.stash[_known_key] = []
    _seconds(config.getini("plait_timeout"), "the ini option")


def _seconds(value: Any, where: str) -> float:
    try:
        seconds = float(value)
        if seconds > 0:
            return seconds
    except (TypeError, ValueError):
        pass
    raise pytest.UsageError(f"{where} plait_timeout wants a number of seconds above 0, not {value!r}")


def _timeout(item: pytest.Item) -> float:
    mark = item.get_closest_marker("plait_timeout")
    if mark is None:
        return _seconds(item.config.getini("plait_timeout"), "the ini option")
    value = mark.args[0] if len(mark.args) == 1 else mark.kwargs.get("seconds")
    return _seconds(value, f"{item.nodeid}: the marker")


def _claimed(item: pytest.Item) -> bool:
    """Whether another plugin runs this test and its fixtures."""
    return (
        any(item.get_closest_marker(name) for name in _OTHERS)
        or "anyio_backend" in getattr(item, "fixturenames", ())
        or type(item).__module__.startswith("pytest_asyncio")
    )


@pytest.fixture
def flushLoggedErrors(request: pytest.FixtureRequest) -> Callable[..., list[Failure]]:
    """``flushLoggedErrors(*types)``: the failures that this test has logged so far, of these exception classes.

    They are forgotten with this, and so expected; a failure that stays in the log fails the test.
    """
    watch: _Watch = request.node.stash[_watch_key]
    watch.use()
    return watch.flush


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(name: str, obj: object) -> list[pytest.Item] | None:
    """A class that has no test but the empty one of our TestCase, as that itself where it is imported, has no test."""
    case = sys.modules.get("plait.testing.case")
    if case is not None and isinstance(obj, type) and issubclass(obj, case.SynchronousTestCase):
        tests = unittest.defaultTestLoader.getTestCaseNames(obj)
        if not tests and getattr(obj, "runTest", None) is case.SynchronousTestCase.runTest:
            return []
    return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    item.stash[_watch_key] = _Watch(_timeout(item))
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    __tracebackhide__ = True
    if _claimed(pyfuncitem):
        return (yield)
    watch = pyfuncitem.stash[_watch_key]
    original = pyfuncitem.obj
    hypothesis = getattr(original, "hypothesis", None)
    if hypothesis is not None:
        # A function under @given is called once for each example, from within; that is what has to be run.
        inner = hypothesis.inner_test
        hypothesis.inner_test = _on_reactor(inner, watch)
        try:
            result = yield
        finally:
            hypothesis.inner_test = inner
    else:
        pyfuncitem.obj = _on_reactor(original, watch)
        try:
            result = yield
        finally:
            pyfuncitem.obj = original
    watch.check_logged()
    return result


def _on_reactor(function: Callable[..., Any], watch: _Watch) -> Callable[..., Any]:
    """`function`, run to its end on the reactor if it is a coroutine function or returns a Deferred."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if inspect.iscoroutinefunction(function):
            return _run(functools.partial(function, *args, **kwargs), watch)
        result = function(*args, **kwargs)
        deferred = sys.modules.get("plait.deferred")
        if deferred is not None and isinstance(result, deferred.Deferred):
            _run(result, watch)
            return None
        return result

    return run


def _run(work: Any, watch: _Watch) -> Any:
    __tracebackhide__ = True
    watch.use()
    from plait.testing.running import runToEnd

    return runToEnd(work, watch.timeout)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    __tracebackhide__ = True
    function = fixturedef.func
    item = getattr(request, "_pyfuncitem", None)
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if is_async and item is not None and not _claimed(item) and not hasattr(function, "_force_asyncio_fixture"):
        fixturedef.func = _fixture_on_reactor(_bound(function, request), item.stash[_watch_key])  # type: ignore[misc]
    before = _all_left()
    try:
        result = yield
    finally:
        fixturedef.func = function  # type: ignore[misc]
    if fixturedef.scope != "function":
        # A server for a whole module is not left behind by the first test that uses it.
        request.config.stash[_known_key].extend(t for t in _all_left() if not any(t is other for other in before))
    return result


def _all_left() -> list[object]:
    if "plait.engine" not in sys.modules:
        return []
    from plait.current import getReactor
    from plait.testing.running import leftovers

    return leftovers(getReactor())


def _bound(function: Callable[..., Any], request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A fixture that is a method belongs to the instance of this test, not to that of the collection."""
    instance = request.instance
    if inspect.ismethod(function) and instance is not None and isinstance(instance, type(function.__self__)):
        bound: Callable[..., Any] = function.__func__.__get__(instance)
        return bound
    return function


def _fixture_on_reactor(function: Callable[..., Any], watch: _Watch) -> Callable[..., Any]:
    @functools.wraps(function)
    def value(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return _run(lambda: function(*args, **kwargs), watch)

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        __tracebackhide__ = True
        steps: AsyncGenerator[Any, None] = function(*args, **kwargs)

        async def first() -> Any:
            return await steps.__anext__()

        async def rest() -> None:
            try:
                await steps.__anext__()
            except StopAsyncIteration:
                return
            raise RuntimeError(f"the fixture {function.__name__} yields more than once")

        yield _run(first, watch)
        _run(rest, watch)

    return generator if inspect.isasyncgenfunction(function) else value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    watch = item.stash.get(_watch_key, None)
    if watch is not None and report.failed:
        watch.failed = True
        lines = watch.lines()
        if lines:
            report.sections.append((f"Captured Plait log {call.when}", lines))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    __tracebackhide__ = True
    watch = item.stash[_watch_key]
    try:
        result = yield
        watch.check_left(item.config.stash[_known_key])
        watch.check_logged()
    finally:
        watch.end()
    return result
