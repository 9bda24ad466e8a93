"""The socket at which a daemon tells what it does: a UNIX socket of its owner's, beside the pid file.

It is no port of the reactor's, and its connections are none: they are not counted, not drained, and not told of. Whoever asks
sends a line, ``{"want": "snapshot"}``, and is sent the lines of `plait.daemon.inspection.snapshot`: one piece of work in each
turn of the loop, and none while he does not read. Who asks too often waits for the answer, so that the program keeps its time.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import time
from collections.abc import Generator
from typing import Any

from plait.daemon.errors import reason
from plait.daemon.inspection.snapshot import Subject, View, lines
from plait.daemon.pidfile import PidFile
from plait.daemon.registry import own_folder, remove_stale_sockets
from plait.engine.lag import LoopLag
from plait.errors import CannotListenError
from plait.failure import Failure
from plait.log import Logger
from plait.protocol import Factory, Protocol
from plait.transport.handover import Place
from plait.transport.network import Network
from plait.transport.unix import UNIXPort

_log = Logger(namespace="plait.daemon")

# The most bytes of a UNIX socket's path: sun_path in unix(7) has 108, and the last is 0.
LONGEST_PATH = 107

# What may be asked, in bytes; how many may ask at once.
_LONGEST_QUESTION = 1000
_MOST_SESSIONS = 8

# Seconds that the first answer waits, so that there is something to say of the loop's lag.
_FIRST_LOOK = 0.06

# How much of the time answers may take, and the most seconds that one waits for that.
_SHARE = 0.02
_LONGEST_WAIT = 1.0

_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): process, user, group


class Inspector:
    """Tells what a program does, from `open` until `close`. Attribute: `path` (of the socket, "" if there is none)."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.path = ""
        self._port: _InspectionPort | None = None
        self._why = ""  # it has none

    def open(self, pid_file: str, owner: tuple[int, int] | None = None) -> None:
        """Listen: beside the pid file, which is ours by now; else, or where that cannot be, in the user's runtime folder.

        :param pid_file: its path; "" if there is none.
        :param owner: the user and group that this process is about to become.

        That it cannot listen is logged, and keeps nobody from serving.
        """
        if self._port is not None or not hasattr(socket, "AF_UNIX"):
            return
        try:
            if not (pid_file and self._listen(PidFile(os.path.abspath(pid_file)).socket, shared=True)):
                remove_stale_sockets()
                self._listen(os.path.join(own_folder(make=True), f"{os.getpid()}.sock"), shared=False)
        except OSError as error:
            self._why = reason(error)
        if self._port is None:
            _log.warn("plait inspect cannot ask this program: there is no socket ({reason}).", reason=self._why)
        elif owner is not None:
            try:
                os.chown(self.path, *owner)
            except OSError as error:
                _log.debug("{path} stays root's: {reason}", path=self.path, reason=reason(error))

    def _listen(self, path: str, shared: bool) -> bool:
        """Whether it can listen at `path`. What is not `shared` with the process that comes after this one ends with us."""
        if len(os.fsencode(path)) > LONGEST_PATH:
            self._why = f"the path {path} is longer than {LONGEST_PATH} bytes"
            return False
        port = _InspectionPort(self.subject.reactor.loop, path, _Sessions(self.subject), shared)
        try:
            port.startListening()
        except CannotListenError as error:
            self._why = str(error)
            return False
        self._port, self.path = port, path
        return True

    def to_hand_over(self) -> list[Any]:
        """The port, if the next process is to go on with it."""
        return [] if self._port is None or self._port.place is None else [self._port]

    def close(self) -> None:
        """Remove the socket."""
        port, self._port = self._port, None
        if port is not None:
            port.close()


