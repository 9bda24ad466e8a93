"""``plait run --config FILE``: services by a file, mistakes with their line, and a file that changes while it is in use."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from plait.daemon.errors import StartError
from plait.daemon.toml import Table

from .conftest import PATIENCE, Plait

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP on this platform")

Read = Callable[[IO[str], str], str]

PARTS = '''
import itertools, os
from typing import Literal
from plait.service import Service

made = itertools.count(1)

class Part(Service):
    def __init__(self, word, number):
        self.word, self.number = word, number

    def startService(self):
        if self.word == "refuse":
            raise OSError("not today")
        super().startService()
        note(f"start {self.name} {self.word} {self.number}")

    def stopService(self):
        super().stopService()
        note(f"stop {self.name} {self.word} {self.number}")

    def reloadService(self):
        note(f"reload {self.name} {self.word} {self.number}")

class Failing(Part):
    def startService(self):
        from plait import reactor
        super().startService()
        if next(made) == 1:
            reactor.callLater(0, self.reportFailure, ValueError("down"))

def note(text):
    with open("events", "a") as file:
        print(text, file=file)

def part(*, word: str = "plain", number: int = 1, kind: Literal["a", "b"] = "a", many: list[str] = []):
    """A part."""
    if word == "break":
        raise ValueError("broken")
    return Part(word, number)

def needy(*, word: str, number: int):
    return Part(word, number)

def failing():
    return Failing("word", 0)

class Maker:
    tapname = description = "maker"
    class options(dict):
        def parseOptions(self, arguments):
            if arguments == ["--bad"]:
                raise UsageError("option --bad not recognized")
            self["word"] = arguments[-1]
    def makeService(self, options):
        return Part(options["word"], 0)

class UsageError(Exception):
    pass

maker = Maker()
'''

GOOD = """\
[run]
drain-timeout = 0
umask = "022"

[services.one]
use = "parts:part"
word = "hello"

