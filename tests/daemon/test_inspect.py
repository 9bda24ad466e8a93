"""``plait inspect``: what real daemons tell of themselves, and whom."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from plait.daemon import registry
from plait.daemon.inspection.asking import Asker, AskError
from plait.daemon.inspection.tables import plain

from .conftest import PATIENCE, Plait, await_end
from .test_runner import needs_root
from .test_upgrade import VERSIONED, change_version, upgraded
from .test_upgrade import ask as ask_versioned
from .test_upgrade import connect as connect_versioned
from .test_workers import start, until

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets on this platform")


def inspected(plait: Plait, *arguments: str) -> dict[str, Any]:
    """What the command writes as JSON of the daemon in the test's folder."""
    result = plait("inspect", "--json", *(arguments or ("--pidfile", "plait.pid")))
    assert (result.returncode, result.stderr) == (0, ""), result.stderr + plait.log()
    facts: dict[str, Any] = json.loads(result.stdout)
    return facts


def connect(plait: Plait) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(plait.path("port").read_text())), timeout=PATIENCE)


# ---- what is told


def test_the_facts_are_those_of_known_traffic(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    port = int(plait.path("port").read_text())
    with connect(plait) as connection:
        connection.sendall(b"hello\r\n" * 10)
        with connection.makefile("rb") as answers:
            for _ in range(10):
                assert answers.readline() == b"olleh\r\n"
        plait.ask("gone")
        facts = inspected(plait)
        mine = f"127.0.0.1:{connection.getsockname()[1]}"
        (one,) = facts["connections"]
        assert (one["peer"], one["local"]) == (mine, f"127.0.0.1:{port}")
        assert (one["protocol"], one["direction"], one["tls"]) == ("Reverse", "in", False)
        assert (one["bytesReceived"], one["bytesSent"], one["buffered"]) == (70, 70, 0)
        assert 0 < one["age"] < PATIENCE
    assert (facts["pid"], facts["application"], facts["state"]) == (plait.pid(), "Reverser", "serving")
    (listening,) = facts["ports"]
    assert listening == {
        "kind": "TCP",
        "address": f"127.0.0.1:{port}",
        "factory": "Factory",
        "accepts": 2,
        "open": 1,
        "bytesReceived": 76,
        "bytesSent": 76,
    }
    assert (facts["accepts"], facts["bytesReceived"], facts["bytesSent"]) == (2, 76, 76)
    services = [(service["path"], service["state"], service["port"]) for service in facts["services"]]
    assert services == [
        ("", "running", None),
        ("TCPServer", "running", f"127.0.0.1:{port}"),
        ("Announce", "stopped", None),  # it does not call Service.startService, which notes that
    ]
    assert facts["workers"] == [] and facts["deferreds"] is None
    assert facts["memory"] > 1_000_000
    plait.stop()


BUSY = """
import asyncio
from plait import Deferred, ensureDeferred, reactor
from plait.protocol import Factory, Protocol
from plait.service import Application, Service

def at_some_time():
    pass

class Busy(Service):
    def startService(self):
        super().startService()
        reactor.callLater(1000, at_some_time)
        reactor.callLater(2000, at_some_time)
        self.waits = ensureDeferred(self.work())
        reactor.callInThread(self.block)

    async def work(self):
        self.never = Deferred()
        await self.never

    def block(self):
        open("blocks", "w").close()
        open("gate").read()

application = Application("busy")
Busy().setServiceParent(application)
"""


def test_timers_tasks_threads_and_deferreds_are_told(plait: Plait) -> None:
    gate = plait.gate("gate")
    plait.environment["PLAIT_DEBUG"] = "1"
    assert plait("run", "-y", plait.application(BUSY)).returncode == 0
    until(plait.path("blocks").exists)
    facts = inspected(plait)
    (timer,) = [one for one in facts["timers"]["functions"] if one["function"].endswith("at_some_time")]
    assert timer["count"] == 2 and 900 < timer["due"] <= 1000
    (task,) = [one for one in facts["tasks"]["listed"] if "Busy.work" in one["name"]]
    assert "Busy.work" in task["stack"][0] and "app.py" in task["stack"][0]
    assert (facts["threads"]["busy"], facts["threads"]["queued"]) == (1, 0)
    assert any("app.py" in one["made"] and "in work" in one["made"] for one in facts["deferreds"])
    text = plait("inspect", "--pidfile", "plait.pid").stdout
    assert "at_some_time" in text and "Busy.work" in text
    gate.write("go on")
    os.close(os.open(plait.path("gate"), os.O_WRONLY | os.O_NONBLOCK))
    os.kill(plait.pid(), signal.SIGKILL)  # its thread waits for ever


def test_restarts_are_told(plait: Plait) -> None:
    source = """
from plait.service import Application, Service, Supervisor
from plait import reactor

class Fragile(Service):
    starts = 0
    def startService(self):
        super().startService()
        Fragile.starts += 1
        if Fragile.starts == 1:
            reactor.callLater(0, self.reportFailure, ValueError("broken"))

application = Application("fragile")
supervisor = Supervisor(backoffPolicy=lambda n: 0.0)
supervisor.addChild(Fragile(), name="glass")
supervisor.setServiceParent(application)
"""
    assert plait("run", "-y", plait.application(source)).returncode == 0

    def restarted() -> bool:
        (glass,) = [one for one in inspected(plait)["services"] if one["path"] == "Supervisor/glass"]
        return (glass["restarts"], glass["state"]) == (1, "running")

    until(restarted)
    plait.stop()


# ---- how it is shown


def test_elsewhere_than_on_a_terminal_it_is_plain_text(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    with connect(plait) as connection:
        connection.sendall(b"x\r\n")
        connection.recv(10)
        text = plait("inspect", "--pidfile", "plait.pid").stdout
    assert text.startswith(f"Reverser, process {plait.pid()}, serving for ")
    assert "\x1b" not in text
    peer = f"127.0.0.1:{connection.getsockname()[1] if connection.fileno() >= 0 else ''}"
    assert peer.split(":")[0] in text and "Reverse " in text and "3 B" in text
    for title in ("Services", "Ports", "Connections by bytes"):
        assert f"\n{title}\n" in text
    plait.stop()


def test_what_connections_are_sorted_by_can_be_said(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    with connect(plait) as first:
        first.sendall(b"x\r\n")
        first.recv(100)
        assert len(inspected(plait)["connections"]) == 1  # so the other one is younger, by more than the clock's step
        second = connect(plait)
        second.sendall(b"much\r\n")
        second.recv(100)
        names = [f"127.0.0.1:{one.getsockname()[1]}" for one in (first, second)]
        by_bytes = plait("inspect", "--pidfile", "plait.pid", "--sort", "bytes").stdout
        by_age = plait("inspect", "--pidfile", "plait.pid", "--sort", "age").stdout
        assert by_bytes.index(names[1]) < by_bytes.index(names[0])
        assert by_age.index(names[0]) < by_age.index(names[1])
        second.close()
    plait.stop()


HOSTILE = """
import os
from plait.protocol import Factory, Protocol
from plait.service import Application, UNIXServer

Hostile = type("Bad\\x1b[2Jname\\u202e[bold]", (Protocol,), {})
application = Application("evil\\x1b]0;title\\x07")
UNIXServer(b"sock\\xff", Factory.forProtocol(Hostile)).setServiceParent(application)
"""


def test_names_that_would_move_the_cursor_are_escaped(plait: Plait) -> None:
    assert plait("run", "-y", plait.application(HOSTILE)).returncode == 0
    with socket.socket(socket.AF_UNIX) as peer, socket.socket(socket.AF_UNIX) as nameless:
        peer.bind(os.fsencode(plait.folder) + b"/\x1b[31mpeer")
        for client in (peer, nameless):
            client.connect(os.fsencode(plait.folder) + b"/sock\xff")
        result = plait("inspect", "--pidfile", "plait.pid")
        assert result.returncode == 0
        assert "\x1b" not in result.stdout and "\u202e" not in result.stdout and "\x07" not in result.stdout
        assert "Bad\\x1b[2Jname\\u202e[bold]" in result.stdout
        assert "evil\\x1b]0;title\\x07" in result.stdout
        assert "\\x1b[31mpeer" in result.stdout
        assert len(inspected(plait)["connections"]) == 2
    plait.stop()


def on_a_terminal(plait: Plait, *arguments: str, typed: bytes = b"", until: bytes = b"") -> tuple[bytes, int]:
    """Run the command on a terminal, type something once a text has come; what it has written, and its status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(plait.folder)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "plait", *arguments],
            {**plait.environment, "TERM": "xterm", "COLUMNS": "160", "LINES": "50"},
        )
    seen = b""
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
            if typed and until in seen:
                os.write(terminal, typed)
                typed = b""
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    return seen, os.waitstatus_to_exitcode(status)


def test_on_a_terminal_it_is_live_until_q_is_pressed(plait: Plait, reverser: str) -> None:
    pytest.importorskip("rich", reason="the live table needs Rich")
    assert plait("run", "-y", reverser).returncode == 0
    with connect(plait) as connection:
        seen, status = on_a_terminal(
            plait, "inspect", "--pidfile", "plait.pid", "--interval", "0.1", typed=b"paq", until=b"Reverse"
        )
        assert status == 0, seen
        assert b"\x1b[?1049h" in seen and b"\x1b[?1049l" in seen  # the other screen, and back
        assert b"Connections by bytes" in seen and b"Connections by age" in seen
        assert f"127.0.0.1:{connection.getsockname()[1]}".encode() in seen
    plait.stop()


def test_without_rich_it_says_how_to_get_it(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    plait.path("rich").mkdir()
    plait.path("rich/__init__.py").write_text("raise ImportError('not there')\n")
    plait.environment["PYTHONPATH"] = f"{plait.folder}{os.pathsep}{plait.environment['PYTHONPATH']}"
    seen, status = on_a_terminal(plait, "inspect", "--pidfile", "plait.pid")
    assert status == 1 and b"pip install 'plait[inspect]'" in seen
    seen, status = on_a_terminal(plait, "inspect", "--pidfile", "plait.pid", "--once")
    assert status == 0 and b"Reverser" in seen
    plait.stop()


# ---- finding the daemon


def test_a_daemon_is_found_by_number_and_by_the_path_of_its_pid_file(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    pid = plait.pid()
    assert inspected(plait, str(pid))["pid"] == pid
    assert inspected(plait, str(plait.path("plait.pid")))["pid"] == pid
    plait.stop()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--pidfile", "nowhere.pid"], 3, "nowhere.pid"),
        (["999999999"], 3, "is no daemon that runs"),
        (["--pidfile", "a", "b"], 2, "leave out one"),
        (["--sort", "colour"], 2, "invalid choice"),
    ],
)
def test_mistakes_are_told_in_one_line(plait: Plait, arguments: list[str], status: int, message: str) -> None:
    result = plait("inspect", *arguments)
    assert result.returncode == status and message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_pid_file_the_socket_is_in_the_runtime_folder(plait: Plait, reverser: str) -> None:
    process = plait.open("run", "-n", "--pidfile", "", "-y", reverser)
    until(plait.path("port").exists)
    path = Path(registry.own_folder(make=True)) / f"{process.pid}.sock"
    until(path.exists)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    until(lambda: (Path(registry.own_folder()) / f"{process.pid}.json").exists())
    assert inspected(plait, str(process.pid))["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    assert plait.ended() == 0
    assert not path.exists()


def test_a_path_that_is_too_long_for_a_socket_is_not_used(plait: Plait, reverser: str) -> None:
    deep = plait.folder / ("d" * 100)
    deep.mkdir()
    assert plait("run", "-y", str(plait.path(reverser)), "--pidfile", str(deep / "x.pid")).returncode == 0
    pid = int((deep / "x.pid").read_text())
    assert os.listdir(deep) == ["x.pid"]
    assert inspected(plait, "--pidfile", str(deep / "x.pid"))["pid"] == pid
    assert (Path(registry.own_folder()) / f"{pid}.sock").exists()
    os.kill(pid, signal.SIGTERM)
    await_end(pid)


def test_a_daemon_that_can_make_no_socket_serves_all_the_same(plait: Plait, reverser: str) -> None:
    plait.path("plait.pid.sock").mkdir()
    runtime = plait.path("closed")
    runtime.write_text("no folder")
    source = plait.path(reverser).read_text()
    plait.path(reverser).write_text(
        "from plait.daemon import registry\nfrom plait.daemon.inspection import serving\n"
        "def nowhere(make=False):\n    raise PermissionError(13, 'Permission denied')\n"
        "serving.own_folder = nowhere\n" + source
    )
    assert plait("run", "-y", reverser).returncode == 0
    assert plait.ask("hello") == "olleh"
    assert plait.log().count("plait inspect cannot ask this program") == 1
    result = plait("inspect", str(plait.pid()))
    assert result.returncode == 3 and "has no socket to ask at" in result.stderr
    plait.stop()


# ---- who may ask


def test_the_socket_is_its_owner_s_alone(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    found = plait.path("plait.pid.sock").stat()
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == os.geteuid()
    plait.stop()
    assert not plait.path("plait.pid.sock").exists()


@pytest.fixture
def open_folder() -> Iterator[Plait]:
    """A command whose folder other users may enter: pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    command = Plait(folder)
    yield command
    command.clean_up()
    shutil.rmtree(folder)


@needs_root
def test_another_user_is_refused_by_the_file_and_by_the_daemon(open_folder: Plait) -> None:
    from .conftest import REVERSER

    plait = open_folder
    assert plait("run", "-y", plait.application(REVERSER)).returncode == 0
    result = plait("inspect", "--pidfile", "plait.pid", user=65534)
    assert result.returncode == 1 and "belongs to another user" in result.stderr, result.stderr
    plait.path("plait.pid.sock").chmod(0o666)
    result = plait("inspect", "--pidfile", "plait.pid", user=65534)
    assert result.returncode == 1 and "hung up" in result.stderr, result.stderr
    assert "User 65534 may not inspect this program" in plait.log()
    assert inspected(plait)["pid"] == plait.pid()
    plait.stop()


@needs_root
def test_a_daemon_that_became_another_user_is_that_user_s_to_ask(open_folder: Plait) -> None:
    from .conftest import REVERSER

    plait = open_folder
    source = REVERSER.replace('open("port", "w")', 'open("/dev/null", "w")')
    assert plait("run", "-y", plait.application(source), "--uid", "65534", "--gid", "65534").returncode == 0
    assert plait.path("plait.pid.sock").stat().st_uid == 65534
    assert plait("inspect", "--pidfile", "plait.pid", user=65534).returncode == 0
    assert inspected(plait)["pid"] == plait.pid()
    plait.stop()
    assert not plait.path("plait.pid.sock").exists()  # the keeper has removed it, with the pid file


@needs_root
def test_a_daemon_in_another_root_folder_can_be_asked_from_outside(
    plait: Plait, read_until: Callable[[IO[str], str], str]
) -> None:
    prison = plait.path("prison")
    prison.mkdir()
    source = "from plait.service import Application, Service\napplication = Application('x')\n"
    app = plait.application(source + "Service().setServiceParent(application)\n")
    process = plait.open("run", "-n", "--chroot", str(prison), "-u", "nobody", "-y", app)
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    facts = inspected(plait)
    assert (facts["pid"], facts["application"]) == (process.pid, "x")
    process.send_signal(signal.SIGTERM)
    assert plait.ended() == 0
    assert not plait.path("plait.pid.sock").exists()


# ---- crashes, upgrades, workers


def test_what_a_killed_daemon_has_left_is_replaced(plait: Plait, reverser: str) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    plait.stop(number=signal.SIGKILL)
    assert plait.path("plait.pid.sock").exists()
    result = plait("inspect", "--pidfile", "plait.pid")
    assert result.returncode == 1 and "nobody answers at" in result.stderr
    assert plait("run", "-y", reverser, "--stale-pidfile=remove").returncode == 0
    assert inspected(plait)["pid"] == plait.pid()
    plait.stop()


def test_sockets_of_dead_processes_are_cleared_out_of_the_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "own_folder", lambda make=False: str(tmp_path))
    dead, ours, other = tmp_path / "999999999.sock", tmp_path / f"{os.getpid()}.sock", tmp_path / "x.sock"
    for path in (dead, ours, other):
        path.touch()
    registry.remove_stale_sockets()
    assert sorted(tmp_path.iterdir()) == sorted([ours, other])


def test_the_next_process_answers_after_an_upgrade_and_the_socket_stays(plait: Plait) -> None:
    assert plait("run", "-y", plait.application(VERSIONED)).returncode == 0
    old, before = plait.pid(), plait.path("plait.pid.sock").stat().st_ino
    with connect_versioned(plait) as kept:
        ask_versioned(kept)
        change_version(plait)
        os.kill(old, signal.SIGUSR2)
        new = upgraded(plait, old)
        assert kept.recv(100) == b"drain\r\n"  # the old process has let go
        facts = inspected(plait)
        assert (facts["pid"], facts["connections"]) == (new, [])
        ask_versioned(kept, "bye")
    await_end(old)
    assert plait.path("plait.pid.sock").stat().st_ino == before
    assert inspected(plait)["pid"] == new
    plait.stop()
    assert not plait.path("plait.pid.sock").exists()


def test_an_upgrade_that_fails_leaves_the_socket_to_the_old_process(plait: Plait) -> None:
    assert plait("run", "-y", plait.application(VERSIONED)).returncode == 0
    old = plait.pid()
    with open(plait.path("app.py"), "a") as file:
        file.write("\nclass Bad(Service):\n    async def startService(self):\n        raise OSError('no database')\n")
        file.write("Bad().setServiceParent(application)\n")
    os.kill(old, signal.SIGUSR2)
    until(lambda: "this one goes on" in plait.log())
    assert inspected(plait)["pid"] == old
    plait.stop()


def test_workers_are_asked_too_and_added_up(plait: Plait) -> None:
    pids = start(plait)
    connections = [connect_versioned(plait) for _ in range(4)]
    try:
        answers = [ask_versioned(connection, "hello") for connection in connections]
        sent = sum(len(" ".join(answer)) + 2 for answer in answers)
        facts = inspected(plait)
        assert facts["pid"] == plait.pid()
        assert sorted(worker["pid"] for worker in facts["workers"]) == sorted(pids)
        assert {one["worker"] for one in facts["connections"]} == {int(answer[1]) for answer in answers}
        assert len(facts["connections"]) == facts["accepted"] == 4
        assert (facts["bytesReceived"], facts["bytesSent"]) == (4 * 7, sent)
        (tcp,) = [port for port in facts["ports"] if port["kind"] == "TCP"]
        assert (tcp["accepts"], tcp["open"], tcp["bytesReceived"]) == (4, 4, 28)
        assert sum(worker["bytesReceived"] for worker in facts["workers"]) == 28
        text = plait("inspect", "--pidfile", "plait.pid").stdout
        assert "\nWorkers\n" in text and all(str(pid) in text for pid in pids)
    finally:
        for connection in connections:
            connection.close()
    plait.stop()
    assert not [pid for pid in pids if (Path(registry.own_folder()) / f"{pid}.sock").exists()]


def test_a_daemon_whose_loop_is_stuck_is_told_of(plait: Plait, reverser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plait("run", "-y", reverser).returncode == 0
    os.kill(plait.pid(), signal.SIGSTOP)
    try:
        monkeypatch.setattr("plait.daemon.inspection.asking.PATIENCE", 0.1)
        with pytest.raises(AskError, match="event loop is busy, or stopped"):
            Asker(str(plait.path("plait.pid.sock"))).ask()
    finally:
        os.kill(plait.pid(), signal.SIGCONT)
    plait.stop()


# ---- many connections

MANY = 10_000


@pytest.mark.slow
def test_ten_thousand_connections_are_told_of(plait: Plait, reverser: str) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < MANY + 1000:
        pytest.skip("the system allows no 10,000 open files (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = []
    try:
        assert plait("run", "-y", reverser).returncode == 0
        clients = [connect(plait) for _ in range(MANY)]
        clients[0].sendall(b"x\r\n")
        clients[0].recv(10)
        asker = Asker(str(plait.path("plait.pid.sock")))
        until(lambda: len(asker.ask()["connections"]) == MANY)
        facts = asker.ask()
        peers = {one["peer"] for one in facts["connections"]}
        assert peers == {f"127.0.0.1:{client.getsockname()[1]}" for client in clients}
        assert facts["bytesReceived"] == 3
        assert f"{MANY} connections" in plain(facts)
        asker.close()
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    plait.stop()
