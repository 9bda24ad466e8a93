"""``plait run --workers``: several processes on one port, that outlive each other and not their parent."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from plait.daemon.pidfile import is_alive

from .conftest import PATIENCE, Plait, await_end
from .test_runner import needs_root
from .test_upgrade import VERSIONED, ask, change_version, connect, upgraded

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

Read = Callable[[IO[str], str], str]


def until(condition: Callable[[], object], what: Callable[[], str] = str) -> None:
    """Wait for what happens in another process, of which no event tells."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.01)


def ready(plait: Plait) -> list[int]:
    """The workers that have been ready, in that order."""
    return [int(pid) for pid in re.findall(r"Worker \d+ is ready, process (\d+)", plait.log())]


def start(plait: Plait, *options: str, source: str = VERSIONED, count: int = 2) -> list[int]:
    """A daemon with workers; theirs processes."""
    result = plait("run", "--workers", str(count), *options, "-y", plait.application(source))
    assert (result.returncode, result.stderr) == (0, ""), plait.log()
    pids = ready(plait)
    assert len(pids) == count
    return pids


@contextlib.contextmanager
def no_orphans(plait: Plait) -> Iterator[None]:
    """Whatever the test does to the parent, kill what is left of its workers in the end."""
    try:
        yield
    finally:
        for pid in ready(plait):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Clients:
    """Clients that ask and ask on connections that they keep, and count what went wrong."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.answers = 0
        self.processes: set[int] = set()
        self.refused: list[str] = []
        self.cut: list[int | None] = []  # whose answers had come on each connection that was cut
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            except OSError as error:
                self.refused.append(repr(error))
                continue
            server: int | None = None
            with connection:
                try:
                    for _ in range(40):
                        answer = ask(connection)
                        if answer[0] == "drain":
                            answer = answer[1:] or ask(connection)
                        server = int(answer[1])
                        self.processes.add(server)
                        self.answers += 1
                        if self._stop.is_set():
                            break
                        time.sleep(0.001)  # a pause between questions, as people make it
                    ask(connection, "bye")
                except (OSError, AssertionError, IndexError):
                    self.cut.append(server)

    def go_on(self, answers: int = 200) -> None:
        """Wait for so many more answers."""
        goal = self.answers + answers
        until(lambda: self.answers >= goal)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@contextlib.contextmanager
def clients(plait: Plait, count: int = 20) -> Iterator[Clients]:
    load = Clients(int(plait.path("port").read_text().split()[0]), count)
    try:
        load.go_on()
        yield load
    finally:
        load.end()


def ask_everywhere(plait: Plait) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.settimeout(PATIENCE)
        unix.connect(str(plait.path("socket")))
        assert ask(unix)[2] == "hello"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PATIENCE)
        udp.connect(("127.0.0.1", int(plait.path("port").read_text().split()[1])))
        udp.send(b"?")
        assert udp.recv(100) in (b"one", b"two")


# ---- serving


@pytest.mark.parametrize("engine", ["uvloop", "asyncio"])
def test_all_of_them_serve(plait: Plait, engine: str) -> None:
    plait.environment["PLAIT_ENGINE"] = engine
    pids = start(plait, count=3)
    with clients(plait) as load:
        until(lambda: load.processes == set(pids), lambda: f"{load.processes} of {pids}")
    assert (load.refused, load.cut) == ([], [])
    ask_everywhere(plait)
    assert os.readlink(plait.path("socket.lock")) == str(plait.pid())
    plait.stop()
    assert [pid for pid in pids if is_alive(pid)] == []
    assert not plait.path("plait.pid").exists() and not plait.path("socket").exists()
    assert not os.path.lexists(plait.path("socket.lock"))
    assert plait.log().splitlines()[-1].endswith("Stopped.")


def test_ports_at_one_place_stay_apart(plait: Plait) -> None:
    """Two services ask for port 0: each gets the same one in each worker, also when it is opened again."""
    source = """
import os
from plait import reactor
from plait.protocol import Factory, LineReceiver
from plait.service import Application, Service, TCPServer

class Answer(LineReceiver):
    def lineReceived(self, line):
        if line == b"again":
            first.stopService()
            first.startService()
        self.sendLine(self.factory.name + b" " + str(os.getpid()).encode())

