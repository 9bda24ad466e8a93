"""Program 4: a DeferredList over many ports."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import subprocess

import pytest

from .conftest import PATIENCE, Programs, environment, take_ports


def test_the_open_ports_are_found(programs: Programs) -> None:
    with contextlib.ExitStack() as stack:
        first = take_ports(20, {0, 7, 19}, stack)
        done = programs.run("port_scanner.py", "127.0.0.1", first, first + 19)
    assert done.stdout == "".join(f"Connected to port {first + place}\n" for place in (0, 7, 19))
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_single_port(programs: Programs, open_port: int) -> None:
    done = programs.run("port_scanner.py", "127.0.0.1", open_port, open_port)
    assert (done.stdout, done.stderr, done.returncode) == (f"Connected to port {open_port}\n", "", 0)


def test_more_ports_than_file_descriptors(programs: Programs) -> None:
    few = 64
    with contextlib.ExitStack() as stack:
        first = take_ports(1, {0}, stack)
        done = programs.run(
            "port_scanner.py",
            "127.0.0.1",
            first - 1500,
            first,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)),
        )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines()[-1] == f"Connected to port {first}"


def test_a_terminal_sees_a_progress_bar(programs: Programs) -> None:
    with contextlib.ExitStack() as stack:
        first = take_ports(20, {3}, stack)
        ours, theirs = pty.openpty()
        command = programs.command("port_scanner.py", "127.0.0.1", first, first + 19)
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=theirs) as process:
            os.close(theirs)
            output, _ = process.communicate(timeout=PATIENCE)
        shown = b""
        with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as terminal:
            while piece := terminal.read(4096):  # an error, not an end, tells that the other side is closed
                shown += piece
    assert output == f"Connected to port {first + 3}\n".encode()
    assert process.returncode == 0
    percents = [int(number) for number in re.findall(rb"\r\[[# ]{50}\] +(\d+)%", shown)]
    assert percents == list(range(5, 101, 5))
    assert shown.endswith(b"%\r\n") and shown.count(b"\n") == 1


@pytest.mark.slow
def test_all_ports(programs: Programs) -> None:
    with contextlib.ExitStack() as stack:
        first = take_ports(3, {0, 2}, stack)
        done = programs.run("port_scanner.py", "127.0.0.1", 1, 65535)
    assert (done.stderr, done.returncode) == ("", 0)
    found = [int(line.removeprefix("Connected to port ")) for line in done.stdout.splitlines()]
    assert found == sorted(set(found))
    assert first in found and first + 1 not in found and first + 2 in found


@pytest.mark.parametrize("arguments", [[], ["127.0.0.1", "1"], ["127.0.0.1", "one", "two"]], ids=str)
def test_wrong_arguments(programs: Programs, arguments: list[str]) -> None:
    done = programs.run("port_scanner.py", *arguments)
    assert done.returncode == 2
    assert "usage: " in done.stderr and "port_scanner.py HOST FIRST LAST" in done.stderr
    assert done.stderr.count("\n") == 1