[services.two]
use = "parts:part"
number = 7
restart = "transient"
"""


@pytest.fixture
def parts(plait: Plait) -> Plait:
    plait.path("parts.py").write_text(PARTS)
    plait.path("site.toml").write_text(GOOD)
    return plait


def events(plait: Plait) -> list[str]:
    return plait.path("events").read_text().splitlines()


def reload(plait: Plait, config: str, times: int = 1) -> str:
    """Put another file in place, and have it read. What the log says of that."""
    plait.path("site.toml").write_text(config)
    before = plait.log()
    os.kill(plait.pid(), signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE
    while "Reloaded." not in (said := plait.log()[len(before) :]):
        assert time.monotonic() < deadline, said
        time.sleep(0.005)  # the log is a file: there is no event to wait for
    return said


def test_the_services_of_a_file(parts: Plait) -> None:
    result = parts("run", "--config", "site.toml")
    assert (result.returncode, result.stderr) == (0, "")
    assert events(parts) == ["start one hello 1", "start two plain 7"]
    assert parts.path("plait.log").stat().st_mode & 0o777 == 0o644
    assert "starting" in parts.log() and "site.toml." in parts.log()
    parts.stop()
    assert events(parts)[2:] == ["stop two plain 7", "stop one hello 1"]


def test_the_command_line_wins_over_the_file(parts: Plait) -> None:
    parts.path("site.toml").write_text(GOOD.replace("[run]", '[run]\npidfile = "a.pid"\nlogfile = "a.log"'))
    assert parts("run", "--config", "site.toml", "--pidfile", "b.pid", "--umask", "077").returncode == 0
    assert parts.path("b.pid").exists() and not parts.path("a.pid").exists()
    assert parts.path("a.log").stat().st_mode & 0o777 == 0o600
    parts.stop("b.pid")


def test_a_default_that_is_typed_wins_too(parts: Plait, read_until: Read) -> None:
    parts.path("site.toml").write_text(GOOD.replace("[run]", '[run]\npidfile = "a.pid"\nnodaemon = true'))
    process = parts.open("run", "--pidfile", "plait.pid", "--config", "site.toml")
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    assert parts.pid() == process.pid and not parts.path("a.pid").exists()


def test_the_example(plait: Plait) -> None:
    folder = Path(__file__).parents[2] / "examples" / "plugin"
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    text = (folder / "deployment.toml").read_text().replace("8007", str(ports[0])).replace("8008", str(ports[1]))
    plait.path("greeter.py").write_text((folder / "greeter.py").read_text())
    plait.path("deployment.toml").write_text(text)
    assert plait("run", "--config", "deployment.toml").returncode == 0
    answers = []
    for port in ports:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            answers.append(connection.makefile("rb").read())
    assert answers == [b"Hello, world!\r\n", b"HELLO, WELT!\r\nHELLO, LEUTE!\r\n"]
    plait.stop()


def test_a_service_that_fails_is_started_again(parts: Plait) -> None:
    parts.path("site.toml").write_text('[services.f]\nuse = "parts:failing"\nrestart = "permanent"\n')
    assert parts("run", "--config", "site.toml").returncode == 0
    deadline = time.monotonic() + PATIENCE
    while len(events(parts)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert events(parts)[:3] == ["start f word 0", "stop f word 0", "start f word 0"]
    assert "Failing 'f' failed" in parts.log()
    parts.stop()


def test_a_service_maker(parts: Plait) -> None:
    parts.path("site.toml").write_text('[services.m]\nuse = "parts:maker"\narguments = ["--word", "x"]\n')
    assert parts("run", "--config", "site.toml").returncode == 0
    assert events(parts) == ["start m x 0"]
    parts.stop()


# ---- mistakes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[run]", "[run", "site.toml:1: Expected ']'"),
        ('word = "hello"', "word = ", "site.toml:7: Invalid value"),
        ('"transient"\n', '"""tra\n', "site.toml:13: "),
        ("[run]", "[runs]", "site.toml:1: unknown table or key 'runs': did you mean run?"),
        ("drain-timeout", "drain-timout", "site.toml:2: plait run has no option 'drain-timout': did you mean drain-timeout?"),
        ("drain-timeout = 0", 'drain-timeout = "soon"', "site.toml:2: drain-timeout: 'soon' is no number of seconds"),
        ('umask = "022"', "umask = 18", "site.toml:3: umask: it has to be text, not 18"),
        ('umask = "022"', "nodaemon = 1", "site.toml:3: nodaemon: it is a flag, so it has to be true or false, not 1"),
        ('umask = "022"', 'stale-pidfile = "ask"', "site.toml:3: stale-pidfile: it has to be one of 'refuse', 'remove'"),
        ('umask = "022"', 'python = "a.py"', "site.toml:3: plait run has no option 'python'"),
        ("word =", "wrod =", "site.toml:7: parts:part has no parameter 'wrod': did you mean word?"),
        ("number = 7", 'number = "7"', "site.toml:11: number has to be a whole number, not '7'"),
        ("number = 7", 'kind = "c"', "site.toml:11: kind has to be one of 'a', 'b', not 'c'"),
        ("number = 7", "many = [\n'x',\n3]", "site.toml:11: many has to be text, not 3"),
        ('use = "parts:part"\nword', "word", "site.toml:5: [services.one] does not say what to use"),
        ('use = "parts:part"\nword', 'use = 1\nword', "site.toml:6: use has to be text, not 1"),
        ('"transient"', '"always"', "site.toml:12: restart has to be one of permanent, transient, temporary, not 'always'"),
        ('parts:part"\nword', 'part:part"\nword', "site.toml:6: the plugin part:part cannot be loaded: ModuleNotFoundError"),
        ('parts:part"\nword', 'parts:prat"\nword', "site.toml:6: the plugin parts:prat cannot be loaded: AttributeError"),
        ('parts:part"\nword', 'parts"\nword', "site.toml:6: there is no service 'parts' to run"),
        ('parts:part"\nword', 'parts:made"\nword', "site.toml:6: the plugin parts:made is count("),
        ('parts:part"\nword', 'parts:needy"\nword', "site.toml:5: [services.one] needs number"),
        ('parts:part"\nword', 'parts:maker"\nword', "site.toml:7: parts:maker reads a command line: say arguments"),
        ('word = "hello"', "[services]\none = 1", "site.toml:"),
        ('"parts:part"\nword = "hello"', '"parts:maker"\narguments = ["--bad"]', "site.toml:7: plait run parts:maker: option"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(parts: Plait, old: str, new: str, message: str) -> None:
    assert old in GOOD
    parts.path("site.toml").write_text(GOOD.replace(old, new, 1))
    result = parts("run", "--config", "site.toml")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
    assert result.stderr.startswith(f"plait: {message}")
    assert not parts.path("plait.pid").exists() and not parts.path("events").exists()


def test_files_that_cannot_be_used(parts: Plait) -> None:
    assert parts("run", "--config", "none.toml").stderr == "plait: there is no file none.toml\n"
    parts.path("site.toml").write_text("")
    assert parts("run", "--config", "site.toml").stderr.startswith("plait: site.toml:1: it describes no service")
    parts.path("site.toml").write_bytes(b"x = '\xff'")
    assert "site.toml is not a TOML file" in parts("run", "--config", "site.toml").stderr
    both = parts("run", "--config", "site.toml", "-y", "app.py")
    assert both.stderr.count("\n") == 1


def test_the_lines_of_keys(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        'top = 1\nsome."dotted key".x = 2\ntext = """\nno = "key"\n[no.table]\n"""\n'
        "[ a . 'b c' ]  # [not.this]\nlist = [\n  'k = 1',\n]\ninner = { deep = 3 }\n[[a.d]]\ny = 1\n"
    )
    table = Table(str(tmp_path / "x.toml"), "x.toml")
    for path, line in [
        (("top",), 1),
        (("some", "dotted key", "x"), 2),
        (("text",), 3),
        (("no",), 1),
        (("a", "b c"), 7),
        (("a", "b c", "list"), 8),
        (("a", "b c", "inner", "deep"), 11),
        (("a", "d", "y"), 13),
    ]:
        error = table.error(path, "?")
        assert isinstance(error, StartError) and str(error) == f"x.toml:{line}: ?", path


# ---- a file that changes


def test_only_what_has_changed_is_started_anew(parts: Plait) -> None:
    more = '[services.three]\nuse = "parts:part"\n'
    parts.path("site.toml").write_text(GOOD + more)
    assert parts("run", "--config", "site.toml").returncode == 0
    begin = len(events(parts))
    said = reload(parts, GOOD.replace("number = 7", "number = 8") + '[services.four]\nuse = "parts:part"\n')
    assert events(parts)[begin:] == [
        "stop three plain 1",
        "stop two plain 7",
        "start two plain 8",
        "start four plain 1",
        "reload one hello 1",
    ]
    assert "Stopping two: it is changed." in said and "Stopping three: it is removed." in said
    assert "Starting four." in said and "[run]" not in said
    parts.stop()
    assert events(parts)[-3:] == ["stop four plain 1", "stop two plain 8", "stop one hello 1"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("number = 7", "number = ", "site.toml:11: Invalid value"),
        ("number = 7", "nubmer = 7", "site.toml:11: parts:part has no parameter 'nubmer': did you mean number?"),
        ('word = "hello"', 'word = "break"', "the service parts:part could not be made: ValueError: broken"),
    ],
)
def test_a_faulty_file_changes_nothing(parts: Plait, old: str, new: str, message: str) -> None:
    assert parts("run", "--config", "site.toml").returncode == 0
    said = reload(parts, GOOD.replace(old, new))
    (line,) = [line for line in said.splitlines() if "The configuration is not changed: " in line]
    assert message in line and "Traceback" not in said and len(said.splitlines()) == 3
    assert events(parts)[2:] == ["reload one hello 1", "reload two plain 7"]
    parts.stop()


