"""Which tests a file names as its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.testing.runner.testmodule import getTestModules, isTestFile, loadLocalVariables, parse_variables


def test_variables_of_a_line() -> None:
    assert parse_variables("## -*- test-case-name: a.test_b; mode: python; -*- ##") == {
        "test-case-name": "a.test_b",
        "mode": "python",
    }


@pytest.mark.parametrize("line", ["", "text", "-*- text -*-", "-*- a: b", "-*- a: b; c -*-", "-*- a: b: c -*-"])
def test_lines_without(line: str) -> None:
    with pytest.raises(ValueError, match=r"-\*-|name: value"):
        parse_variables(line)


def test_files(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("#!/usr/bin/env python\n# -*- test-case-name: a.test_b, c -*-\n")
    assert getTestModules(str(script)) == ["a.test_b", "c"]
    script.write_text("\n\n# -*- test-case-name: too.late -*-\n")
    assert loadLocalVariables(str(script)) == {} and getTestModules(str(script)) == []
    test = tmp_path / "test_a.py"
    test.touch()
    assert isTestFile(str(test)) and getTestModules(str(test)) == [str(test)]
