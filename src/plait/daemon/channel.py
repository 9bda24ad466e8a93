"""The line between a daemon and one of its workers: JSON objects, one on each line, and descriptors that go along.

It is a pair of UNIX sockets, and its end is how each of the two learns that the other one is gone. Neither may fill the other's
memory: a line has at most `LONGEST` bytes.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

LONGEST = 64 * 1024

# Descriptors that may be on their way to one reader and not be fetched yet. One goes with each message, and is fetched with it.
_MOST_DESCRIPTORS = 4


class ChannelError(Exception):
    """The other side has said what makes no sense."""


class Channel:
    """One end of the line."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._bytes = bytearray()
        self._descriptors: list[int] = []

    def send(self, message: dict[str, Any], descriptor: int | None = None) -> None:
        """Say something, with a copy of a descriptor of ours. OSError if the other side is gone, or does not listen."""
        line = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self.sock, [line], [] if descriptor is None else [descriptor])
        if sent < len(line):  # only a long one: a short one is taken whole or not at all
            self.sock.sendall(line[sent:])

    def receive(self) -> Iterator[dict[str, Any]]:
        """What has been said; waits for something if the socket does.

        :raises EOFError: if the other side is gone.
        :raises ChannelError: if it is no message.
        """
        part = self._read()
        if not part:
            raise EOFError
        self._bytes += part
        *lines, self._bytes = self._bytes.split(b"\n")
        if len(self._bytes) > LONGEST:
            raise ChannelError(f"a line of more than {LONGEST} bytes")
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if not isinstance(message, dict):
                raise ChannelError(f"{bytes(line[:60])!r}")
            yield message

    def fetch_descriptor(self) -> int:
        """The descriptor that came with a message. ChannelError if none has come."""
        if not self._descriptors:
            raise ChannelError("the descriptor is missing")
        return self._descriptors.pop(0)

    def close(self) -> None:
        """Say no more."""
        self.sock.close()
        self._close(self._descriptors)

    def _read(self) -> bytes:
        item = array.array("i").itemsize
        space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * item)
        part, extras, flags, _ = self.sock.recvmsg(LONGEST, space, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
        for level, kind, data in extras:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._descriptors += array.array("i", data[: len(data) - len(data) % item])
        for descriptor in self._descriptors:
            os.set_inheritable(descriptor, False)
        if flags & socket.MSG_CTRUNC or len(self._descriptors) > _MOST_DESCRIPTORS:
            self._close(self._descriptors)
            raise ChannelError("too many descriptors")
        return part

    @staticmethod
    def _close(descriptors: list[int]) -> None:
        while descriptors:
            os.close(descriptors.pop())


def shortened(text: str, most: int = LONGEST // 8) -> str:
    """`text`, so short that it fits into a line whatever is in it; the end, where the error is, stays."""
    return text if len(text) <= most else f"[…]{text[-most:]}"


def names(value: object, count: int) -> Sequence[str]:
    """`value`, if it is that many words. ChannelError if it is not."""
    if not isinstance(value, list) or len(value) != count or not all(isinstance(word, str) for word in value):
        raise ChannelError(f"{value!r}"[:60])
    return value