def test_a_service_that_cannot_be_started_is_tried_again(parts: Plait) -> None:
    assert parts("run", "--config", "site.toml").returncode == 0
    said = reload(parts, GOOD.replace('"hello"', '"refuse"'))
    assert "one could not be started; the next reload tries again" in said and "OSError: not today" in said
    said = reload(parts, GOOD.replace("drain-timeout = 0", "drain-timeout = 1"))
    assert "Starting one." in said and "What [run] says has changed" in said
    assert events(parts)[2:] == ["stop one hello 1", "reload two plain 7", "start one hello 1", "reload two plain 7"]
    parts.stop()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("drain-timeout", "drain-timout", "site.toml:2: plait run has no option 'drain-timout'"),
        ("number = 7", "nubmer = 7", "site.toml:11: parts:part has no parameter 'nubmer'"),
    ],
)
def test_an_upgrade_with_a_faulty_file_is_told_in_the_log(parts: Plait, old: str, new: str, message: str) -> None:
    assert parts("run", "--config", "site.toml").returncode == 0
    parts.path("site.toml").write_text(GOOD.replace(old, new))
    os.kill(parts.pid(), signal.SIGUSR2)
    deadline = time.monotonic() + PATIENCE
    while "this one goes on: " not in parts.log():
        assert time.monotonic() < deadline, parts.log()
        time.sleep(0.005)
    assert f"this one goes on: {message}" in parts.log()
    assert events(parts)[2:] == []
    parts.stop()