def server(name):
    factory = Factory.forProtocol(Answer)
    factory.name = name
    service = TCPServer(0, factory, interface="127.0.0.1")
    service.setServiceParent(application)
    return service

class Announce(Service):
    def startService(self):
        with open(f"ports.{os.getpid()}", "w") as file:
            file.write(f"{first.getHost().port} {second.getHost().port}")

application = Application("two")
first, second = server(b"first"), server(b"second")
Announce().setServiceParent(application)
"""
    pids = start(plait, source=source)
    ports = {plait.path(f"ports.{pid}").read_text() for pid in pids}
    assert len(ports) == 1
    first, second = map(int, ports.pop().split())
    assert first != second
    for port, line, name in (
        *[(second, "again", "second")] * 4,
        *[(first, "hello", "first")] * 20,
        *[(second, "hello", "second")] * 20,
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            assert ask(connection, line)[0] == name
    plait.stop()


def test_the_sockets_of_a_socket_unit(plait: Plait, read_until: Read) -> None:
    """systemd gives them to the parent, from descriptor 3 on, and says for which process they are."""
    source = """
import os
from plait.protocol import Factory, LineReceiver
from plait.service import Application, StreamServerEndpointService

class Answer(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(str(os.getpid()).encode())

application = Application("given")
StreamServerEndpointService("systemd:domain=INET:index=0", Factory.forProtocol(Answer)).setServiceParent(application)
"""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as given:
        run = f"{sys.executable} -u -m plait run -n --workers 2 -y {plait.application(source)}"
        process = subprocess.Popen(
            ["sh", "-c", f"exec env LISTEN_FDS=1 LISTEN_PID=$$ {run} 3<&0 </dev/null"],
            cwd=plait.folder,
            env=plait.environment,
            stdin=given,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            pids = set(re.findall(r"is ready, process (\d+)", read_until(process.stdout, "Ready.")))
            answered: set[str] = set()
            while answered != pids:
                with socket.create_connection(given.getsockname(), timeout=PATIENCE) as connection:
                    answered.add(ask(connection)[0])
            plait.stop()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.communicate()


# ---- a worker that dies


@pytest.mark.parametrize("engine", ["uvloop", "asyncio"])
def test_a_worker_that_is_killed_takes_only_its_own_connections_along(plait: Plait, engine: str) -> None:
    plait.environment["PLAIT_ENGINE"] = engine
    pids = start(plait)
    with clients(plait) as load:
        until(lambda: load.processes == set(pids))
        killed = []
        for _ in range(2):
            killed.append(ready(plait)[-1])
            os.kill(killed[-1], signal.SIGKILL)
            until(lambda: ready(plait)[-1] not in pids + killed, plait.log)
            load.go_on()
            until(lambda: ready(plait)[-1] in load.processes)
    assert load.refused == []
    assert load.cut and set(load.cut) <= {*killed, None}
    assert is_alive(pids[0])
    log = plait.log()
    assert "Worker '2' failed; starting it again in 0." in log
    assert "worker 2 was killed by signal 9 (SIGKILL)" in log
    ask_everywhere(plait)
    plait.stop()


def test_who_waits_in_the_queue_of_a_worker_is_served_by_the_next(plait: Plait) -> None:
    """The only worker is stopped, so that nobody accepts, and killed: whoever has connected meanwhile does not notice."""
    (pid,) = start(plait, count=1)
    os.kill(pid, signal.SIGSTOP)
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(connect(plait)) for _ in range(20)]
        for connection in waiting:
            connection.sendall(b"hello\r\n")
        os.kill(pid, signal.SIGKILL)
        answers = [connection.recv(1000).split()[1] for connection in waiting]
    until(lambda: ready(plait)[-1] != pid)  # it answers before it is known to be ready
    assert set(answers) == {str(ready(plait)[-1]).encode()}
    plait.stop()


# Not before it is known to be ready: it would be a start that fails.
CRASHING = """
import os
from plait.service import Application
from plait.task import LoopingCall

def look():
    with open("plait.log") as log:
        if f"is ready, process {os.getpid()}." in log.read():
            os._exit(7)

application = Application("crashing")
LoopingCall(look).start(0.01)
"""


def test_workers_that_fail_again_and_again_end_the_program(plait: Plait) -> None:
    result = plait("run", "-n", "-l", "plait.log", "--workers", "1", "-y", plait.application(CRASHING))
    assert result.returncode == 1
    assert plait.log().count("starting it again") == 5
    assert "worker 1 ended with status 7" in plait.log()
    assert "had to start services again more than 5 times within 60 s" in plait.log()
    assert not plait.path("plait.pid").exists()


def test_a_restart_that_fails_says_why(plait: Plait) -> None:
    (pid,) = start(plait, count=1)
    path = plait.path("app.py")
    good = path.read_text()
    path.write_text(good + "raise ValueError('half done')\n")
    os.kill(pid, signal.SIGKILL)
    until(lambda: plait.log().count("half done") > 1)
    path.write_text(good)
    until(lambda: len(ready(plait)) == 2, plait.log)
    with connect(plait) as connection:
        assert ask(connection)[1] == str(ready(plait)[-1])
    plait.stop()


# ---- starts that fail


@pytest.mark.parametrize("mode", [[], ["-n"]])
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ndef f(:\n", "syntax error in .*app.py, line 2: "),
        ("import os; os._exit(3)", "worker 1 ended with status 3"),
        ("import os; os.kill(os.getpid(), 9)", r"worker 1 was killed by signal 9 \(SIGKILL\)"),
        (
            VERSIONED.replace("TCPServer(0", "TCPServer(PORT"),
            r"Couldn't listen on 127.0.0.1:\d+: .*Address already in use",
        ),
    ],
)
def test_a_first_worker_that_cannot_start(plait: Plait, mode: list[str], source: str, message: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        app = plait.application(source.replace("PORT", str(taken.getsockname()[1])))
        result = plait("run", *mode, "--workers", "2", "-y", app)
    assert result.returncode == 1
    assert re.fullmatch(rf"plait: {message}.*\n", result.stderr), result.stderr
    assert "starting it again" not in result.stdout
    assert not plait.path("plait.pid").exists()


def test_a_second_worker_that_cannot_start_fails_the_start(plait: Plait) -> None:
    # what only one process may have
    source = VERSIONED + "import os\nos.mkdir('only one')\n"
    result = plait("run", "--workers", "2", "-y", plait.application(source))
    assert result.returncode == 1 and "FileExistsError" in result.stderr
    (first,) = ready(plait)
    assert not is_alive(first)


def test_a_signal_before_all_are_ready(plait: Plait) -> None:
    gate = plait.gate("gate")
    reached = plait.gate("reached")
    source = "import os\nopen('reached', 'w').write(str(os.getpid()))\nopen('gate').readline()\n" + VERSIONED
    process = plait.open("run", "--workers", "2", "-y", plait.application(source))
    worker = int(reached.read())
    os.kill(parent_of(worker), signal.SIGTERM)
    assert plait.ended() == 1
    assert process.stderr is not None and process.stderr.read() == "plait: stopped by a signal before it was ready\n"
    await_end(worker)
    gate.write("\n")


# ---- the end


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_all_drain_together(plait: Plait) -> None:
    pids = start(plait, "--drain-timeout", "600")
    parent = plait.pid()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(plait)) for _ in range(20)]
        assert {int(ask(connection)[1]) for connection in connections} <= set(pids)
        os.kill(parent, signal.SIGTERM)
        for connection in connections:
            assert connection.recv(100) == b"drain\r\n"
            with pytest.raises(ConnectionRefusedError):
                connect(plait)
            assert ask(connection, "bye")[2] == "bye"
    await_end(parent)
    assert "have not ended in time" not in plait.log() and "killed" not in plait.log()
    assert [pid for pid in pids if is_alive(pid)] == []


def test_a_second_signal_ends_all_at_once(plait: Plait) -> None:
    pids = start(plait, "--drain-timeout", "600")
    parent = plait.pid()
    with connect(plait) as connection:
        ask(connection)
        os.kill(parent, signal.SIGTERM)
        assert connection.recv(100) == b"drain\r\n"
        os.kill(parent, signal.SIGTERM)
        await_end(parent)
    for pid in pids:
        await_end(pid)
    assert "Received SIGTERM again, stopping at once." in plait.log()
    assert not plait.path("plait.pid").exists()


def test_signals_that_go_to_all_processes_at_once_let_them_drain(plait: Plait) -> None:
    """As Ctrl-C on a terminal does, or a service manager: they are none the wiser for a second one from their parent."""
    pids = start(plait, "--drain-timeout", "600")
    parent = plait.pid()
    with connect(plait) as connection:
        ask(connection)
        for pid in (*pids, parent):
            os.kill(pid, signal.SIGTERM)
        assert connection.recv(100) == b"drain\r\n"
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        assert ask(connection, "bye")[2] == "bye"
    await_end(parent)
    assert "at once" not in plait.log()


def test_a_worker_that_does_not_end_is_killed(plait: Plait, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = VERSIONED + (
        "import time\nclass Stuck(Service):\n    def stopService(self):\n        time.sleep(600)\n"
        "Stuck().setServiceParent(application)\n"
    )
    # the margin is for services; nobody here waits for it
    plait.path("sitecustomize.py").write_text("import plait.daemon.workers\nplait.daemon.workers.MARGIN = 0.2\n")
    plait.environment["PYTHONPATH"] = f"{plait.folder}{os.pathsep}{plait.environment['PYTHONPATH']}"
    (pid,) = start(plait, "--drain-timeout", "0.1", source=stuck, count=1)
    plait.stop()
    assert "Worker 1 has not ended within 0.3 s: it is killed." in plait.log()
    await_end(pid)


# ---- the end of the parent


def test_workers_whose_parent_is_killed_drain_and_end(plait: Plait) -> None:
    pids = start(plait, "--drain-timeout", "600")
    with no_orphans(plait), connect(plait) as connection:
        ask(connection)
        parent = plait.pid()
        os.kill(parent, signal.SIGKILL)
        assert connection.recv(100) == b"drain\r\n"
        await_end(parent)
        assert ask(connection, "bye")[2] == "bye"
        for pid in pids:
            await_end(pid)
    assert plait.log().count("The parent process is gone: this worker stops.") == 2


def test_a_parent_that_is_killed_while_its_worker_starts(plait: Plait) -> None:
    plait.gate("gate")
    reached = plait.gate("reached")
    source = "import os\nopen('reached', 'w').write(str(os.getpid()))\nopen('gate').readline()\n" + VERSIONED
    plait.open("run", "--workers", "2", "-y", plait.application(source))
    worker = int(reached.read())
    try:
        os.kill(parent_of(worker), signal.SIGKILL)
        assert plait.ended() == 1
        await_end(worker)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


MISSES_A_SIGNAL = """
import os, signal
interrupt = signal.getsignal(signal.SIGTERM)
signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, interrupt))
open("reached", "w").write(str(os.getpid()))
open("gate").readline()
"""

LOSES_AN_ERROR = """
import os
class Finalized:
    def __del__(self):
        open("reached", "w").write(str(os.getpid()))
        open("gate").readline()
