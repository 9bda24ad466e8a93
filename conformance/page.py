"""docs/conformance.md: what the record says, for readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

from conformance.child import SKIPPED
from conformance.modules import Modules
from conformance.record import KINDS, Entry, Reason
from conformance.report import add, percent, totals

FILE = Path(__file__).parent.parent / "docs" / "conformance.md"

LONG = 5
"""So many tests of a module are shown at once; more are folded away."""

INTRO = """\
<!-- Written by `make conformance RECORD=1` from conformance/record.json. -->

# How much of Twisted

Twisted comes with its own tests. They are the best judge of how much of Twisted Plait is: `make conformance` takes the test
modules from the wheel of Twisted {twisted} and runs them on Plait, with every other name of Twisted's resolved by
[the import alias](as-twisted.md). Nothing of the wheel is part of Plait.

This page is the record of the last such run. "Of" is the number of tests that pass on Twisted itself, on Linux, with one
reactor. Many of them touch names that are private to Twisted, so the modules have a class: in class A at most 12 % of the
tests do so, in B at most 45 %, in C more. What class C says is for information.

Each test that does not pass has a reason, of one of these kinds:

{kinds}

A change may not lower a number here: `make conformance` fails, and names the tests, when it does.
`make conformance ONLY=twisted.test.test_task` runs one module, `AREA=web` those of an area; `RECORD=1` writes the record
and this page.
"""


def render(modules: Modules, entries: Mapping[str, Entry]) -> str:
    """The page."""
    kinds = "\n".join(f"- **{kind}**: it {meaning}" for kind, meaning in KINDS.items())
    blocks = [INTRO.format(twisted=modules.twisted, kinds=kinds), *_summary(modules, entries)]
    for area, title in modules.titles.items():
        blocks += _area(modules, entries, area, title)
    return "\n".join(blocks)


def _summary(modules: Modules, entries: Mapping[str, Entry]) -> Iterator[str]:
    sums = totals(modules.all, {name: entry.passed for name, entry in entries.items()})
    yield "| area | classes A and B: passed | of | % | class C: passed | of |\n| --- | --: | --: | --: | --: | --: |"
    for area, title in {**modules.titles, "": "all"}.items():
        have, of = add(sums, area, "AB")
        have_c, of_c = add(sums, area, "C")
        yield f"| {title} | {have} | {of} | {percent(have, of)} | " + (f"{have_c} | {of_c} |" if of_c else "| |")
    yield ""


def _area(modules: Modules, entries: Mapping[str, Entry], area: str, title: str) -> Iterator[str]:
    chosen = modules.choose(areas=[area])
    yield f"## {title}\n\n| module | class | passed | of | % |\n| --- | --- | --: | --: | --: |"
    for module in chosen:
        passed = min(entries.get(module.name, Entry()).passed, module.tests)
        yield f"| `{module.name}` | {module.kind} | {passed} | {module.tests} | {percent(passed, module.tests)} |"
    yield ""
    for module in chosen:
        entry = entries.get(module.name)
        if entry is None:
            yield f"`{module.name}` has not been run.\n"
        elif entry.whole is not None:
            yield f"<p><code>{module.name}</code> cannot be imported. {_reason(entry.whole)}</p>\n"
        elif entry.tests or entry.unstable:
            yield _details(module.name, entry)


def _details(name: str, entry: Entry) -> str:
    items = [
        f"<li><code>{escape(test)}</code>. {_reason(reason)}</li>" for test, reason in _by_kind(entry.tests.items())
    ]
    items += [f"<li><code>{escape(test)}</code>. unstable: {escape(why)}</li>" for test, why in entry.unstable.items()]
    skipped = sum(reason.kind == SKIPPED for reason in entry.tests.values())
    parts = [
        f"{len(entry.tests) - skipped} not passed" if len(entry.tests) > skipped else "",
        f"{skipped} skipped" if skipped else "",
        f"{len(entry.unstable)} unstable" if entry.unstable else "",
    ]
    opened = " open" if len(items) <= LONG else ""
    summary = f"<summary><code>{name}</code>: {', '.join(part for part in parts if part)}</summary>"
    return "\n".join([f"<details{opened}>{summary}", "<ul>", *items, "</ul>", "</details>", ""])


def _by_kind(tests: Iterable[tuple[str, Reason]]) -> list[tuple[str, Reason]]:
    order = list(KINDS)
    return sorted(tests, key=lambda item: (order.index(item[1].kind), item[0]))


def _reason(reason: Reason) -> str:
    return f"{reason.kind}: {escape(reason.text)}"
