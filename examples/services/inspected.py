"""A daemon is asked what it does: which connections it has, and what they have carried.

usage: python inspected.py, or plait run -n -y inspected.py
"""

import json
import os
import socket
import subprocess
import sys
import tempfile

from plait import Factory, LineReceiver
from plait.service import Application, TCPServer, TimerService

PORT = int(os.environ.get("PORT", "8007"))


class Shout(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(line.upper())


def sweep():
    """What there is to do every minute."""


application = Application("Shouter")
TCPServer(PORT, Factory.forProtocol(Shout), interface="127.0.0.1").setServiceParent(application)
TimerService(60, sweep).setServiceParent(application)


def inspect(folder):
    """All that the daemon tells of itself."""
    command = [sys.executable, "-m", "plait", "inspect", "--pidfile", "plait.pid", "--json"]
    return json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]  # a free one
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "plait", "run", "-y", os.path.abspath(__file__)]
        subprocess.run(command, cwd=folder, env={**os.environ, "PORT": str(port)}, check=True)
        try:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"hello\r\n")
                client.recv(100)
                facts = inspect(folder)
                for one in facts["connections"]:
                    print(f"{one['protocol']}: {one['bytesReceived']} bytes in, {one['bytesSent']} out")
                for one in facts["services"]:
                    print(f"{one['kind']} is {one['state']}")
                for one in facts["timers"]["functions"]:
                    print(f"{one['function']} is called within {60 if one['due'] < 60 else 'more than 60'} seconds")
        finally:
            subprocess.run([sys.executable, "-m", "plait", "stop", "plait.pid"], cwd=folder, check=True)
