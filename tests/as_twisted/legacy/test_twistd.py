"""``python -m plait.as_twisted twistd``: application files, plugins and options of old, as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tests.daemon.conftest import REVERSER, Plait, await_end, plait, read_until

__all__ = ["plait", "read_until"]  # fixtures

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

OLD = REVERSER.replace("from plait.protocol import Factory, LineReceiver", (
    "from twisted.internet.protocol import Factory\nfrom twisted.protocols.basic import LineReceiver"
)).replace("from plait.service import Application, Service, TCPServer", (
    "from twisted.application.internet import TCPServer\nfrom twisted.application.service import Application, Service"
))  # fmt: skip

TWISTD = ("plait.as_twisted", "twistd")


def test_a_daemon(plait: Plait) -> None:
    plait.application(OLD, "app.tac")
    result = plait("-y", "app.tac", module=TWISTD)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert plait.ask("stressed") == "desserts"
    again = plait("-y", "app.tac", module=TWISTD)
    assert again.returncode == 1 and again.stderr.startswith("Another twistd server is running, PID")
    plait.stop("twistd.pid")
    assert not plait.path("twistd.pid").exists()
    log = plait.path("twistd.log").read_text()
    assert "starting up." in log and "reactor class: plait.engine" in log and "asked for stressed" in log


def test_in_the_foreground(plait: Plait, read_until: Callable[[IO[str], str], str]) -> None:
    plait.application(
        OLD + "from twisted.internet import reactor\nreactor.callWhenRunning(print, 'turning')\n", "app.tac"
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", *TWISTD, "-noy", "app.tac", "--pidfile", "mine.pid"],
        cwd=plait.folder,
        env=plait.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    plait._foreground.append(process)
    assert process.stdout is not None
    read_until(process.stdout, "turning")
    assert plait.path("mine.pid").exists()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert not plait.path("mine.pid").exists()


def test_a_stale_pid_file_is_removed(plait: Plait) -> None:
    plait.application(OLD, "app.tac")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    plait.path("twistd.pid").write_text(str(child.pid))
    assert plait("-y", "app.tac", module=TWISTD).returncode == 0
    assert plait.ask("live") == "evil"
    plait.stop("twistd.pid")


def test_a_start_that_fails_is_told(plait: Plait) -> None:
    source = OLD + (
        "import os\ndef startService():\n    with open('failing', 'w') as file:\n        file.write(str(os.getpid()))\n"
        "    raise ValueError('no')\nserver.startService = startService\n"
    )
    plait.application(source, "app.tac")
    result = plait("-y", "app.tac", module=TWISTD)
    assert result.returncode == 1
    assert result.stderr == (
        "An error has occurred: b'ValueError: no'\nPlease look at log file for more information.\n"
    )
    await_end(plait.pid("failing"))  # it is told first, and the pid file is removed after that
    assert not plait.path("twistd.pid").exists()


def test_a_plugin(plait: Plait) -> None:
    folder = plait.path("twisted") / "plugins"
    folder.mkdir(parents=True)
    (folder / "old_plugin.py").write_text(
        "from twisted.application.service import ServiceMaker\n"
        "old = ServiceMaker('Old', 'old_tap', 'Writes its word.', 'old')\n"
    )
    plait.path("old_tap.py").write_text(
        "from twisted.application.service import Service\nfrom twisted.python import usage\n"
        "class Options(usage.Options):\n    optParameters = [['word', 'w', 'hello', 'What to write.']]\n"
        "def makeService(options):\n    service = Service()\n"
        "    from twisted.internet import reactor\n"
        "    service.startService = lambda: reactor.callWhenRunning(write, options['word'])\n    return service\n"
        "def write(word):\n    with open('word', 'w') as file:\n        file.write(word)\n"
    )
    gate = plait.gate("word")
    shown = plait("--help", module=TWISTD).stdout
    assert "Writes its word." in shown and "--pidfile=" in shown
    assert plait("--umask", "022", "old", "--word", "moin", module=TWISTD).returncode == 0
    assert gate.read() == "moin"
    plait.stop("twistd.pid")


@pytest.mark.parametrize("arguments", [["--no-such"], ["no-such"], ["--umask", "9x"], ["--logger", "a.b"]])
def test_a_wrong_command_line_is_one_line(plait: Plait, arguments: list[str]) -> None:
    result = plait(*arguments, module=TWISTD)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith("twistd: ") and result.stderr.endswith("(see --help)\n")


def test_a_file_of_that_name_comes_first(tmp_path: Path, plait: Plait) -> None:
    plait.path("twistd").write_text("import sys\nprint('mine', sys.argv[1:])\n")
    assert plait("-y", module=TWISTD).stdout == "mine ['-y']\n"
