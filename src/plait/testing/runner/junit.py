"""What became of each test as a file of JUnit XML, which continuous integration servers read.

There is no standard; this is what Jenkins, GitLab and others agree on: a ``testsuite`` of ``testcase`` elements, each
with ``failure``, ``error`` or ``skipped`` in it where it did not simply pass.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from plait.failure import Failure, safe_str
from plait.testing.marks import Todo
from plait.testing.runner.interfaces import Error
from plait.testing.runner.result import asFailure
from plait.testing.runner.tracebacks import format_failure, kind_of
from plait.testing.runner.wrappers import ReporterWrapper

# What XML 1.0 has no way to write (section 2.2).
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class _Row:
    name: str
    seconds: float = 0.0
    outcomes: list[tuple[str, str, str, str]] = field(default_factory=list)  # element, message, class, text


class JUnitWriter(ReporterWrapper):
    """Passes all on to another reporter, and writes the file when all is done. OSError if that cannot be done."""

    def __init__(self, reporter: Any, path: str) -> None:
        super().__init__(reporter)
        with open(path, "w"):
            pass  # so that one need not run all tests to hear that it cannot be written
        self._path = path
        self._rows: list[_Row] = []
        self._current: _Row | None = None
        self._started = time.monotonic()
        self._began = datetime.now(UTC)

    def startTest(self, method: Any) -> None:
        """A test starts."""
        self._current = _Row(method.id())
        self._rows.append(self._current)
        self._started = time.monotonic()
        super().startTest(method)

    def addDuration(self, test: Any, elapsed: float) -> None:
        """The test took `elapsed` seconds."""
        if self._current is not None:
            self._current.seconds = elapsed
        super().addDuration(test, elapsed)

    def stopTest(self, method: Any) -> None:
        """The test has come to its end."""
        if self._current is not None:
            self._current.seconds = self._current.seconds or time.monotonic() - self._started
        self._current = None
        super().stopTest(method)

    def _note(self, test: Any, element: str, message: str, kind: str = "", text: str = "") -> None:
        row = self._current
        if row is None:  # not in a test
            row = _Row(test.id())
            self._rows.append(row)
        row.outcomes.append((element, message, kind, text))

    def _note_error(self, test: Any, element: str, error: Error) -> None:
        failure: Failure = asFailure(error)
        self._note(test, element, failure.getErrorMessage(), kind_of(failure), format_failure(failure))

    def addError(self, test: Any, error: Error) -> None:
        """Something went wrong."""
        self._note_error(test, "error", error)
        super().addError(test, error)

    def addFailure(self, test: Any, failure: Error) -> None:
        """A claim does not hold."""
        self._note_error(test, "failure", failure)
        super().addFailure(test, failure)

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run."""
        self._note(test, "skipped", safe_str(reason))
        super().addSkip(test, reason)

    def addExpectedFailure(self, test: Any, failure: Error, todo: Todo | None = None) -> None:
        """The test has failed as it was expected to: no word of the format means that; "skipped" comes nearest."""
        self._note(test, "skipped", f"todo: {todo.reason}" if todo is not None else "todo")
        super().addExpectedFailure(test, failure, todo)

    def done(self) -> None:
        """Write the file."""
        super().done()
        suite = ElementTree.Element("testsuite", name="plait")
        for element, count in (("tests", len(self._rows)), *self._totals()):
            suite.set(element, str(count))
        suite.set("time", f"{sum(row.seconds for row in self._rows):.3f}")
        suite.set("timestamp", self._began.isoformat(timespec="seconds"))
        for row in self._rows:
            owner, _, name = row.name.rpartition(".")
            case = ElementTree.SubElement(
                suite, "testcase", classname=_clean(owner), name=_clean(name), time=f"{row.seconds:.3f}"
            )
            for kind, message, error, text in row.outcomes:
                outcome = ElementTree.SubElement(case, kind, message=_clean(message))
                if error:
                    outcome.set("type", _clean(error))
                outcome.text = _clean(text)
        root = ElementTree.Element("testsuites")
        root.append(suite)
        ElementTree.indent(root)
        ElementTree.ElementTree(root).write(self._path, encoding="utf-8", xml_declaration=True)

    def _totals(self) -> list[tuple[str, int]]:
        kinds = [element for row in self._rows for element, *_ in row.outcomes]
        return [
            ("failures", kinds.count("failure")),
            ("errors", kinds.count("error")),
            ("skipped", kinds.count("skipped")),
        ]


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)
