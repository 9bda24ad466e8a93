"""``plait run`` as a whole: the real command, in the foreground and as a daemon, and each way in which it fails."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from plait.daemon.pidfile import is_alive

from .conftest import PATIENCE, Plait, await_end

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

LINUX = sys.platform == "linux"
needs_root = pytest.mark.skipif(
    not LINUX or os.geteuid() != 0, reason="only root on Linux can be seen to give up its rights: run the tests as root"
)
needs_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may do anything: run the tests as a user to see this")

HEAD = """
from plait import reactor
from plait.deferred import Deferred
from plait.service import Application, Service

application = Application("test")

def note(event):
    with open("events", "a") as file:
        print(event, file=file)

class Noting(Service):
    def __init__(self, name):
        self.setName(name)
        self.setServiceParent(application)

    def startService(self):
        note("start " + self.name)

    def stopService(self):
        note("stop " + self.name)
"""


def events(plait: Plait) -> list[str]:
    return plait.path("events").read_text().splitlines()


def refused(result: subprocess.CompletedProcess[str], lines: int | None = 1) -> str:
    """The message of a command that did not start its program: one line, unless `lines` is None."""
    assert result.returncode == 1, result
    assert result.stderr.startswith("plait: ")
    if lines is not None:
        assert result.stderr.count("\n") == lines
        assert "Traceback" not in result.stderr
    return result.stderr


# ---- a daemon that works


def test_a_daemon_from_start_to_stop(plait: Plait, reverser: str) -> None:
    result = plait("run", "-y", reverser)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    # Served as soon as the command has returned: nothing to wait for.
    assert plait.ask("hello world!") == "!dlrow olleh"
    assert is_alive(plait.pid())
    plait.stop()
    assert not plait.path("plait.pid").exists()
    lines = plait.log().splitlines()
    assert len(lines) >= 3
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[[\w.]*#\w+\] |\d{4}-.* \[-\] ", line), line
    assert lines[-1].endswith("[plait.daemon#info] Stopped.")
    assert any(line.endswith("[stdout#info] asked for hello world!") for line in lines)


def test_a_daemon_can_be_started_again(plait: Plait) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = plait.application(
        "from plait.protocol import Factory, Protocol\nfrom plait.service import Application, TCPServer\n"
        "application = Application('x')\n"
        f"TCPServer({port}, Factory.forProtocol(Protocol), interface='127.0.0.1').setServiceParent(application)\n"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        result = plait("run", "--drain-timeout", "0", "-y", app)
        assert result.returncode == 0, result
        # A connection that is open when the port closes must not keep the next start from it.
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            plait.stop(number=number)


@pytest.mark.skipif(not LINUX, reason="looks at /proc")
def test_a_daemon_has_left_its_terminal(plait: Plait, reverser: str) -> None:
    plait.path("place").mkdir()
    result = plait("run", "-y", reverser, "-d", "place")
    assert result.returncode == 0, result
    place = plait.path("place")
    pid = plait.pid("place/plait.pid")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    session, terminal = int(fields[3]), int(fields[4])
    assert session not in (os.getsid(0), pid) and terminal == 0
    assert os.readlink(f"/proc/{pid}/cwd") == str(place)
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    assert (place / "plait.log").stat().st_mode & 0o777 == 0o600
    assert (place / "plait.pid").stat().st_mode & 0o777 == 0o644
    assert sorted(os.listdir(place)) == ["plait.log", "plait.pid", "plait.pid.sock", "port"]


def test_files_by_other_names(plait: Plait, reverser: str) -> None:
    result = plait("run", "-y", reverser, "--pidfile", "other.pid", "--logfile", "other.log", "--umask", "022")
    assert result.returncode == 0, result
    assert plait.path("other.log").stat().st_mode & 0o777 == 0o644
    plait.stop("other.pid")
    assert sorted(os.listdir(plait.folder)) == ["other.log", "port", reverser]


def test_the_log_is_appended_to(plait: Plait, reverser: str) -> None:
    plait.path("plait.log").write_text("what was there\n")
    assert plait("run", "-y", reverser).returncode == 0
    plait.stop()
    assert plait.log().startswith("what was there\n20")


def test_a_file_in_another_folder_with_its_neighbours(plait: Plait) -> None:
    plait.path("apps").mkdir()
    plait.application(HEAD + "service = Noting('neighbour')\n", "apps/neighbour_of_app.py")
    app = plait.application("from neighbour_of_app import application\n", "apps/app.py")
    assert plait("run", "-y", app).returncode == 0
    plait.stop()
    assert events(plait) == ["start neighbour", "stop neighbour"]


def test_what_is_printed_while_the_file_is_loaded_shows_on_the_terminal(plait: Plait) -> None:
    app = plait.application("print('loading')\n" + HEAD)
    result = plait("run", "-y", app)
    assert (result.returncode, result.stdout) == (0, "loading\n")


def test_an_application_that_is_done_at_once(plait: Plait) -> None:
    app = plait.application(HEAD + "Noting('a')\nreactor.callWhenRunning(reactor.stop)\n")
    assert plait("run", "-y", app).returncode == 0
    for pid in plait.pids():
        await_end(pid)
    assert events(plait)[0] == "start a"


def test_the_end_waits_for_services_that_take_their_time(plait: Plait) -> None:
    app = plait.application(
        HEAD
        + """