Finalized()
open("gate").readline()
"""


@pytest.mark.parametrize("source", [MISSES_A_SIGNAL, LOSES_AN_ERROR])
def test_a_worker_that_does_not_hear_that_its_start_is_to_end(plait: Plait, source: str) -> None:
    # Any misses a signal that comes just before a system call that waits, and what is raised in a finalizer.
    plait.gate("gate")
    reached = plait.gate("reached")
    plait.open("run", "--workers", "2", "-y", plait.application(source + VERSIONED))
    worker = int(reached.read())
    try:
        os.kill(parent_of(worker), signal.SIGKILL)
        await_end(worker)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def test_a_parent_that_is_killed_while_its_workers_drain(plait: Plait) -> None:
    pids = start(plait, "--drain-timeout", "600")
    with no_orphans(plait), connect(plait) as connection:
        ask(connection)
        parent = plait.pid()
        os.kill(parent, signal.SIGTERM)
        assert connection.recv(100) == b"drain\r\n"
        os.kill(parent, signal.SIGKILL)
        await_end(parent)
        assert ask(connection)[2] == "hello"
        assert ask(connection, "bye")[2] == "bye"
        for pid in pids:
            await_end(pid)
    assert "at once" not in plait.log()


# ---- reloading and upgrading

RELOADED = (
    VERSIONED
    + """
