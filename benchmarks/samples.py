"""What one measurement is, and the order in which all of them are made.

The peers take turns: each round measures every peer once, in an order that moves on by one each time, so
that a machine that grows slower or faster meanwhile does it to all of them alike. A ratio is taken within
a round, between neighbours in time; what is reported is the median over the rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

CPU = "CPU µs"
"""Microseconds of CPU, user and system."""

MEMORY = "KB"
"""Kilobytes of memory that belong to the process alone."""


class MeasureError(Exception):
    """A measurement could not be made; the message says which one and why."""


@dataclass(frozen=True)
class Sample:
    """One peer, one piece of work, measured once."""

    per_second: float | None
    """Operations in a second of real time; None where time is not what is measured."""

    cost: float
    """What one operation takes of the work's unit; of a server's alone where there is one."""

    details: dict[str, float] = field(default_factory=dict)
    """What else was seen: latencies, how busy server and load were."""


class Work(Protocol):
    """Something that can be measured for several peers."""

    @property
    def name(self) -> str:
        """A word to ask for it by, such as ``echo-64-1``."""

    @property
    def title(self) -> str:
        """A few words for the table."""

    @property
    def unit(self) -> str:
        """What a cost is counted in: `CPU` or `MEMORY`."""

    @property
    def peers(self) -> Sequence[str]:
        """Who can do it, Plait first."""

    def measure(self, peer: str, seconds: float) -> Sample:
        """Let `peer` do it for some `seconds`. Raises `MeasureError`."""


_TRIES = 5


@dataclass
class Row:
    """All samples of one piece of work: for each peer one a round, the first round first."""

    work: Work
    samples: dict[str, list[Sample]]

    def cost(self, peer: str) -> float:
        return statistics.median(sample.cost for sample in self.samples[peer])

    def per_second(self, peer: str) -> float | None:
        seen = [sample.per_second for sample in self.samples[peer] if sample.per_second is not None]
        return statistics.median(seen) if seen else None

    def ratios(self, peer: str, reference: str = "plait") -> list[float]:
        """How many times the cost of `reference` one operation had with `peer`; a figure for each round."""
        pairs = zip(self.samples[peer], self.samples[reference], strict=True)
        return [theirs.cost / ours.cost for theirs, ours in pairs]

    def ratio(self, peer: str, reference: str = "plait") -> float:
        return statistics.median(self.ratios(peer, reference))


def measure_all(
    works: Sequence[Work],
    peers: Sequence[str],
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> Iterator[Row]:
    """Measure each of `works` for those of `peers` that can do it, and yield its row when it is complete.

    `tell` is called before each measurement with a line that says how far things are.
    """
    chosen = {work.name: [peer for peer in work.peers if peer in peers] for work in works}
    total = rounds * sum(map(len, chosen.values()))
    number = 0
    for work in works:
        names = chosen[work.name]
        samples: dict[str, list[Sample]] = {peer: [] for peer in names}
        for turn in range(rounds):
            first = turn % max(len(names), 1)
            for peer in names[first:] + names[:first]:
                number += 1
                tell(f"[{number}/{total}] {work.title}: {peer}, round {turn + 1} of {rounds}")
                samples[peer].append(_measure(work, peer, seconds))
        if names:
            yield Row(work, samples)


def _measure(work: Work, peer: str, seconds: float) -> Sample:
    """One sample. On a machine that is too busy a short round can pass before the server has its turn: that says nothing."""
    for _ in range(_TRIES):
        sample = work.measure(peer, seconds)
        if sample.cost > 0:
            return sample
    raise MeasureError(
        f"{work.title} with {peer}: the server had no processor time in {seconds:g} s; measure for longer (--seconds)"
    )
