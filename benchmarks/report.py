"""What a run has shown: the table, the targets, the JSON file."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.samples import Row

TITLE_WIDTH = 38
CELL_WIDTH = 11


@dataclass(frozen=True)
class Target:
    """A ratio of CPU time for one operation that a release has to hold."""

    work: str
    peer: str
    bound: float
    at_most: bool = False
    """False: `peer` needs at least `bound` times what Plait needs; true: Plait at most that of the peer's."""

    def ratios(self, row: Row) -> list[float]:
        ratios = row.ratios("plait", self.peer) if self.at_most else row.ratios(self.peer)
        return sorted(ratios)

    def value(self, row: Row) -> float:
        return row.ratio("plait", self.peer) if self.at_most else row.ratio(self.peer)

    def reached(self, row: Row) -> bool:
        return self.value(row) <= self.bound if self.at_most else self.value(row) >= self.bound

    def describe(self, row: Row) -> str:
        over = f"plait / {self.peer}" if self.at_most else f"{self.peer} / plait"
        sign = "<=" if self.at_most else ">="
        verdict = "reached" if self.reached(row) else "MISSED"
        ratios = self.ratios(row)
        return (
            f"{verdict:8} {row.work.title:{TITLE_WIDTH}} {over:16} {self.value(row):6.2f}  "
            f"(rounds {ratios[0]:.2f} to {ratios[-1]:.2f}; to reach: {sign} {self.bound:g})"
        )


TARGETS = [
    Target("echo-64-1", "twisted", 1.8),
    Target("echo-64-100", "twisted", 1.8),
    Target("echo-64-1", "uvloop", 1.15, at_most=True),
    Target("echo-64-100", "uvloop", 1.15, at_most=True),
    Target("lines-32-20-50", "twisted", 3.0),
    Target("deferred-callbacks", "twisted", 1.8),
]


def header(peers: Sequence[str]) -> str:
    """The two lines above the rows of `format_row`."""
    others = [peer for peer in peers if peer != "plait"]
    titles = ("CPU µs per operation", "CPU, times Plait's", "operations per second")
    groups = zip(titles, (peers, others, peers), strict=True)
    top = " " * TITLE_WIDTH
    names = " " * TITLE_WIDTH
    for title, columns in groups:
        if columns:
            width = CELL_WIDTH * len(columns)
            top += " |" + title[:width].rjust(width)
            names += " |" + "".join(name.rjust(CELL_WIDTH) for name in columns)
    return f"{top}\n{names}\n{'-' * len(names)}"


def format_row(row: Row, peers: Sequence[str]) -> str:
    """One line of the table: medians; a dash for a peer that does not do this work."""
    others = [peer for peer in peers if peer != "plait"]
    with_plait = "plait" in row.samples
    cells = [
        [significant(row.cpu_us(peer)) if peer in row.samples else "-" for peer in peers],
        [f"{row.ratio(peer):.2f}" if peer in row.samples and with_plait else "-" for peer in others],
        [f"{row.per_second(peer):,.0f}" if peer in row.samples else "-" for peer in peers],
    ]
    line = f"{row.work.title:{TITLE_WIDTH}}"
    for group in cells:
        if group:
            line += " |" + "".join(cell.rjust(CELL_WIDTH) for cell in group)
    return line


def significant(value: float) -> str:
    """Three digits that say something: 0.482, 12.3, 1,860."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def judge(rows: Iterable[Row], targets: Sequence[Target] = TARGETS) -> list[tuple[Target, Row | None]]:
    """Each target with the row that decides it, or with None where this run has not measured it."""
    found = {row.work.name: row for row in rows}
    judged: list[tuple[Target, Row | None]] = []
    for target in targets:
        row = found.get(target.work)
        measured = row is not None and {"plait", target.peer} <= row.samples.keys()
        judged.append((target, row if measured else None))
    return judged


def environment() -> dict[str, str]:
    """On what the figures were made."""
    facts = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
    for package in ("plait", "twisted", "uvloop"):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def save(path: Path, rows: Sequence[Row]) -> None:
    """Write everything that was measured, sample by sample, as JSON."""
    judged = judge(rows)
    document = {
        "environment": environment(),
        "rows": [
            {
                "name": row.work.name,
                "title": row.work.title,
                "peers": {
                    peer: {
                        "cpu_us": row.cpu_us(peer),
                        "per_second": row.per_second(peer),
                        "cpu_ratio_to_plait": row.ratio(peer) if "plait" in row.samples else None,
                        "samples": [
                            {"cpu_us": sample.cpu_us, "per_second": sample.per_second, **sample.details}
                            for sample in samples
                        ],
                    }
                    for peer, samples in row.samples.items()
                },
            }
            for row in rows
        ],
        "targets": [
            {
                "work": target.work,
                "peer": target.peer,
                "bound": target.bound,
                "at_most": target.at_most,
                "value": target.value(row) if row else None,
                "reached": target.reached(row) if row else None,
            }
            for target, row in judged
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
