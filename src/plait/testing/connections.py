"""The contract of a connection: whether the two ends of yours keep what the interfaces of a transport promise.

    async def test_my_transport():
        await checkConnection(connect)

`plait.testing.contracts` has the checks that need one end alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from plait.current import getReactor
from plait.deferred import Deferred, TimeoutError
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.interfaces import IPushProducer
from plait.protocol import Protocol
from plait.testing.contracts import ContractError, Source, checkTransport, expect, provides

__all__ = ["checkConnection"]

# How long checkConnection waits for what was promised, in seconds; over loopback all comes in a moment.
_PATIENCE = 10.0

# Bytes that are more than what a transport's high-water mark takes at once.
_MUCH = bytes(range(256)) * 4096

# Messages that go to and fro while a paused end must hear nothing.
_ROUNDS = 5


class _End(Protocol):
    """One end of a connection under test: notes what comes, and fires Deferreds for what is waited for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = bytearray()
        self.lost: list[Failure] = []
        self.late = b""
        self._awaited: tuple[Callable[[], bool], Deferred[None]] | None = None

    def dataReceived(self, data: bytes) -> None:
        if self.lost:
            self.late += data
        self.received += data
        self._look()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.lost.append(Failure(ConnectionDone()) if reason is None else reason)
        self._look()

    def _look(self) -> None:
        if self._awaited is not None and self._awaited[0]():
            (_, done), self._awaited = self._awaited, None
            done.callback(None)

    async def until(self, kept: Callable[[], bool], promised: str) -> None:
        if not kept():
            done: Deferred[None] = Deferred()
            self._awaited = kept, done
            try:
                await done.addTimeout(_PATIENCE, getReactor())
            except TimeoutError:
                told = (
                    f"{len(self.received)} bytes and {len(self.lost)} calls of connectionLost came in {_PATIENCE:g} s"
                )
                raise ContractError(promised, f"{told} to the {self.name}") from None

    async def hears(self, data: bytes, promised: str) -> None:
        """Wait for as many bytes; they must be these. They are forgotten with this."""
        await self.until(lambda: len(self.received) >= len(data), promised)
        expect(self.received == data, promised, f"the {self.name} got {len(self.received)} other bytes")
        self.received.clear()

    async def is_lost(self, promised: str) -> None:
        await self.until(lambda: bool(self.lost), promised)


async def checkConnection(connect: Callable[[Any, Any], Awaitable[object]]) -> None:
    """A pair of transports keeps what `ITransport`, `IPushProducer` and `IConsumer` promise of both ends together.

    ``connect(client, server)`` joins two protocols by two new transports, and returns what is to be awaited until both
    have had `makeConnection`. It is called for each promise. The test runs on Plait's reactor.
    """
    for check in (_bytes_come, _closing_sends_all, _aborting_ends, _pausing_holds, _pushing_is_held, _each_end_alone):
        client, server = _End("client"), _End("server")
        await connect(client, server)
        for end in (client, server):
            expect(
                end.transport is not None,
                "both ends have a transport when they are connected",
                f"the {end.name} has none",
            )
        try:
            await check(client, server)
        finally:
            for end in (client, server):
                if not end.lost and end.transport is not None:
                    end.transport.loseConnection()
        for end in (client, server):
            await end.is_lost("connectionLost is called at the end of a connection")
        for end in (client, server):
            expect(not end.late, "nothing comes after connectionLost", f"{end.late!r:.60} came to the {end.name}")
            expect(len(end.lost) == 1, "connectionLost is called once", f"{len(end.lost)} times for the {end.name}")


async def _bytes_come(client: Any, server: Any) -> None:
    for one, other in ((client, server), (server, client)):
        one.transport.write(b"one ")
        one.transport.writeSequence([b"two ", b"three "])
        one.transport.write(_MUCH)
        await other.hears(b"one two three " + _MUCH, "bytes come whole, and in the order in which they were written")


async def _closing_sends_all(client: Any, server: Any) -> None:
    client.transport.write(_MUCH)
    client.transport.loseConnection()
    client.transport.write(b"late")
    await server.is_lost("loseConnection ends the connection for the peer")
    await client.is_lost("loseConnection ends the connection")
    promised = "loseConnection sends what was written before, and nothing that is written later"
    expect(server.received == _MUCH, promised, f"{len(server.received)} bytes came of {len(_MUCH)}")
    for end in (client, server):
        promised = "connectionLost is told ConnectionDone where the connection was closed in good order"
        expect(end.lost[0].check(ConnectionDone), promised, f"the {end.name} was told {end.lost[0].value!r}")


async def _aborting_ends(client: Any, server: Any) -> None:
    abort = getattr(client.transport, "abortConnection", None)
    if abort is not None:
        abort()
        await client.is_lost("abortConnection ends the connection")
        await server.is_lost("abortConnection ends the connection for the peer")
        promised = "connectionLost is told of an error where the connection was aborted"
        expect(not client.lost[0].check(ConnectionDone), promised, "the client was told ConnectionDone")


async def _pausing_holds(client: Any, server: Any) -> None:
    provides(IPushProducer, server.transport)
    server.transport.pauseProducing()
    server.transport.pauseProducing()
    client.transport.write(b"held")
    for _ in range(_ROUNDS):
        server.transport.write(b"meanwhile")
        await client.hears(b"meanwhile", "a transport that is paused still writes")
    expect(not server.received, "nothing comes while reading is paused", f"{bytes(server.received)!r} came")
    server.transport.resumeProducing()
    await server.hears(b"held", "what came while reading was paused comes with resumeProducing")


class _Pusher(Source):
    """A push producer that writes until it is told to pause."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self.transport = transport

    def push(self) -> int:
        """Write until told to pause; not without end. Returns how many bytes that were."""
        size = 0
        while "pauseProducing" not in self.told and size < 64 * len(_MUCH):
            self.transport.write(_MUCH)
            size += len(_MUCH)
        return size


async def _pushing_is_held(client: Any, server: Any) -> None:
    producer = _Pusher(client.transport)
    server.transport.pauseProducing()
    client.transport.registerProducer(producer, True)
    size = producer.push()
    promised = "a push producer is told to pause when more is written than the peer takes"
    expect("pauseProducing" in producer.told, promised, f"it was not told to after {size} bytes")
    server.transport.resumeProducing()
    await server.until(lambda: len(server.received) >= size, "all that was written comes")
    told = producer.told
    expect("resumeProducing" in told, "it is told to resume when the peer has taken it", f"it was told {told}")
    client.transport.loseConnection()
    client.transport.write(b"more")
    client.transport.unregisterProducer()
    await client.is_lost("loseConnection ends the connection when the producer is unregistered")


async def _each_end_alone(client: Any, server: Any) -> None:
    checkTransport(client.transport)
    await server.is_lost("loseConnection ends the connection for the peer")
    expect(server.received == b"abc", "what was written comes", f"{bytes(server.received)!r} came")
