"""A log whose reader stops reading."""

from __future__ import annotations

import os
import pty
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any

import pytest

from plait.log import LogStream, textFileLogObserver
from tests.log.test_losses import event

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files can be polled on Unix only")

Ends = tuple[IO[bytes], IO[str]]


def _pipe() -> tuple[int, int]:
    return os.pipe()


def _sockets() -> tuple[int, int]:
    here, there = socket.socketpair()
    return here.detach(), there.detach()


@pytest.fixture(params=[_pipe, _sockets])
def ends(request: Any) -> Iterator[Ends]:
    """What is read from, and what is written to."""
    make: Callable[[], tuple[int, int]] = request.param
    reading, writing = make()
    with open(reading, "rb") as reader, open(writing, "w") as writer:
        yield reader, writer


def fill(observer: Callable[[Any], None], enough: Callable[[], bool]) -> int:
    """Log until it is enough; how many events that were."""
    number = 0
    while not enough():
        observer(event(f"{number} {'x' * 3000}"))
        number += 1
        assert number < 10_000
    return number


class Reading:
    """Reads to the end, in a thread."""

    def __init__(self, reader: IO[bytes]) -> None:
        self._pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(reader,))
        self._thread.start()

    def _read(self, reader: IO[bytes]) -> None:
        try:
            while piece := os.read(reader.fileno(), 10_000):
                self._pieces.append(piece)
        except OSError:
            pass  # the end of a terminal

    def lines(self, writer: IO[str], stream: LogStream) -> list[str]:
        """All of them, now that no more are to come."""
        stream.drain()
        stream.close()
        writer.close()
        self._thread.join(60)
        return b"".join(self._pieces).decode().splitlines()


def await_written(stream: LogStream) -> None:
    """Until nothing waits any more."""
    with stream._emptied:
        assert stream._emptied.wait_for(lambda: not stream._waiting, 60)


def numbers(lines: list[str]) -> list[int]:
    return [int(line.split()[2]) for line in lines if "could not" not in line]


def test_what_there_is_room_for_is_there_at_once(ends: Ends) -> None:
    reader, writer = ends
    writer.write("printed before\n")
    stream = LogStream(writer)
    textFileLogObserver(stream, None)(event("logged"))
    assert [reader.readline(), reader.readline()] == [b"printed before\n", b"- [app#info] logged\n"]
    stream.close()


def test_nothing_is_lost_while_the_reader_is_slow(ends: Ends) -> None:
    reader, writer = ends
    stream = LogStream(writer, limit=100_000)
    observer = textFileLogObserver(stream, None)
    count = fill(observer, lambda: stream._size > 50_000)
    assert numbers(Reading(reader).lines(writer, stream)) == list(range(count))


def test_what_is_too_much_is_counted_and_told(ends: Ends) -> None:
    reader, writer = ends
    stream = LogStream(writer, limit=20_000)
    observer = textFileLogObserver(stream, None)
    count = fill(observer, lambda: observer._losses.count == 3)
    reading = Reading(reader)
    await_written(stream)
    observer(event("after"))
    lines = reading.lines(writer, stream)
    assert numbers(lines[:-2]) == list(range(count - 3))
    assert lines[-2:] == [
        "- [plait.log#error] 3 events could not be logged here: the reader was too slow.",
        "- [app#info] after",
    ]


def test_the_end_does_not_wait_for_ever(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = ends
    monkeypatch.setattr("plait.log._stream._PATIENCE", 0.0)
    stream = LogStream(writer, limit=20_000)
    fill(textFileLogObserver(stream, None), lambda: bool(stream._waiting))
    stream.drain()
    stream.close()
    assert stream._waiting
    reader.close()  # which lets the thread end


def test_a_reader_that_goes_away_raises_nothing(ends: Ends) -> None:
    reader, writer = ends
    stream = LogStream(writer, limit=20_000)
    observer = textFileLogObserver(stream, None)
    fill(observer, lambda: bool(stream._waiting))
    reader.close()
    await_written(stream)
    observer(event("nobody is there"))
    observer(event("still nobody"))
    assert observer._losses.count == 2
    stream.close()


def test_a_terminal_that_was_stopped() -> None:
    reading, writing = pty.openpty()
    with open(reading, "rb", buffering=0) as reader, open(writing, "w") as writer:
        stream = LogStream(writer, limit=20_000)
        observer = textFileLogObserver(stream, None)
        assert stream.isatty()
        count = fill(observer, lambda: observer._losses.count == 1)
        reading = Reading(reader)
        await_written(stream)
        assert numbers(reading.lines(writer, stream)) == list(range(count - 1))


def test_a_file_that_standard_output_was_sent_to(tmp_path: Any) -> None:
    with open(tmp_path / "out", "w") as file:
        stream = LogStream(file)
        observer = textFileLogObserver(stream, None)
        print("one", file=file)
        observer(event("two"))
        print("three", file=file)
        observer(event("four"))
        stream.close()
    assert (tmp_path / "out").read_text() == "one\n- [app#info] two\nthree\n- [app#info] four\n"
