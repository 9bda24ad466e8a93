"""How it is told: a report of all that failed, a summary, and while the tests run, a sign of each.

The methods that a reporter of somebody's own may override have trial's names, also those that begin with an
underscore: `_write`, `_writeln`, `_printErrors`, `_printSummary`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from plait.failure import Failure
from plait.testing.marks import Todo
from plait.testing.runner.interfaces import Error
from plait.testing.runner.result import TestResult, asFailure
from plait.testing.runner.terminal import SafeStream
from plait.testing.runner.tracebacks import format_failure, trimmed

__all__ = ["MinimalReporter", "Reporter", "TextReporter", "TimingTextReporter", "VerboseTextReporter"]

# The report has lines of at most this many characters, as long as names and messages allow.
WIDTH = 79


class Reporter(TestResult):
    """Tells nothing while the tests run, and in the end what failed, and a summary.

    :param stream: the text file to write to; standard output if it is None.
    :param tbformat: how tracebacks look: "default", "brief" or "verbose".
    :param realtime: print the traceback of an error at once, too.
    :param publisher: what tells of warnings, to an observer that is given to its `addObserver`: a dict with
        "warning", "category", "filename" and "lineno". It is asked no more when `done` is called.
    """

    _separator = "-" * WIDTH
    _doubleSeparator = "=" * WIDTH

    def __init__(
        self, stream: Any = None, tbformat: str = "default", realtime: bool = False, publisher: Any = None
    ) -> None:
        super().__init__()
        self._stream = SafeStream(sys.stdout if stream is None else stream)
        self.stream = self._stream
        self.tbformat = tbformat
        self.realtime = realtime
        self._publisher = publisher
        self._warned: set[tuple[Any, ...]] = set()
        if publisher is not None:
            publisher.addObserver(self._observeWarnings)

    # -- writing

    def _write(self, format: str, *args: Any) -> None:
        """Write a text, made with ``%`` if there are arguments."""
        self._stream.write(format % args if args else format)
        self._stream.flush()

    def _writeln(self, format: str, *args: Any) -> None:
        """Write a line."""
        self._write(format, *args)
        self._write("\n")

    # -- while the tests run

    def _observeWarnings(self, event: dict[str, Any]) -> None:
        """Write a warning, once in each test."""
        if "warning" not in event:
            return
        category = event["category"]
        name = category.__name__ if isinstance(category, type) else str(category).rpartition(".")[2]
        key = (event["filename"], event["lineno"], name, str(event["warning"]))
        if key not in self._warned:
            self._warned.add(key)
            self._writeln("%s:%s: %s: %s", *key)

    def _stop_observing(self) -> None:
        if self._publisher is not None:
            self._publisher.removeObserver(self._observeWarnings)
            self._publisher = None

    def startTest(self, method: Any) -> None:
        """A test starts."""
        self._warned.clear()
        super().startTest(method)

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        """Something went wrong that the test does not claim anything about."""
        super().addError(test, error)
        self._print_now(error)

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        """A claim of the test does not hold."""
        super().addFailure(test, fail)
        self._print_now(fail)

    def _print_now(self, error: Error) -> None:
        if self.realtime:
            self._write("%s", self._formatFailureTraceback(asFailure(error)))

    # -- in the end

    def _trimFrames(self, frames: Sequence[Any]) -> list[Any]:
        """The frames that are not the machinery's."""
        return trimmed(frames)

    def _formatFailureTraceback(self, fail: Failure | str) -> str:
        """A failure as the report shows it."""
        if isinstance(fail, str):
            return fail.rstrip() + "\n"
        return format_failure(fail, self.tbformat)

    def _groupResults(self, results: Sequence[Any], formatter: Callable[..., str]) -> list[tuple[str, list[Any]]]:
        """The texts that `formatter` makes, each with all tests that have it."""
        groups: dict[str, list[Any]] = {}
        for test, *content in results:
            groups.setdefault(formatter(*content), []).append(test)
        return list(groups.items())

    def _printResults(self, flavor: str, errors: Sequence[Any], formatter: Callable[..., str]) -> None:
        """A part of the report: what is the same for several tests is printed once, with all their names."""
        for text, tests in self._groupResults(errors, formatter):
            self._writeln(self._doubleSeparator)
            self._writeln("%s", flavor)
            self._write("%s", text)
            self._writeln("")
            for test in tests:
                self._writeln("%s", test.id())

    def _format_todo(self, error: Failure, todo: Todo) -> str:
        errors = f", of {', '.join(e.__name__ for e in todo.errors)}" if todo.errors else ""
        return f"Reason: {todo.reason!r}{errors}\n{self._formatFailureTraceback(error)}"

    def _printErrors(self) -> None:
        """Print all but the successes."""
        self._writeln("")
        self._printResults("[SKIPPED]", self.skips, lambda reason: f"{reason}\n")
        self._printResults("[TODO]", self.expectedFailures, self._format_todo)
        self._printResults("[FAIL]", self.failures, self._formatFailureTraceback)
        self._printResults("[ERROR]", self.errors, self._formatFailureTraceback)
        self._printResults("[SUCCESS!?!]", self.unexpectedSuccesses, lambda todo: f"Reason: {todo.reason!r}\n")

    def _run_time(self) -> float:
        return 0.0 if self._startTime is None else self._getTime() - self._startTime

    def _counts(self) -> str:
        """What there was, in brackets."""
        kinds = ("skips", "expectedFailures", "failures", "errors", "unexpectedSuccesses")
        counts = [(kind, len(getattr(self, kind))) for kind in kinds]
        counts.append(("successes", self.successes))
        told = ", ".join(f"{kind}={number}" for kind, number in counts if number)
        return f" ({told})" if told else ""

    def _printSummary(self) -> None:
        """Print whether all went well, with numbers."""
        self._writeln("%s%s", "PASSED" if self.wasSuccessful() else "FAILED", self._counts())

    def done(self) -> None:
        """All tests have been run: report and summary."""
        self._stop_observing()
        self._printErrors()
        self._writeln(self._separator)
        self._writeln("Ran %d test%s in %.3fs", self.testsRun, "" if self.testsRun == 1 else "s", self._run_time())
        self._writeln("")
        self._printSummary()


