"""SIGHUP, and what systemd is told."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from plait.daemon.systemd import Notifier
from tests.certificates import make_certificate

from .conftest import PATIENCE, Plait

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")

RELOADER = """
from plait.service import Application, MultiService, Service

application = Application("test")

class Reloader(Service):
    def reloadService(self):
        print("reloaded", self.name, flush=True)

class Slow(Reloader):
    async def reloadService(self):
        super().reloadService()

class Broken(Reloader):
    def reloadService(self):
        raise ValueError("the new configuration is wrong")

group = MultiService()
group.setServiceParent(application)
for name, kind, parent in [("a", Broken, application), ("b", Reloader, group), ("c", Slow, application)]:
    service = kind()
    service.setName(name)
    service.setServiceParent(parent)
"""

Read = Callable[[IO[str], str], str]


class Manager:
    """systemd's end of the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind(str(path))
        self.line.settimeout(PATIENCE)

    def heard(self) -> list[str]:
        return self.line.recv(1000).decode().split("\n")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "n")
    yield manager
    manager.line.close()


def test_sighup_opens_the_log_anew_and_reloads_each_service(plait: Plait) -> None:
    told = plait.gate("told")
    source = RELOADER.replace(
        "application = ",
        "import threading\nfrom plait.log import globalLogPublisher\n"
        "globalLogPublisher.addObserver(lambda event: event.get('log_format') == 'Reloaded.' and open('told', 'w').write('.'))\n"
        "application = ",
    )
    assert plait("run", "-y", plait.application(source)).returncode == 0
    pid = plait.pid()
    plait.path("plait.log").rename(plait.path("plait.log.1"))
    os.kill(pid, signal.SIGHUP)
    told.read()
    log = plait.log()
    assert "Received SIGHUP, reloading." in log and "Broken 'a' failed to reload" in log
    assert log.index("reloaded b") < log.index("reloaded c")
    assert "SIGHUP" not in plait.path("plait.log.1").read_text()
    plait.stop()
    assert plait.log().endswith("Stopped.\n")


TLS = """
from plait.log import globalLogPublisher
from plait.protocol import Factory, Protocol
from plait.service import Application, Service, SSLServer
from plait.transport.tls import ServerContexts

class Hello(Protocol):
    def connectionMade(self):
        self.transport.write(b"hello")

    def dataReceived(self, data):
        self.transport.write(data)

class Announce(Service):
    def startService(self):
        with open("port", "w") as file:
            file.write(str(server.getHost().port))

def tell(event):
    if event.get("log_format") == "Reloaded.":
        with open("told", "w") as file:
            file.write(".")

globalLogPublisher.addObserver(tell)
application = Application("test")
server = SSLServer(0, Factory.forProtocol(Hello), ServerContexts("certificates"), interface="127.0.0.1")
server.setServiceParent(application)
Announce().setServiceParent(application)
"""


def test_sighup_swaps_certificates_without_one_lost_connection(plait: Plait) -> None:
    told = plait.gate("told")
    folder = plait.path("certificates")
    folder.mkdir()

    def renew() -> ssl.SSLContext:
        key, certificate = make_certificate(folder, "a.example")
        key.rename(folder / "a.example.key")
        certificate.rename(folder / "a.example.pem")
        return ssl.create_default_context(cafile=folder / "a.example.pem")

    def connect(trust: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", int(plait.path("port").read_text())), timeout=PATIENCE)
        with plain:
            return trust.wrap_socket(plain, server_hostname="a.example")

    def reload() -> None:
        os.kill(pid, signal.SIGHUP)
        told.read()

    first = renew()
    assert plait("run", "-y", plait.application(TLS)).returncode == 0
    pid = plait.pid()
    with connect(first) as old:
        assert old.recv(10) == b"hello"
        second = renew()
        reload()
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(first)
        connect(second).close()
        (folder / "a.example.key").write_text("not a key")
        reload()
        connect(second).close()
        old.sendall(b"still here")
        assert old.recv(10) == b"still here"
    log = plait.log()
    assert "there is no private key in certificates/a.example.key; a.example keeps the certificate" in log
    plait.stop()


def test_a_log_that_cannot_be_opened_anew_is_kept(plait: Plait) -> None:
    told = plait.gate("told")
    source = RELOADER.replace("print(", "open('told', 'w').write(self.name) or print(")
    folder = plait.path("logs")
    folder.mkdir()
    assert plait("run", "-l", "logs/it.log", "-y", plait.application(source)).returncode == 0
    folder.rename(plait.path("moved"))
    pid = plait.pid()
    os.kill(pid, signal.SIGHUP)
    told.read()
    plait.stop()
    assert "Cannot open the log file" in plait.path("moved/it.log").read_text()


def test_systemd_is_told(plait: Plait, manager: Manager, read_until: Read) -> None:
    plait.environment["NOTIFY_SOCKET"] = str(manager.path)
    source = RELOADER + "import os\nassert 'NOTIFY_SOCKET' not in os.environ\n"
    process = plait.open("run", "-n", "-y", plait.application(source))
    assert process.stdout is not None
    assert manager.heard() == ["READY=1", f"MAINPID={process.pid}", "STATUS=Serving"]
    os.kill(process.pid, signal.SIGHUP)
    words = manager.heard()
    assert words[0] == "RELOADING=1" and words[1].startswith("MONOTONIC_USEC=")
    assert manager.heard()[0] == "READY=1"
    os.kill(process.pid, signal.SIGTERM)
    assert manager.heard()[0] == "STOPPING=1"
    assert plait.ended() == 0


def test_the_watchdog_hears_that_the_loop_turns(plait: Plait, manager: Manager) -> None:
    plait.environment.update(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="20000")
    process = plait.open("run", "-n", "-y", plait.application(RELOADER))
    assert manager.heard()[0] == "READY=1"
    assert [manager.heard() for _ in range(5)] == [["WATCHDOG=1"]] * 5
    os.kill(process.pid, signal.SIGTERM)
    assert plait.ended() == 0


def test_a_manager_that_is_gone_does_not_matter(plait: Plait, manager: Manager) -> None:
    plait.environment.update(NOTIFY_SOCKET=str(manager.path))
    process = plait.open("run", "-n", "-y", plait.application(RELOADER))
    assert manager.heard()[0] == "READY=1"
    manager.line.close()
    os.kill(process.pid, signal.SIGTERM)
    assert plait.ended() == 0


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
    ],
)
def test_who_is_watched(manager: Manager, environment: dict[str, str], watchdog: float | None) -> None:
    environment = {**environment, "NOTIFY_SOCKET": str(manager.path)}
    notifier = Notifier(environment)
    assert notifier.watchdog == watchdog and environment == {}
    notifier.close()
    notifier.ready()  # says nothing, and does not fail


@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="abstract names are Linux's")
def test_an_abstract_name() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        name = f"plait-test-{os.getpid()}"
        line.bind("\0" + name)
        line.settimeout(PATIENCE)
        Notifier({"NOTIFY_SOCKET": "@" + name}).stopping()
        assert line.recv(100).startswith(b"STOPPING=1")


def test_nobody_at_the_address(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ready()
    assert notifier.watchdog is None
