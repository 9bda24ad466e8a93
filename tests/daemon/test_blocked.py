"""``plait run --blocked-after``: the log says what has blocked the loop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import IO

import pytest

from .conftest import PATIENCE, Plait
from .test_workers import until

# It is blocked until the log has told of it, so that the test needs no time of its own.
BLOCKED = """
import os, threading, time
from plait.service import Application, Service

application = Application("Blocked")

def waits_for_the_log():
    end = time.monotonic() + 60
    while time.monotonic() < end and f"Blocked {os.getpid()} by" not in open("plait.log").read():
        if "is blocked, by:" in open("plait.log").read():
            print("Blocked", os.getpid(), "by")
        time.sleep(0.01)

class Late(Service):
    def startService(self):
        from plait import reactor
        reactor.callLater(0.2, waits_for_the_log)

Late().setServiceParent(application)
"""

NAMES = """
import threading
from plait.service import Application, Service

application = Application("Names")

class Names(Service):
    def startService(self):
        from plait import reactor
        reactor.callLater(0, self.tell)

    def tell(self):
        print("threads:", [thread.name for thread in threading.enumerate()])

Names().setServiceParent(application)
"""


@pytest.mark.parametrize("workers", [(), ("--workers", "1")])
def test_what_blocks_the_loop_is_logged_and_how_long_it_took(plait: Plait, workers: tuple[str, ...]) -> None:
    assert plait("run", "--blocked-after", "0.1", *workers, "-y", plait.application(BLOCKED)).returncode == 0
    until(lambda: "The event loop turns again: it was blocked for" in plait.log(), plait.log)
    log = plait.log()
    assert "[plait.engine#warn] The event loop is blocked, by:\n\tTraceback (most recent call last):\n" in log
    told = log[log.index("is blocked, by:") :]
    assert told.splitlines()[2].endswith("in waits_for_the_log")  # the first line is the program's own
    assert log.count("is blocked, by:") == 1
    plait.stop()


@pytest.mark.parametrize(("options", "watched"), [((), True), (("--blocked-after", "0"), False)])
def test_it_is_watched_unless_that_is_turned_off(
    plait: Plait, read_until: Callable[[IO[str], str], str], options: tuple[str, ...], watched: bool
) -> None:
    process = plait.open("run", "-n", *options, "-y", plait.application(NAMES))
    assert process.stdout is not None
    read = read_until(process.stdout, "threads:")
    assert ("plait: watches the loop" in read) is watched
    process.terminate()
    assert process.wait(PATIENCE) == 0


def test_a_process_that_was_suspended_was_not_blocked(
    plait: Plait, reverser: str, read_until: Callable[[IO[str], str], str]
) -> None:
    process = plait.open("run", "-n", "--blocked-after", "0.2", "-y", reverser)
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    for _ in range(5):  # on a busy machine it may not be told apart each time
        os.kill(process.pid, signal.SIGSTOP)
        threading.Event().wait(1.0)  # there is nothing to wait for: time itself is what it has to miss
        os.kill(process.pid, signal.SIGCONT)
        read = read_until(process.stdout, "The event loop")
        if "s late: the process was suspended" in read:
            break
    else:
        raise AssertionError(read)
    process.terminate()
    process.wait(PATIENCE)


def test_no_number_of_seconds_is_a_mistake(plait: Plait, reverser: str) -> None:
    result = plait("run", "--blocked-after", "soon", "-y", reverser)
    assert result.returncode == 2
    assert "--blocked-after: 'soon' is no number of seconds" in result.stderr
