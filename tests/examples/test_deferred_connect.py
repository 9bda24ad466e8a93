"""Program 3: a Deferred that fires, or fails."""

from __future__ import annotations

import errno
import os

import pytest

from .conftest import Programs


def test_the_deferred_fires(programs: Programs, open_port: int) -> None:
    done = programs.run("deferred_connect.py", "127.0.0.1", open_port)
    assert done.stdout == f"Connected to port {open_port}\n"
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_deferred_fails(programs: Programs, closed_port: int) -> None:
    done = programs.run("deferred_connect.py", "127.0.0.1", closed_port)
    refused = f"{errno.ECONNREFUSED}: {os.strerror(errno.ECONNREFUSED)}"
    expected = f"Error connecting to port {closed_port}: Connection was refused by other side: {refused}.\n"
    assert done.stdout == expected
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("arguments", [[], ["127.0.0.1"], ["127.0.0.1", "http"]], ids=str)
def test_wrong_arguments(programs: Programs, arguments: list[str]) -> None:
    done = programs.run("deferred_connect.py", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ") and done.stderr.endswith("deferred_connect.py HOST PORT\n")
