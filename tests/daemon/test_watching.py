"""``--reload``: the program begins anew with what has changed, in the same process, and its sockets stay open."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import IO

import pytest

from .conftest import PATIENCE, Plait

pytest.importorskip("watchfiles", reason="--reload needs watchfiles: pip install plait[reload]")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="begins anew by exec, as on Unix")

Read = Callable[[IO[str], str], str]

APP = """
import answer
from plait.protocol import Factory, Protocol
from plait.service import Application, Service, TCPServer, UNIXServer

class Tell(Protocol):
    def connectionMade(self):
        import os
        self.transport.write(f"{answer.WORD} {os.getpid()}".encode())
        self.transport.loseConnection()

class Announce(Service):
    def startService(self):
        with open("port", "w") as file:
            file.write(str(tcp.getHost().port))

application = Application("watched")
tcp = TCPServer(0, Factory.forProtocol(Tell), interface="127.0.0.1")
tcp.setServiceParent(application)
UNIXServer("socket", Factory.forProtocol(Tell), wantPID=True).setServiceParent(application)
Announce().setServiceParent(application)
"""


def told(plait: Plait) -> list[str]:
    port = int(plait.path("port").read_text())
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        return connection.makefile().read().split()


def told_by_unix(plait: Plait) -> list[str]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(plait.path("socket")))
        return connection.makefile().read().split()


@pytest.fixture
def watched(plait: Plait) -> Plait:
    plait.application(APP)
    plait.path("answer.py").write_text("WORD = 'one'\n")
    return plait


def test_new_code_in_the_same_process(watched: Plait, read_until: Read) -> None:
    process = watched.open("run", "-n", "--reload", "-y", "app.py")
    out = process.stdout
    assert out is not None
    read_until(out, "Ready.")
    port = watched.path("port").read_text()
    assert told(watched) == ["one", str(process.pid)]
    for word in ("two", "six"):  # of one size, in one second: a compiled file must not be taken for the new one
        watched.path("answer.py").write_text(f"WORD = '{word}'\n")
        assert "Changed: answer.py." in read_until(out, "Ready.")
        assert told(watched) == told_by_unix(watched) == [word, str(process.pid)]
    assert watched.path("port").read_text() == port and watched.pid() == process.pid
    process.send_signal(signal.SIGINT)
    assert watched.ended() == 0
    assert not watched.path("plait.pid").exists() and not watched.path("socket").exists()


def test_with_a_syntax_error_the_old_code_serves_on(watched: Plait, read_until: Read) -> None:
    process = watched.open("run", "-n", "--reload", "-y", "app.py")
    out = process.stdout
    assert out is not None
    read_until(out, "Ready.")
    watched.path("answer.py").write_text("WORD = = 'two'\n")
    said = read_until(out, "goes on as it was")
    assert "answer.py, line 1: invalid syntax: WORD = = 'two'" in said
    assert told(watched) == ["one", str(process.pid)]
    watched.path("answer.py").write_text("WORD = 'two'\n")
    read_until(out, "Ready.")
    assert told(watched)[0] == "two"


def test_code_that_cannot_start_is_waited_for(watched: Plait, read_until: Read) -> None:
    process = watched.open("run", "-n", "--reload", "-y", "app.py")
    out, err = process.stdout, process.stderr
    assert out is not None and err is not None
    read_until(out, "Ready.")
    watched.path("answer.py").write_text("WORD = no_such_name\n")
    assert "NameError: name 'no_such_name'" in read_until(err, "waiting for a change")
    port = int(watched.path("port").read_text())
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as early:  # nobody accepts, nobody refuses
        watched.path("answer.py").write_text("WORD = = 'three'\n")
        read_until(err, "syntax error in")
        watched.path("answer.py").write_text("WORD = 'three'\n")
        assert early.makefile().read().split() == ["three", str(process.pid)]
    read_until(out, "Ready.")
    assert told_by_unix(watched)[0] == "three"


def test_a_first_start_that_fails(watched: Plait, read_until: Read) -> None:
    watched.path("answer.py").write_text("import no_such_module\n")
    process = watched.open("run", "-n", "--reload", "-y", "app.py")
    out, err = process.stdout, process.stderr
    assert out is not None and err is not None
    read_until(err, "waiting for a change")
    watched.path("answer.py").write_text("WORD = 'mended'\n")
    read_until(out, "Ready.")
    assert told(watched)[0] == "mended"
    process.send_signal(signal.SIGTERM)
    assert watched.ended() == 0


def test_ctrl_c_while_it_waits(watched: Plait, read_until: Read) -> None:
    watched.path("answer.py").write_text("1 / 0\n")
    process = watched.open("run", "-n", "--reload", "-y", "app.py")
    assert process.stderr is not None
    read_until(process.stderr, "waiting for a change")
    process.send_signal(signal.SIGINT)
    assert watched.ended() == 1
    assert "Traceback" not in process.stderr.read()


def test_the_configuration_counts_too(watched: Plait, read_until: Read) -> None:
    watched.path("parts.py").write_text(
        "from plait.service import Service\n"
        "def say(*, word: str):\n    service = Service()\n    service.startService = lambda: print(word)\n    return service\n"
    )
    watched.path("site.toml").write_text('[services.a]\nuse = "parts:say"\nword = "first"\n')
    process = watched.open("run", "-n", "--reload", "--config", "site.toml")
    out = process.stdout
    assert out is not None
    assert "first" in read_until(out, "Ready.")
    watched.path("site.toml").write_text('[services.a]\nuse = "parts:say"\nword = \n')
    assert "site.toml:3: Invalid value" in read_until(out, "goes on as it was")
    watched.path("site.toml").write_text('[services.a]\nuse = "parts:say"\nword = "second"\n')
    assert "second" in read_until(out, "Ready.")
    # a mistake that is found before the program is made: it is waited for as well
    assert process.stderr is not None
    watched.path("site.toml").write_text('[run]\nlogfil = "x"\n[services.a]\nuse = "parts:say"\nword = "third"\n')
    assert "site.toml:2: plait run has no option 'logfil'" in read_until(process.stderr, "waiting for a change")
    watched.path("site.toml").write_text('[services.a]\nuse = "parts:say"\nword = "third"\n')
    assert "third" in read_until(out, "Ready.")


def test_only_in_the_foreground(watched: Plait) -> None:
    result = watched("run", "--reload", "-y", "app.py")
    assert (result.returncode, result.stderr) == (2, "plait run: --reload is for the foreground: add -n\n")


def test_without_watchfiles(watched: Plait) -> None:
    watched.path("watchfiles.py").write_text("")
    hide = "import sys; sys.modules['watchfiles'] = None; from plait.cli import main; sys.exit(main(sys.argv[1:]))"
    watched.path("hide.py").write_text(hide)
    result = watched("run", "-n", "--reload", "-y", "app.py", module=("hide",))
    assert (result.returncode, result.stderr) == (
        1,
        "plait: --reload needs the package watchfiles: pip install 'plait[reload]'\n",
    )
