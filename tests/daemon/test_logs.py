"""The log of a daemon: its form, its levels, when its file is put aside, and what becomes of it when it cannot be written."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plait.log._rotation import files_aside

from .conftest import PATIENCE, Plait
from .test_runner import needs_root, refused

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

HEAD = """
import os
from plait import reactor
from plait.deferred import ensureDeferred
from plait.log import Logger
from plait.service import Application, Service

shop, till = Logger("shop"), Logger("shop.till")
application = Application("Shop")

class Work(Service):
    def startService(self):
        reactor.callWhenRunning(reactor.callLater, 0, self.work)

    def work(self):
        work()
        with open("done", "a") as file:
            file.write("done\\n")

Work().setServiceParent(application)
"""

SAY = (
    HEAD
    + """
def work():
    shop.debug("shop at debug")
    shop.info("shop at info")
    till.debug("till at debug", price=3)
    try:
        ensureDeferred(fail()).addErrback(lambda failure: till.failure("till has failed", failure))
    finally:
        reactor.callLater(0, reactor.stop)

async def fail():
    raise ValueError("stuck")
"""
)

MANY = (
    HEAD
    + """
def work():
    for number in range(500):
        shop.info("line {number} of {pid}", number=number, pid=os.getpid())
"""
)


def run(plait: Plait, *options: str, source: str = SAY) -> str:
    """Run a program that ends by itself in the foreground. What it has printed."""
    result = plait("run", "-n", *options, "-y", plait.application(source))
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def all_lines(path: Path) -> list[str]:
    """The lines of a log, and of what was put aside of it."""
    data = path.read_bytes()
    names = files_aside(str(path))
    for name in names:
        if f"{name}.gz" in names:
            continue  # whoever compressed it was ended before it could remove it: the next one does
        aside = Path(name).read_bytes()
        data += gzip.decompress(aside) if name.endswith(".gz") else aside
    return data.decode().splitlines()


def test_levels(plait: Plait) -> None:
    text = run(plait, "--log-level", "warn,shop=info,shop.till=debug")
    assert "shop at info" in text and "till at debug" in text
    assert "shop at debug" not in text and "plait.daemon#info" not in text


def test_json(plait: Plait) -> None:
    run(plait, "--log-format", "json", "-l", "plait.log")
    events = [json.loads(line) for line in plait.log().splitlines()]
    (priced,) = [event for event in events if "price" in event]
    assert (priced["message"], priced["level"], priced["namespace"]) == ("till at debug", "debug", "shop.till")
    (failed,) = [event for event in events if event["message"] == "till has failed"]
    assert "ValueError: stuck" in failed["traceback"]


def test_no_colour_but_on_a_terminal(plait: Plait) -> None:
    import pty

    app = plait.application(SAY)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "plait", "run", "-n", "-y", app]
    plait.environment.pop("NO_COLOR", None)
    plait.environment["TERM"] = "xterm"
    process = subprocess.Popen(command, cwd=plait.folder, env=plait.environment, stdout=theirs, stdin=theirs)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 10_000):
            text += piece
    except OSError:
        pass  # the other side is closed
    os.close(ours)
    assert process.wait(PATIENCE) == 0
    assert b"\x1b[" in text
    plait.environment["FORCE_COLOR"] = "1"
    run(plait, "-l", "plait.log")
    assert "\x1b[" not in plait.log()
    del plait.environment["FORCE_COLOR"]
    assert "\x1b[" not in run(plait)


def test_tracebacks_are_folded_unless_they_are_wanted_in_full(plait: Plait) -> None:
    folded = run(plait)
    full = run(plait, "--full-tracebacks")
    plait.environment["PLAIT_FULL_TRACEBACKS"] = "1"
    wanted = run(plait)
    for text in (folded, full, wanted):
        assert ", in fail" in text and "\tValueError: stuck\n" in text
    assert f"{os.sep}deferred{os.sep}" not in folded
    assert all(f"{os.sep}deferred{os.sep}" in text for text in (full, wanted))


@pytest.mark.parametrize("workers", [0, 2])
def test_by_size(plait: Plait, workers: int) -> None:
    options = ["--workers", str(workers)] if workers else []
    rotation = ["--log-max-size", "4KB", "--log-keep", "all", "--log-compress"]
    result = plait("run", *rotation, *options, "-y", plait.application(MANY))
    assert result.returncode == 0, result
    await_done(plait, workers or 1)
    plait.stop()
    lines = [line for line in all_lines(plait.path("plait.log")) if "[shop#info]" in line]
    assert len(lines) == len({line.partition("] ")[2] for line in lines}) == 500 * (workers or 1)
    assert len(files_aside(str(plait.path("plait.log")))) > 5
    assert plait.path("plait.log").stat().st_size <= 4000


def await_done(plait: Plait, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not plait.path("done").exists() or len(plait.path("done").read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_by_the_day_with_a_config(plait: Plait) -> None:
    log = plait.path("plait.log")
    log.write_text("of yesterday\n")
    os.utime(log, (time.time() - 86400,) * 2)
    plait.application(SAY, "shop.py")
    plait.path("site.toml").write_text(
        '[run]\nlogfile = "plait.log"\nnodaemon = true\nlog-rotate = "daily"\nlog-keep = 3\nlog-level = "shop=info"\n'
        '[services.shop]\nuse = "shop:Work"\n'
    )
    result = plait("run", "--config", "site.toml")
    assert result.returncode == 0, result
    (aside,) = files_aside(str(log))
    assert Path(aside).read_text() == "of yesterday\n"
    assert "shop at info" in plait.log() and "shop at debug" not in plait.log()


@needs_root
def test_a_folder_that_nothing_can_be_put_aside_in(plait: Plait) -> None:
    plait.folder.chmod(0o755)
    plait.path("done").touch()
    plait.path("done").chmod(0o666)
    app = plait.application(MANY)
    result = plait("run", "-u", "nobody", "--log-max-size", "4KB", "-y", app)
    assert result.returncode == 0, result
    await_done(plait, 1)
    plait.stop()
    lines = plait.log().splitlines()
    assert sum("[shop#info]" in line for line in lines) == 500
    assert sum("aside: Permission denied. It goes on as it is." in line for line in lines) == 1
    assert not files_aside(str(plait.path("plait.log")))


FULL = (
    HEAD
    + """
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