class Noting(Service):
    def reloadService(self):
        with open("reloaded", "a") as file:
            file.write(f"{os.getpid()}\\n")
Noting().setServiceParent(application)
"""
)


def test_all_open_their_log_anew_and_reload(plait: Plait) -> None:
    pids = start(plait, source=RELOADED)
    plait.path("plait.log").rename(plait.path("old.log"))
    os.kill(plait.pid(), signal.SIGHUP)
    reloaded = plait.path("reloaded")
    until(lambda: reloaded.exists() and {*map(int, reloaded.read_text().split())} == set(pids))
    until(lambda: plait.log().count("Reloaded.") == 3, plait.log)
    before = plait.path("old.log").read_text()
    plait.stop()
    assert plait.path("old.log").read_text() == before


DEPLOYED = """
import os
from plait.protocol import Factory, Protocol
from plait.service import TCPServer

class Tell(Protocol):
    def connectionMade(self):
        self.transport.write(f"{self.factory.word} {os.getpid()}".encode())
        self.transport.loseConnection()

def teller(*, word: str, port: int):
    factory = Factory.forProtocol(Tell)
    factory.word = word
    return TCPServer(port, factory, interface="127.0.0.1")
"""


def test_what_one_file_describes_is_served_by_all_and_changes_in_all(plait: Plait) -> None:
    plait.path("tellers.py").write_text(DEPLOYED)
    plait.environment["PYTHONPATH"] += os.pathsep + str(plait.folder)
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [sock.getsockname()[1] for sock in (first, second)]  # for the config has to name them

    def describe(**words: int) -> None:
        tables = [
            f'[services.{word}]\nuse = "tellers:teller"\nword = "{word}"\nport = {port}\n'
            for word, port in words.items()
        ]
        plait.path("d.toml").write_text('[run]\nworkers = 2\nlogfile = "plait.log"\n' + "".join(tables))

    def told(port: int) -> list[str]:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            return connection.makefile().read().split()

    def all_tell(word: str, port: int) -> bool:
        answers = {tuple(told(port)) for _ in range(20)}
        return answers == {(word, str(pid)) for pid in workers}

    describe(one=ports[0])
    result = plait("run", "--config", "d.toml")
    assert (result.returncode, result.stderr) == (0, ""), plait.log()
    workers = ready(plait)
    assert len(workers) == 2
    until(lambda: all_tell("one", ports[0]), plait.log)
    describe(one=ports[0], two=ports[1])
    os.kill(plait.pid(), signal.SIGHUP)
    until(lambda: plait.log().count("Reloaded.") == 3, plait.log)  # the parent and both of them
    until(lambda: all_tell("two", ports[1]) and all_tell("one", ports[0]), plait.log)
    plait.stop()


def test_a_port_that_no_worker_listens_at_any_more_is_closed(plait: Plait) -> None:
    source = VERSIONED + (
        "class Closing(Service):\n    def reloadService(self):\n        unix.stopService()\n        return tcp.stopService()\n"
        "Closing().setServiceParent(application)\n"
    )
    # as long as a service may take to be started again, which nobody here waits for
    plait.path("sitecustomize.py").write_text("import plait.daemon.lending\nplait.daemon.lending.GRACE = 0.1\n")
    plait.environment["PYTHONPATH"] = f"{plait.folder}{os.pathsep}{plait.environment['PYTHONPATH']}"
    start(plait, source=source)
    with connect(plait) as connection:
        ask(connection)
        os.kill(plait.pid(), signal.SIGHUP)

        def is_refused() -> bool:
            try:
                connect(plait).close()
            except ConnectionRefusedError:
                return True
            return False

        until(is_refused, plait.log)
        until(lambda: not plait.path("socket").exists(), plait.log)
        assert ask(connection)[2] == "hello"
    plait.stop()


@pytest.mark.parametrize("engine", ["uvloop", "asyncio"])
def test_new_workers_take_over_under_load(plait: Plait, engine: str) -> None:
    plait.environment["PLAIT_ENGINE"] = engine
    start(plait, "--drain-timeout", "600")
    parents = [plait.pid()]
    with clients(plait) as load:
        change_version(plait)
        for _ in range(2):
            os.kill(parents[-1], signal.SIGUSR2)
            parents.append(upgraded(plait, parents[-1]))
            await_end(parents[-2])
            until(lambda: load.processes >= set(ready(plait)[-2:]))
    assert (load.refused, load.cut) == ([], [])
    assert len(set(ready(plait))) == 6
    for pid in ready(plait)[:4]:
        await_end(pid)
    with connect(plait) as connection:
        assert ask(connection)[0] == "two"
    ask_everywhere(plait)
    assert os.readlink(plait.path("socket.lock")) == str(parents[-1])
    plait.stop()
    assert not plait.path("socket").exists() and not os.path.lexists(plait.path("socket.lock"))


def test_if_the_new_workers_cannot_start_the_old_ones_go_on(plait: Plait) -> None:
    pids = start(plait)
    old = plait.pid()
    path = plait.path("app.py")
    path.write_text(path.read_text() + "raise ValueError('half done')\n")
    os.kill(old, signal.SIGUSR2)
    until(lambda: "this one goes on" in plait.log(), plait.log)
    assert "half done" in plait.log() and plait.pid() == old
    with clients(plait) as load:
        pass
    assert load.processes <= set(pids) and (load.refused, load.cut) == ([], [])
    ask_everywhere(plait)
    plait.stop()


# ---- rights


@needs_root
def test_workers_give_up_their_rights_and_new_ones_can_still_be_started() -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    folder.chmod(0o755)
    plait = Plait(folder)
    try:
        run = plait.path("run")
        run.mkdir()
        run.chmod(0o777)
        app = plait.path(plait.application(RELOADED + "import encodings.idna\n"))
        app.chmod(0o644)
        pidfile = str(plait.path("plait.pid"))
        arguments = ("--workers", "2", "-d", "run", "--pidfile", pidfile, "-u", "nobody", "-y", str(app))
        result = plait("run", *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        plait.folder = run
        pids = ready(plait)
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text()
            assert status.split("Uid:")[1].split()[:4] == ["65534"] * 4
        parent = int(Path(pidfile).read_text())
        assert Path(f"/proc/{parent}/status").read_text().split("Uid:")[1].split()[:4] == ["0"] * 4
        os.kill(pids[1], signal.SIGKILL)
        until(lambda: len(ready(plait)) == 3, plait.log)
        assert Path(f"/proc/{ready(plait)[-1]}/status").read_text().split("Uid:")[1].split()[0] == "65534"
        with connect(plait) as connection:
            assert ask(connection)[1] in map(str, ready(plait))
        # The log is the user's, and stays so; what the user puts into its place gives it no rights.
        log, secret = plait.path("plait.log"), folder / "secret"
        secret.write_text("")
        secret.chmod(0o600)
        log.rename(plait.path("old.log"))
        os.kill(parent, signal.SIGHUP)
        until(lambda: log.exists() and log.read_text().count("Reloaded.") == 3)
        assert log.stat().st_uid == 65534
        log.rename(plait.path("older.log"))
        log.symlink_to(secret)
        os.kill(parent, signal.SIGHUP)
        until(lambda: "Cannot open the log file" in plait.path("older.log").read_text())
        os.kill(parent, signal.SIGTERM)
        await_end(parent)
        assert secret.read_text() == "" and not Path(pidfile).exists()
    finally:
        plait.clean_up()
        shutil.rmtree(folder)


# ---- what a worker says is not believed


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\n",
        b"[]\n",
        b"x" * 100_000,
        b'{"borrow": "here", "index": 0}\n',
        b'{"borrow": ["TCP", "", "0"], "index": 7}\n',
        b'{"borrow": ["TCP", "", "0"], "index": true}\n{"borrow": ["TCP", "", "0"], "index": -1}\n',
        b'{"borrow": ["TCP", "", "0"], "index": 0}\n{"opened": true}\n',
    ],
)
def test_a_worker_that_says_what_makes_no_sense_is_ended(plait: Plait, said: bytes) -> None:
    source = VERSIONED + (
        "import socket, sys\n"
        "from plait.transport.handover import inherited\n"
        "class Bad(Service):\n"
        "    def startService(self):\n"
        "        inherited.lender._channel.sock.settimeout(60)\n"
        f"        inherited.lender._channel.sock.sendall({said!r})\n"
        "Bad().setServiceParent(application)\n"
    )
    result = plait("run", "--workers", "1", "-y", plait.application(source))
    assert result.returncode == 1
    assert result.stderr == "plait: worker 1 was killed by signal 9 (SIGKILL)\n"
    assert "Worker 1 says what makes no sense: " in plait.log()


def test_a_port_that_is_not_the_one_that_was_asked_for_is_not_kept(plait: Plait) -> None:
    source = VERSIONED + (
        "import socket\n"
        "from plait.transport.handover import inherited\n"
        "class Bad(Service):\n"
        "    def startService(self):\n"
        "        sock = socket.create_server(('127.0.0.1', 0))\n"
        "        place = ('TCP', '127.0.0.1', '1')\n"
        "        assert inherited.lender.borrow(place) is None\n"
        "        inherited.lender.lend(place, sock)\n"
        "Bad().setServiceParent(application)\n"
    )
    result = plait("run", "--workers", "1", "-y", plait.application(source))
    assert result.returncode == 1
    assert "makes no sense: another socket than that for ('TCP', '127.0.0.1', '1')" in plait.log()


# ---- for others to see


def test_systemd_is_told_how_many_are_ready(plait: Plait) -> None:
    path = str(plait.path("notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(PATIENCE)
        plait.environment["NOTIFY_SOCKET"] = path
        pids = start(plait)
        words: list[str] = []

        def heard(text: str) -> bool:
            while text not in words:
                words.extend(manager.recv(1000).decode().split("\n"))
            return True

        assert heard("READY=1") and f"MAINPID={plait.pid()}" in words and "STATUS=2 of 2 workers ready" in words
        words.clear()
        os.kill(pids[0], signal.SIGSTOP)  # it must be seen to be away, for longer than between two reports
        os.kill(pids[0], signal.SIGKILL)
        plait.path("app.py").write_text("import time\ntime.sleep(1.5)\n" + VERSIONED)
        assert heard("STATUS=1 of 2 workers ready") and heard("STATUS=2 of 2 workers ready")
        plait.stop()
        assert heard("STOPPING=1")


def test_a_platform_without_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from plait.cli import main

    monkeypatch.delattr(os, "fork")
    assert main(["run", "-n", "--workers", "2", "-y", str(tmp_path / "app.py")]) == 2
    assert capsys.readouterr().err == "plait run: --workers is not there on this platform: leave it out\n"


@pytest.mark.parametrize("number", ["0", "-1", "two", "1001", ""])
def test_a_number_of_workers_that_makes_no_sense(plait: Plait, number: str) -> None:
    result = plait("run", "--workers", number, "-y", "app.py")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["--debug", "--profile=x"])
def test_tools_that_look_into_one_process(plait: Plait, option: str) -> None:
    result = plait("run", "--workers", "2", option, "-y", "app.py")
    assert result.returncode == 2 and "--workers runs several processes" in result.stderr


# ---- process 1

ORPHAN = (
    VERSIONED
    + """
