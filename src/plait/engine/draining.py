"""Letting connections come to their end before a server stops."""

from __future__ import annotations

import asyncio
from typing import Any

from plait.deferred import Deferred
from plait.engine.reactor import Reactor
from plait.interfaces import IDrainable, adapt
from plait.log import Logger
from plait.transport.stream import Connection

_log = Logger("plait.engine")

# Turns of the loop until a connection that it has accepted is told to us. On asyncio that takes a task and a callback, two turns.
TURNS = 4


async def drain(reactor: Reactor, patience: float) -> int:
    """Wait until the connections that were made to us have ended, at most `patience` seconds; stop listening before.

    A protocol that provides `plait.interfaces.IDrainable` is told, and closes as soon as it has done its work; any other is
    left to end as it would. Returns how many are still there.
    """
    network = reactor._net
    if patience > 0:
        # what was accepted before the port was closed may be told of only now; and what was sent on it, or on one that seems
        # idle, is read then, so that it is answered
        await _turns(network.loop, 2 * TURNS)
    network.connection_begun = _tell
    for connection in network.accepted():
        _tell(connection)
    try:
        return await _wait(reactor, patience)
    finally:
        network.connection_begun = None


async def _turns(loop: asyncio.AbstractEventLoop, count: int) -> None:
    for _ in range(count):
        turn: Deferred[None] = Deferred()
        loop.call_soon(turn.callback, None)
        await turn


async def _wait(reactor: Reactor, patience: float) -> int:
    network = reactor._net
    await _turns(network.loop, TURNS if patience > 0 else 0)
    count = len(network.accepted())
    if not count or patience <= 0:
        return count
    _log.info("Waiting for the end of {count} connections, at most {patience:g} s.", count=count, patience=patience)
    ended: Deferred[None] = Deferred()

    def look() -> None:
        # asked at each end: to list them all each time would take too long where there are many
        if not ended.called and not network.has_accepted():
            ended.callback(None)

    network.connection_ended = look
    await ended.addTimeout(patience, reactor, lambda *_: None)
    network.connection_ended = None
    left = len(network.accepted())
    if left:
        _log.warn("{count} connections have not ended in time.", count=left)
    return left


def _tell(connection: Connection) -> None:
    protocol: Any = connection.protocol
    while protocol is not None:
        drainable = adapt(IDrainable, protocol, None)
        if drainable is not None:
            try:
                drainable.drain()
            except Exception:
                _log.failure("Unhandled error in drain() of {protocol!r}", protocol=protocol)
            return
        protocol = getattr(protocol, "wrappedProtocol", None)
