"""What the terminal shows: a row for each module, and the totals of each area and class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from conformance.child import ERROR, FAILED, PASSED, SKIPPED
from conformance.modules import Module
from conformance.record import Entry, Verdict, describe, shorten
from conformance.run import DIED, HUNG, NOT_RUN, Result, Row

COLUMNS = (FAILED, ERROR, SKIPPED, HUNG)
NAME_WIDTH = 44
TEXT_LIMIT = 200
"""Characters of one line that names a test or a problem."""


def header() -> str:
    return f"{'module':{NAME_WIDTH}} class  passed  of   " + "  ".join(f"{name:>7}" for name in COLUMNS) + "  seconds"


def format_row(result: Result, entry: Entry, verdict: Verdict) -> str:
    """A module's row, and under it the tests that passed before and do not now."""
    counts = result.counts()
    counts[HUNG] += counts[DIED] + counts[NOT_RUN]
    module = result.module
    line = f"{module.name:{NAME_WIDTH}} {module.kind:5}  {counts[PASSED]:6}  {module.tests:<4} "
    line += "  ".join(f"{counts[name]:7}" for name in COLUMNS) + f"  {result.seconds:7.1f}"
    if verdict.fewer:
        line += f"  FEWER: {entry.passed} are recorded, {verdict.passed} of them count now"
    elif verdict.gained:
        line += f"  {verdict.gained} more"
    lines = [line]
    if result.problem:
        lines.append(f"    not imported: {shorten(result.problem)}")
    lines += format_tests(verdict.lost)
    return "\n".join(line[:TEXT_LIMIT] for line in lines)


def format_tests(rows: Mapping[str, Row]) -> list[str]:
    """A line for each test with what became of it."""
    return [f"    {row.outcome:8} {name}: {describe(row)}"[:TEXT_LIMIT] for name, row in rows.items()]


def totals(modules: Iterable[Module], passed: Mapping[str, int]) -> dict[tuple[str, str], tuple[int, int]]:
    """(area, class) -> how many tests pass, of how many.

    What passes here and not on Twisted itself does not make up for what does not.
    """
    sums: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for module in modules:
        have, of = sums[module.area, module.kind]
        sums[module.area, module.kind] = (have + min(passed.get(module.name, 0), module.tests), of + module.tests)
    return dict(sums)


def add(sums: Mapping[tuple[str, str], tuple[int, int]], area: str = "", kinds: str = "ABC") -> tuple[int, int]:
    """The sum over an area (all, if none is named) and some classes."""
    chosen = [value for (a, kind), value in sums.items() if area in ("", a) and kind in kinds]
    return sum(have for have, _ in chosen), sum(of for _, of in chosen)


def format_totals(sums: Mapping[tuple[str, str], tuple[int, int]]) -> str:
    """A line for each area and one for all, with a column for each class."""
    areas = list(dict.fromkeys(area for area, _ in sums))
    lines = [f"{'area':10}" + "".join(f"{'class ' + kind:>15}" for kind in "ABC") + f"{'all':>15}       %"]
    for area in [*areas, ""] if len(areas) > 1 else areas:
        cells = [add(sums, area, kinds) for kinds in ("A", "B", "C", "ABC")]
        texts = [f"{have} of {of}" if of else "-" for have, of in cells]
        lines.append(f"{area or 'all':10}" + "".join(f"{text:>15}" for text in texts) + f"{percent(*cells[-1]):>8}")
    return "\n".join(lines)


def percent(have: int, of: int) -> str:
    """Rounded down, so that only all is 100."""
    return f"{100 * have // of if of else 100}"
