"""Which tests a file names as its own, in a comment that editors know too: ``-*- test-case-name: a.test_b, c -*-``."""

from __future__ import annotations

import os

# Editors look for such a comment in the first line, or in the second where the first is for the shell.
_LINES = 2


def parse_variables(line: str) -> dict[str, str]:
    """The variables of a line ``-*- name: value; name: value -*-``. ValueError if there are none."""
    _, begun, rest = line.partition("-*-")
    inner, ended, _ = rest.partition("-*-")
    if not begun or not ended:
        raise ValueError(f"no -*- … -*- in {line!r}")
    variables = {}
    for part in inner.strip().rstrip(";").split(";"):
        name, colon, value = part.partition(":")
        if not colon or ":" in value:
            raise ValueError(f"not 'name: value' in {line!r}: {part!r}")
        variables[name.strip()] = value.strip()
    return variables


def loadLocalVariables(filename: str) -> dict[str, str]:
    """The variables in the first lines of a file; empty if there are none. OSError if it cannot be read."""
    with open(filename, encoding="utf-8", errors="replace") as file:
        for _ in range(_LINES):
            try:
                return parse_variables(file.readline())
            except ValueError:
                continue
    return {}


def isTestFile(filename: str) -> bool:
    """Whether a file is one of tests, by its name."""
    name = os.path.basename(filename)
    return name.startswith("test_") and name.endswith(".py")


def getTestModules(filename: str) -> list[str]:
    """The names of the tests that belong to a file: those that it names; itself, if it is one of tests."""
    named = loadLocalVariables(filename).get("test-case-name")
    if named is not None:
        return [name.strip() for name in named.split(",")]
    return [filename] if isTestFile(filename) else []
