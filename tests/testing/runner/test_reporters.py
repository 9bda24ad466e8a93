"""What is written of each test, and in the end."""

from __future__ import annotations

import unittest
from io import StringIO
from typing import Any

import pytest

from plait.failure import Failure
from plait.interfaces import verifyObject
from plait.log.legacy import theLogPublisher
from plait.testing.marks import makeTodo
from plait.testing.runner import junit, reporters, result, tree
from plait.testing.runner.interfaces import IReporter, ITestCase
from plait.testing.runner.suites import TestHolder as Holder
from plait.testing.runner.wrappers import ReporterWrapper

KINDS: list[Any] = [
    reporters.Reporter,
    reporters.MinimalReporter,
    reporters.TextReporter,
    reporters.VerboseTextReporter,
    reporters.TimingTextReporter,
    tree.TreeReporter,
]

A, B = Holder("pkg.test_m.C.test_a"), Holder("pkg.test_m.C.test_b")


def failure(message: str = "broken") -> Failure:
    try:
        raise ValueError(message)
    except ValueError:
        return Failure()


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_reporter(kind: Any) -> None:
    reporter = kind(StringIO())
    assert verifyObject(IReporter, reporter)
    assert isinstance(reporter, unittest.TestResult)


def test_every_unittest_case_is_a_test_case() -> None:
    assert verifyObject(ITestCase, unittest.FunctionTestCase(print))
    assert verifyObject(ITestCase, A)


@pytest.mark.parametrize("kind", KINDS)
def test_success_is_that_nothing_failed(kind: Any) -> None:
    for add, good in (
        (lambda r: r.addSuccess(A), True),
        (lambda r: r.addSkip(A, "why"), True),
        (lambda r: r.addExpectedFailure(A, failure(), makeTodo("why")), True),
        (lambda r: r.addUnexpectedSuccess(A, makeTodo("why")), True),
        (lambda r: r.addError(A, failure()), False),
        (lambda r: r.addFailure(A, failure()), False),
    ):
        reporter = kind(StringIO())
        reporter.startTest(A)
        add(reporter)
        reporter.stopTest(A)
        assert reporter.wasSuccessful() is good
        reporter.done()


def test_an_error_is_a_failure_or_what_exc_info_returns() -> None:
    outcome = result.TestResult()
    first = failure()
    outcome.addError(A, first)
    outcome.addError(B, (first.type, first.value, first.tb))
    assert outcome.errors[0] == (A, first)
    assert outcome.errors[1][1].value is first.value
    for wrong in ("text", ValueError(), (1, 2)):
        with pytest.raises(TypeError, match="exc_info"):
            outcome.addError(A, wrong)  # type: ignore[arg-type]


def test_a_todo_without_a_reason_has_one() -> None:
    outcome = result.TestResult()
    outcome.addExpectedFailure(A, failure())
    outcome.addUnexpectedSuccess(A)
    assert outcome.expectedFailures[0][2].reason == outcome.unexpectedSuccesses[0][1].reason == "Test expected to fail"
    assert "run=0" in repr(outcome) and "todos=1" in repr(outcome)


def test_the_report_groups_what_is_the_same() -> None:
    stream = StringIO()
    reporter = reporters.Reporter(stream)
    reporter.addSkip(A, "no time")
    reporter.addSkip(B, "no time")
    reporter.addExpectedFailure(A, failure("as expected"), makeTodo((ValueError, "one day")))
    reporter.done()
    said = stream.getvalue()
    assert f"[SKIPPED]\nno time\n\n{A.id()}\n{B.id()}\n" in said
    assert "[TODO]\nReason: 'one day', of ValueError\nTraceback" in said
    assert said.endswith("Ran 0 tests in 0.000s\n\nPASSED (skips=2, expectedFailures=1)\n")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (reporters.TextReporter, ".EFST!"),
        (
            reporters.VerboseTextReporter,
            "".join(f"{A.id()} ... [{word}]\n" for word in ("OK", "ERROR", "FAILURE", "SKIPPED", "TODO", "SUCCESS!?!")),
        ),
    ],
)
def test_a_sign_of_each_test(kind: Any, expected: str) -> None:
    stream = StringIO()
    reporter = kind(stream)
    for method, arguments in (
        ("addSuccess", ()),
        ("addError", (failure(),)),
        ("addFailure", (failure(),)),
        ("addSkip", ("why",)),
        ("addExpectedFailure", (failure(),)),
        ("addUnexpectedSuccess", ()),
    ):
        reporter.startTest(A)
        getattr(reporter, method)(A, *arguments)
        reporter.stopTest(A)
    assert stream.getvalue() == expected


