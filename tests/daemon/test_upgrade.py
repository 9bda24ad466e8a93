"""SIGUSR2: a new process takes over, under load, without one request lost."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from plait.daemon.pidfile import is_alive

from .conftest import PATIENCE, Plait, await_end
from .test_runner import needs_root

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="no SIGUSR2 on this platform")

Read = Callable[[IO[str], str], str]

# It answers with its version and process, and closes when it has answered "bye" or is told to drain with nothing under way.
VERSIONED = """
import os
from plait.interfaces import IDrainable, implementer
from plait.protocol import Factory, LineReceiver, DatagramProtocol
from plait.service import Application, Service, TCPServer, UNIXServer, UDPServer

VERSION = "one"

@implementer(IDrainable)
class Answer(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(f"{VERSION} {os.getpid()} ".encode() + line)
        if line == b"bye":
            self.transport.loseConnection()

    def drain(self):
        self.sendLine(b"drain")

class Datagrams(DatagramProtocol):
    def datagramReceived(self, data, address):
        self.transport.write(VERSION.encode(), address)

class Announce(Service):
    def startService(self):
        with open("port", "w") as file:
            file.write(f"{tcp.getHost().port} {udp.getHost().port}")

application = Application("versioned")
tcp = TCPServer(0, Factory.forProtocol(Answer), interface="127.0.0.1")
unix = UNIXServer("socket", Factory.forProtocol(Answer), wantPID=True)
udp = UDPServer(0, Datagrams(), interface="127.0.0.1")
for service in (tcp, unix, udp, Announce()):
    service.setServiceParent(application)
"""


@pytest.fixture
def versioned(plait: Plait, tmp_path: Path) -> str:
    return plait.application(VERSIONED)


def connect(plait: Plait) -> socket.socket:
    port = int(plait.path("port").read_text().split()[0])
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def ask(connection: socket.socket, line: str = "hello") -> list[str]:
    connection.sendall(line.encode() + b"\r\n")
    answer = b""
    while not answer.endswith(b"\r\n"):
        part = connection.recv(1000)
        assert part, "closed without an answer"
        answer += part
    return answer.decode().split()


def change_version(plait: Plait) -> None:
    path = plait.path("app.py")
    path.write_text(path.read_text().replace('VERSION = "one"', 'VERSION = "two"'))


def upgraded(plait: Plait, old: int) -> int:
    """Wait until the pid file names another process than `old`."""
    deadline = time.monotonic() + PATIENCE
    while (pid := plait.pid()) == old:
        assert time.monotonic() < deadline, plait.log()
        time.sleep(0.005)  # it is renamed into its place: there is no event to wait for
    return pid


@pytest.mark.parametrize("engine", ["uvloop", "asyncio"])
def test_new_code_takes_over(plait: Plait, versioned: str, engine: str) -> None:
    plait.environment["PLAIT_ENGINE"] = engine
    assert plait("run", "-y", versioned).returncode == 0
    old = plait.pid()
    with connect(plait) as kept:
        assert ask(kept) == ["one", str(old), "hello"]
        change_version(plait)
        os.kill(old, signal.SIGUSR2)
        new = upgraded(plait, old)
        assert kept.recv(100) == b"drain\r\n"
        # What began with the old process ends with it; what begins now is the new one's.
        assert ask(kept) == ["one", str(old), "hello"]
        with connect(plait) as fresh:
            assert ask(fresh) == ["two", str(new), "hello"]
        with socket.socket(socket.AF_UNIX) as unix:
            unix.settimeout(PATIENCE)
            unix.connect(str(plait.path("socket")))
            assert ask(unix) == ["two", str(new), "hello"]
        assert ask(kept, "bye") == ["one", str(old), "bye"]
    await_end(old)
    assert os.readlink(plait.path("socket.lock")) == str(new)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.settimeout(PATIENCE)
        unix.connect(str(plait.path("socket")))
        assert ask(unix)[0] == "two"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PATIENCE)
        udp.connect(("127.0.0.1", int(plait.path("port").read_text().split()[1])))
        udp.send(b"?")
        assert udp.recv(100) == b"two"
    log = plait.log()
    assert f"Process {new} serves now. This one ends." in log and log.count("Ready.") == 2
    plait.stop()
    assert not plait.path("plait.pid").exists() and not plait.path("socket").exists()
    assert not os.path.lexists(plait.path("socket.lock"))


def test_again_and_again(plait: Plait, versioned: str) -> None:
    assert plait("run", "-y", versioned).returncode == 0
    port = plait.path("port").read_text()
    pids = [plait.pid()]
    for _ in range(3):
        os.kill(pids[-1], signal.SIGUSR2)
        pids.append(upgraded(plait, pids[-1]))
        await_end(pids[-2])
        with connect(plait) as connection:
            assert ask(connection)[1] == str(pids[-1])
    assert len(set(pids)) == 4 and plait.path("port").read_text() == port
    plait.stop()


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("raise ValueError('half done')\n", "ValueError: half done"),
        ("def f(:\n", "syntax error in"),
        ("import os; os._exit(3)\n", "it ended before it was ready, and left no word"),
        (
            "class Bad(Service):\n    def startService(self):\n        raise OSError('no database')\n"
            "Bad().setServiceParent(application)\n",
            "no database",
        ),
    ],
)
def test_if_the_new_code_cannot_start_the_old_goes_on(plait: Plait, versioned: str, mistake: str, message: str) -> None:
    assert plait("run", "-y", versioned).returncode == 0
    old = plait.pid()
    path = plait.path("app.py")
    good = path.read_text()
    path.write_text(good + mistake)
    told = threading.Event()
    os.kill(old, signal.SIGUSR2)
    deadline = time.monotonic() + PATIENCE
    while "this one goes on" not in plait.log():
        assert time.monotonic() < deadline, plait.log()
        told.wait(0.01)
    assert message in plait.log()
    assert plait.pid() == old and is_alive(old)
    with connect(plait) as connection:
        assert ask(connection)[0] == "one"
    assert plait.path("socket").exists()
    # and once the mistake is mended, the next attempt succeeds
    path.write_text(good)
    change_version(plait)
    with connect(plait) as kept:
        assert ask(kept)[0] == "one"
        os.kill(old, signal.SIGUSR2)
        upgraded(plait, old)
        # for a moment both of them accept: no more once the old one drains
        assert kept.recv(100) == b"drain\r\n"
        with connect(plait) as connection:
            assert ask(connection)[0] == "two"
    await_end(old)
    plait.stop()


def test_in_the_foreground(plait: Plait, versioned: str, read_until: Read) -> None:
    process = plait.open("run", "-n", "-y", versioned)
    assert process.stdout is not None
    read_until(process.stdout, "Ready.")
    os.kill(process.pid, signal.SIGUSR2)
    new = upgraded(plait, process.pid)
    read_until(process.stdout, "Stopped.")
    assert plait.ended() == 0
    with connect(plait) as connection:
        assert ask(connection)[1] == str(new)
    plait.stop()
    assert "Stopped." in process.stdout.read()


def test_what_the_new_code_does_not_ask_for_is_closed(plait: Plait, versioned: str) -> None:
    assert plait("run", "-y", versioned).returncode == 0
    old = plait.pid()
    path = plait.path("app.py")
    path.write_text(path.read_text().replace("(tcp, unix, udp, ", "(tcp, udp, "))
    os.kill(old, signal.SIGUSR2)
    upgraded(plait, old)
    await_end(old)
    assert "Nothing listens any more at UNIX socket." in plait.log()
    with socket.socket(socket.AF_UNIX) as unix, pytest.raises(ConnectionRefusedError):
        unix.connect(str(plait.path("socket")))
    plait.stop()


@needs_root
def test_a_daemon_that_has_given_up_its_rights() -> None:
    """Its pid file is changed by the helper that has stayed root, and removed by it in the end."""
    try:
        subprocess.run(
            [sys.executable, "-c", "import plait"], user=65534, group=65534, extra_groups=[], check=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nobody may not run this interpreter, or read Plait: install them where others may")
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    folder.chmod(0o755)
    plait = Plait(folder)
    try:
        plait.path("run").mkdir()
        plait.path("run").chmod(0o777)
        app = str(plait.path(plait.application(VERSIONED)))
        plait.path("app.py").chmod(0o644)
        result = plait("run", "-d", "run", "--pidfile", str(plait.path("plait.pid")), "-u", "nobody", "-y", app)
        assert (result.returncode, result.stderr) == (0, "")
        old = plait.pid()
        os.kill(old, signal.SIGUSR2)
        new = upgraded(plait, old)
        await_end(old)
        assert Path(f"/proc/{new}/status").read_text().split("Uid:")[1].split()[0] == "65534"
        assert plait.path("plait.pid").stat().st_uid == 0
        plait.stop()
        deadline = time.monotonic() + PATIENCE
        while plait.path("plait.pid").exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        plait.clean_up()
        shutil.rmtree(folder)


class Load:
    """Clients that ask without pause, some on one connection, some with a new one for each question."""

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.answers = 0
        self.processes: set[str] = set()
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
                    for _ in range(3):
                        answer = ask(connection)
                        if answer[0] == "drain":
                            answer = answer[1:] or ask(connection)
                        self.processes.add(answer[1])
                        self.answers += 1
                    ask(connection, "bye")
            except (OSError, AssertionError, IndexError) as error:
                self.wrong.append(repr(error))

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.mark.parametrize("engine", ["uvloop", "asyncio"])
def test_under_load_nobody_is_refused_or_cut(plait: Plait, versioned: str, engine: str) -> None:
    plait.environment["PLAIT_ENGINE"] = engine
    assert plait("run", "--drain-timeout", "600", "-y", versioned).returncode == 0
    pids = [plait.pid()]
    load = Load(int(plait.path("port").read_text().split()[0]), 8)
    try:
        for _ in range(3):
            os.kill(pids[-1], signal.SIGUSR2)
            pids.append(upgraded(plait, pids[-1]))
            await_end(pids[-2])
            before = load.answers
            deadline = time.monotonic() + PATIENCE
            while load.answers < before + 50:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    finally:
        load.end()
    assert load.wrong == []
    assert load.processes >= {str(pid) for pid in pids[1:]}
    plait.stop()


SOCKET_ACTIVATED = """
import os
from plait.protocol import Factory, Protocol
from plait.service import Application, StreamServerEndpointService

VERSION = "one"

class Tell(Protocol):
    def __init__(self, name):
        self.name = name

    def connectionMade(self):
        self.transport.write(f"{self.name} {VERSION} {os.getpid()}".encode())
        self.transport.loseConnection()

class Factory(Factory):
    def __init__(self, name):
        self.name = name

    def buildProtocol(self, address):
        return Tell(self.name)

application = Application("activated")
for name, where in [("web", "name=web"), ("mail", "index=0")]:
    StreamServerEndpointService(f"systemd:domain=INET:{where}", Factory(name)).setServiceParent(application)
"""

# What systemd does: sockets as 3 and 4, and a word of them in the environment of the process that is then the daemon.
ACTIVATE = """
import os, socket, sys
os.dup2(int(sys.argv[1]), 10)
os.dup2(int(sys.argv[2]), 11)
os.dup2(10, 3)
os.dup2(11, 4)
for number in range(5, 20):
    try:
        os.close(number)
    except OSError:
        pass
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="mail:web")
os.execv(sys.executable, [sys.executable, "-m", "plait", *sys.argv[3:]])
"""


def test_sockets_of_the_service_manager_go_on(plait: Plait, read_until: Read) -> None:
    plait.application(SOCKET_ACTIVATED)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = dict(zip(("mail", "web"), (sock.getsockname()[1] for sock in sockets), strict=True))
    numbers = [sock.fileno() for sock in sockets]
    process = subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, *map(str, numbers), "run", "-n", "-l", "plait.log", "-y", "app.py"],
        cwd=plait.folder,
        env=plait.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=numbers,
    )
    plait._foreground.append(process)
    for sock in sockets:
        sock.close()

    def told(name: str) -> list[str]:
        with socket.create_connection(("127.0.0.1", ports[name]), timeout=PATIENCE) as connection:
            return connection.makefile().read().split()

    old = process.pid
    assert told("web") == ["web", "one", str(old)] and told("mail") == ["mail", "one", str(old)]
    change_version(plait)
    for version in ("two", "two"):  # twice: the new process hands them on in its turn
        os.kill(old, signal.SIGUSR2)
        new = upgraded(plait, old)
        plait._note_daemons()
        await_end(old) if old != process.pid else process.wait(PATIENCE)
        assert told("web") == ["web", version, str(new)] and told("mail") == ["mail", version, str(new)]
        old = new
    plait.stop()