def work():
    shop.info("before")
    limits = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (os.path.getsize("plait.log") + 20, limits[1]))
    for number in range(3):
        shop.info("no room for {number}", number=number)
    setrlimit(RLIMIT_FSIZE, limits)
    shop.info("after")
    reactor.callLater(0, reactor.stop)
"""
)


def test_where_there_is_no_room_lines_are_lost_and_that_is_all(plait: Plait) -> None:
    result = plait("run", "-n", "-l", "plait.log", "-y", plait.application(FULL))
    assert result.returncode == 0
    assert result.stderr.count("\n") == 1
    assert "Cannot write the log " in result.stderr and "File too large" in result.stderr
    texts = [line.partition(" ")[2] for line in plait.log().splitlines()]
    start = texts.index("[shop#info] before")
    assert texts[start : start + 3] == [
        "[shop#info] before",
        "[plait.log#error] 3 events could not be logged here: File too large.",
        "[shop#info] after",
    ]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_disk_that_is_full_from_the_beginning(plait: Plait) -> None:
    result = plait("run", "-n", "-l", "/dev/full", "-y", plait.application(SAY))
    assert result.returncode == 0
    assert plait.path("done").exists()
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Cannot write the log /dev/full: No space left on device.")
    assert len(lines) == 1


FLOOD = (
    HEAD
    + """
def work():
    for number in range(3000):
        shop.info("line {number} {filling}", number=number, filling="x" * 1000)
    with open("flooded", "w") as file:
        file.write("flooded")
