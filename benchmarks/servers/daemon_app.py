"""An application for `plait run`: it answers each line with its process and the line, and notes in a file what it has answered.

Told to drain, it closes each connection after its next answer, and says so in it, as HTTP/1.1 does with "Connection: close":
who asked on a connection that is being closed would get no answer.
"""

import os

from plait import Factory, LineReceiver, reactor
from plait.interfaces import IDrainable, implementer
from plait.service import Application, Service, TCPServer


class Notes:
    """What has been answered; written in the turn after the answers were handed to the system."""

    def __init__(self):
        self.file = os.open(f"answered.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.lines = []

    def add(self, line):
        if not self.lines:
            reactor.callLater(0, reactor.callLater, 0, self.write)
        self.lines.append(line)

    def write(self):
        lines, self.lines = self.lines, []
        os.write(self.file, b"\n".join([*lines, b""]))


@implementer(IDrainable)
class Answer(LineReceiver):
    draining = False

    def lineReceived(self, line):
        self.sendLine(PID + line + (b" last" if self.draining else b""))
        notes.add(line)
        if self.draining:
            self.transport.loseConnection()

    def drain(self):
        self.draining = True


class Announce(Service):
    def startService(self):
        with open("port", "w") as file:
            file.write(str(server.getHost().port))


PID = f"{os.getpid()} ".encode()
notes = Notes()
application = Application("load")
server = TCPServer(0, Factory.forProtocol(Answer), backlog=4096, interface="127.0.0.1")
server.setServiceParent(application)
Announce().setServiceParent(application)
