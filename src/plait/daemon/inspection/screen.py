"""The live table on a terminal, made with Rich. Keys change what it is sorted by."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from plait.daemon.inspection.asking import Asker, AskError
from plait.daemon.inspection.tables import SORTS, Table, clock, heading, tables

# What a key sorts by.
KEYS = {"b": "bytes", "a": "age", "f": "buffered", "p": "peer"}

# Rows of the other sections, where there is little room: the connections get the rest.
_FEW = 6


def picture(facts: dict[str, Any], sort: str, height: int | None = None, before: dict[str, Any] | None = None) -> Group:
    """A snapshot, to be printed by Rich, in about `height` lines; None: however many it takes."""
    head = heading(facts, before)
    everything = tables(facts, sort)
    if height is not None:
        others = [table for table in everything if not table.title.startswith("Connections")]
        room = height - len(head) - 2 - sum(min(len(table.rows), _FEW) + 4 for table in others) - 4
        everything = [_cut(table, _FEW) if table in others else table for table in tables(facts, sort, max(3, room))]
    lines = [Text(head[0], style="bold"), *map(Text, head[1:])]
    return Group(*lines, *map(_rich, everything))


def _cut(table: Table, most: int) -> Table:
    if len(table.rows) <= most:
        return table
    return Table(f"{table.title} (the first {most} of {len(table.rows)})", table.columns, table.rows[:most])


def _rich(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", header_style="dim", box=SIMPLE_HEAD)
    for name in table.columns:
        shown.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*map(Text, row))  # Text: what stands in a cell is no markup
    return shown


def show(asker: Asker, interval: float, sort: str) -> None:
    """Show snapshots until q is pressed, or Ctrl-C. AskError if there is none at the start."""
    console = Console()
    facts, before, problem = asker.ask(), None, ""
    with _keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            shown = picture(facts, sort, console.size.height - 2, before)
            foot = "  ".join(f"{key}: by {name}" for key, name in KEYS.items() if name in SORTS)
            status = Text(f"{clock(facts['time'])}  {foot}  q: quit  {problem}", style="reverse")
            live.update(Group(shown, status), refresh=True)
            key = keys(interval)
            if key == "q":
                return
            if key in KEYS:
                sort = KEYS[key]
                continue
            try:
                facts, before, problem = asker.ask(), facts, ""
            except AskError as error:
                problem = str(error)


@contextmanager
def _keys() -> Iterator[Any]:
    """Gives ``read(seconds)``: the key that is pressed meanwhile, or "". Keys count at once, and are not shown."""
    import termios
    import tty

    def wait(seconds: float) -> str:
        time.sleep(seconds)
        return ""

    file = sys.stdin.fileno()
    if not os.isatty(file):
        yield wait
        return
    before = termios.tcgetattr(file)

    def read(seconds: float) -> str:
        ready, _, _ = select.select([file], [], [], seconds)
        return os.read(file, 1).decode("ascii", "replace").lower() if ready else ""

    try:
        tty.setcbreak(file)
        yield read
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)
