"""The tree of modules, classes and tests, each with what became of it: the reporter that is used unless another is named."""

from __future__ import annotations

import os
from typing import Any

from plait.testing.marks import Todo
from plait.testing.runner.interfaces import Error
from plait.testing.runner.reporters import WIDTH, Reporter
from plait.testing.runner.terminal import colorizer_for

__all__ = ["TreeReporter"]


class TreeReporter(Reporter):
    """Writes the tree as the tests run, in colours on a terminal."""

    FAILURE = "red"
    ERROR = "red"
    TODO = "blue"
    SKIP = "blue"
    TODONE = "red"
    SUCCESS = "green"

    def __init__(self, stream: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(stream, *args, **kwargs)
        self._colorizer = colorizer_for(self._stream)
        self._shown: list[str] = []
        self._column = 0
        self._running = ""

    def getDescription(self, test: Any) -> str:
        """What stands in the tree for a test: the end of its name."""
        name: str = test.id()
        return name[len(".".join([*self._getPreludeSegments(name), ""])) :]

    def _getPreludeSegments(self, testID: str) -> list[str]:
        """The module and the class of a test, as far as its name has them."""
        if os.sep in testID:
            return []  # a file
        # What stands in brackets after the name (the parameters of a sub-test) may have dots of its own.
        words = testID.split(" ", 1)[0].split(".")[:-1]
        if len(words) < 2:
            return words
        return [".".join(words[:-1]), words[-1]]

    def startTest(self, method: Any) -> None:
        """Write the branches that lead to the test, as far as they are new, and its name."""
        super().startTest(method)
        self._running = method.id()
        segments = self._getPreludeSegments(method.id())
        for depth, segment in enumerate(segments):
            if self._shown[: depth + 1] != segments[: depth + 1]:
                self._writeln("%s%s", "  " * depth, segment)
        self._shown = segments
        text = f"{'  ' * len(segments)}{self.getDescription(method)} ... "
        self._column = len(text)
        self._write("%s", text)

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        super().stopTest(method)
        self._running = ""
        if self._column:
            self._end_line("", self.SUCCESS)

    def _observeWarnings(self, event: dict[str, Any]) -> None:
        """Write a warning, below the test's name."""
        if self._column and "warning" in event:
            self._end_line("", self.SUCCESS)
        super()._observeWarnings(event)

    def _print_now(self, error: Error) -> None:
        if self._column and self.realtime:
            self._end_line("", self.SUCCESS)
        super()._print_now(error)

    def _tell(self, test: Any, outcome: str, color: str) -> None:
        """End the line of the test; what is not the test that runs (a fixture, a sub-test) gets one of its own."""
        if not self._column and test.id() != self._running:
            text = f"{test.id()} ... "
            self._column = len(text)
            self._write("%s", text)
        self._end_line(outcome, color)

    def _end_line(self, outcome: str, color: str) -> None:
        spaces = " " * (WIDTH - self._column - len(outcome))
        self._column = 0
        if outcome:
            self._write("%s", spaces)
            self._colorizer.write(outcome, color)
        self._write("\n")

    def addSuccess(self, test: Any) -> None:
        """The test has passed."""
        super().addSuccess(test)
        self._tell(test, "[OK]", self.SUCCESS)

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        """Something went wrong that the test does not claim anything about."""
        super().addError(test, error)
        self._tell(test, "[ERROR]", self.ERROR)

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        """A claim of the test does not hold."""
        super().addFailure(test, fail)
        self._tell(test, "[FAIL]", self.FAILURE)

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run, or not to its end."""
        super().addSkip(test, reason)
        self._tell(test, "[SKIPPED]", self.SKIP)

    def addExpectedFailure(self, test: Any, error: Error, todo: Todo | None = None) -> None:  # type: ignore[override]
        """The test has failed as it was expected to."""
        super().addExpectedFailure(test, error, todo)
        self._tell(test, "[TODO]", self.TODO)

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test has passed, though it was expected to fail."""
        super().addUnexpectedSuccess(test, todo)
        self._tell(test, "[SUCCESS!?!]", self.TODONE)

    def _printSummary(self) -> None:
        """Print whether all went well, in its colour, with numbers."""
        good = self.wasSuccessful()
        self._colorizer.write("PASSED" if good else "FAILED", self.SUCCESS if good else self.FAILURE)
        self._writeln("%s", self._counts())
