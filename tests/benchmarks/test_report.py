"""The table and the verdicts, from figures that are given."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import network, report, standing
from benchmarks.__main__ import WORKS
from benchmarks.report import TARGETS, Target
from benchmarks.samples import Row, Sample

WORK = network.NetworkWork("echo", 64, 100)


def row(**costs: float) -> Row:
    return Row(WORK, {peer: [Sample(per_second=1e6 / value, cost=value)] for peer, value in costs.items()})


def test_a_target_of_at_least() -> None:
    target = Target(WORK.name, "twisted", 1.8)
    assert target.reached(row(plait=10.0, twisted=18.0))
    assert not target.reached(row(plait=10.0, twisted=17.9))
    assert target.describe(row(plait=10.0, twisted=25.0)).startswith("reached")
    assert "2.50" in target.describe(row(plait=10.0, twisted=25.0))


def test_a_target_of_at_most() -> None:
    target = Target(WORK.name, "uvloop", 1.15, at_most=True)
    assert target.reached(row(plait=11.5, uvloop=10.0))
    assert not target.reached(row(plait=11.6, uvloop=10.0))
    assert target.describe(row(plait=12.0, uvloop=10.0)).startswith("MISSED")
    assert "1.20" in target.describe(row(plait=12.0, uvloop=10.0))


def test_a_target_that_was_not_measured_is_not_judged() -> None:
    target = Target(WORK.name, "twisted", 1.8)
    assert report.judge([row(plait=10.0, uvloop=9.0)], [target]) == [(target, None)]
    assert report.judge([], [target]) == [(target, None)]


def test_each_target_names_work_and_a_peer_that_exist() -> None:
    works = {work.name: work for work in WORKS}
    assert [target for target in TARGETS if target.peer not in works[target.work].peers] == []


def test_rows_stand_below_their_header() -> None:
    peers = ["plait", "twisted", "uvloop"]
    lines = [
        *report.header(peers).splitlines(),
        report.format_row(row(plait=10.0, twisted=25.0, uvloop=9.0), peers),
    ]
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].split() == [
        *("echo", "64", "B,", "100", "connections"),
        *("|", "10.0", "25.0", "9.00"),
        *("|", "2.50", "0.90"),
        *("|", "100,000", "40,000", "111,111"),
    ]


def test_a_peer_that_does_not_do_the_work_has_a_dash() -> None:
    line = report.format_row(row(plait=10.0), ["plait", "twisted"])
    assert line.split("|")[1:] == ["       10.0          - ", "             - ", "    100,000          -"]


def test_titles_fit_their_column() -> None:
    titles = [work.title for work in WORKS]
    assert [title for title in titles if len(title) > report.TITLE_WIDTH] == []


def test_the_json_file_holds_each_sample_and_each_verdict(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    report.save(file, [row(plait=10.0, twisted=25.0)])
    document = json.loads(file.read_text(encoding="utf-8"))
    [saved] = document["rows"]
    assert saved["name"] == WORK.name
    assert saved["peers"]["twisted"]["ratio_to_plait"] == 2.5
    assert saved["peers"]["plait"]["samples"] == [{"cost": 10.0, "per_second": 100000.0}]
    verdicts = {(entry["work"], entry["peer"]): entry["reached"] for entry in document["targets"]}
    assert verdicts[(WORK.name, "twisted")] is True
    assert verdicts[("deferred-callbacks", "twisted")] is None


def test_other_units_are_named_and_have_no_rate() -> None:
    idle = Row(standing.IdleWork(10_000), {"plait": [Sample(None, 1.5)], "twisted": [Sample(None, 3.0)]})
    line = report.format_row(idle, ["plait", "twisted"])
    assert [cell.split() for cell in line.split("|")[1:]] == [["1.50", "KB", "3.00", "KB"], ["2.00"], ["-", "-"]]
