"""A file that cannot be written: events are lost, and that is all."""

from __future__ import annotations

import errno
import io
import os

import pytest

from plait.log import LogLevel, jsonLinesLogObserver, textFileLogObserver


def event(text: str) -> dict[str, object]:
    return {"log_format": text, "log_namespace": "app", "log_level": LogLevel.info}


class Disk(io.StringIO):
    """Fails while it is full."""

    name = "app.log"
    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_a_full_disk_loses_lines_and_says_how_many(capfd: pytest.CaptureFixture[str]) -> None:
    disk = Disk()
    observer = textFileLogObserver(disk, None)
    observer(event("first"))
    disk.full = True
    observer(event("second"))
    observer(event("third"))
    assert capfd.readouterr().err == (
        "Cannot write the log app.log: No space left on device. Until that is possible again, what is logged is lost.\n"
    )
    disk.full = False
    observer(event("fourth"))
    observer(event("fifth"))
    assert disk.getvalue().splitlines() == [
        "- [app#info] first",
        "- [plait.log#error] 2 events could not be logged here: No space left on device.",
        "- [app#info] fourth",
        "- [app#info] fifth",
    ]


def test_the_loss_is_told_in_the_form_of_the_file() -> None:
    disk = Disk()
    observer = jsonLinesLogObserver(disk)
    disk.full = True
    observer(event("first"))
    disk.full = False
    observer(event("second"))
    told = disk.getvalue().splitlines()[0]
    assert '"message": "An event could not be logged here: No space left on device."' in told
    assert '"lost": 1' in told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_device_that_is_full_raises_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with open("/dev/full", "wb", buffering=0) as file:
        observer = textFileLogObserver(file)
        observer(event("first"))
        observer(event("second"))
    assert capfd.readouterr().err.count("Cannot write the log /dev/full: No space left on device.") == 1


def test_a_reader_that_is_gone_is_not_told_of(capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb", buffering=0) as pipe:
        textFileLogObserver(pipe)(event("first"))
    assert capfd.readouterr().err == ""
