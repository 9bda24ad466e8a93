"""The command: `python -m benchmarks [options]`, from the root of the repository."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import deferreds, network, report, standing, web
from benchmarks.samples import MeasureError, Row, Work, measure_all

WORKS: list[Work] = [*network.WORKS, *deferreds.WORKS, *standing.WORKS, *web.WORKS]
PEERS = [*network.SERVERS, "uvicorn", "nginx"]
DEFAULT_PEERS = "plait,twisted,uvloop,uvicorn,nginx"
CLEAR_LINE = "\r\x1b[K"


def main(argv: Sequence[str] | None = None) -> int:
    options = parse(argv)
    works = [work for work in WORKS if chosen(work, options.only)]
    if not works:
        names = ", ".join(work.name for work in WORKS)
        print(f"benchmarks: nothing is named {', '.join(options.only)}; there are {names}", file=sys.stderr)
        return 2

    peers = [peer for peer in options.peers if any(peer in work.peers for work in works)]
    live = sys.stderr.isatty()

    def tell(line: str) -> None:
        if live:
            print(f"{CLEAR_LINE}{line}", end="", file=sys.stderr, flush=True)

    print("  ".join(f"{name}: {value}" for name, value in report.environment().items()))
    print(f"Medians of {options.rounds} rounds of {options.seconds:g} s.\n")
    print(report.header(peers), flush=True)
    rows: list[Row] = []
    try:
        for row in measure_all(works, peers, options.rounds, options.seconds, tell):
            rows.append(row)
            tell("")
            print(report.format_row(row, peers), flush=True)
    except MeasureError as error:
        tell("")
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell("")
        print("benchmarks: interrupted; the rows above are complete", file=sys.stderr)
        return 130

    missed = False
    print("\nTargets, in the cost of one operation")
    for target, measured in report.judge(rows):
        if measured is None:
            print(f"not run  {target.work}, plait and {target.peer}")
        else:
            print(target.describe(measured))
            missed = missed or not target.reached(measured)
    if options.json:
        report.save(options.json, rows)
    return 1 if missed and options.check else 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Plait against Twisted and a bare uvloop protocol, in turns, and compare.",
    )
    parser.add_argument("--rounds", type=at_least_one, help="how often each is measured (5; with --quick 1)")
    parser.add_argument("--seconds", type=positive, help="how long each time (2; with --quick 0.2)")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="only what has WORD in its name, such as echo, lines, echo-64-1 or deferred; repeatable",
    )
    parser.add_argument(
        "--peers",
        type=peer_names,
        default=DEFAULT_PEERS,
        metavar="NAME,…",
        help=f"which of {', '.join(PEERS)} ({DEFAULT_PEERS})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that all of it runs")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args(argv)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 2.0)
    return options


def chosen(work: Work, only: Sequence[str]) -> bool:
    return not only or any(word in work.name for word in only)


def at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def peer_names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"no peer {name!r}; there are {', '.join(PEERS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
