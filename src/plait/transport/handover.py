"""Sockets that listen, on their way from one process to another.

They go from one process to the next one, which runs new code, or between the workers of one daemon. They are never closed on the
way, so nobody who connects meanwhile is refused: he waits in the kernel's queue. A process opens its ports as it would anyway;
where one is asked for that it has been handed, that socket is used.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from typing import Protocol

# What was asked for: the kind of port ("TCP", "UNIX", "UDP"), the interface, and the port's number or the socket's path. Not what
# came of it: a program that asks for port 0 does so again, and gets the port of before.
Place = tuple[str, str, str]


class Lender(Protocol):
    """Another process, `pid`, which keeps the sockets of several."""

    pid: int

    def borrow(self, place: Place) -> socket.socket | None:
        """A copy of the socket that is kept for `place`; None if there is none, and this process is to open it.

        :raises plait.errors.CannotListenError: if the other process does not say.
        """

    def lend(self, place: Place, sock: socket.socket | None) -> None:
        """Let the others have a copy of what was opened, or know that it could not be (None).

        :raises plait.errors.CannotListenError: if the other process does not take it.
        """


class Inherited:
    """The sockets that this process has been handed, and that no port has taken yet.

    `complete` says that the process before us has let go of what goes with them, such as a socket's file. Until then it may
    have to go on with it. With a `lender` it never does: the file is his.
    """

    def __init__(self) -> None:
        self.complete = False
        self.lender: Lender | None = None
        self._sockets: dict[Place, list[socket.socket]] = {}

    def add(self, place: Place, sock: socket.socket) -> None:
        """Keep a socket for the port that asks for `place`; of several, the first that comes is the first to be taken."""
        self._sockets.setdefault(place, []).append(sock)

    def take(self, place: Place | None) -> socket.socket | None:
        """The socket for a port that asks for `place`; None if it has to `open` one."""
        if place is None:
            return None
        if self.lender is not None:
            return self.lender.borrow(place)
        waiting = self._sockets.get(place)
        return waiting.pop(0) if waiting else None

    def open(
        self, place: Place | None, bind: Callable[[], socket.socket], hand_over: Callable[[int], object]
    ) -> socket.socket:
        """What `bind` opens. If there is a lender he keeps it from now on, and is told to `hand_over` what belongs to it."""
        if self.lender is None or place is None:
            return bind()
        try:
            sock = bind()
        except BaseException:
            self.lender.lend(place, None)
            raise
        hand_over(self.lender.pid)
        self.lender.lend(place, sock)
        return sock

    def copies(self) -> list[tuple[Place, int]]:
        """New descriptors of all that nobody has taken yet."""
        return [(place, os.dup(sock.fileno())) for place, sockets in self._sockets.items() for sock in sockets]

    def finish(self) -> Iterable[Place]:
        """All is ours now. Close what nobody has asked for: the new code does not listen there any more; gives those places."""
        self.complete = self.lender is None
        left, self._sockets = self._sockets, {}
        for sockets in left.values():
            for sock in sockets:
                sock.close()
        return [place for place, sockets in left.items() for _ in sockets]


inherited = Inherited()
"""Those of this process. It is empty unless another process has handed something on (see `plait.daemon`)."""

given: list[int] = []
"""The sockets that the service manager had opened for another process, by number: not those that it had there."""
