"""What a run says beside the record, and what becomes of the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance import record
from conformance.modules import Module
from conformance.record import CHANGED, NOT_YET, PRIVATE, SKIPPED, Entry, Reason, Verdict, compare, update
from conformance.run import Result, Row

MODULE = Module("twisted.test.test_sample", "sample", "A", 3)
WHY = Reason(PRIVATE, "looks at _heap", by_hand=True)


def result(problem: str = "", **rows: str) -> Result:
    """A run in which each test had this outcome."""
    return Result(MODULE, problem, {name: Row(outcome, f"{outcome} so") for name, outcome in rows.items()})


class TestCompare:
    def test_as_recorded(self) -> None:
        entry = Entry(1, tests={"b": WHY, "c": Reason(SKIPPED, "no GTK")})
        assert compare(entry, result(a="passed", b="failed", c="skipped")) == Verdict(1)

    @pytest.mark.parametrize("outcome", ["failed", "error", "skipped", "hung", "died", "not run"])
    def test_a_test_that_does_not_pass_any_more_is_named(self, outcome: str) -> None:
        verdict = compare(Entry(2, tests={"c": WHY}), result(a="passed", b=outcome, c="failed"))
        assert verdict == Verdict(1, fewer=True, lost={"b": Row(outcome, f"{outcome} so")})

    def test_one_lost_is_not_made_good_by_one_gained(self) -> None:
        verdict = compare(Entry(2, tests={"c": WHY}), result(a="passed", b="failed", c="passed"))
        assert (verdict.fewer, list(verdict.lost), verdict.gained) == (True, ["b"], 1)

    def test_fewer_tests_are_fewer_though_none_of_them_fails(self) -> None:
        assert compare(Entry(2), result(a="passed")) == Verdict(1, fewer=True)

    def test_more_are_counted(self) -> None:
        assert compare(Entry(1, tests={"b": WHY}), result(a="passed", b="passed")) == Verdict(2, gained=1)

    def test_a_module_that_cannot_be_imported_any_more(self) -> None:
        assert compare(Entry(2), result("ImportError: x")) == Verdict(0, fewer=True)

    def test_a_module_that_could_never_be_imported_loses_nothing(self) -> None:
        entry = Entry(whole=Reason(NOT_YET, "ImportError"))
        assert compare(entry, result("ImportError: x")) == Verdict(0)
        assert compare(entry, result(a="passed", b="failed")) == Verdict(1, gained=1)

    def test_a_module_that_is_not_recorded_loses_nothing(self) -> None:
        assert compare(Entry(), result("ImportError: x")) == Verdict(0)
        assert compare(Entry(), result(a="passed", b="failed")) == Verdict(1, gained=1)

    def test_an_unstable_test_counts_neither_way(self) -> None:
        entry = Entry(1, unstable={"Time*.test_b": "depends on the load"})
        for outcome in ("passed", "failed", "hung"):
            rows = {"Timed.test_a": Row("passed"), "Timed.test_b": Row(outcome)}
            assert compare(entry, Result(MODULE, "", rows)) == Verdict(1)

    def test_a_name_with_an_address_is_the_same_in_each_run(self) -> None:
        entry = update(Entry(), Result(MODULE, "", {"test_a of <X at 0x7f0011223344>": Row("failed", "x")}))
        later = Result(MODULE, "", {"test_a of <X at 0x7f99aabbccdd>": Row("failed", "x")})
        assert compare(entry, later) == Verdict(0)
        assert compare(Entry(1, tests=entry.tests), later) == Verdict(0, fewer=True)


class TestUpdate:
    def test_new_failures_are_not_yet_and_skips_are_skips(self) -> None:
        run = result(a="passed", b="error", c="skipped", d="hung")
        assert update(Entry(), run) == Entry(
            1,
            tests={
                "b": Reason(NOT_YET, "error so"),
                "c": Reason(SKIPPED, "skipped so"),
                "d": Reason(NOT_YET, "hung: hung so"),
            },
        )

    def test_what_was_written_stays_and_what_a_run_said_is_said_anew(self) -> None:
        entry = Entry(
            0, tests={"a": WHY, "b": Reason(NOT_YET, "of old"), "c": Reason(NOT_YET, "needs PTYs", by_hand=True)}
        )
        after = update(entry, result(a="failed", b="failed", c="skipped"))
        assert after.tests == {"a": WHY, "b": Reason(NOT_YET, "failed so"), "c": entry.tests["c"]}

    def test_what_passes_or_is_gone_is_dropped(self) -> None:
        assert update(Entry(0, tests={"a": WHY, "gone": WHY}), result(a="passed")) == Entry(1)

    def test_a_module_that_cannot_be_imported_is_one_entry(self) -> None:
        entry = Entry(2, tests={"a": WHY, "b": Reason(NOT_YET, "x")}, unstable={"c": "why"})
        after = update(entry, result("ImportError: no x"))
        assert after == Entry(0, Reason(NOT_YET, "ImportError: no x"), {"a": WHY}, {"c": "why"})
        assert update(after, result(a="failed", b="passed")) == Entry(1, None, {"a": WHY}, {"c": "why"})

    def test_why_a_module_cannot_be_imported_may_be_written_by_hand(self) -> None:
        whole = Reason(CHANGED, "there is one reactor", by_hand=True)
        assert update(Entry(whole=whole), result("ImportError: no x")).whole == whole

    def test_unstable_tests_are_not_recorded(self) -> None:
        entry = Entry(unstable={"b": "why"})
        assert update(entry, result(a="passed", b="failed")) == Entry(1, unstable={"b": "why"})

    def test_after_it_nothing_has_changed(self) -> None:
        for run in (result(a="passed", b="failed", c="skipped", d="died"), result("ImportError: x")):
            entry = update(Entry(), run)
            assert compare(entry, run) == Verdict(entry.passed)
            assert update(entry, run) == entry


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no message"),
        ("AssertionError: 1 != 2\n\n  - a\n  + b", "AssertionError: 1 != 2 - a + b"),
        ("OSError: no /tmp/tmp8x_q/work/file.txt", "OSError: no …/file.txt"),
        ("<Port at 0x7f1234567890> on 49152", "<Port at 0x…> on …"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_errors_are_recorded_in_short_and_without_what_varies(text: str, line: str) -> None:
    assert record.shorten(text) == line


def test_it_is_read_as_it_was_written_with_a_line_for_each_test(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    entries = {
        "twisted.b": Entry(3, None, {"B.test_é": Reason(NOT_YET, 'KeyError: "x"'), "A.test_a": WHY}, {"C.*": "load"}),
        "twisted.a": Entry(0, Reason(NOT_YET, "ImportError: x")),
    }
    record.save(entries, file)
    assert record.load(file) == entries
    lines = file.read_text(encoding="utf-8").splitlines()
    assert '      "B.test_é": {"kind": "not yet", "error": "KeyError: \\"x\\""}' in lines
    assert '      "A.test_a": {"kind": "private", "why": "looks at _heap"},' in lines
    assert list(json.loads("\n".join(lines))) == ["twisted.a", "twisted.b"]


def test_without_a_file_it_is_empty(tmp_path: Path) -> None:
    assert record.load(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (
            {"kind": "later", "why": "x"},
            "a.b, T.test: the kind is 'later'; it has to be one of private, changed, not yet",
        ),
        ({"kind": "private", "error": "x"}, "a.b, T.test: what is 'private' needs a sentence, \"why\""),
        ({"kind": "changed", "why": ""}, "a.b, T.test: what is 'changed' needs a sentence, \"why\""),
    ],
)
def test_a_reason_that_says_nothing_is_refused(tmp_path: Path, reason: dict[str, str], message: str) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps({"a.b": {"passed": 1, "tests": {"T.test": reason}}}))
    with pytest.raises(record.RecordError) as caught:
        record.load(file)
    assert message in str(caught.value)
