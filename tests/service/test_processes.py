"""A program as a service: started, logged, stopped, and started again."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from plait import reactor
from plait.deferred import Deferred
from plait.errors import ProcessTerminated
from plait.log import globalLogPublisher
from plait.service import ProcessService, Supervisor

pytestmark = pytest.mark.skipif(os.name != "posix", reason="child processes are for POSIX systems")

PYTHON = [sys.executable, "-u", "-c"]


class Lines:
    """The lines that are logged, and a way to wait for one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._waits: list[tuple[str, Deferred[None]]] = []
        globalLogPublisher.addObserver(self)

    def __call__(self, event: Any) -> None:
        line = event.get("line")
        if line is None:
            return
        self.lines.append(line)
        for text, waiting in list(self._waits):
            if text == line:
                self._waits.remove((text, waiting))
                waiting.callback(None)

    def have(self, text: str) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waits.append((text, waiting))
        return waiting


@pytest.fixture
def lines() -> Any:
    lines = Lines()
    yield lines
    globalLogPublisher.removeObserver(lines)


async def test_its_output_is_logged_and_it_is_stopped(lines: Lines) -> None:
    program = "import sys, time\nprint('one'); print('two', file=sys.stderr); print('x' * 20000); print('ready')\ntime.sleep(600)"
    service = ProcessService([*PYTHON, program])
    ready = lines.have("ready")
    service.startService()
    pid = service.pid
    assert pid is not None
    await ready
    await service.stopService()
    assert {"one", "two"} <= set(lines.lines)
    assert sum(map(len, lines.lines)) == 20000 + len("onetwoready")  # too long for one event, and nothing is lost
    assert service.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await service.stopService()


async def test_one_that_ignores_sigterm_is_killed(lines: Lines) -> None:
    program = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\ntime.sleep(600)"
    service = ProcessService([*PYTHON, program], killTime=0.05)
    ready = lines.have("ready")
    service.startService()
    await ready
    await service.stopService()
    assert service.pid is None


async def test_a_program_of_its_own_does_not_keep_it(lines: Lines) -> None:
    """What it has started holds its pipes, and it has ended all the same."""
    program = (
        "import subprocess, time\np = subprocess.Popen(['sleep', '600'])\nprint(p.pid)\nprint('ready')\ntime.sleep(600)"
    )
    service = ProcessService([*PYTHON, program])
    ready = lines.have("ready")
    service.startService()
    await ready
    await service.stopService()
    os.kill(int(lines.lines[0]), 9)


async def test_a_supervisor_starts_it_again(lines: Lines, tmp_path: Any, flushLoggedErrors: Any) -> None:
    count = tmp_path / "count"
    program = (
        f"import os, sys\npath = {str(count)!r}\nn = os.path.exists(path) and len(open(path).read()) or 0\n"
        "open(path, 'a').write('.')\nprint('run', n)\n"
        "if n == 2:\n    import time\n    time.sleep(600)\nif n == 1:\n    os.kill(os.getpid(), 9)\nsys.exit(3)"
    )
    supervisor = Supervisor(backoffPolicy=lambda failures: 0.0)
    child = supervisor.addChild([*PYTHON, program], name="program", restart="transient")
    third = lines.have("run 2")
    supervisor.startService()
    await third
    (seen,) = supervisor.children
    assert seen.service is child and seen.restarts == 2
    assert seen.lastFailure is not None and seen.lastFailure.check(ProcessTerminated)
    assert seen.lastFailure.value.signal == 9  # type: ignore[attr-defined]
    await supervisor.stopService()
    assert len(count.read_text()) == 3
    assert len(flushLoggedErrors(ProcessTerminated)) == 2


async def test_its_end_is_no_failure(lines: Lines) -> None:
    supervisor = Supervisor()
    ended: Deferred[None] = Deferred()
    supervisor.addChild([*PYTHON, "print('last words', end='')"], restart="temporary")
    words = lines.have("last words")
    supervisor.startService()
    await words
    reactor.callLater(0, ended.callback, None)
    await ended
    assert supervisor.children == []
    await supervisor.stopService()


@pytest.mark.parametrize("args", ["ls", [], [b"ls"], ["ls", 1]])
def test_what_is_no_program(args: Any) -> None:
    with pytest.raises(TypeError, match="a list of str"):
        ProcessService(args)
