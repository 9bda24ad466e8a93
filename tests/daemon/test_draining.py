"""The end of a daemon: nothing new is accepted, and what is under way comes to its end, or to the deadline."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

import pytest

from .conftest import PATIENCE, REVERSER, Plait, await_end

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

# It answers a line, closes after "bye", and at the end of the program as soon as no line is half there.
POLITE = REVERSER.replace(
    "class Reverse(LineReceiver):",
    """from plait.interfaces import IDrainable, implementer

@implementer(IDrainable)
class Reverse(LineReceiver):
    def drain(self):
        print("told to drain")
        self.sendLine(b"goodbye")
        self.transport.loseConnection()
""",
)


def connect(plait: Plait) -> socket.socket:
    port = int(plait.path("port").read_text())
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def start(plait: Plait, source: str, *options: str) -> IO[str]:
    process = plait.open("run", "-n", *options, "-y", plait.application(source))
    assert process.stdout is not None
    return process.stdout


@contextmanager
def served(plait: Plait) -> Iterator[BinaryIO]:
    """A connection on which one line has been answered: what comes on it then."""
    with connect(plait) as connection, connection.makefile("rb") as answers:
        connection.sendall(b"first\r\n")
        assert answers.readline() == b"tsrif\r\n"
        yield answers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_answered(
    plait: Plait, read_until: Callable[[IO[str], str], str], number: signal.Signals
) -> None:
    output = start(plait, REVERSER, "--drain-timeout", "600")
    read_until(output, "Ready.")
    pid = plait.pid()
    with connect(plait) as connection:
        connection.sendall(b"first\r\nhalf a li")
        with connection.makefile("rb") as answers:
            assert answers.readline() == b"tsrif\r\n"
            os.kill(pid, number)
            read_until(output, "Waiting for the end of 1 connections, at most 600 s.")
            with pytest.raises(ConnectionRefusedError):
                connect(plait)
            connection.sendall(b"ne\r\n")
            assert answers.readline() == b"enil a flah\r\n"
    text = read_until(output, "Stopped.")
    assert "have not ended in time" not in text
    assert plait.ended() == 0


def test_a_protocol_that_is_told_closes_at_once(plait: Plait, read_until: Callable[[IO[str], str], str]) -> None:
    output = start(plait, POLITE, "--drain-timeout", "600")
    read_until(output, "Ready.")
    with served(plait) as answers:
        os.kill(plait.pid(), signal.SIGTERM)
        assert answers.read() == b"goodbye\r\n"
    assert "told to drain" in read_until(output, "Stopped.")
    assert plait.ended() == 0


def test_after_the_deadline_connections_are_cut(plait: Plait, read_until: Callable[[IO[str], str], str]) -> None:
    output = start(plait, REVERSER, "--drain-timeout", "0.05")
    read_until(output, "Ready.")
    with served(plait) as answers:
        os.kill(plait.pid(), signal.SIGTERM)
        assert answers.read() == b""
    assert "1 connections have not ended in time." in read_until(output, "Stopped.")
    assert plait.ended() == 0


def test_a_second_signal_stops_at_once(plait: Plait, read_until: Callable[[IO[str], str], str]) -> None:
    output = start(plait, REVERSER, "--drain-timeout", "600")
    read_until(output, "Ready.")
    pid = plait.pid()
    with served(plait) as answers:
        os.kill(pid, signal.SIGTERM)
        read_until(output, "Waiting for the end of 1 connections")
        os.kill(pid, signal.SIGTERM)
        assert "stopping at once" in read_until(output, "Stopped.")
        assert plait.ended() == 0
        try:
            assert answers.read() == b""
        except ConnectionResetError:
            pass
    assert not plait.path("plait.pid").exists()


def test_a_daemon_in_the_background_drains_too(plait: Plait) -> None:
    assert plait("run", "--drain-timeout", "600", "-y", plait.application(REVERSER)).returncode == 0
    pid = plait.pid()
    with served(plait):
        os.kill(pid, signal.SIGTERM)
    await_end(pid)
    assert "have not ended" not in plait.log()
