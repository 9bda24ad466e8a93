"""Each module in a process of its own, in an empty folder, several at a time; what hangs is killed.

A test that hangs, or takes the process with it, costs that test alone: the next one starts in a new process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.child import ERROR, FAILED, PASSED, SKIPPED
from conformance.modules import Module

CHILD = Path(__file__).with_name("child.py")

HUNG, DIED, NOT_RUN = "hung", "died", "not run"
OUTCOMES = (PASSED, FAILED, ERROR, SKIPPED, HUNG, DIED, NOT_RUN)

LIMIT = 60.0
"""Seconds that one test, or the import of a module, may take. The slowest ones take some seconds."""

RESTARTS = 5
"""How often a module is gone on with after a test that hung or died, so that no module takes for ever."""

LOOK = 0.2
"""Seconds between two looks at how far a process has come."""


@dataclass(frozen=True)
class Row:
    """What became of one test: one of `OUTCOMES`, and the error or the reason that was given."""

    outcome: str
    text: str = ""


@dataclass
class Result:
    """What became of one module. `problem` says why it could not be imported; `rows` is by name of the test."""

    module: Module
    problem: str = ""
    rows: dict[str, Row] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> set[str]:
        return {name for name, row in self.rows.items() if row.outcome == PASSED}

    def counts(self) -> Counter[str]:
        return Counter(row.outcome for row in self.rows.values())


class Progress:
    """How far a process has come, by the lines that it has written so far."""

    def __init__(self, events: Path) -> None:
        self.collected: list[str] | None = None
        self.problem = ""
        self.begun: int | None = None
        self.rows: list[tuple[str, Row]] = []
        for line in events.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        if "collected" in event:
            self.collected = event["collected"]
        elif "import" in event:
            self.problem = event["import"]
        elif "begun" in event:
            self.begun = event["begun"]
        elif self.collected is not None:
            self.rows.append((self.collected[event["done"]], Row(event["outcome"], event["text"])))
            self.begun = None


async def run_all(
    modules: Iterable[Module], wheel: Path, jobs: int, limit: float, tell: Callable[[str], None]
) -> AsyncGenerator[Result, None]:
    """The result of each module, in the order given. `tell` is told what is running."""
    slots = asyncio.Semaphore(jobs)
    running: list[str] = []

    async def one(module: Module) -> Result:
        async with slots:
            running.append(module.name)
            tell(", ".join(running))
            try:
                return await run_module(module, wheel, limit)
            finally:
                running.remove(module.name)
                tell(", ".join(running))

    tasks = [asyncio.create_task(one(module)) for module in modules]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_module(module: Module, wheel: Path, limit: float = LIMIT, restarts: int = RESTARTS) -> Result:
    """Run all tests of a module."""
    result = Result(module)
    started = time.monotonic()
    first = 0
    for attempt in range(restarts + 1):
        progress, ended = await run_child(module.name, wheel, limit, first)
        for name, row in progress.rows:
            keep(result.rows, name, row)
        if progress.collected is None:
            result.problem = progress.problem or f"{ended.outcome} while it was imported: {ended.text}"
            break
        first += len(progress.rows)
        if progress.begun is not None:
            keep(result.rows, progress.collected[progress.begun], ended)
            first = progress.begun + 1
        if first >= len(progress.collected):
            break
        if attempt == restarts or (progress.begun is None and not progress.rows):
            for name in progress.collected[first:]:
                keep(result.rows, name, Row(NOT_RUN, "tests before it hung or died too often"))
            break
    result.seconds = time.monotonic() - started
    return result


def keep(rows: dict[str, Row], name: str, row: Row) -> None:
    """Add a row. Where two tests have one name, that one counts which did not pass."""
    if name not in rows or row.outcome != PASSED:
        rows[name] = row


async def run_child(name: str, wheel: Path, limit: float, first: int) -> tuple[Progress, Row]:
    """Run the tests of a module from number `first`; how far it came, and how the process ended if not by itself."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        events, errors, folder = Path(scratch, "events"), Path(scratch, "errors"), Path(scratch, "work")
        events.touch()
        folder.mkdir()
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", CHILD, name, wheel, events, str(first)),
                cwd=folder,
                env=dict(os.environ, PYTHONHASHSEED="0", PYTHONWARNINGS="ignore"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            hung = await wait(process, events, limit)
        finally:
            # All that the tests have started and left, too.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            status = await process.wait()
        if hung:
            ended = Row(HUNG, f"no end within {limit:g} seconds")
        else:
            last = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
            ended = Row(DIED, ": ".join([how, *last]))
        return Progress(events), ended


async def wait(process: asyncio.subprocess.Process, events: Path, limit: float) -> bool:
    """Wait until a process ends, and return False; or until it does nothing for `limit` seconds, and return True."""
    seen, since = 0, time.monotonic()
    ending = asyncio.ensure_future(process.wait())
    try:
        while not (await asyncio.wait({ending}, timeout=min(LOOK, limit)))[0]:
            if (size := events.stat().st_size) != seen:
                seen, since = size, time.monotonic()
            elif time.monotonic() - since > limit:
                return True
        return False
    finally:
        ending.cancel()
