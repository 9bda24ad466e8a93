"""What `twisted.internet.tcp` is beyond ours: ports that a program makes, and opens, by itself."""

from __future__ import annotations

import socket
from typing import Any

from plait import transport
from plait.current import getReactor

__all__ = ["Port", "numericAddress"]


class _AnyPort(type):
    """The ports that the reactor makes are of the class in `plait.transport`, and count as instances too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, transport.Port)


class Port(transport.Port, metaclass=_AnyPort):
    """A port that listens when its `startListening` is called. A subclass may make the socket, with options of its own.

    :param reactor: the reactor, one of Plait's; None for the one that is the program's.
    """

    def __init__(self, port: Any, factory: Any, backlog: int = 50, interface: str = "", reactor: Any = None) -> None:
        self.reactor = getReactor() if reactor is None else reactor
        super().__init__(getattr(self.reactor, "_net", None), port, factory, backlog, interface)  # type: ignore[arg-type]

    def createInternetSocket(self) -> socket.socket:
        """The socket, before it is bound."""
        return super()._new_socket(socket.AF_INET6 if ":" in self.interface else socket.AF_INET)

    def _new_socket(self, family: int) -> socket.socket:
        return self.createInternetSocket()


def numericAddress(host: str, port: int | str) -> tuple[Any, ...]:
    """The address by which a socket reaches a literal host: for IPv6 with flow info and scope. A number of a port is not checked.

    :raises socket.gaierror: if either is a name.
    """
    asked = 0 if isinstance(port, int) else port
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    found = socket.getaddrinfo(host, asked, 0, 0, 0, flags)[0][4]
    return found if asked else (found[0], port, *found[2:])
