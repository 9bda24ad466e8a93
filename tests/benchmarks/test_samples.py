"""The order of measurements, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from benchmarks.samples import MeasureError, Row, Sample, Work, measure_all


@dataclass
class Scripted:
    """Work whose figures are given: a list for each peer."""

    figures: dict[str, list[float]]
    name: str = "scripted"
    title: str = "scripted work"
    unit: str = "CPU µs"
    calls: list[str] = field(default_factory=list)

    @property
    def peers(self) -> list[str]:
        return list(self.figures)

    def measure(self, peer: str, seconds: float) -> Sample:
        self.calls.append(peer)
        return Sample(per_second=1000.0, cost=self.figures[peer].pop(0))


def rows(work: Work, peers: list[str], rounds: int) -> list[Row]:
    return list(measure_all([work], peers, rounds, 1.0, lambda line: None))


def test_peers_take_turns_and_each_round_begins_with_another() -> None:
    work = Scripted({"plait": [1.0] * 3, "twisted": [2.0] * 3, "uvloop": [1.0] * 3})
    rows(work, ["plait", "twisted", "uvloop"], 3)
    assert work.calls == [
        *("plait", "twisted", "uvloop"),
        *("twisted", "uvloop", "plait"),
        *("uvloop", "plait", "twisted"),
    ]


def test_only_peers_that_are_asked_for_and_can_do_it_are_measured() -> None:
    work = Scripted({"plait": [1.0], "twisted": [2.0]})
    assert [list(row.samples) for row in rows(work, ["plait", "uvloop"], 1)] == [["plait"]]
    assert rows(Scripted({"twisted": [1.0]}), ["plait"], 1) == []


def test_a_ratio_is_taken_within_a_round() -> None:
    """A machine that becomes ten times slower after the first round does not change it."""
    work = Scripted({"plait": [1.0, 10.0, 10.0], "twisted": [2.0, 20.0, 30.0]})
    [row] = rows(work, ["plait", "twisted"], 3)
    assert row.ratios("twisted") == [2.0, 2.0, 3.0]
    assert row.ratio("twisted") == 2.0
    assert row.ratio("plait", "twisted") == 0.5
    assert row.cost("plait") == 10.0


def test_a_round_in_which_the_server_had_no_turn_is_measured_again() -> None:
    [row] = rows(Scripted({"plait": [0.0, 0.0, 3.0]}), ["plait"], 1)
    assert row.cost("plait") == 3.0
    with pytest.raises(MeasureError, match="no processor time in 1 s; measure for longer"):
        rows(Scripted({"plait": [0.0] * 5}), ["plait"], 1)


def test_progress_tells_each_measurement() -> None:
    told: list[str] = []
    work = Scripted({"plait": [1.0, 1.0], "twisted": [1.0, 1.0]})
    list(measure_all([work], ["plait", "twisted"], 2, 1.0, told.append))
    assert told[0] == "[1/4] scripted work: plait, round 1 of 2"
    assert told[-1] == "[4/4] scripted work: plait, round 2 of 2"


def test_rounds_must_match_to_compare() -> None:
    with pytest.raises(ValueError):
        Row(Scripted({}), {"plait": [Sample(1, 1)], "twisted": []}).ratios("twisted")
