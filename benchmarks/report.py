"""What a run has shown: the table, the targets, the JSON file."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import plait
from benchmarks.samples import CPU, Row

TITLE_WIDTH = 38
CELL_WIDTH = 11


@dataclass(frozen=True)
class Target:
    """A ratio of the cost of one operation that a release has to hold."""

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
    Target("int32-32-20-50", "twisted", 2.5),
    Target("connect-64-50", "twisted", 1.4),
    Target("udp-64-100", "twisted", 1.3),
    Target("tls-1024-1", "twisted", 1.5),
    Target("tls-1024-100", "twisted", 1.5),
    Target("deferred-callbacks", "twisted", 1.8),
    Target("deferred-gather", "twisted", 1.5),
    Target("inline-callbacks", "twisted", 1.5),
    Target("coroutine", "twisted", 1.0),
    Target("deferred-unhandled", "twisted", 1.0),
    Target("log-off", "twisted", 10.0),
    Target("log-line", "twisted", 1.0),
    Target("timers", "twisted", 1.5),
    Target("timers-cancelled", "twisted", 1.0),
    Target("timers-fired", "twisted", 1.0),
    Target("call-from-thread", "twisted", 1.5),
    Target("server-idle-10000", "twisted", 1.0),
    Target("web-hello", "twisted", 6.0),
    Target("web-hello", "uvicorn", 1.3),
    Target("web-asgi", "uvicorn", 1.0),
    Target("web-file", "nginx", 2.0, at_most=True),
    Target("web-idle", "twisted", 1.0),
    Target("import", "twisted", 0.6, at_most=True),
]


def groups(peers: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The columns beside the title, in groups: what a group shows, and of which peers."""
    others = [peer for peer in peers if peer != "plait"]
    shown = [("CPU µs per operation", [*peers]), ("times Plait's", others), ("operations per second", [*peers])]
    return [(title, columns) for title, columns in shown if columns]


def in_columns(title: str, groups: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A line of the table; each group is as wide as its heading at least."""
    line = f"{title:{TITLE_WIDTH}}"
    for heading, cells in groups:
        line += " |" + "".join(cell.rjust(CELL_WIDTH) for cell in cells).rjust(len(heading) + 1)
    return line


def header(peers: Sequence[str]) -> str:
    """The lines above the rows of `format_row`."""
    columns = groups(peers)
    names = in_columns("", columns)
    widths = [max(CELL_WIDTH * len(cells), len(heading) + 1) for heading, cells in columns]
    top = " " * TITLE_WIDTH
    for (heading, _), width in zip(columns, widths, strict=True):
        top += " |" + heading.rjust(width)
    return f"{top}\n{names}\n{'-' * len(names)}"


def format_row(row: Row, peers: Sequence[str]) -> str:
    """One line of the table: medians; a dash for a peer that does not do this work. Other units than the CPU's are named."""
    done = row.samples.keys()
    unit = "" if row.work.unit == CPU else f" {row.work.unit}"
    figures = {
        "CPU µs per operation": lambda peer: significant(row.cost(peer)) + unit,
        "times Plait's": lambda peer: f"{row.ratio(peer):.2f}" if "plait" in done else "-",
        "operations per second": lambda peer: rate(row.per_second(peer)),
    }
    cells = [
        (heading, [figures[heading](peer) if peer in done else "-" for peer in columns])
        for heading, columns in groups(peers)
    ]
    return in_columns(row.work.title, cells)


def rate(per_second: float | None) -> str:
    return "-" if per_second is None else f"{per_second:,.0f}"


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
        "plait": plait.__version__,
    }
    for package in ("twisted", "uvloop"):
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
                "unit": row.work.unit,
                "peers": {
                    peer: {
                        "cost": row.cost(peer),
                        "per_second": row.per_second(peer),
                        "ratio_to_plait": row.ratio(peer) if "plait" in row.samples else None,
                        "samples": [
                            {"cost": sample.cost, "per_second": sample.per_second, **sample.details}
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
