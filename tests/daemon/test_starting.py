"""Services that take their time to start: the command waits for them, and a late failure fails the start."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import IO

import pytest

from .conftest import Plait
from .test_runner import FOREGROUND_AND_DAEMON, HEAD, events, refused

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

# Its start waits for what only a running reactor gives, and says so.
LATE = (
    HEAD
    + """
class Late(Noting):
    error = None

    async def startService(self):
        note("begin " + self.name)
        turned = Deferred()
        reactor.callWhenRunning(reactor.callLater, 0.01, turned.callback, None)
        await turned
        if self.error is not None:
            raise self.error
        note("start " + self.name)

class Failing(Late):
    error = ConnectionRefusedError("no database\\nat all")

class Endless(Noting):
    async def startService(self):
        note("begin " + self.name)
        try:
            await Deferred()
        finally:
            note("cancel " + self.name)
"""
)


def test_the_command_returns_when_all_have_started(plait: Plait) -> None:
    app = plait.application(LATE + "Late('a'), Noting('b'), Late('c')\n")
    assert plait("run", "-y", app).returncode == 0
    # None waits for the one before it.
    assert events(plait) == ["begin a", "start b", "begin c", "start a", "start c"]
    plait.stop()
    assert events(plait)[5:] == ["stop c", "stop b", "stop a"]


@FOREGROUND_AND_DAEMON
def test_a_start_that_fails_later_is_undone(plait: Plait, mode: list[str]) -> None:
    app = plait.application(LATE + "Noting('a'), Failing('b'), Endless('c')\n")
    message = refused(plait("run", *mode, "-y", app))
    assert message == (
        "plait: the application could not be started: ConnectionRefusedError: no database (in the start of Failing 'b')\n"
    )
    assert events(plait) == ["start a", "begin b", "begin c", "cancel c", "stop c", "stop b", "stop a"]
    assert not plait.path("plait.pid").exists()
    if not mode:
        assert "Traceback" in plait.log() and "Ready" not in plait.log()


@FOREGROUND_AND_DAEMON
def test_a_start_that_never_ends(plait: Plait, mode: list[str]) -> None:
    app = plait.application(LATE + "Noting('a'), Endless('b')\n")
    message = refused(plait("run", "--start-timeout", "0.1", *mode, "-y", app))
    assert message == "plait: not started within 0.1 seconds: Endless 'b' (see --start-timeout)\n"
    assert events(plait) == ["start a", "begin b", "cancel b", "stop b", "stop a"]


def test_nobody_waits_if_that_is_asked_for(plait: Plait) -> None:
    gate = plait.gate("gate")
    app = plait.application(
        LATE + "Failing('a'), Endless('b')\nreactor.callLater(0.1, lambda: open('gate', 'w').write('failed'))\n"
    )
    assert plait("run", "--start-timeout", "0", "-y", app).returncode == 0
    gate.read()
    plait.stop()
    assert "ConnectionRefusedError: no database" in plait.log() and "in the start of Failing 'a'" in plait.log()


def test_a_privileged_part_that_takes_its_time(plait: Plait) -> None:
    """Rights are given up, and the others started, when it has come to its end."""
    app = plait.application(
        LATE
        + """
class Port(Noting):
    async def privilegedStartService(self):
        note("begin port")
        turned = Deferred()
        reactor.callWhenRunning(turned.callback, None)
        await turned
        import os
        note(f"port {os.path.exists('plait.pid')}")
Noting("a"), Port("b")
"""
    )
    assert plait("run", "-y", app).returncode == 0
    assert events(plait) == ["begin port", "port False", "start a", "start b"]
    plait.stop()


def test_a_privileged_part_that_fails_later(plait: Plait) -> None:
    app = plait.application(
        LATE + "class Port(Late):\n    privilegedStartService = Failing.startService\n    error = OSError('no port')\n"
        "Noting('a'), Port('b')\n"
    )
    assert "OSError: no port (in the start of Port 'b')" in refused(plait("run", "-y", app))
    assert events(plait) == ["begin b", "stop b"]  # nothing else had begun


def test_a_signal_while_a_start_goes_on(plait: Plait, read_until: Callable[[IO[str], str], str]) -> None:
    app = plait.application(LATE + "Noting('a'), Endless('b')\nreactor.callWhenRunning(print, 'turning')\n")
    process = plait.open("run", "-n", "-y", app)
    assert process.stdout is not None and process.stderr is not None
    read_until(process.stdout, "turning")
    process.send_signal(signal.SIGTERM)
    assert plait.ended() == 1
    assert process.stderr.read() == "plait: stopped by a signal before it was ready\n"
    assert events(plait) == ["start a", "begin b", "cancel b", "stop b", "stop a"]


def test_a_supervised_service_is_started_again_before_it_is_ready(plait: Plait) -> None:
    app = plait.application(
        LATE
        + """
from plait.service import Supervisor, backoff
class Second(Late):
    error = ValueError("not yet")
    def stopService(self):
        super().stopService()
        self.error = None
supervisor = Supervisor(maxRestarts=3, period=60, backoffPolicy=backoff(0.01))
second = Second("a")
supervisor.addChild(second)
supervisor.setServiceParent(application)
"""
    )
    assert plait("run", "-y", app).returncode == 0
    assert events(plait) == ["begin a", "stop a", "begin a", "start a"]
    plait.stop()


def test_a_supervisor_that_gives_up_fails_the_start(plait: Plait) -> None:
    app = plait.application(
        LATE
        + """
from plait.service import Supervisor, backoff
supervisor = Supervisor(maxRestarts=1, period=60, backoffPolicy=backoff(0.01))
supervisor.addChild(Failing("a"))
supervisor.setServiceParent(application)
"""
    )
    assert "TooManyRestartsError: Supervisor had to start services again" in refused(plait("run", "-y", app))
    assert events(plait) == ["begin a", "stop a", "begin a", "stop a"]
