"""The command: `python -m conformance [options] [MODULE ...]`, from the root of the repository."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from conformance import modules, page, record, report, wheel
from conformance.modules import Module
from conformance.record import Entry
from conformance.run import LIMIT, Result, run_all

CLEAR_LINE = "\r\x1b[K"


def main(argv: Sequence[str] | None = None) -> int:
    options = parse(argv)
    known = modules.load(options.modules)
    try:
        areas = [*options.area, *(known.checked if options.check else ())]
        chosen = known.choose(options.module, areas)
        entries = record.load(options.record_file)
        alone_or_complain(options.record)
        place = wheel.check(options.wheel) if options.wheel else wheel.fetch(known.twisted)
    except (modules.UnknownNameError, record.RecordError, wheel.WheelError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    try:
        results, fewer, gained = asyncio.run(run(chosen, entries, place, options))
    except KeyboardInterrupt:
        print(f"{CLEAR_LINE if sys.stderr.isatty() else ''}conformance: interrupted", file=sys.stderr)
        return 130
    sums = report.totals(chosen, {result.module.name: len(result.passed) for result in results})
    print(f"\n{report.format_totals(sums)}")
    if options.record:
        for result in results:
            name = result.module.name
            entries[name] = record.update(entries.get(name, Entry()), result)
        record.save(entries, options.record_file)
        options.page.write_text(page.render(known, entries), encoding="utf-8")
        print(f"\nRecorded in {options.record_file} and {options.page}.")
        return 0
    if gained:
        print(f"\n{gained} more pass than recorded: make conformance RECORD=1 writes them down.")
    if fewer:
        print(f"\nFewer pass than recorded in {', '.join(fewer)}.")
    return 1 if fewer else 0


async def run(
    chosen: Sequence[Module], entries: dict[str, Entry], place: Path, options: argparse.Namespace
) -> tuple[list[Result], list[str], int]:
    """Run the modules and print a row for each; the results, which have fewer than recorded, and how many are new."""
    results: list[Result] = []
    fewer: list[str] = []
    gained = 0
    live = sys.stderr.isatty()
    running = ""

    def tell(names: str) -> None:
        nonlocal running
        running = names
        if live:
            line = f"{len(results)} of {len(chosen)} modules; running {names}" if names else ""
            print(f"{CLEAR_LINE}{line[:118]}", end="", file=sys.stderr, flush=True)

    print(report.header(), flush=True)
    async with aclosing(run_all(chosen, place, options.jobs, options.limit, tell)) as coming:
        async for result in coming:
            results.append(result)
            entry = entries.get(result.module.name, Entry())
            verdict = record.compare(entry, result)
            gained += verdict.gained
            if verdict.fewer:
                fewer.append(result.module.name)
            if live:
                print(CLEAR_LINE, end="", file=sys.stderr, flush=True)
            print(report.format_row(result, entry, verdict))
            if options.show:
                failing = {name: row for name, row in result.rows.items() if name not in result.passed}
                print("\n".join(report.format_tests(failing)))
            sys.stdout.flush()
            tell(running)
    return results, fewer, gained


def alone_or_complain(recording: bool) -> None:
    """Programs that the tests start would find Twisted, where it is installed, and pass for the wrong reason."""
    try:
        there = version("twisted")
    except PackageNotFoundError:
        return
    text = f"Twisted {there} is installed here, and programs that the tests start will use it"
    if recording:
        raise record.RecordError(f"{text}; record in an environment without it: make conformance VENV=.venv-alone …")
    print(f"conformance: {text}; some tests pass for that alone", file=sys.stderr)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Run Twisted's own tests on Plait, and compare with what is recorded.",
    )
    parser.add_argument("module", nargs="*", help="a test module, such as twisted.test.test_defer (all)")
    parser.add_argument("--area", action="append", default=[], help="all modules of an area, such as web; repeatable")
    parser.add_argument("--check", action="store_true", help="the areas that CI checks")
    parser.add_argument("--record", action="store_true", help="write down what passes now, and the page of it")
    parser.add_argument("--show", action="store_true", help="name every test that does not pass")
    parser.add_argument(
        "--jobs", type=at_least_one, default=os.cpu_count() or 1, help="modules at a time (%(default)s)"
    )
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one test (%(default)g)")
    parser.add_argument("--wheel", type=Path, metavar="DIR", help="an unpacked wheel of Twisted (downloaded)")
    parser.add_argument("--modules", type=Path, default=modules.FILE, metavar="FILE", help="the list of modules")
    parser.add_argument("--record-file", type=Path, default=record.FILE, metavar="FILE", help="the record")
    parser.add_argument("--page", type=Path, default=page.FILE, metavar="FILE", help="the page of documentation")
    return parser.parse_args(argv)


def at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


if __name__ == "__main__":
    sys.exit(main())
