"""Program 5: the echo server, and standard input and output as a connection to it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from .conftest import PATIENCE, Programs, connect, environment

QUIT = "hello\nto all\nquit\n"
REPLIES = "You said: hello\r\nYou said: to all\r\n"


def test_the_echo_server_by_itself(echo_server: int) -> None:
    with connect(echo_server) as one, connect(echo_server) as two:
        one.sendall(b"first\r\nsec")
        two.sendall(b"quit\r\n")
        assert two.makefile("rb").read() == b"Goodbye.\r\n"
        one.sendall(b"ond\r\nquit\r\nnot read any more\r\n")
        assert one.makefile("rb").read() == b"You said: first\r\nYou said: second\r\nGoodbye.\r\n"


def test_from_a_pipe(programs: Programs, echo_server: int) -> None:
    done = programs.run("stdio_proxy.py", "127.0.0.1", echo_server, input=QUIT)
    assert done.stdout == REPLIES + "Goodbye.\r\n"
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("lines", ["hello\nto all\n", "hello\r\nto all\r\n"], ids=["unix", "telnet"])
def test_from_a_file_to_a_file(programs: Programs, echo_server: int, tmp_path: Path, lines: str) -> None:
    """The file ends without "quit": the replies still come, all of them, and then it is over."""
    (tmp_path / "input").write_bytes(lines.encode())
    with open(tmp_path / "input", "rb") as source, open(tmp_path / "output", "wb") as target:
        done = programs.run("stdio_proxy.py", "127.0.0.1", echo_server, stdin=source, stdout=target)
    assert (tmp_path / "output").read_bytes() == REPLIES.encode()
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_large_file_comes_back_whole(programs: Programs, echo_server: int, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(20_000)]
    (tmp_path / "input").write_text("\n".join(lines) + "\n")
    with open(tmp_path / "input", "rb") as source, open(tmp_path / "output", "wb") as target:
        done = programs.run("stdio_proxy.py", "127.0.0.1", echo_server, stdin=source, stdout=target)
    assert (done.stderr, done.returncode) == ("", 0)
    assert (tmp_path / "output").read_text() == "".join(f"You said: {line}\n" for line in lines)


def test_no_input_at_all(programs: Programs, echo_server: int) -> None:
    done = programs.run("stdio_proxy.py", "127.0.0.1", echo_server, stdin=subprocess.DEVNULL)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_on_a_terminal(programs: Programs, echo_server: int) -> None:
    ours, theirs = pty.openpty()
    flags = fcntl.fcntl(theirs, fcntl.F_GETFL)
    command = programs.command("stdio_proxy.py", "127.0.0.1", echo_server)

    with subprocess.Popen(
        command, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        shown = b""

        def wait_for(text: bytes) -> None:
            nonlocal shown
            while text not in shown:
                assert select.select([ours], [], [], PATIENCE)[0], f"{text!r} did not come, but {shown!r}"
                shown += os.read(ours, 4096)

        os.write(ours, b"hello\n")
        wait_for(b"You said: hello\r")
        assert process.poll() is None
        os.write(ours, b"again\n")
        wait_for(b"You said: again\r")
        os.write(ours, b"quit\n")
        wait_for(b"Goodbye.\r")
        assert process.wait(PATIENCE) == 0
    # A terminal is shared with the shell, which does not expect that reads do not block.
    assert fcntl.fcntl(theirs, fcntl.F_GETFL) == flags
    os.close(theirs)
    os.close(ours)


def test_nobody_is_there(programs: Programs, closed_port: int) -> None:
    done = programs.run("stdio_proxy.py", "127.0.0.1", closed_port, stdin=subprocess.DEVNULL)
    assert done.stderr.startswith("Connection failed: Connection was refused by other side: ")
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.parametrize("arguments", [[], ["127.0.0.1"], ["127.0.0.1", "http"]], ids=str)
def test_wrong_arguments(programs: Programs, arguments: list[str]) -> None:
    done = programs.run("stdio_proxy.py", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ") and done.stderr.endswith("stdio_proxy.py HOST PORT\n")
