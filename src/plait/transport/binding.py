"""Our own side of a TCP connection, or the place to listen at, with the options that let several sockets share it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a socket is bound. Use it as the `bindAddress` of `connectTCP`, or as the port of `listenTCP`.

    Attributes: `host` (an address of ours; empty for any), `port` (0 for any); `reuseAddress` (SO_REUSEADDR: also where old
    connections of that port are still ending), `reusePort` (SO_REUSEPORT: share it with other sockets that say so too).
    """

    host: str
    port: int
    reuseAddress: bool = False
    reusePort: bool = False

    def apply(self, sock: socket.socket) -> None:
        """Set the options on a socket that is not bound yet.

        :raises ValueError: if the system has no SO_REUSEPORT.
        """
        if self.reusePort and not hasattr(socket, "SO_REUSEPORT"):
            raise ValueError("this system has no SO_REUSEPORT: a port cannot be shared here")
        if self.reuseAddress:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.reusePort:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def makeBinding(address: str, port: int, *, reuseAddress: bool = False, reusePort: bool = False) -> Binding:
    """A `Binding`, with what it says about sharing by name."""
    return Binding(address, port, reuseAddress, reusePort)


def usual_binding(host: str, port: int) -> Binding:
    """How a listening port is bound if nothing is said: it can be taken again while old connections are ending.

    On Windows SO_REUSEADDR would let two programs have the same port.
    """
    return Binding(host, port, reuseAddress=os.name == "posix")


def binding_of(given: Binding | tuple[str, int] | None) -> Binding | None:
    """What a program has given to connect from."""
    return given if given is None or isinstance(given, Binding) else Binding(given[0], given[1])