"""
)


@pytest.mark.parametrize("options", [[], ["-l", "/dev/stdout"]], ids=["stdout", "path"])
def test_a_reader_that_has_stopped_stops_nothing(plait: Plait, options: list[str]) -> None:
    flooded = plait.gate("flooded")
    # on a busy machine a flood may block the loop for a second; that would be told in lines of its own
    process = plait.open("run", "-n", "--blocked-after", "0", *options, "-y", plait.application(FLOOD))
    assert flooded.read() == "flooded"  # and nobody has read a line
    assert process.stdout is not None
    process.send_signal(signal.SIGTERM)
    text = process.stdout.read()
    assert plait.ended() == 0
    lost = [
        int(number) for number in re.findall(r"(\d+) events could not be logged here: the reader was too slow", text)
    ]
    written = [line for line in text.splitlines() if "[plait.log#error]" not in line]
    assert lost and len(written) + sum(lost) == 3004  # with what the daemon says of start and end


def test_a_reader_that_never_comes_back_does_not_keep_it_from_ending(plait: Plait) -> None:
    flooded = plait.gate("flooded")
    process = plait.open("run", "-n", "-y", plait.application(FLOOD))
    assert flooded.read() == "flooded"
    process.send_signal(signal.SIGTERM)
    assert plait.ended() == 0


def test_a_logger_that_fails_stops_nothing(plait: Plait) -> None:
    plait.path("broken.py").write_text("def make():\n    return lambda event: 1 / 0\n")
    plait.environment["PYTHONPATH"] += os.pathsep + str(plait.folder)
    result = plait("run", "-n", "--logger", "broken.make", "-y", plait.application(SAY))
    assert result.returncode == 0
    assert plait.path("done").exists()


def with_journal(plait: Plait) -> socket.socket:
    """Lets programs take a socket of ours for the journal's."""
    address = str(plait.path("journal"))
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(address)
    journal.settimeout(PATIENCE)
    plait.path("sitecustomize.py").write_text(f"import plait.daemon.logs\nplait.daemon.logs.JOURNAL = {address!r}\n")
    plait.environment["PYTHONPATH"] = str(plait.folder) + os.pathsep + plait.environment["PYTHONPATH"]
    return journal


def sent(journal: socket.socket, last: bytes) -> list[bytes]:
    """What comes, until something has that text."""
    found: list[bytes] = []
    while not found or last not in found[-1]:
        found.append(journal.recv(100_000))
    return found


def test_the_journal_on_request(plait: Plait) -> None:
    # A unix socket's queue is short, and nobody reads from it meanwhile.
    with with_journal(plait) as journal:
        text = run(plait, "--journal", "--prefix", "shop", "--log-level", "error,shop=debug")
        assert text == ""
        events = sent(journal, b"till has failed")
    assert b"MESSAGE=till at debug\n" in events[-2] and b"\nPRICE=3\n" in events[-2]
    assert all(event.startswith(b"SYSLOG_IDENTIFIER=shop\n") for event in events)


def test_the_journal_where_standard_output_leads_there(plait: Plait) -> None:
    with with_journal(plait) as journal:
        ours, theirs = os.pipe()
        state = os.fstat(theirs)
        plait.environment["JOURNAL_STREAM"] = f"{state.st_dev}:{state.st_ino}"
        command = [sys.executable, "-m", "plait", "run", "-n", "--log-level", "error,shop=debug"]
        for more, there in ([], True), (["-l", "-"], False), (["--log-format", "text"], False):
            process = subprocess.Popen(
                [*command, *more, "-y", plait.application(SAY)],
                cwd=plait.folder,
                env=plait.environment,
                stdout=theirs,
            )
            assert process.wait(PATIENCE) == 0
            if there:
                assert b"MESSAGE=shop at debug\n" in sent(journal, b"till has failed")[0]
            else:
                assert b"till has failed" in os.read(ours, 100_000)
        os.close(ours)
        os.close(theirs)


def test_without_a_journal(plait: Plait) -> None:
    with with_journal(plait):
        pass
    plait.path("journal").unlink()
    message = refused(plait("run", "-n", "--journal", "-y", plait.application(SAY)))
    assert "there is no journal at " in message and message.endswith("Leave out --journal\n")
