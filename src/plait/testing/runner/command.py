"""All of it put together: what was asked for, the tests, the runner, and the status to exit with."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import plait
from plait.testing.runner.folder import FolderBusyError, NotOursError
from plait.testing.runner.jobs import JobsRunner
from plait.testing.runner.loading import TestLoader
from plait.testing.runner.order import ORDERS, shuffled
from plait.testing.runner.running import TrialRunner
from plait.testing.runner.suites import DestructiveTestSuite, TestSuite

REPORTERS: dict[str, tuple[str, str]] = {
    "tree": (
        "the tree of tests, as they run, in colours on a terminal (the default)",
        "plait.testing.runner.tree:TreeReporter",
    ),
    "verbose": ("the same as tree", "plait.testing.runner.tree:TreeReporter"),
    "bwverbose": ("a line for each test, without colours", "plait.testing.runner.reporters:VerboseTextReporter"),
    "timing": ("a line for each test, with its time", "plait.testing.runner.reporters:TimingTextReporter"),
    "text": ("a character for each test", "plait.testing.runner.reporters:TextReporter"),
    "bwtext": ("the same as bwverbose", "plait.testing.runner.reporters:VerboseTextReporter"),
    "summary": ("nothing while tests run, then the report", "plait.testing.runner.reporters:Reporter"),
    "minimal": ("one line of numbers in the end, for programs", "plait.testing.runner.reporters:MinimalReporter"),
}
"""By name: a sentence for the user, and the class."""


class UsageError(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass
class Settings:
    """What was asked for. All of it can be said in JSON, for workers."""

    names: list[str] = field(default_factory=list)
    reporter: str = "tree"
    jobs: int = 1
    untilFailure: bool = False
    order: str = "alphabetical"
    random: int | None = None
    exitFirst: bool = False
    debug: bool = False
    debugger: str | None = None
    postMortem: bool = True
    dryRun: bool = False
    forceGC: bool = False
    profile: bool = False
    coverage: bool = False
    logfile: str = "test.log"
    folder: str | None = None
    realTimeErrors: bool = False
    uncleanWarnings: bool = False
    suppressWarnings: bool = False
    recurse: bool = True
    withoutModules: list[str] = field(default_factory=list)
    tbformat: str = "default"
    junit: str | None = None


def load(settings: Settings) -> Any:
    """The tests that the names stand for; those of the current folder if there are none."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    disable_modules(settings.withoutModules)
    loader = make_loader(settings)
    if not settings.names:
        return loader.loadFolder(here, settings.recurse)
    return loader.loadByNames(settings.names, settings.recurse)


def make_loader(settings: Settings) -> TestLoader:
    """What finds the tests."""
    loader = TestLoader()
    # Tests that have run hold on to what they made; only where they run again must they stay.
    loader.suiteFactory = TestSuite if settings.untilFailure else DestructiveTestSuite
    loader.sorter = ORDERS[settings.order][1] if settings.random is None else shuffled(settings.random)
    return loader


def disable_modules(names: list[str]) -> None:
    """Let ``import`` of these modules fail, to see how a program does without them."""
    for name in names:
        if sys.modules.get(name) is not None:
            warnings.warn(f"Module {name!r} already imported, disabling anyway.", RuntimeWarning, stacklevel=2)
        sys.modules[name] = None  # type: ignore[assignment]


def make_runner(settings: Settings, stream: Any = None) -> TrialRunner:
    """What runs the tests. UsageError for a debugger or reporter that is not there."""
    mode = TrialRunner.DRY_RUN if settings.dryRun else TrialRunner.DEBUG if settings.debug else None
    arguments: dict[str, Any] = {
        "reporterFactory": named(REPORTERS[settings.reporter][1]),
        "mode": mode,
        "logfile": settings.logfile,
        "stream": stream,
        "profile": settings.profile,
        "tracebackFormat": settings.tbformat,
        "realTimeErrors": settings.realTimeErrors,
        "uncleanWarnings": settings.uncleanWarnings,
        "workingDirectory": settings.folder,
        "forceGarbageCollection": settings.forceGC,
        "debugger": make_debugger(settings.debugger) if settings.debug and settings.debugger else None,
        "exitFirst": settings.exitFirst,
        "postMortem": settings.postMortem,
        "junit": settings.junit,
        "suppressWarnings": settings.suppressWarnings,
    }
    if settings.jobs > 1 and not settings.dryRun:
        return JobsRunner(**arguments, settings=settings)
    return TrialRunner(**arguments)


def named(place: str) -> Any:
    """What ``module:name`` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def make_debugger(name: str) -> Any:
    """The debugger of this name, a module with a class ``Pdb``, or an object with a method ``runcall``."""
    from plait.testing.runner.finding import find

    try:
        found = find(name)[0]
    except (ImportError, AttributeError) as error:
        raise UsageError(f"there is no debugger {name!r}: {error}") from error
    found = getattr(found, "Pdb", found)
    return found() if isinstance(found, type) else found


def execute(settings: Settings) -> int:
    """Load the tests, run them, report. Returns the status to exit with: 0 if all went well, 1 otherwise."""
    finish = _start_coverage() if settings.coverage else None
    runner = make_runner(settings)
    if settings.random is not None:
        print(f"Running tests shuffled with seed {settings.random}")
    suite = load(settings)
    try:
        result = runner.runUntilFailure(suite) if settings.untilFailure else runner.run(suite)
    except (FolderBusyError, NotOursError) as error:
        raise UsageError(str(error)) from error
    finally:
        if finish is not None:
            finish()
    if not result.wasSuccessful():
        return 1
    if result.shouldStop:
        print("Interrupted: the other tests were not run.")
        return 1
    return 0


def _start_coverage() -> Callable[[], None]:
    """Measure from now on which lines run. Returns what ends it, and prints the report."""
    try:
        import coverage
    except ImportError:
        raise UsageError("--coverage needs the package coverage: pip install coverage") from None
    measuring = coverage.Coverage()
    if not any(measuring.get_option(f"run:{name}") for name in ("source", "source_pkgs", "include", "omit")):
        # Nobody has said what is of interest; this is not.
        measuring.set_option("run:omit", [os.path.join(os.path.dirname(plait.__file__), "*")])
    measuring.start()

    def finish() -> None:
        measuring.stop()
        measuring.save()
        try:
            measuring.report(file=sys.stdout)
        except coverage.CoverageException as error:
            print(f"no coverage report: {error}")

    return finish