def test_time_is_what_the_runner_says_if_it_does() -> None:
    stream = StringIO()
    reporter = reporters.TimingTextReporter(stream)
    reporter.startTest(A)
    reporter.addSuccess(A)
    reporter.addDuration(A, 1.5)
    reporter.stopTest(A)
    assert stream.getvalue() == f"{A.id()} ... [OK] (1.500 secs)\n"


def test_minimal_numbers() -> None:
    stream = StringIO()
    reporter = reporters.MinimalReporter(stream)
    reporter.startTest(A)
    reporter.addError(A, failure())
    reporter.stopTest(A)
    reporter.done()
    assert stream.getvalue().split()[1:] == ["1", "1", "1", "0", "0"]


def test_a_percent_sign_is_no_format() -> None:
    stream = StringIO()
    reporter = tree.TreeReporter(stream)
    odd = Holder("m.C.test_%s")
    reporter.startTest(odd)
    reporter.addSkip(odd, "100 %s")
    reporter.stopTest(odd)
    reporter.done()
    assert "test_%s" in stream.getvalue() and "100 %s" in stream.getvalue()


def test_warnings_are_written_once_in_a_test() -> None:
    stream = StringIO()
    reporter = reporters.Reporter(stream, publisher=theLogPublisher)
    event = {"warning": "old", "category": DeprecationWarning, "filename": "f.py", "lineno": 7}
    theLogPublisher.msg(**event)
    theLogPublisher.msg(**event)
    theLogPublisher.msg("no warning")
    assert stream.getvalue() == "f.py:7: DeprecationWarning: old\n"
    reporter.startTest(A)
    theLogPublisher.msg(**event)
    assert stream.getvalue().count("old") == 2
    reporter.done()
    theLogPublisher.msg(**event)
    assert stream.getvalue().count("old") == 2


class Colours:
    """Notes what is written in which colour."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def write(self, text: str, color: str) -> None:
        self.seen.append((text, color))


def test_the_tree_names_each_branch_once_and_colours_outcomes() -> None:
    stream = StringIO()
    reporter = tree.TreeReporter(stream)
    colours = reporter._colorizer = Colours()  # type: ignore[assignment]
    for test in (A, B, Holder("pkg.test_m.D.test_a"), Holder("pkg.test_n.D.test_a"), Holder("alone")):
        reporter.startTest(test)
        reporter.addSuccess(test)
        reporter.stopTest(test)
    shown = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert shown == [
        "pkg.test_m", "  C", "    test_a ...", "    test_b ...", "  D", "    test_a ...",
        "pkg.test_n", "  D", "    test_a ...", "alone ...",
    ]  # fmt: skip
    reporter.addError(A, failure())
    reporter.done()
    assert colours.seen[0] == ("[OK]", "green")
    assert colours.seen[-1] == ("FAILED", "red")


def test_what_is_not_in_a_test_has_a_line_of_its_own() -> None:
    stream = StringIO()
    reporter = tree.TreeReporter(stream)
    reporter.addError(Holder("setUpClass (m.C)"), failure())
    assert stream.getvalue().startswith("setUpClass (m.C) ... ")
    reporter.startTest(A)
    reporter.addFailure(A, failure())
    reporter.addError(A, failure())  # of its tearDown: the same test, so the same name
    reporter.stopTest(A)
    last = stream.getvalue().splitlines()
    assert last[-2].endswith("[FAIL]") and last[-1].strip() == "[ERROR]"


def test_junit_takes_any_text(tmp_path: Any) -> None:
    from xml.etree import ElementTree

    path = str(tmp_path / "out.xml")
    writer = junit.JUnitWriter(reporters.Reporter(StringIO()), path)
    assert verifyObject(IReporter, writer)
    writer.startTest(A)
    writer.addError(A, failure("a bell \a and \ud800"))
    writer.addDuration(A, 2.5)
    writer.stopTest(A)
    writer.addError(Holder("setUpClass (m.C)"), failure())
    writer.done()
    suite = ElementTree.parse(path).getroot()[0]
    assert suite.get("tests") == "2" and suite[0].get("time") == "2.500"
    assert suite[0][0].get("message") == "a bell \ufffd and \ufffd"


def test_a_wrapper_tells_of_parts_as_of_tests() -> None:
    outcome = result.TestResult()
    wrapper = ReporterWrapper(outcome)

    class Case(unittest.TestCase):
        def test_parts(self) -> None:
            for part in (1, 2):
                with self.subTest(part=part):
                    if part == 2:
                        raise KeyError(part)
                    self.fail("one")

    Case("test_parts").run(wrapper)  # type: ignore[arg-type]
    assert [len(outcome.failures), len(outcome.errors), outcome.successes] == [1, 1, 0]
    wrapper.shouldStop = True
    assert outcome.shouldStop
