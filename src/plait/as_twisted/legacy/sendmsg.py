"""What `twisted.python.sendmsg` is: messages over a socket that carry more than bytes, such as open files."""

from __future__ import annotations

from collections.abc import Sequence
from socket import CMSG_SPACE, SCM_RIGHTS, socket
from typing import NamedTuple

__all__ = ["SCM_RIGHTS", "ReceivedMessage", "getSocketFamily", "recvmsg", "sendmsg"]


class ReceivedMessage(NamedTuple):
    """What came: the bytes, what came beside them as ``(level, kind, bytes)``, and flags."""

    data: bytes
    ancillary: list[tuple[int, int, bytes]]
    flags: int


def sendmsg(socket: socket, data: bytes, ancillary: Sequence[tuple[int, int, bytes]] = (), flags: int = 0) -> int:
    """Send bytes, and what goes beside them. How many bytes were sent; raises `OSError` as the socket does."""
    return socket.sendmsg([data], ancillary, flags)


def recvmsg(socket: socket, maxSize: int = 8192, cmsgSize: int = 4096, flags: int = 0) -> ReceivedMessage:
    """Receive a message: so many bytes at most, and so many beside them."""
    return ReceivedMessage(*socket.recvmsg(maxSize, CMSG_SPACE(cmsgSize), flags)[:3])


def getSocketFamily(socket: socket) -> int:
    """The family of a socket, such as `socket.AF_UNIX`."""
    return socket.family
