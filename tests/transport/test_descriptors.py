"""A connection closes its own descriptor, and once."""

from __future__ import annotations

import gc
import os
import socket

import pytest

from plait.current import getReactor
from plait.deferred import Deferred
from plait.protocol import ClientFactory, Protocol


@pytest.mark.parametrize("how", ["loseConnection", "abortConnection"])
async def test_closed_as_soon_as_it_is_made(how: str) -> None:
    lost = Deferred[None]()

    class Closing(Protocol):
        def connectionMade(self) -> None:
            getattr(self.transport, how)()

    class Once(ClientFactory):
        protocol = Closing

        def clientConnectionLost(self, connector: object, reason: object) -> None:
            getReactor().callLater(0, lost.callback, None)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        getReactor().connectTCP("127.0.0.1", listener.getsockname()[1], Once())
        await lost
    # Whoever opens something now may get the number that the connection had.
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    try:
        gc.collect()
        for number in others:
            os.fstat(number)  # raises if somebody has closed it
    finally:
        for number in others:
            try:
                os.close(number)
            except OSError:
                pass
