"""Running the real command, and never leaving one of its processes behind."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

import plait as package
from plait.daemon.pidfile import is_alive

# Seconds. Nothing here takes a tenth of it; it is there so that a broken daemon fails the test and not the whole run.
PATIENCE = 60.0

# An application that answers lines backwards on a free port, which it writes to the file "port".
REVERSER = """
from plait.protocol import Factory, LineReceiver
from plait.service import Application, Service, TCPServer

class Reverse(LineReceiver):
    def lineReceived(self, line):
        print("asked for", line.decode())
        self.sendLine(line[::-1])

class Announce(Service):
    def startService(self):
        with open("port", "w") as file:
            file.write(str(server.getHost().port))

application = Application("Reverser")
server = TCPServer(0, Factory.forProtocol(Reverse), interface="127.0.0.1")
server.setServiceParent(application)
Announce().setServiceParent(application)
"""

# The command as another user than root. Everything is imported first: Python and Plait may lie in a folder of root's.
AS_USER = """
import encodings.idna, os, pwd, shutil, sys
import plait.engine, plait.protocol, plait.service, plait.task
from plait import cli
import plait.testing.runner.cli
from plait.daemon import runner
user = int(sys.argv[1])
os.setgroups([])
os.setgid(user)
os.setuid(user)
sys.exit(cli.main(sys.argv[2:]))
"""


def await_end(pid: int) -> None:
    """Wait until the process `pid`, no child of ours, has ended."""
    deadline = time.monotonic() + PATIENCE
    if hasattr(os, "pidfd_open"):
        try:
            file = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            ended, _, _ = select.select([file], [], [], PATIENCE)
        finally:
            os.close(file)
        assert ended, f"process {pid} has not ended"
        return
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} has not ended"
        time.sleep(0.01)


class Gate:
    """A named pipe that is held open on this side, so that nobody waits for ever to open it."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.file = os.open(path, os.O_RDWR)

    def read(self) -> str:
        """What was written on the other side, as soon as there is something."""
        ready, _, _ = select.select([self.file], [], [], PATIENCE)
        assert ready, "nobody came to the gate"
        return os.read(self.file, 1000).decode()

    def write(self, text: str) -> None:
        os.write(self.file, text.encode())


class Plait:
    """The command, run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The command runs in another folder, so a relative PYTHONPATH would lead nowhere.
        source = str(Path(package.__file__).resolve().parents[1])
        path = [source, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self.environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path))
        self._pids: set[int] = set()
        self._foreground: list[subprocess.Popen[str]] = []
        self._gates: list[Gate] = []

    def __call__(
        self, *arguments: str, module: tuple[str, ...] = ("plait",), user: int | None = None, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, perhaps as another user, or with something `typed` into it.

        A daemon that it leaves is ended with the test.
        """
        how = ["-m", *module] if user is None else ["-c", AS_USER, str(user)]
        try:
            return subprocess.run(
                [sys.executable, *how, *arguments],
                cwd=self.folder,
                env=self.environment,
                input=typed,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
        finally:
            self._note_daemons()

    def open(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command and return while it runs."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "plait", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._foreground.append(process)
        return process

    def ended(self) -> int:
        """Wait for the end of the command that was started last; the status that it has ended with."""
        return self._foreground[-1].wait(PATIENCE)

    def application(self, source: str, name: str = "app.py") -> str:
        """Write an application file."""
        self.path(name).write_text(source)
        return name

    def path(self, name: str) -> Path:
        return self.folder / name

    def pid(self, name: str = "plait.pid") -> int:
        return int(self.path(name).read_text())

    def log(self) -> str:
        return self.path("plait.log").read_text()

    def stop(self, name: str = "plait.pid", number: signal.Signals = signal.SIGTERM) -> None:
        """Send the daemon a signal and wait for its end."""
        pid = self.pid(name)
        os.kill(pid, number)
        await_end(pid)

    def ask(self, line: str) -> str:
        """The answer of the reverser to `line`."""
        port = int(self.path("port").read_text())
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(line.encode() + b"\r\n")
            with connection.makefile("rb") as answers:
                return answers.readline().decode().rstrip("\r\n")

    def gate(self, name: str) -> Gate:
        """A named pipe in the folder, for an application to wait at."""
        gate = Gate(self.path(name))
        self._gates.append(gate)
        return gate

    def _note_daemons(self) -> None:
        for file in self.folder.rglob("*.pid"):
            try:
                self._pids.add(int(file.read_text()))
            except (OSError, ValueError):
                pass

    def pids(self) -> set[int]:
        """The daemons that were seen to run."""
        return set(self._pids)

    def kill(self) -> None:
        """End the commands that still run in the foreground: whoever reads what they say then sees the end."""
        for process in self._foreground:
            if process.poll() is None:
                process.kill()

    def clean_up(self) -> None:
        self._note_daemons()
        for gate in self._gates:
            os.close(gate.file)
        for process in self._foreground:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE)
        for pid in self._pids - {os.getpid()}:
            if is_alive(pid) and _is_ours(pid):
                os.kill(pid, signal.SIGKILL)


def _is_ours(pid: int) -> bool:
    # A pid file in a test can name anything; kill only what this command started.
    try:
        return b"plait" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def plait(tmp_path: Path) -> Iterator[Plait]:
    command = Plait(tmp_path)
    yield command
    command.clean_up()


@pytest.fixture
def reverser(plait: Plait) -> str:
    return plait.application(REVERSER, "reverse_app.py")


@pytest.fixture
def read_until(plait: Plait) -> Callable[[IO[str], str], str]:
    """Read lines from a stream of the command's until one contains a text; returns all that was read."""

    def read(stream: IO[str], text: str) -> str:
        lines: list[str] = []
        too_late = threading.Timer(PATIENCE, plait.kill)
        too_late.start()
        try:
            for line in stream:
                lines.append(line)
                if text in line:
                    return "".join(lines)
        finally:
            too_late.cancel()
        raise AssertionError(f"{text!r} never came: {''.join(lines)}")

    return read
