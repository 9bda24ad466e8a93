"""The socket for those who ask, in this process: bounded work in each turn of the loop, and bounded memory."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from plait import reactor
from plait.daemon.inspection import serving
from plait.daemon.inspection.serving import Inspector
from plait.daemon.inspection.snapshot import CONNECTION, Subject, lines
from plait.daemon.inspection.tables import duration, escaped, plain, size
from plait.engine import census
from plait.service import MultiService
from tests.transport.helpers import Server, connection


def subject() -> Subject:
    return Subject(reactor, MultiService(), "program", "program.py", time.time())


@asynccontextmanager
async def inspector(folder: Path) -> AsyncIterator[Inspector]:
    inspector = Inspector(subject())
    inspector.open(str(folder / "x.pid"))
    try:
        yield inspector
    finally:
        inspector.close()


QUESTION = b'{"want": "snapshot"}\n'


async def answer(reader: asyncio.StreamReader) -> list[dict[str, Any]]:
    found = [json.loads(await reader.readline())]
    while "end" not in found[-1]:
        found.append(json.loads(await reader.readline()))
    return found


async def test_a_snapshot_comes_in_bounded_pieces_with_a_turn_of_the_loop_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = 0
    made: list[tuple[int, int]] = []

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        turning[0] = asyncio.get_running_loop().call_soon(next_turn)

    def watched(*arguments: Any) -> Iterator[bytes]:
        for line in lines(*arguments):
            made.append((turn, len(json.loads(line).get("connections", ())) if line else 0))
            yield line

    monkeypatch.setattr(serving, "lines", watched)
    turning = [asyncio.get_running_loop().call_soon(next_turn)]
    async with Server() as server, inspector(tmp_path) as there:
        pairs = [await connection(server) for _ in range(census.SLICE)]  # with both ends: twice as many connections
        reader, writer = await asyncio.open_unix_connection(there.path)
        writer.write(QUESTION)
        told = [row for line in await answer(reader) for row in line.get("connections", ())]
        turning[0].cancel()
        assert len(told) == 2 * census.SLICE
        assert max(count for _, count in made) == census.SLICE
        turns = [when for when, _ in made]
        assert sorted(set(turns)) == turns and len(turns) > 5
        writer.close()
        for client, accepted, _ in pairs:
            client.transport.abortConnection()
            await accepted.lost


async def test_who_asks_is_not_among_what_is_told(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        reader, writer = await asyncio.open_unix_connection(there.path)
        for _ in range(2):  # one after the other on one connection
            writer.write(QUESTION)
            first, *rest = await answer(reader)
            places = [port["address"] for port in first["ports"]]
            assert there.path not in places
            rows = [dict(zip(CONNECTION, row, strict=True)) for line in rest for row in line.get("connections", ())]
            assert not [row for row in rows if row["local"] == there.path]
            assert not [one for one in first["timers"]["functions"] if "inspection" in one["function"]]
        writer.close()
    assert not os.path.exists(there.path)


async def test_nothing_is_made_for_one_who_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def endless(*_: object) -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * 50_000

    monkeypatch.setattr(serving, "lines", endless)
    async with inspector(tmp_path) as there:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(there.path)
            sock.sendall(QUESTION)
            before = -1
            while not 0 < made == before:
                assert made < 1000
                before = made
                for _ in range(100):
                    await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "question",
    [b"what?\n", b'{"want": "the moon"}\n', b"[]\n", b"{}\n", b"x" * 2000],
    ids=["text", "other", "list", "none", "long"],
)
async def test_a_question_that_makes_no_sense_ends_the_connection(tmp_path: Path, question: bytes) -> None:
    async with inspector(tmp_path) as there:
        reader, writer = await asyncio.open_unix_connection(there.path)
        writer.write(question)
        try:
            said = await reader.read()
        except ConnectionResetError:
            said = b""
        assert said == b"" or "ask for" in json.loads(said)["error"]
        writer.close()


async def test_only_the_owner_and_root_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_user_of", lambda sock: os.geteuid() + 1)
    async with inspector(tmp_path) as there:
        reader, writer = await asyncio.open_unix_connection(there.path)
        writer.write(QUESTION)
        try:
            said = await reader.read()
        except ConnectionError:
            said = b""
        assert said == b""
        writer.close()


async def test_so_many_may_ask_at_once_and_no_more(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        several = [await asyncio.open_unix_connection(there.path) for _ in range(serving._MOST_SESSIONS)]
        for reader, writer in several:
            writer.write(QUESTION)
            assert (await answer(reader))[-1] == {"end": True}
        reader, writer = await asyncio.open_unix_connection(there.path)
        try:
            assert await reader.read() == b""
        except ConnectionError:
            pass
        for one in [*(writer for _, writer in several), writer]:
            one.close()


async def test_a_loop_that_is_held_up_is_told_of(tmp_path: Path) -> None:
    async with inspector(tmp_path) as there:
        reader, writer = await asyncio.open_unix_connection(there.path)
        writer.write(QUESTION)
        await answer(reader)
        time.sleep(0.3)  # what a program must not do
        writer.write(QUESTION)
        assert (await answer(reader))[0]["lag"] > 0.1
        writer.close()


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1540, "1.54 KB"),
        (123_456, "123 KB"),
        (5_000_000, "5 MB"),
        (7.2e15, "7.2e+03 TB"),
    ],
)
def test_sizes_are_short(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59, "59.0 s"), (60, "1 min"), (3720, "1 h 2 min"), (180_000, "2 d 2 h")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_nothing_escapes_from_a_cell() -> None:
    assert escaped("a\x1b[2J\r\n\x9b\u202e\udcff\0é") == r"a\x1b[2J\r\n\x9b\u202e\udcff\x00é"


async def test_a_picture_takes_no_name_for_markup(tmp_path: Path) -> None:
    rich = pytest.importorskip("rich.console", reason="the live table needs Rich")
    from plait.daemon.inspection.screen import picture

    said = [json.loads(line) for line in lines(subject(), 0.0) if line]
    facts = {**said[0], "memory": None, "time": time.time(), "application": "[red]name[/red]"}
    facts["connections"] = [
        dict(zip(CONNECTION, ["[link=x]peer", "local", "[bold]P", "in", False, 1, 2, 3, number], strict=True))
        for number in range(100)
    ]
    console = rich.Console(record=True, width=200, file=io.StringIO())
    console.print(picture(facts, "age", height=40))
    text = console.export_text()
    assert "[red]name[/red]" in text and "[link=x]peer" in text and "[bold]P" in text
    assert len(text.splitlines()) <= 40
    assert "of 100)" in text
    assert "[red]name[/red]" in plain(facts)
