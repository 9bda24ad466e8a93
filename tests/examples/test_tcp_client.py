"""Program 2: a connection that is made, closed, or refused."""

from __future__ import annotations

import errno
import os

import pytest

from .conftest import Programs


def test_a_connection_is_made_and_closed(programs: Programs, open_port: int) -> None:
    done = programs.run("tcp_client.py", "127.0.0.1", open_port)
    assert done.stdout == "Connected to 127.0.0.1.\nLost connection: Connection was closed cleanly.\n"
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_connection_is_refused(programs: Programs, closed_port: int) -> None:
    done = programs.run("tcp_client.py", "127.0.0.1", closed_port)
    system = f"{errno.ECONNREFUSED}: {os.strerror(errno.ECONNREFUSED)}"
    assert done.stdout == f"Connection failed: Connection was refused by other side: {system}.\n"
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("arguments", [[], ["127.0.0.1"], ["127.0.0.1", "http"]], ids=str)
def test_wrong_arguments(programs: Programs, arguments: list[str]) -> None:
    done = programs.run("tcp_client.py", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ") and done.stderr.endswith("tcp_client.py HOST PORT\n")
    assert done.stderr.count("\n") == 1
