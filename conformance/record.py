"""The record: how many tests of each module pass, and of each that does not, why (`record.json`).

    "twisted.test.test_task": {
      "passed": 64,
      "tests": {
        "CooperatorTests.test_x": {"kind": "private", "why": "patches the list of a Cooperator's tasks"},
        "LoopTests.test_y": {"kind": "not yet", "error": "AttributeError: …"}
      },
      "unstable": {"ClockTests.test_z*": "counts threads, and other tests leave some"}
    }

A test that is not named must pass. `why` is written by hand and stays as long as the test does not pass; `error` is what the last
run to be recorded said. A module that cannot be imported has one reason for all its tests, `"module": {…}`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from conformance.child import ERROR, FAILED, PASSED, SKIPPED
from conformance.run import Result, Row

FILE = Path(__file__).with_name("record.json")

PRIVATE, CHANGED, NOT_YET = "private", "changed", "not yet"
KINDS = {
    PRIVATE: "looks at a private detail of Twisted's own implementation",
    CHANGED: "asks for what Plait does in another way, on purpose",
    NOT_YET: "waits for something that Plait does not do yet",
    SKIPPED: "skips itself, here and mostly on Twisted as well",
}

TEXT_LIMIT = 120
"""Characters of an error that are recorded."""

VARYING = [
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"(?<![\w.])/(?:[\w.~+-]+/)+"), "…/"),
    (re.compile(r"\b\d{5,}(?:\.\d+)?\b"), "…"),
]
"""What differs from run to run or from machine to machine in names and errors: addresses, folders, ports and clocks."""


class RecordError(ValueError):
    """The record cannot be used as it is; the message says what to put right."""


@dataclass(frozen=True)
class Reason:
    """Why a test does not pass. `by_hand` if somebody wrote it, and not the last run."""

    kind: str
    text: str
    by_hand: bool = False


@dataclass
class Entry:
    """What is known of one module. `whole` is the reason why it cannot be imported at all."""

    passed: int = 0
    whole: Reason | None = None
    tests: dict[str, Reason] = field(default_factory=dict)
    unstable: dict[str, str] = field(default_factory=dict)

    def counts(self, name: str) -> bool:
        """Does this test count, or does it pass at times only?"""
        return not any(fnmatchcase(name, pattern) for pattern in self.unstable)


@dataclass
class Verdict:
    """A module's result beside the record. `fewer` tells that it may not stay so, with what passed before in `lost`."""

    passed: int
    fewer: bool = False
    lost: dict[str, Row] = field(default_factory=dict)
    gained: int = 0


def compare(entry: Entry, result: Result) -> Verdict:
    """What has changed: tests that are not named in the record must pass, and as many as it says."""
    rows = settled(entry, result)
    passed = sum(row.outcome == PASSED for row in rows.values())
    if result.problem:
        return Verdict(passed, fewer=entry.passed > 0)
    lost = {}
    if entry.whole is None:
        lost = {name: row for name, row in rows.items() if row.outcome != PASSED and name not in entry.tests}
    pass_now = sum(name in rows and rows[name].outcome == PASSED for name in entry.tests)
    # A new module of the list, or one that could not be imported, has nothing to lose.
    fewer = passed < entry.passed or (bool(lost) and entry.passed > 0)
    return Verdict(passed, fewer, lost if fewer else {}, max(pass_now, passed - entry.passed, 0))


def update(entry: Entry, result: Result) -> Entry:
    """The entry after a run: what was written by hand stays where it is still of use."""
    by_hand = {name: reason for name, reason in entry.tests.items() if reason.by_hand}
    if result.problem:
        whole = entry.whole if entry.whole and entry.whole.by_hand else Reason(NOT_YET, shorten(result.problem))
        return Entry(0, whole, by_hand, entry.unstable)
    rows = settled(entry, result)
    tests = {
        name: by_hand.get(name) or Reason(SKIPPED if row.outcome == SKIPPED else NOT_YET, describe(row))
        for name, row in rows.items()
        if row.outcome != PASSED
    }
    return Entry(sum(row.outcome == PASSED for row in rows.values()), None, tests, entry.unstable)


def settled(entry: Entry, result: Result) -> dict[str, Row]:
    """The rows that count, by names that are the same in each run."""
    rows: dict[str, Row] = {}
    for name, row in result.rows.items():
        name = steady(name)
        if entry.counts(name) and (name not in rows or row.outcome != PASSED):
            rows[name] = row
    return rows


def describe(row: Row) -> str:
    """A row as one short line."""
    return shorten(row.text if row.outcome in (FAILED, ERROR, SKIPPED) else f"{row.outcome}: {row.text}")


def shorten(text: str) -> str:
    """An error as one line, without what varies, and not too long."""
    line = steady(" ".join(text.split())) or "no message"
    return line if len(line) <= TEXT_LIMIT else f"{line[: TEXT_LIMIT - 1]}…"


def steady(text: str) -> str:
    """A name or an error without what differs from run to run."""
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text


def load(file: Path = FILE) -> dict[str, Entry]:
    """Read the record; what is not there yet is empty. Raises `RecordError`."""
    if not file.exists():
        return {}
    data = json.loads(file.read_text(encoding="utf-8"))
    return {name: _entry(name, row) for name, row in data.items()}


def save(entries: dict[str, Entry], file: Path = FILE) -> None:
    """Write the record, with one line for each test, so that a change of it reads well."""
    modules = []
    for name in sorted(entries):
        entry = entries[name]
        parts = [f'"passed": {entry.passed}']
        if entry.whole is not None:
            parts.append(f'"module": {_dump(_plain(entry.whole))}')
        for key, values in (
            ("tests", {test: _plain(reason) for test, reason in entry.tests.items()}),
            ("unstable", entry.unstable),
        ):
            if values:
                lines = ",\n".join(f"      {_dump(test)}: {_dump(value)}" for test, value in sorted(values.items()))
                parts.append(f'"{key}": {{\n{lines}\n    }}')
        modules.append(f"  {_dump(name)}: {{\n    " + ",\n    ".join(parts) + "\n  }")
    file.write_text("{\n" + ",\n".join(modules) + "\n}\n", encoding="utf-8")


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(reason: Reason) -> dict[str, str]:
    return {"kind": reason.kind, "why" if reason.by_hand else "error": reason.text}


def _entry(name: str, row: dict[str, Any]) -> Entry:
    whole = _reason(name, row["module"]) if "module" in row else None
    tests = {test: _reason(f"{name}, {test}", reason) for test, reason in row.get("tests", {}).items()}
    return Entry(row["passed"], whole, tests, row.get("unstable", {}))


def _reason(where: str, row: dict[str, str]) -> Reason:
    kind, by_hand = row.get("kind", ""), "why" in row
    if kind not in KINDS:
        raise RecordError(f"{where}: the kind is {kind!r}; it has to be one of {', '.join(KINDS)}")
    if kind in (PRIVATE, CHANGED) and not row.get("why"):
        raise RecordError(f'{where}: what is {kind!r} needs a sentence, "why"')
    return Reason(kind, row["why"] if by_hand else row.get("error", ""), by_hand)
