"""Two processes serve one port; one of them is killed, and another one takes its place.

usage: python workers.py, or plait run -n --workers 2 -y workers.py
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile

from plait import Factory, LineReceiver
from plait.service import Application, TCPServer

PORT = int(os.environ.get("PORT", "8007"))


class Who(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(b"%d" % os.getpid())


application = Application("Who")
TCPServer(PORT, Factory.forProtocol(Who), interface="127.0.0.1").setServiceParent(application)


def ask(port):
    """Which process answers, this time."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"who?\r\n")
        return int(connection.recv(100))


def ask_until(port, enough):
    seen = set()
    while not enough(seen):
        seen.add(ask(port))
    return seen


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]  # a free one
    plait = [sys.executable, "-m", "plait"]
    with tempfile.TemporaryDirectory() as folder:
        command = [*plait, "run", "--workers", "2", "-y", os.path.abspath(__file__)]
        subprocess.run(command, cwd=folder, env={**os.environ, "PORT": str(port)}, check=True)
        try:
            first = ask_until(port, lambda seen: len(seen) == 2)
            print(f"{len(first)} processes answer")
            os.kill(min(first), signal.SIGKILL)
            ask_until(port, lambda seen: seen - first)
            print("one was killed, and another one answers")
        finally:
            stopped = subprocess.run([*plait, "stop"], cwd=folder)
        print(f"stopped, with status {stopped.returncode}")