import subprocess
class Orphaning(Service):
    def startService(self):
        # the shell ends at once, and its child becomes one of process 1
        subprocess.run(["sh", "-c", "read line <gate &"], stdin=subprocess.DEVNULL)
Orphaning().setServiceParent(application)
"""
)


def children_of(pid: int) -> set[int]:
    """The children of a process, those included that have ended and that it has not taken notice of."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if parent_of(int(path.name)) == pid:
                found.add(int(path.name))
    return found


@needs_root
def test_process_1_takes_notice_of_the_end_of_orphans(plait: Plait, read_until: Read) -> None:
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a namespace for processes: run the tests where it does")
    gate = plait.gate("gate")
    command = [*unshare, sys.executable, "-u", "-m", "plait", "run", "-n", "--workers", "1", "-y"]
    process = subprocess.Popen(
        [*command, plait.application(ORPHAN)],
        cwd=plait.folder,
        env=plait.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        read_until(process.stdout, "Ready.")
        assert plait.pid() == 1
        (first,) = children_of(process.pid)
        worker, orphan = sorted(children_of(first))
        gate.write("\n")
        until(lambda: children_of(first) == {worker})
        assert not Path(f"/proc/{orphan}").exists()
        os.kill(first, signal.SIGUSR2)
        read_until(process.stdout, "this is process 1, with which its container ends")
        os.kill(first, signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()
