"""A snapshot as tables: which columns there are, how numbers are written, and the whole as plain text.

What peers and programs choose themselves (names, addresses) is hostile until `escaped`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# What connections can be sorted by: the key of the row, and whether the largest come first.
SORTS: dict[str, tuple[Callable[[dict[str, Any]], Any], bool]] = {
    "bytes": (lambda one: one["bytesReceived"] + one["bytesSent"], True),
    "age": (lambda one: one["age"], True),
    "buffered": (lambda one: one["buffered"], True),
    "peer": (lambda one: one["peer"], False),
}


@dataclass(frozen=True)
class Table:
    """A section: its title, the names of its columns (those of numbers begin with ">"), and its rows, escaped."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def escaped(text: object) -> str:
    r"""`text` in one line, with nothing in it that could move a cursor: "\x1b[2J" as backslash, x, 1, b, [, 2, J."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def heading(facts: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    """What to say of the program as a whole: some lines, with rates if there is a snapshot from `before`."""
    uptime = duration(facts["time"] - facts["since"])
    memory = "" if facts["memory"] is None else f", memory {size(facts['memory'])}"
    rates = ""
    if before is not None and (seconds := facts["time"] - before["time"]) > 0:
        busy = (facts["cpu"] - before["cpu"]) / seconds
        into, out = ((facts[name] - before[name]) / seconds for name in ("bytesReceived", "bytesSent"))
        rates = f", now {size(into)}/s in, {size(out)}/s out, CPU {max(0, busy):.0%}"
    threads = facts["threads"]
    return [
        f"{escaped(facts['application'])}, process {facts['pid']}, {escaped(facts['state'])} for {uptime} "
        f"(Plait {escaped(facts['plait'])}, {escaped(facts['engine'])}, Python {escaped(facts['python'])})",
        f"{len(facts['connections'])} connections of {facts['accepts']} accepted, {size(facts['bytesReceived'])} in, "
        f"{size(facts['bytesSent'])} out{rates}",
        f"loop lag {facts['lag'] * 1000:.1f} ms, CPU time {facts['cpu']:.1f} s{memory}, {facts['timers']['count']} timers, "
        f"{facts['tasks']['count']} tasks, threads {threads['threads']} of {threads['limit']} ({threads['busy']} busy, "
        f"{threads['queued']} queued), {facts['processes']} child processes",
    ]


def tables(facts: dict[str, Any], sort: str = "bytes", most: int | None = None) -> list[Table]:
    """The sections that are not empty. At most `most` connections are shown."""
    with_workers = bool(facts["workers"])
    found = [
        _table(
            "Workers",
            ("PID", "STATE", ">CONNECTIONS", ">RESTARTS", ">ACCEPTED", ">IN", ">OUT", ">LAG", ">MEMORY"),
            [
                (
                    one["pid"] or "-",
                    one["state"] if "error" not in one else f"{one['state']} ({one['error']})",
                    one["connections"],
                    one["restarts"],
                    one.get("accepts", "-"),
                    _size_or_dash(one.get("bytesReceived")),
                    _size_or_dash(one.get("bytesSent")),
                    f"{one['lag'] * 1000:.1f} ms" if "lag" in one else "-",
                    _size_or_dash(one.get("memory")),
                )
                for one in facts["workers"]
            ],
        ),
        _table(
            "Services",
            ("SERVICE", "CLASS", "STATE", ">RESTARTS", "PORT"),
            [
                (
                    "  " * one["depth"] + (one["path"] or "(root)"),
                    one["kind"],
                    one["state"],
                    one["restarts"],
                    one["port"] or "",
                )
                for one in facts["services"]
            ],
        ),
        _table(
            "Ports",
            ("KIND", "ADDRESS", "FACTORY", ">ACCEPTED", ">OPEN", ">IN", ">OUT"),
            [
                (
                    one["kind"],
                    one["address"],
                    one["factory"],
                    one["accepts"],
                    one["open"],
                    size(one["bytesReceived"]),
                    size(one["bytesSent"]),
                )
                for one in facts["ports"]
            ],
        ),
        _connections(facts["connections"], sort, most, with_workers),
        _table(
            "Timers",
            (">CALLS", ">NEXT IN", "FUNCTION"),
            [(one["count"], f"{one['due']:.2f} s", one["function"]) for one in facts["timers"]["functions"]],
        ),
        _table(
            "Tasks",
            ("TASK", "WAITS AT"),
            [(one["name"], one["stack"][-1] if one["stack"] else "-") for one in facts["tasks"]["listed"]],
        ),
        _table(
            "Deferreds that wait",
            (">COUNT", "MADE AT"),
            [(one["count"], one["made"]) for one in facts["deferreds"] or []],
        ),
    ]
    return [table for table in found if table.rows]


def _connections(connections: list[dict[str, Any]], sort: str, most: int | None, with_workers: bool) -> Table:
    key, largest_first = SORTS[sort]
    chosen = sorted(connections, key=key, reverse=largest_first)[:most]
    title = f"Connections by {sort}"
    if len(chosen) < len(connections):
        title += f" (the first {len(chosen)} of {len(connections)})"
    return _table(
        title,
        (
            "PEER",
            "LOCAL",
            "PROTOCOL",
            "WAY",
            "TLS",
            ">IN",
            ">OUT",
            ">BUFFERED",
            ">AGE",
            *(["WORKER"] if with_workers else []),
        ),
        [
            (
                one["peer"] or "-",
                one["local"] or "-",
                one["protocol"],
                one["direction"],
                "yes" if one["tls"] else "no",
                size(one["bytesReceived"]),
                size(one["bytesSent"]),
                size(one["buffered"]),
                duration(one["age"]),
                *([one.get("worker", "-")] if with_workers else []),
            )
            for one in chosen
        ],
    )


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    return Table(title, columns, [tuple(map(escaped, row)) for row in rows])


def plain(facts: dict[str, Any], sort: str = "bytes") -> str:
    """All of it as text."""
    parts = ["\n".join(heading(facts))]
    for table in tables(facts, sort):
        names = [name.lstrip(">") for name in table.columns]
        widths = [max(map(len, column)) for column in zip(names, *table.rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if name.startswith(">") else cell.ljust(width)
                for cell, width, name in zip(row, widths, table.columns, strict=True)
            ).rstrip()
            for row in (names, *table.rows)
        ]
        parts.append("\n".join([table.title, *lines]))
    return "\n\n".join(parts)


def size(count: float) -> str:
    """A number of bytes, short: "999 B", "1.5 KB", "12 MB" (1 KB is 1000 bytes)."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _size_or_dash(count: float | None) -> str:
    return "-" if count is None else size(count)


def duration(seconds: float) -> str:
    """A time span, short: "4.2 s", "12 min", "3 h 20 min", "5 d 2 h"."""
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def clock(seconds: float) -> str:
    """A time of day."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))