class Slow(Noting):
    def stopService(self):
        note("stopping " + self.name)
        stopped = Deferred()
        reactor.callLater(0.1, stopped.callback, None)
        stopped.addCallback(lambda _: note("stopped " + self.name))
        return stopped
Noting("a"), Slow("b")
"""
    )
    assert plait("run", "-y", app).returncode == 0
    plait.stop()
    assert events(plait) == ["start a", "start b", "stopping b", "stop a", "stopped b"]


def test_the_alias_and_the_daemon(plait: Plait) -> None:
    pytest.importorskip("plait.as_twisted")
    app = plait.application(
        "from twisted.application import internet, service\nfrom twisted.internet import protocol\n"
        "application = service.Application('x')\n"
        "internet.TCPServer(0, protocol.Factory.forProtocol(protocol.Protocol)).setServiceParent(application)\n"
    )
    result = plait("run", "-y", app, module=("plait.as_twisted", "-m", "plait"))
    assert (result.returncode, result.stderr) == (0, "")
    plait.stop()


# ---- in the foreground


def test_the_foreground(plait: Plait, reverser: str, read_until: Callable[[IO[str], str], str]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        process = plait.open("run", "-n", "-y", reverser)
        assert process.stdout is not None
        read_until(process.stdout, "[plait.daemon#info] Ready.")
        assert plait.pid() == process.pid
        assert plait.ask("hello") == "olleh"
        process.send_signal(number)
        output, complaints = process.communicate(timeout=PATIENCE)
        assert (process.returncode, complaints) == (0, "")
        assert "asked for hello\n" in output and output.endswith("Stopped.\n")
        assert sorted(os.listdir(plait.folder)) == ["port", reverser]


def test_the_foreground_with_a_log_file_and_no_pid_file(
    plait: Plait, read_until: Callable[[IO[str], str], str]
) -> None:
    app = plait.application(HEAD + "reactor.callWhenRunning(reactor.callLater, 0, print, 'here')\n")
    process = plait.open("run", "-n", "-y", app, "-l", "plait.log", "--pidfile=")
    assert process.stdout is not None
    assert read_until(process.stdout, "here") == "here\n"
    process.terminate()
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == 0
    assert plait.log().endswith("Stopped.\n")
    assert sorted(os.listdir(plait.folder)) == ["app.py", "plait.log"]


# ---- users and groups


@needs_root
@pytest.mark.parametrize("how", ["options", "application"])
def test_root_becomes_nobody(plait: Plait, reverser: str, how: str) -> None:
    import pwd

    nobody = pwd.getpwnam("nobody")
    options = ["-u", "nobody", "-g", str(nobody.pw_gid)] if how == "options" else []
    if how == "application":
        with open(plait.path(reverser), "a") as file:
            print(f"application.uid = {nobody.pw_uid}", file=file)
    # What the services do once rights are given up they do as nobody, and the folder is root's.
    plait.folder.chmod(0o755)
    result = plait("run", "-y", reverser, *options)
    assert "port" in refused(result, lines=None) and "Permission denied" in result.stderr
    assert sorted(os.listdir(plait.folder)) == ["plait.log", reverser]
    plait.path("port").touch()
    plait.path("port").chmod(0o666)
    result = plait("run", "-y", reverser, *options)
    assert (result.returncode, result.stderr) == (0, "")
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{plait.pid()}/status").read_text().splitlines() if ":" in line
    )
    assert [int(part) for part in status["Uid"].split()] == [nobody.pw_uid] * 4
    assert [int(part) for part in status["Gid"].split()] == [nobody.pw_gid] * 4
    groups = os.getgrouplist("nobody", nobody.pw_gid)
    assert sorted(int(part) for part in status["Groups"].split()) == sorted(set(groups))
    assert int(status["CapEff"], 16) == 0
    assert plait.ask("hello") == "olleh"
    plait.stop()
    # It may not remove files here any more, and yet its pid file is gone when it has ended.
    assert not plait.path("plait.pid").exists()
    assert plait.log().endswith("Stopped.\n")


@needs_root
def test_ports_below_1024_are_opened_before_rights_are_given_up(plait: Plait) -> None:
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                break
            except OSError:
                continue
    app = plait.application(
        "from plait.protocol import Factory, Protocol\nfrom plait.service import Application, TCPServer\n"
        "application = Application('x')\n"
        f"TCPServer({port}, Factory.forProtocol(Protocol), interface='127.0.0.1').setServiceParent(application)\n"
    )
    result = plait("run", "-y", app, "--uid", "nobody")
    assert (result.returncode, result.stderr) == (0, "")
    socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    plait.stop()


@needs_root
def test_root_keeps_no_helper_that_it_does_not_need(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    assert Path(f"/proc/{plait.pid()}/task/{plait.pid()}/children").read_text() == ""
    plait.stop()


@needs_user
def test_a_user_cannot_become_root(plait: Plait, reverser: str) -> None:
    assert "only root can change" in refused(plait("run", "-y", reverser, "-u", "root"))


@needs_root
def test_a_user_runs_a_daemon_and_cannot_become_another() -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    folder.chmod(0o777)
    plait = Plait(folder)
    try:
        app = plait.application(HEAD + "Noting('a')\n")
        result = plait("run", "-y", app, "-u", "root", user=65534)
        assert "only root can change user and group" in refused(result)
        result = plait("run", "-y", app, user=65534)
        assert (result.returncode, result.stderr) == (0, "")
        assert plait.path("plait.pid").stat().st_uid == 65534
        plait.stop()
        assert not plait.path("plait.pid").exists()
        folder.chmod(0o755)
        plait.path("plait.log").unlink()
        assert "cannot write the log file" in refused(plait("run", "-y", app, user=65534))
        message = refused(plait("run", "-n", "-y", app, user=65534))
        assert f"cannot write the pid file {plait.path('plait.pid')}: Permission denied" in message
    finally:
        plait.clean_up()
        shutil.rmtree(folder)


# ---- refusals: each is one message, a status other than 0, and nothing is left behind

FOREGROUND_AND_DAEMON = pytest.mark.parametrize("mode", [["-n"], []], ids=["foreground", "daemon"])


@FOREGROUND_AND_DAEMON
@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, ["there is no file", "app.py"]),
        ("x = 1\ndef f(:\n", ["syntax error in", "app.py, line 2: ", "def f(:"]),
        ("x = 1\n", ["does not define `application`", "app.py"]),
        ("application = 1\n", ["an int"]),
    ],
)
def test_a_file_that_is_wrong(plait: Plait, mode: list[str], source: str | None, words: list[str]) -> None:
    if source is not None:
        plait.application(source)
    message = refused(plait("run", *mode, "-y", "app.py"))
    for word in words:
        assert word in message
    assert not plait.path("plait.pid").exists()


@FOREGROUND_AND_DAEMON
def test_a_file_that_raises_shows_its_own_frames(plait: Plait, mode: list[str]) -> None:
    app = plait.application("def work():\n    raise ValueError('no luck')\n\nwork()\n")
    message = refused(plait("run", *mode, "-y", app), lines=None)
    assert "app.py failed while it was loaded:\nTraceback" in message
    assert message.endswith("ValueError: no luck\n")
    assert message.count("File ") == 2 and 'app.py", line 2' in message and 'app.py", line 4' in message


@FOREGROUND_AND_DAEMON
def test_a_long_message_arrives_whole(plait: Plait, mode: list[str]) -> None:
    app = plait.application("raise ValueError('x' * 300_000 + 'end')\n")
    message = refused(plait("run", *mode, "-y", app), lines=None)
    assert message.count("x") > 300_000 and message.endswith("xend\n")


@FOREGROUND_AND_DAEMON
def test_a_port_that_is_taken(plait: Plait, mode: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = plait.application(
            HEAD
            + "from plait.protocol import Factory, Protocol\nfrom plait.service import TCPServer\nNoting('a')\n"
            + f"TCPServer({port}, Factory.forProtocol(Protocol), interface='127.0.0.1').setServiceParent(application)\n"
        )
        message = refused(plait("run", *mode, "-y", app))
    assert f"127.0.0.1:{port}" in message and "Address already in use" in message
    assert not plait.path("plait.pid").exists()
    assert not plait.path("events").exists()


def test_a_supervisor_that_gives_up_ends_the_program(plait: Plait) -> None:
    program = (
        HEAD
        + """
