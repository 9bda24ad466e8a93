"""Events in systemd's journal, which a socket of ours stands for."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plait.failure import Failure
from plait.log import InvalidLogLevelError, LogLevel, journalLogObserver, leadsToJournal
from plait.log._journal import name_of
from tests.log.test_losses import event

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the journal is systemd's")


class Journal:
    """Takes what is sent to it, and takes it apart."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(60)

    def received(self) -> bytes:
        data, files, _, _ = socket.recv_fds(self.socket, 1 << 20, 1)
        if not files:
            return data
        assert not data
        with open(files[0], "rb") as file:
            file.seek(0)
            return file.read()

    def fields(self) -> dict[str, str]:
        """Those of the next event."""
        data = self.received()
        fields: dict[str, str] = {}
        while data:
            line, _, rest = data.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                length = int.from_bytes(rest[:8], "little")
                value, rest = rest[8 : 8 + length], rest[8 + length :]
                assert rest.startswith(b"\n")
                rest = rest[1:]
            assert name.decode() not in fields
            fields[name.decode()] = value.decode()
            data = rest
        return fields


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(str(tmp_path / "socket"))
    yield journal
    journal.socket.close()


def test_an_event_with_its_values(journal: Journal) -> None:
    observer = journalLogObserver("shop", journal.address)
    observer(
        {
            **event("sold {count} of {what}"),
            "log_level": LogLevel.warn,
            "count": 2,
            "what": "app\nles",
            "message": "taken",
            "code": b"\xff",
            "log_time": 1.0,
            3: "no name",
        }
    )
    assert journal.fields() == {
        "SYSLOG_IDENTIFIER": "shop",
        "MESSAGE": "sold 2 of app\nles",
        "PRIORITY": "4",
        "LOG_LEVEL": "warn",
        "LOG_NAMESPACE": "app",
        "COUNT": "2",
        "WHAT": "app\nles",
        "MESSAGE_": "taken",
        "CODE": "\\xff",
    }


@pytest.mark.parametrize("level, priority", [*zip(LogLevel.iterconstants(), "76432", strict=True)])
def test_the_priorities(level: LogLevel, priority: str, journal: Journal) -> None:
    journalLogObserver("shop", journal.address)({**event("text"), "log_level": level})
    assert journal.fields()["PRIORITY"] == priority


def test_an_error_and_where_it_was_raised(journal: Journal) -> None:
    try:
        LogLevel.levelWithName("loud")
    except InvalidLogLevelError:
        failure = Failure()
    journalLogObserver("shop", journal.address)({**event("oh"), "log_failure": failure})
    fields = journal.fields()
    assert fields["MESSAGE"].startswith("oh\nTraceback (most recent call last):\n")
    assert (fields["CODE_FILE"], fields["CODE_FUNC"]) == (__file__, "test_an_error_and_where_it_was_raised")
    assert int(fields["CODE_LINE"]) > 50
    assert fields["LOG_ERROR"].endswith(".InvalidLogLevelError")


def test_what_says_nothing_is_not_sent(journal: Journal) -> None:
    observer = journalLogObserver("shop", journal.address)
    observer({"log_level": LogLevel.info})
    observer(event("next"))
    assert journal.fields()["MESSAGE"] == "next"


@pytest.mark.parametrize(
    "key, name",
    [
        ("peer", "PEER"),
        ("Größe in kg", "GR_SSE_IN_KG"),
        ("__secret", "SECRET"),
        ("3d", "D"),
        ("priority", "PRIORITY_"),
        ("syslog_pid", "SYSLOG_PID_"),
        ("message_id", "MESSAGE_ID"),
        ("ü", ""),
        ("x" * 100, "X" * 63),
    ],
)
def test_names(key: str, name: str) -> None:
    assert name_of(key) == name


def test_what_is_too_large_for_a_datagram(journal: Journal) -> None:
    text = "line\n" * 1_000_000
    journalLogObserver("shop", journal.address)({**event("{text}"), "text": text})
    fields = journal.fields()
    assert fields["MESSAGE"] == fields["TEXT"] == text


def test_a_journal_that_hangs_is_not_waited_for(journal: Journal) -> None:
    observer = journalLogObserver("shop", journal.address)
    sent = 0
    while not observer._losses.count:
        observer(event(str(sent)))
        sent += 1
        assert sent < 100_000
    observer(event("lost, too"))
    assert [journal.fields()["MESSAGE"] for _ in range(sent - 1)] == [str(number) for number in range(sent - 1)]
    observer(event("again"))
    assert journal.fields()["MESSAGE"].startswith("2 events could not be logged here: ")
    assert journal.fields()["MESSAGE"] == "again"


def test_a_journal_that_is_begun_anew(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = Journal(str(tmp_path / "socket"))
    observer = journalLogObserver("shop", first.address)
    first.socket.close()
    observer(event("lost"))
    os.remove(first.address)
    observer(event("lost, too"))
    second = Journal(first.address)
    observer(event("found"))
    assert second.fields()["MESSAGE"].startswith("2 events could not be logged here: ")
    assert second.fields()["MESSAGE"] == "found"
    observer.close()
    second.socket.close()
    assert capfd.readouterr().err.startswith("Cannot write the log in the journal: Connection refused.")


def test_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        journalLogObserver("shop", str(tmp_path / "none"))


def test_a_descriptor_that_leads_to_the_journal() -> None:
    reading, writing = os.pipe()
    state: Any = os.fstat(writing)
    stream = {"JOURNAL_STREAM": f"{state.st_dev}:{state.st_ino}"}
    assert leadsToJournal(writing, stream)
    assert not leadsToJournal(0, stream)
    assert not leadsToJournal(writing, {})
    os.close(reading)
    os.close(writing)
    assert not leadsToJournal(writing, stream)
