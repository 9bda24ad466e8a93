"""``plait run NAME``: services that packages offer, their options, and each way in which they can be wrong."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

import pytest

from plait.daemon.errors import StartError, UsageError
from plait.daemon.parameters import Parameter, parameters_of, summary_of
from plait.daemon.plugins import Plugin

from .conftest import PATIENCE, Plait

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin" / "greeter.py"

PLUGINS = """
from plait.service import Application, Service

def good(*, size: int = 1, kind: str = "plain", fail: bool = False, nothing: bool = False):
    '''Says what it was given.'''
    if fail:
        raise ValueError("as you wish")
    service = Service()
    service.startService = lambda: print("good", size, kind)
    return None if nothing else service

class Options(dict):
    longOpt = ["path="]
    def __init__(self):
        self["path"] = "/"
    def parseOptions(self, arguments):
        for word in arguments:
            option, _, value = word.partition("=")
            if option != "--path":
                raise UsageError(f"option {option} not recognized")
            self["path"] = value
    def __str__(self):
        return "--path=  where"

class UsageError(Exception):
    pass

class Maker:
    tapname = "maker"
    description = "An old one."
    options = Options
    def makeService(self, options):
        return good(kind=options["path"])

maker = Maker()
number = 5
"""

ENTRY_POINTS = """
[plait.services]
good = offering:good
greeter = greeter:greeter
maker = offering:maker
number = offering:number
broken = broken_offering:service
"""


@pytest.fixture
def offering(plait: Plait) -> Plait:
    """The command, where a package is installed that offers some services."""
    site = plait.path("site")
    site.mkdir()
    (site / "offering.py").write_text(PLUGINS)
    (site / "greeter.py").write_text(EXAMPLE.read_text())
    (site / "broken_offering.py").write_text("import no_such_module_anywhere\n")
    info = site / "offering-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offering\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    plait.environment["PYTHONPATH"] += os.pathsep + str(site)
    return plait


def test_the_list(offering: Plait) -> None:
    result = offering("run", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    listed = {line.split()[0]: line.strip() for line in lines[lines.index("", len(lines) - 9) + 1 :] if line}
    assert "--pidfile" in result.stdout
    assert listed["greeter"] == "greeter  Greets everybody who connects."
    assert listed["good"] == "good     Says what it was given."
    assert listed["maker"] == "maker    An old one."
    assert "the plugin broken cannot be loaded: ModuleNotFoundError: No module named" in listed["broken"]


def test_the_options_of_one(offering: Plait) -> None:
    result = offering("run", "greeter", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    words = " ".join(result.stdout.split())
    assert words.startswith("usage: plait run [...] greeter [OPTIONS] Greets everybody who connects.")
    assert "--port N the TCP port to listen on (default: 8007)" in words
    assert (
        "--name NAME whom to greet; the world if you name nobody (can be repeated)" in words
        and "--tone {friendly,curt}" in words
    )
    assert "--path=  where" in offering("run", "maker", "--help").stdout


def test_the_example_as_a_daemon(offering: Plait) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = ("--name", "Ada", "--name=Grace", "--shout", "--tone", "curt")
    result = offering("run", "--umask", "022", "greeter", "--port", str(port), *names)
    assert (result.returncode, result.stderr) == (0, "")
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        assert connection.makefile("rb").read() == b"ADA.\r\nGRACE.\r\n"
    assert "starting greeter." in offering.log()
    offering.stop()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["good", "--size", "3"], "good 3 plain"), (["maker", "--path=/srv"], "good 1 /srv")],
)
def test_in_the_foreground(
    offering: Plait, arguments: list[str], said: str, read_until: Callable[[IO[str], str], str]
) -> None:
    process = offering.open("run", "-n", *arguments)
    assert process.stdout is not None
    assert said in read_until(process.stdout, "Ready.")


@pytest.mark.parametrize("mode", [["-n"], []], ids=["foreground", "daemon"])
@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["greter"], "there is no service 'greter' to run: did you mean greeter?", 2),
        (["xyz"], "there is no service 'xyz' to run: there are broken, good, greeter, maker, number", 2),
        (["good", "--siez", "2"], "unknown option --siez: did you mean --size? (see plait run good --help)", 2),
        (["good", "--size", "big"], "argument --size: invalid int value: 'big'", 2),
        (["good", "more"], "unexpected argument 'more'", 2),
        (["greeter", "--tone", "loud"], "invalid choice: 'loud'", 2),
        (["maker", "--pth=x"], "option --pth not recognized: did you mean --path?", 2),
        (["broken"], "the plugin broken cannot be loaded: ModuleNotFoundError", 1),
        (["number"], "the plugin number is 5, and neither a function nor a service maker", 1),
        (["good", "--nothing"], "is a NoneType, which cannot be run", 1),
    ],
)
def test_what_is_wrong_is_one_line(
    offering: Plait, mode: list[str], arguments: list[str], message: str, status: int
) -> None:
    result = offering("run", *mode, *arguments)
    assert (result.returncode, result.stderr.count("\n")) == (status, 1), result.stderr
    assert result.stderr.startswith("plait: ") and message in result.stderr
    assert not offering.path("plait.pid").exists()


def test_one_that_raises_shows_where(offering: Plait) -> None:
    result = offering("run", "good", "--fail")
    assert result.returncode == 1
    assert "the service good could not be made:" in result.stderr and "offering.py" in result.stderr
    assert result.stderr.endswith("ValueError: as you wish\n")


def test_one_that_nobody_offers(plait: Plait) -> None:
    assert "there is no service 'wbe' to run: did you mean web?" in plait("run", "wbe").stderr
    assert "there is no service 'greeter' to run: there are web" in plait("run", "greeter").stderr


# ---- parameters


def takes(
    *,
    text: str,
    count: int = 3,
    rate: float = 1.5,
    on: bool = False,
    off: bool = True,
    words: list[str] = [],  # noqa: B006
    numbers: list[int] | None = None,
    level: Literal[1, 2] = 1,
    maybe: str | None = None,
    plain="x",  # type: ignore[no-untyped-def]
) -> dict[str, Any]:
    """One thing. And another.

    :param text: what to say,
        on two lines
    :param int count: how often: at most 5%
    """
    return dict(locals())


def test_parameters() -> None:
    found = {parameter.name: parameter for parameter in parameters_of(takes)}
    assert found["text"] == Parameter("text", str, required=True, help="what to say, on two lines")
    assert found["count"] == Parameter("count", int, default=3, help="how often: at most 5%")
    assert found["words"].many and found["numbers"] == Parameter("numbers", int, many=True)
    assert found["level"].choices == (1, 2) and found["maybe"].kind is str and found["plain"].default == "x"
    assert summary_of(takes) == "One thing."


def test_options() -> None:
    plugin = Plugin("takes", lambda: takes)
    given = plugin.make(["--text", "hi", "--on", "--no-off", "--numbers", "1", "--numbers", "2", "--level=2"])
    assert given == takes(text="hi", on=True, off=False, numbers=[1, 2], level=2)
    assert (given["count"], given["words"]) == (3, [])
    with pytest.raises(UsageError, match="--text"):
        plugin.make([])


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("text", "x", "x"),
        ("text", 1, "has to be text, not 1"),
        ("count", True, "has to be a whole number, not true"),
        ("count", 1.0, "has to be a whole number, not 1.0"),
        ("rate", 2, 2.0),
        ("on", "yes", "has to be true or false, not 'yes'"),
        ("numbers", [1, 2], [1, 2]),
        ("numbers", 1, "has to be a list, not 1"),
        ("numbers", ["1"], "has to be a whole number, not '1'"),
        ("level", 3, "has to be one of 1, 2, not 3"),
        ("level", True, "has to be one of 1, 2, not True"),
    ],
)
def test_values_of_a_table(name: str, value: Any, result: Any) -> None:
    (parameter,) = [parameter for parameter in parameters_of(takes) if parameter.name == name]
    if isinstance(result, str) and result.startswith("has to"):
        with pytest.raises(ValueError, match=result):
            parameter.check(value)
    else:
        checked = parameter.check(value)
        assert checked == result and type(checked) is type(result)


def test_functions_that_cannot_be_offered() -> None:
    def odd(*, x: dict[str, int]) -> None: ...

    def by_position(x: int, /) -> None: ...

    def unknown(*, x: NoSuchType) -> None: ...  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(StartError, match=r"odd annotates 'x' with dict\[str, int\], which is no option"):
        parameters_of(odd)
    with pytest.raises(StartError, match="takes 'x' by position only"):
        parameters_of(by_position)
    with pytest.raises(StartError, match="cannot be read: name 'NoSuchType'"):
        parameters_of(unknown)


def test_a_plugin_of_twistd(plait: Plait) -> None:
    folder = plait.path("twisted") / "plugins"
    folder.mkdir(parents=True)
    (folder / "old_plugin.py").write_text(
        "from twisted.application.service import ServiceMaker\n"
        "old = ServiceMaker('Old', 'old_tap', 'Says its word.', 'old')\n"
    )
    plait.path("old_tap.py").write_text(
        "from twisted.application.service import Service\nfrom twisted.python import usage\n"
        "class Options(usage.Options):\n    optParameters = [['word', 'w', 'hello', 'What to say.']]\n"
        "def makeService(options):\n    service = Service()\n"
        "    service.startService = lambda: print('old says', options['word'])\n    return service\n"
    )
    module = ("plait.as_twisted", "-m", "plait")
    assert "  old  Says its word." in plait("run", "--help", module=module).stdout
    assert "--word=" in plait("run", "old", "--help", module=module).stdout
    wrong = plait("run", "old", "--wrod=x", module=module)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "plait: plait run old: option --wrod not recognized: did you mean --word?" in wrong.stderr
    started = plait("run", "old", "-w", "moin", module=module)
    assert (started.returncode, started.stdout) == (0, "old says moin\n")
    plait.stop()