from plait.service import Supervisor

async def work():
    note("work")
    raise OSError("no such sensor")

supervisor = Supervisor(maxRestarts=2, backoffPolicy=lambda failures: 0.0)
supervisor.setServiceParent(application)
supervisor.addChild(work, name="work")
Noting("other")
"""
    )
    plait.path("app.py").write_text(program)
    result = plait("run", "-n", "-y", "app.py")
    assert result.returncode == 1
    assert events(plait) == ["work", "work", "work", "start other", "stop other"]
    assert "starting it again in 0 s" in result.stderr + result.stdout
    assert "Supervisor gives up, and ends the program" in result.stderr + result.stdout


@FOREGROUND_AND_DAEMON
def test_a_start_that_fails_is_undone(plait: Plait, mode: list[str]) -> None:
    app = plait.application(
        HEAD
        + """
class Faulty(Noting):
    def startService(self):
        raise ValueError("out of order")
class Slow(Noting):
    def stopService(self):
        stopped = Deferred()
        reactor.callLater(0.05, stopped.callback, None)
        stopped.addCallback(lambda _: note("stopped " + self.name))
        return stopped
Noting("a"), Slow("b"), Faulty("c"), Noting("d")
"""
    )
    message = refused(plait("run", *mode, "-y", app), lines=None)
    assert "the application could not be started:\n" in message and message.endswith("ValueError: out of order\n")
    assert message.count("File ") == 1 and "app.py" in message
    assert events(plait) == ["start a", "start b", "stop a", "stopped b"]
    assert not plait.path("plait.pid").exists()


@FOREGROUND_AND_DAEMON
def test_a_program_that_runs_already(plait: Plait, reverser: str, mode: list[str]) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    message = refused(plait("run", *mode, "-y", reverser))
    assert "already running" in message and str(pid) in message and "plait.pid" in message
    assert plait.pid() == pid and plait.ask("ok") == "ko"
    plait.stop()


@FOREGROUND_AND_DAEMON
def test_a_stale_pid_file(
    plait: Plait, reverser: str, mode: list[str], read_until: Callable[[IO[str], str], str]
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    plait.path("plait.pid").write_text(f"{dead.pid}\n")
    message = refused(plait("run", *mode, "-y", reverser))
    for word in ("stale", str(plait.path("plait.pid")), str(dead.pid), "--stale-pidfile=remove"):
        assert word in message
    assert plait.pid() == dead.pid
    if mode:
        process = plait.open("run", *mode, "-y", reverser, "--stale-pidfile=remove")
        assert process.stdout is not None
        read_until(process.stdout, "Ready.")
        assert plait.pid() == process.pid
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE)
    else:
        result = plait("run", "-y", reverser, "--stale-pidfile=remove")
        assert result.returncode == 0
        said = result.stderr
        plait.stop()
    assert said.count("\n") == 1 and "removed the stale pid file" in said and str(dead.pid) in said
    assert not plait.path("plait.pid").exists()


@FOREGROUND_AND_DAEMON
def test_a_pid_file_with_garbage(plait: Plait, reverser: str, mode: list[str]) -> None:
    plait.path("plait.pid").write_text("shopping list\n")
    message = refused(plait("run", *mode, "-y", reverser, "--stale-pidfile=remove"))
    assert "holds no process id" in message and "shopping list" in message
    assert plait.path("plait.pid").read_text() == "shopping list\n"


@FOREGROUND_AND_DAEMON
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-u", "no-such-user"], "there is no user 'no-such-user'"),
        (["-u", "nobody", "-g", "no-such-group"], "there is no group 'no-such-group'"),
        (["-l", "missing/x.log"], "missing/x.log: No such file or directory"),
        (["--pidfile", "missing/x.pid"], "missing/x.pid: No such file or directory"),
        (["-d", "missing"], "cannot run in the folder missing: No such file or directory"),
    ],
)
def test_an_option_that_cannot_be_followed(
    plait: Plait, reverser: str, mode: list[str], options: list[str], words: str
) -> None:
    message = refused(plait("run", *mode, "-y", reverser, *options))
    assert words in message
    assert not plait.path("plait.pid").exists()


@FOREGROUND_AND_DAEMON
def test_an_engine_that_nobody_knows(plait: Plait, reverser: str, mode: list[str]) -> None:
    plait.environment["PLAIT_ENGINE"] = "steam"
    message = refused(plait("run", *mode, "-y", reverser))
    assert "steam" in message


def test_a_failed_start_is_in_the_log_too(plait: Plait) -> None:
    refused(plait("run", "-y", "missing.py"))
    assert re.search(r"\[plait.daemon#error\] there is no file .*missing.py\n", plait.log())


def test_a_platform_without_fork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from plait.cli import main

    monkeypatch.delattr(os, "fork")
    assert main(["run", "-y", str(tmp_path / "app.py")]) == 1
    assert "add -n" in capsys.readouterr().err


# ---- accidents


def test_of_two_starts_at_once_one_wins(plait: Plait) -> None:
    app = plait.application(HEAD)
    starts = [plait.open("run", "-y", app) for _ in range(4)]
    ends = [(*start.communicate(timeout=PATIENCE), start.returncode) for start in starts]
    assert sorted(status for _, _, status in ends) == [0, 1, 1, 1], ends
    for _, said, status in ends:
        if status:
            assert "already running" in said or "another start was faster" in said
    assert is_alive(plait.pid())
    plait.stop()


@FOREGROUND_AND_DAEMON
@pytest.mark.parametrize("moment", ["while it is loaded", "while it starts"])
def test_a_signal_before_it_is_ready(plait: Plait, mode: list[str], moment: str) -> None:
    source = HEAD + "import os, signal\nNoting('a')\n"
    if moment == "while it is loaded":
        source += "os.kill(os.getpid(), signal.SIGTERM)\n"
    else:
        source += (
            "class Interrupting(Noting):\n    def startService(self):\n        os.kill(os.getpid(), signal.SIGTERM)\n"
            "Interrupting('b')\n"
        )
    message = refused(plait("run", *mode, "-y", plait.application(source)))
    assert "stopped by a signal" in message
    assert not plait.path("plait.pid").exists()
    if moment == "while it starts":
        assert events(plait) == ["start a", "stop a"]


def test_ctrl_c_reaches_a_daemon_that_is_not_ready(plait: Plait) -> None:
    gate = plait.gate("gate")
    # It waits for a pipe that the signal itself writes to: signal.pause() would sleep on if the signal came just before.
    # And it writes by a call, not in the clean-up of a file that is let go, where an interrupt would be swallowed.
    app = plait.application(
        "import os, signal\n"
        "woken, wake = os.pipe()\n"
        "os.set_blocking(wake, False)\n"
        "signal.set_wakeup_fd(wake)\n"
        "os.write(os.open('gate', os.O_WRONLY), str(os.getpid()).encode())\n"
        "while True:\n"
        "    os.read(woken, 1)\n"
    )
    process = plait.open("run", "-y", app)
    daemon = int(gate.read())
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.count("\n")) == (1, 1)
    assert "interrupted" in said
    await_end(daemon)
    assert not plait.path("plait.pid").exists()


def test_a_daemon_whose_command_is_gone_stops(plait: Plait) -> None:
    there, go = plait.gate("there"), plait.gate("go")
    app = plait.application(
        "import os\nopen('there', 'w').write(str(os.getpid()))\nopen('go').readline()\n" + HEAD + "Noting('a')\n"
    )
    process = plait.open("run", "-y", app)
    daemon = int(there.read())
    process.kill()
    process.wait()
    go.write("go\n")
    await_end(daemon)
    assert events(plait) == ["start a", "stop a"]
    assert not plait.path("plait.pid").exists()


def test_a_daemon_that_dies_before_it_is_ready(plait: Plait) -> None:
    message = refused(plait("run", "-y", plait.application("import os\nos._exit(0)\n")))
    assert "ended before it was ready" in message


def test_a_pid_file_that_was_taken_over_is_left(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    plait.path("plait.pid").write_text("1\n")
    os.kill(pid, signal.SIGTERM)
    await_end(pid)
    assert plait.path("plait.pid").read_text() == "1\n"


def test_a_service_that_cannot_stop_is_in_the_log(plait: Plait) -> None:
    app = plait.application(
        HEAD
        + "class Stuck(Noting):\n    def stopService(self):\n        raise ValueError('will not')\n"
        + "Noting('a'), Stuck('b')\n"
    )
    assert plait("run", "-y", app).returncode == 0
    plait.stop()
    assert events(plait) == ["start a", "start b", "stop a"]
    assert "Stuck 'b' failed to stop" in plait.log() and "ValueError: will not" in plait.log()
    assert not plait.path("plait.pid").exists()
