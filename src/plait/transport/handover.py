"""Sockets that listen, on their way from one process to the next one, which runs new code.

They are never closed on the way, so nobody who connects meanwhile is refused: he waits in the kernel's queue. The next
process opens its ports as it would anyway; where one is asked for that it has been handed, that socket is used.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

# What was asked for: the kind of port ("TCP", "UNIX", "UDP"), the interface, and the port's number or the socket's path. Not what
# came of it: a program that asks for port 0 does so again, and gets the port of before.
Place = tuple[str, str, str]


class Inherited:
    """The sockets that this process has been handed, and that no port has taken yet.

    `complete` says that the process before us has let go of what goes with them, such as a socket's file. Until then it may
    have to go on with it.
    """

    def __init__(self) -> None:
        self.complete = False
        self._sockets: dict[Place, list[socket.socket]] = {}

    def add(self, place: Place, sock: socket.socket) -> None:
        """Keep a socket for the port that asks for `place`; of several, the first that comes is the first to be taken."""
        self._sockets.setdefault(place, []).append(sock)

    def take(self, place: Place | None) -> socket.socket | None:
        """The socket for a port that asks for `place`; None if it has to open one."""
        waiting = self._sockets.get(place) if place is not None else None
        return waiting.pop(0) if waiting else None

    def copies(self) -> list[tuple[Place, int]]:
        """New descriptors of all that nobody has taken yet."""
        return [(place, os.dup(sock.fileno())) for place, sockets in self._sockets.items() for sock in sockets]

    def finish(self) -> Iterable[Place]:
        """All is ours now. Close what nobody has asked for: the new code does not listen there any more; gives those places."""
        self.complete = True
        left, self._sockets = self._sockets, {}
        for sockets in left.values():
            for sock in sockets:
                sock.close()
        return [place for place, sockets in left.items() for _ in sockets]


inherited = Inherited()
"""Those of this process. It is empty unless a process before this one has handed something on (see `plait.daemon.upgrade`)."""

given: list[int] = []
"""The sockets that the service manager had opened for the process before us, by number: not those that it had there."""
