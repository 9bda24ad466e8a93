"""The options of ``plait run`` that change how it runs: who it becomes, where, with what log, under which tool."""

from __future__ import annotations

import os
import pstats
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import IO

import pytest

from .conftest import Plait
from .test_runner import HEAD, events, needs_root, needs_user, refused

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

# A program that ends by itself.
BRIEF = HEAD + "Noting('a')\nreactor.callWhenRunning(reactor.callLater, 0, reactor.stop)\n"

Read = Callable[[IO[str], str], str]


def test_a_profile_to_read(plait: Plait) -> None:
    result = plait("run", "-n", "-p", "seen.txt", "-y", plait.application(BRIEF))
    assert result.returncode == 0, result
    text = plait.path("seen.txt").read_text()
    assert "Ordered by: cumulative time" in text and "mainLoop" in text


def test_a_profile_for_pstats(plait: Plait) -> None:
    result = plait(
        "run", "-n", "--profile", "seen", "--savestats", "--profiler", "profile", "-y", plait.application(BRIEF)
    )
    assert result.returncode == 0, result
    assert any("mainLoop" in name for _, _, name in pstats.Stats(str(plait.path("seen"))).stats)  # type: ignore[attr-defined]


def test_a_profile_that_cannot_be_written(plait: Plait) -> None:
    message = refused(plait("run", "-n", "-p", "no/where", "-y", plait.application(BRIEF)))
    assert "cannot write the profile no/where" in message


def test_the_debugger(plait: Plait) -> None:
    result = plait("run", "-b", "-y", plait.application(BRIEF), typed="where\nc\n")
    assert result.returncode == 0 and "(Pdb)" in result.stdout and "reactor.py" in result.stdout, result
    assert events(plait) == ["start a", "stop a"]


def test_debug_mode_comes_with_the_debugger(plait: Plait) -> None:
    source = BRIEF + "from plait.deferred import getDebugging\nnote(getDebugging())\n"
    result = plait("run", "-b", "-y", plait.application(source), typed="c\n")
    assert result.returncode == 0 and events(plait)[0] == "True"


@pytest.mark.parametrize(("name", "loop"), [("asyncio", "asyncio"), ("epoll", ""), ("default", "")])
def test_the_engine(plait: Plait, name: str, loop: str) -> None:
    source = BRIEF + "note(type(reactor.loop).__module__)\n"
    result = plait("run", "-n", "--reactor", name, "-y", plait.application(source))
    assert result.returncode == 0, result
    assert events(plait)[0].startswith(loop)


def test_an_engine_that_is_not_there(plait: Plait) -> None:
    assert "unknown engine 'steam'" in refused(plait("run", "-n", "-r", "steam", "-y", plait.application(BRIEF)))


def test_a_logger_of_ones_own(plait: Plait) -> None:
    plait.path("mylog.py").write_text(
        "import json\nfile = open('own.log', 'w')\n"
        "def make():\n    return lambda event: print(json.dumps(event['log_format']), file=file, flush=True)\n"
    )
    plait.environment["PYTHONPATH"] += os.pathsep + str(plait.folder)
    result = plait("run", "-n", "--logger", "mylog.make", "-y", plait.application(BRIEF))
    assert (result.returncode, result.stdout) == (0, "")
    assert plait.path("own.log").read_text().endswith('"Stopped."\n')


def test_a_saved_application(plait: Plait) -> None:
    plait.path("parts.py").write_text(
        "from plait.service import Service\n\nclass Part(Service):\n    def startService(self):\n"
        "        from plait import reactor\n        print('started', flush=True)\n        reactor.callLater(0, reactor.stop)\n"
    )
    plait.path("save.py").write_text(
        "import pickle\nfrom parts import Part\nfrom plait.service import Application\n"
        "application = Application('saved')\nPart().setServiceParent(application)\n"
        "pickle.dump(application, open('app.tap', 'wb'))\n"
    )
    subprocess.run([sys.executable, "save.py"], cwd=plait.folder, env=plait.environment, check=True)
    result = plait("run", "-n", "-l", "plait.log", "-f", "app.tap")
    assert (result.returncode, result.stdout, result.stderr) == (0, "started\n", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        (b"no pickle", "app.tap holds no saved application: UnpicklingError"),
        (b"cnowhere\nThing\n.", "app.tap holds no saved application: ModuleNotFoundError: No module named 'nowhere'"),
        (b"I1\n.", "app.tap is an int, which cannot be run"),
    ],
)
def test_a_saved_application_that_is_none(plait: Plait, content: bytes | None, message: str) -> None:
    if content is not None:
        plait.path("app.tap").write_bytes(content)
    assert message in refused(plait("run", "-n", "-f", "app.tap"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.make", "there is no 'nowhere.make'"),
        ("os.nothing", "there is no 'os.nothing'"),
        ("make", "there is no 'make'"),
        ("os.getpid", "which is no log observer"),
    ],
)
def test_a_logger_that_is_none(plait: Plait, name: str, message: str) -> None:
    assert message in refused(plait("run", "-n", "--logger", name, "-y", plait.application(BRIEF)))


def test_the_log_of_the_system(plait: Plait) -> None:
    """syslog's own address cannot be had in a test: the module's call is replaced by one that prints."""
    plait.path("sitecustomize.py").write_text(
        "import sys, syslog\n"
        "syslog.openlog = lambda *a: sys.stderr.write(f'open {a[0]}\\n')\n"
        "syslog.syslog = lambda priority, text: sys.stderr.write(f'{priority} {text}\\n')\n"
    )
    plait.environment["PYTHONPATH"] = str(plait.folder) + os.pathsep + plait.environment["PYTHONPATH"]
    result = plait("run", "-n", "--syslog", "--prefix", "hello", "-y", plait.application(BRIEF))
    assert (result.returncode, result.stdout) == (0, "")
    lines = result.stderr.splitlines()
    assert lines[0] == "open hello" and lines[-1].startswith("6 ") and lines[-1].endswith("Stopped.")


@needs_root
def test_another_root_folder(plait: Plait, read_until: Read) -> None:
    prison = plait.path("prison")
    prison.mkdir()
    app = plait.application(
        HEAD
        + "import os\nclass Looking(Noting):\n    def startService(self):\n        note(os.listdir('/'))\nLooking('a')\n"
    )
    process = plait.open("run", "-n", "--chroot", str(prison), "-u", "nobody", "-y", app)
    prison.chmod(0o777)
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    assert plait.path("prison/events").read_text().startswith("[")
    os.kill(process.pid, signal.SIGTERM)
    assert plait.ended() == 0
    assert not plait.path("plait.pid").exists()


@needs_root
def test_a_root_folder_that_is_none(plait: Plait) -> None:
    message = refused(plait("run", "-n", "--chroot", "/nowhere/at/all", "-y", plait.application(BRIEF)))
    assert "cannot make /nowhere/at/all the root folder: No such file" in message
    assert not plait.path("plait.pid").exists()


@needs_user
def test_only_root_changes_the_root_folder(plait: Plait) -> None:
    message = refused(plait("run", "-n", "--chroot", "/tmp", "-y", plait.application(BRIEF)))
    assert "only root can" in message


@needs_root
def test_the_effective_user_only(plait: Plait) -> None:
    plait.folder.chmod(0o777)
    app = plait.application(
        HEAD + "import os\nclass Who(Noting):\n    def startService(self):\n        note(os.getresuid())\nWho('a')\n"
    )
    assert plait("run", "-u", "nobody", "--euid", "-y", app).returncode == 0
    plait.stop()
    assert events(plait)[0] == "(0, 65534, 0)"
    assert not plait.path("plait.pid").exists()
