"""`python -m conformance`, with a tiny wheel and a record of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import __main__ as command
from conformance import record
from conformance.record import Entry

from .conftest import MakeModule

SAMPLE = """
    import unittest

    class Sample(unittest.TestCase):
        def test_good(self):
            pass
        def test_bad(self):
            self.assertEqual({}, 2)
"""
LIST = """
twisted = "1.2.3"
checked = ["sample"]
[areas.sample]
title = "Samples"
[areas.sample.modules]
"twisted.test.test_sample" = { class = "A", tests = 2 }
[areas.other]
title = "Others"
[areas.other.modules]
"twisted.test.test_other" = { class = "C", tests = 1 }
"""


@pytest.fixture
def options(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def alone(recording: bool) -> None:
        """As where Twisted is not installed, whatever is."""

    monkeypatch.setattr(command, "alone_or_complain", alone)
    (tmp_path / "modules.toml").write_text(LIST)
    files = {"wheel": wheel, "modules": "modules.toml", "record-file": "record.json", "page": "page.md"}
    return [word for name, file in files.items() for word in (f"--{name}", str(tmp_path / file))]


def test_a_record_is_made_and_then_held(
    options: list[str], make_module: MakeModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_module(SAMPLE.format(1))
    assert command.main([*options, "--check", "--show"]) == 0
    said = capsys.readouterr()
    assert "    failed   Sample.test_bad: AssertionError: 1 != 2\n" in said.out
    assert "test_other" not in said.out
    assert "1 more pass than recorded: make conformance RECORD=1" in said.out
    assert ["sample", "1", "of", "2", "-", "-", "1", "of", "2", "50"] in [
        line.split() for line in said.out.splitlines()
    ]
    assert said.err == ""

    assert command.main([*options, "--record"]) == 0
    recorded = record.load(tmp_path / "record.json")
    assert recorded["twisted.test.test_sample"].passed == 1
    assert recorded["twisted.test.test_other"].whole is not None
    assert "| `twisted.test.test_sample` | A | 1 | 2 | 50 |" in (tmp_path / "page.md").read_text()

    capsys.readouterr()
    assert command.main(options) == 0
    assert "recorded" not in capsys.readouterr().out

    make_module(SAMPLE.format(2))
    assert command.main([*options, "--area", "sample"]) == 0
    assert "1 more pass than recorded" in capsys.readouterr().out
    assert command.main([*options, "--record", "--area", "sample"]) == 0
    assert record.load(tmp_path / "record.json") == {**recorded, "twisted.test.test_sample": Entry(2)}

    make_module(SAMPLE.format(1))
    capsys.readouterr()
    assert command.main([*options, "twisted.test.test_sample"]) == 1
    said = capsys.readouterr()
    assert "FEWER: 2 are recorded" in said.out
    assert "\n    failed   Sample.test_bad: AssertionError: 1 != 2\n" in said.out
    assert "Fewer pass than recorded in twisted.test.test_sample." in said.out


def test_a_mistake_is_one_line(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], wheel: Path
) -> None:
    assert command.main([*options, "--area", "news"]) == 2
    assert capsys.readouterr().err == "conformance: no area 'news'; there are sample, other\n"
    (tmp_path / "record.json").write_text(json.dumps({"a": {"passed": 0, "module": {"kind": "private"}}}))
    assert command.main(options) == 2
    assert capsys.readouterr().err == "conformance: a: what is 'private' needs a sentence, \"why\"\n"
    assert command.main([*options, "--record-file", str(tmp_path / "none"), "--wheel", str(tmp_path)]) == 2
    assert "has no package twisted in it" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()


def test_nothing_is_recorded_where_twisted_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "version", lambda name: "1.2.3")
    with pytest.raises(record.RecordError, match=r"Twisted 1\.2\.3 is installed here"):
        command.alone_or_complain(recording=True)
    command.alone_or_complain(recording=False)


def test_an_interrupt_ends_it_and_what_runs(options: list[str], make_module: MakeModule, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    make_module(f"""
        import signal
        held = open({str(fifo)!r}, "w")
        print("here", file=held, flush=True)
        signal.pause()
    """)
    root = Path(command.__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance", *options, "--area", "sample"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with fifo.open() as reader:
        assert reader.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        assert reader.read() == ""  # the module's process, which held it, has been killed
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.endswith("conformance: interrupted\n")
    assert "Traceback" not in errors
