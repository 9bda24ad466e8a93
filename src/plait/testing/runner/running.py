"""A run of tests, step by step: the folder, the log, the warnings, and then the tests."""

from __future__ import annotations

import os
import pdb
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plait.log import globalLogPublisher, textFileLogObserver
from plait.log.legacy import msg, theLogPublisher
from plait.testing.runner.folder import DEFAULT_FOLDER, working_folder
from plait.testing.runner.junit import JUnitWriter
from plait.testing.runner.suites import LoggedSuite, iterate
from plait.testing.runner.wrappers import (
    CollectingWrapper,
    DebuggingWrapper,
    ExitWrapper,
    UncleanWarningsReporterWrapper,
)

__all__ = ["TrialRunner"]


class TrialRunner:
    """Runs tests, and tells a reporter.

    :param reporterFactory: makes the reporter: called with a stream, the style of tracebacks, whether errors are to be
        printed at once, and what tells of warnings.
    :param mode: None, `DEBUG` (in a debugger) or `DRY_RUN` (all but the tests themselves).
    :param logfile: what is logged goes there; a relative path is in the working folder, "-" is standard output.
    :param stream: what the reporter writes to; standard output if it is None.
    :param profile: write to ``profile.data`` in the working folder where the time goes.
    :param workingDirectory: the folder that tests run in; ``_plait_test`` if it is None.
    :param debugger: what has `runcall`, as `pdb.Pdb`.
    :param mayRename: whether a folder with a number is taken where another run is in `workingDirectory`.
    :param postMortem: in `DEBUG`, whether the debugger looks at each error.
    :param junit: write a file of JUnit XML there.
    :param suppressWarnings: whether warnings are not shown.
    """

    DEBUG = "debug"
    DRY_RUN = "dry-run"

    def __init__(
        self,
        reporterFactory: Callable[..., Any],
        mode: str | None = None,
        logfile: str = "test.log",
        stream: Any = None,
        profile: bool = False,
        tracebackFormat: str = "default",
        realTimeErrors: bool = False,
        uncleanWarnings: bool = False,
        workingDirectory: str | None = None,
        forceGarbageCollection: bool = False,
        debugger: Any = None,
        exitFirst: bool = False,
        mayRename: bool | None = None,
        postMortem: bool = True,
        junit: str | None = None,
        suppressWarnings: bool = False,
    ) -> None:
        self.reporterFactory = reporterFactory
        self.mode = mode
        self.logfile = logfile
        self.stream = sys.stdout if stream is None else stream
        self.profile = profile
        self.tbformat = tracebackFormat
        self.rterrors = realTimeErrors
        self.uncleanWarnings = uncleanWarnings
        self.workingDirectory = DEFAULT_FOLDER if workingDirectory is None else workingDirectory
        self.mayRename = workingDirectory is None if mayRename is None else mayRename
        self._forceGarbageCollection = forceGarbageCollection
        self.debugger = debugger
        self._exitFirst = exitFirst
        self._postMortem = postMortem
        self._junit = None if junit is None else os.path.abspath(junit)
        self._suppressWarnings = suppressWarnings

    def _makeResult(self) -> Any:
        """A new reporter, with what it has to wear."""
        result = self.reporterFactory(self.stream, self.tbformat, self.rterrors, theLogPublisher)
        if self._junit is not None:
            result = JUnitWriter(result, self._junit)
        if self._exitFirst:
            result = ExitWrapper(result)
        if self.uncleanWarnings:
            result = UncleanWarningsReporterWrapper(result)
        return result

    def run(self, test: Any) -> Any:
        """Run a test or a suite once. Returns the reporter."""
        with self._surroundings():
            return self._run_once(test)

    def runUntilFailure(self, test: Any) -> Any:
        """Run a test or a suite again and again until something fails, or Ctrl-C. Returns the last reporter."""
        with self._surroundings():
            passes = 0
            while True:
                passes += 1
                self.stream.write(f"Test Pass {passes}\n")
                result = self._run_once(test)
                if result.shouldStop or not result.wasSuccessful():
                    return result

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        with working_folder(self.workingDirectory, self.mayRename), logging_to(self.logfile):
            with warnings_logged(show=not self._suppressWarnings):
                yield

    def _run_once(self, test: Any) -> Any:
        result = self._makeResult()
        listener = CollectingWrapper(result) if self._forceGarbageCollection else result
        if self.mode == self.DRY_RUN:
            for each in iterate(test):
                listener.startTest(each)
                listener.addSuccess(each)
                listener.stopTest(each)
        else:
            self._run_tests(test, listener)
        result.done()
        return result

    def _run_tests(self, test: Any, result: Any) -> None:
        """Run the tests in this process."""
        suite = LoggedSuite([test])
        if self.profile:
            import cProfile

            profiler = cProfile.Profile()
            try:
                profiler.runcall(suite.run, result)
            finally:
                profiler.dump_stats("profile.data")
                self.stream.write(f"\nThe profile is in {os.path.abspath('profile.data')}\n")
        elif self.mode == self.DEBUG:
            debugger = pdb.Pdb() if self.debugger is None else self.debugger
            if self._postMortem:
                result = DebuggingWrapper(result, getattr(debugger, "post_mortem", pdb.post_mortem))
            debugger.runcall(suite.run, result)
        else:
            suite.run(result)


@contextmanager
def logging_to(path: str) -> Iterator[None]:
    """Write what is logged while the block runs to a file that is made anew ("-": standard output)."""
    if path == "-":
        file, opened = sys.stdout, None
    else:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        file = opened = open(path, "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    observer = textFileLogObserver(file)
    globalLogPublisher.addObserver(observer)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(observer)
        if opened is not None:
            opened.close()


@contextmanager
def warnings_logged(show: bool) -> Iterator[None]:
    """Make log events of the warnings that are given while the block runs; a reporter shows them.

    All of them, unless Python was told otherwise (``-W``): tests are where one wants to know.
    """

    def log(message: Any, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any) -> None:
        text = f"{filename}:{lineno}: {category.__name__}: {message}"
        msg(text, warning=message, category=category, filename=filename, lineno=lineno)

    with warnings.catch_warnings():
        if not show:
            warnings.simplefilter("ignore")
        elif not sys.warnoptions:
            warnings.simplefilter("default")
        warnings.showwarning = log
        yield