class _InspectionPort(UNIXPort):
    """The port, in a network of its own, so that the reactor does not count it among the program's."""

    def __init__(self, loop: Any, path: str, factory: _Sessions, shared: bool) -> None:
        super().__init__(Network(loop), path, factory, mode=0o600)
        self._shared = shared

    def _place(self) -> Place | None:
        return super()._place() if self._shared else None

    def _tell(self, text: str) -> None:
        """It is no port of the program's, so the log does not tell of it."""

    def _bind(self) -> socket.socket:
        # Whose pid file this is, or whose number: what lies there is left over from a process that was killed.
        try:
            if stat.S_ISSOCK(os.lstat(self.port).st_mode):
                os.unlink(self.port)
        except OSError:
            pass  # there is none; or bind will tell
        return super()._bind()

    def hand_over(self, pid: int) -> None:
        super().hand_over(pid)
        self._close()  # who asks from now on is answered there

    def close(self) -> None:
        """Take no more questions, and remove the socket's file."""
        for session in list(self._network.connections):
            session.cut()
        self._close()
        self._file.remove()


class _Sessions(Factory):
    """Makes the protocols. The loop's lag is looked at as long as somebody is there."""

    noisy = False

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.lag = LoopLag(subject.reactor)
        self.open: set[_Session] = set()
        self._due = 0.0

    def has_cost(self, seconds: float) -> None:
        """An answer has taken so much of the thread's CPU time."""
        now = self.subject.reactor.loop.time()
        self._due = min(max(self._due, now) + seconds / _SHARE, now + _LONGEST_WAIT)

    def wait(self) -> float:
        """Seconds until the next answer may begin."""
        now: float = self.subject.reactor.loop.time()
        return max(0.0, self._due - now)

    def buildProtocol(self, addr: object) -> _Session | None:
        if len(self.open) >= _MOST_SESSIONS:
            return None
        return _Session(self)


class _Session(Protocol):
    """Somebody who asks."""

    factory: _Sessions
    transport: Any

    def __init__(self, factory: _Sessions) -> None:
        self.factory = factory
        self._asked = b""
        self._view = View(factory.subject.reactor)
        self._answer: Generator[bytes, None, None] | None = None
        self._cost = 0.0
        self._waits: Any = None

    def connectionMade(self) -> None:
        user = _user_of(self.transport.getHandle())
        if user not in (None, 0, os.geteuid()):
            _log.warn("User {user} may not inspect this program: it is neither its owner nor root.", user=user)
            self.transport.abortConnection()
            return
        self.factory.open.add(self)
        if len(self.factory.open) == 1:
            self.factory.lag.start()
            self._waits = self.factory.subject.reactor.loop.call_later(_FIRST_LOOK, self._go_on)

    def connectionLost(self, reason: Failure) -> None:
        self.factory.open.discard(self)
        if self._waits is not None:
            self._waits.cancel()
        if not self.factory.open:
            self.factory.lag.stop()

    def dataReceived(self, data: bytes) -> None:
        self._asked += data
        if len(self._asked) > _LONGEST_QUESTION:
            self.transport.abortConnection()
        elif self._waits is None:
            self._go_on()

    def _go_on(self) -> None:
        """Begin with the answer to the next question, if there is one and nothing else is under way."""
        self._waits = None
        if self._answer is not None or b"\n" not in self._asked:
            return
        if wait := self.factory.wait():
            self._waits = self.factory.subject.reactor.loop.call_later(wait, self._go_on)
            return
        line, _, self._asked = self._asked.partition(b"\n")
        try:
            wanted = json.loads(line)["want"]
        except (ValueError, TypeError, KeyError):
            wanted = None
        if wanted != "snapshot":
            self.transport.write(b'{"error": "ask for {\\"want\\": \\"snapshot\\"}"}\n')
            self.transport.loseConnection()
            return
        self._answer = lines(self.factory.subject, self._view, self.factory.lag.take())
        self.transport.registerProducer(self, False)

    # -- as a producer: called once in a turn of the loop, as long as the other side reads

    def resumeProducing(self) -> None:
        if self._answer is None:
            return
        begun = time.thread_time()
        line = next(self._answer, None)
        self._cost += time.thread_time() - begun
        if line is None:
            self._answer = None
            self.factory.has_cost(self._cost)
            self._cost = 0.0
            self.transport.unregisterProducer()
            self._go_on()
        elif line:
            self.transport.write(line)

    def stopProducing(self) -> None:
        self._answer = None


def _user_of(sock: Any) -> int | None:
    """The user at the other end; None where the system does not say."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(credentials)[1]
    return user