class MinimalReporter(Reporter):
    """Writes one line, for programs: seconds, tests run (twice, as trial does), errors, failures, skips."""

    def _printErrors(self) -> None:
        """Nothing."""

    def _printSummary(self) -> None:
        """Print the line."""
        numbers = (self.testsRun, self.testsRun, len(self.errors), len(self.failures), len(self.skips))
        self._writeln("%s %d %d %d %d %d", f"{round(self._run_time(), 3):g}", *numbers)

    def done(self) -> None:
        """All tests have been run."""
        self._stop_observing()
        self._printSummary()


class TextReporter(Reporter):
    """Writes a character for each test: ``.`` passed, ``F`` failed, ``E`` error, ``S`` skipped, ``T`` todo, ``!`` a
    todo that passed.
    """

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        super().addSuccess(test)
        self._write(".")

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        """Something went wrong that the test does not claim anything about."""
        super().addError(test, error)
        self._write("E")

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        """A claim of the test does not hold."""
        super().addFailure(test, fail)
        self._write("F")

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run, or not to its end."""
        super().addSkip(test, reason)
        self._write("S")

    def addExpectedFailure(self, test: Any, error: Error, todo: Todo | None = None) -> None:  # type: ignore[override]
        """The test has failed as it was expected to."""
        super().addExpectedFailure(test, error, todo)
        self._write("T")

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""
        super().addUnexpectedSuccess(test, todo)
        self._write("!")


class VerboseTextReporter(Reporter):
    """Writes a line for each test: its name and what became of it."""

    def startTest(self, method: Any) -> None:
        """Write the test's name."""
        super().startTest(method)
        self._write("%s ... ", method.id())

    def stopTest(self, method: Any) -> None:
        """End the line."""
        super().stopTest(method)
        self._write("\n")

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        super().addSuccess(test)
        self._write("[OK]")

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        """Something went wrong that the test does not claim anything about."""
        super().addError(test, error)
        self._write("[ERROR]")

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        """A claim of the test does not hold."""
        super().addFailure(test, fail)
        self._write("[FAILURE]")

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run, or not to its end."""
        super().addSkip(test, reason)
        self._write("[SKIPPED]")

    def addExpectedFailure(self, test: Any, error: Error, todo: Todo | None = None) -> None:  # type: ignore[override]
        """The test has failed as it was expected to."""
        super().addExpectedFailure(test, error, todo)
        self._write("[TODO]")

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""
        super().addUnexpectedSuccess(test, todo)
        self._write("[SUCCESS!?!]")


class TimingTextReporter(VerboseTextReporter):
    """As `VerboseTextReporter`, with the seconds that each test took."""

    def stopTest(self, method: Any) -> None:
        """Write the time and end the line."""
        TestResult.stopTest(self, method)
        self._writeln(" (%.03f secs)", self._lastTime)
