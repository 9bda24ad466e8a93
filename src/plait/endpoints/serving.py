"""`connect` and `serve`: the way into the network for a program that is written with async and await.

```python
async with connect("tcp:host=example.com:port=5001") as stream:
    await stream.write(b"hello\\n")
    print(await stream.readUntil(b"\\n"))
```
"""

from __future__ import annotations

import asyncio
from asyncio import IncompleteReadError
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from plait import current
from plait.deferred import CancelledError, Deferred, ensureDeferred
from plait.endpoints.streams import MAX_LINE, Stream, StreamLimitError, StreamProtocol
from plait.endpoints.strings import clientFromString, serverFromString
from plait.endpoints.wrapping import connectProtocol
from plait.errors import ConnectionClosed
from plait.failure import Failure
from plait.interfaces import IAddress, IListeningPort, IStreamClientEndpoint, IStreamServerEndpoint
from plait.log import Logger
from plait.protocol import Factory

_log = Logger("plait.endpoints")

Handler = Callable[[Stream], Awaitable[object]]


@asynccontextmanager
async def connect(
    where: str | IStreamClientEndpoint, *, maxLine: int = MAX_LINE, reactor: Any = None
) -> AsyncIterator[Stream]:
    """Connect, for ``async with``: a `Stream`, which is closed at the end of the block (and cut if the block fails).

    :param where: an endpoint, or a string that describes one (`clientFromString`). With TLS, the handshake is waited for.
    :param maxLine: how long a line may be, in bytes.
    :param reactor: for a string; None: the current one.
    :raises ValueError: if the string describes none.
    :raises plait.errors.ConnectError: if there is no connection; `plait.errors.SSLError` if the handshake fails.
    """
    endpoint = clientFromString(reactor or current.getReactor(), where) if isinstance(where, str) else where
    stream = Stream(maxLine)
    await connectProtocol(endpoint, StreamProtocol(stream))
    try:
        await stream.secured()
        yield stream
    except BaseException:
        stream.abort()
        raise
    await stream.close()


class Server:
    """What `serve` gives. Attributes: `port` (what listens), `address` (where; with the port's real number)."""

    def __init__(self, port: IListeningPort, factory: _ServingFactory) -> None:
        self.port = port
        self.address: IAddress = port.getHost()
        self._factory = factory

    @property
    def streams(self) -> list[Stream]:
        """The connections that are served now."""
        return list(self._factory.running)

    async def serveForever(self) -> None:
        """Wait until this is cancelled."""
        await Deferred()


@asynccontextmanager
async def serve(
    where: str | IStreamServerEndpoint,
    handler: Handler,
    *,
    maxLine: int = MAX_LINE,
    grace: float = 0.0,
    reactor: Any = None,
) -> AsyncIterator[Server]:
    """Listen, for ``async with``: a `Server`. Each connection is handed to `handler`, in a coroutine of its own.

    When the handler returns, its connection is closed. If it raises, that is logged and its connection is cut; the others
    go on. At the end of the block nobody new is accepted, and the handlers that still run are cancelled.

    :param where: an endpoint, or a string that describes one (`serverFromString`). With TLS, the handler is called after
        the handshake.
    :param handler: an async function that takes a `Stream`.
    :param maxLine: how long a line may be, in bytes.
    :param grace: how long handlers may go on at the end of the block before they are cancelled, in seconds.
    :param reactor: for a string; None: the current one.
    :raises ValueError: if the string describes none.
    :raises plait.errors.CannotListenError: if the port is taken, or not ours to open.
    """
    endpoint = serverFromString(reactor or current.getReactor(), where) if isinstance(where, str) else where
    factory = _ServingFactory(handler, maxLine)
    port = await endpoint.listen(factory)
    try:
        yield Server(port, factory)
    except BaseException:
        grace = 0.0
        raise
    finally:
        factory.accepting = False
        await ensureDeferred(_stop(port, factory, grace))


async def _stop(port: IListeningPort, factory: _ServingFactory, grace: float) -> None:
    stopped = port.stopListening()
    if stopped is not None:
        await stopped
    await factory.finish(grace)


class _ServingFactory(Factory):
    """Runs the handler for each connection. Attribute: `running`, the streams and their coroutines."""

    noisy = False
    accepting = True

    def __init__(self, handler: Handler, maxLine: int) -> None:
        self._handler = handler
        self._max_line = maxLine
        self._idle: Deferred[None] | None = None
        self.running: dict[Stream, Deferred[None] | None] = {}

    def logPrefix(self) -> str:
        return getattr(self._handler, "__qualname__", "serve")

    def buildProtocol(self, addr: Any) -> StreamProtocol | None:
        return _ServingProtocol(self, Stream(self._max_line)) if self.accepting else None

    def begin(self, stream: Stream) -> None:
        """Call the handler; the first step of it runs now."""
        if not self.accepting:
            stream.abort()
            return
        self.running[stream] = None
        running = ensureDeferred(self._run(stream))
        if stream in self.running:
            self.running[stream] = running

    async def _run(self, stream: Stream) -> None:
        try:
            await self._handler(stream)
            await stream.close()
        except (CancelledError, asyncio.CancelledError):
            pass
        except (ConnectionClosed, IncompleteReadError, StreamLimitError) as e:
            # the peer's doing, and no error of the handler's
            _log.info("The connection of {peer} is closed: {error}", peer=stream.getPeer(), error=e)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:
            _log.failure(
                "Unhandled error in {handler}: the connection of {peer} is closed",
                Failure(e),
                handler=self.logPrefix(),
                peer=stream.getPeer(),
            )
        finally:
            stream.abort()
            del self.running[stream]
            if self._idle is not None and not self.running:
                idle, self._idle = self._idle, None
                idle.callback(None)

    async def finish(self, grace: float) -> None:
        """Wait until all handlers are done; cancel them after `grace` seconds."""
        if grace <= 0:
            self._cancel()
        if not self.running:
            return
        self._idle = Deferred()
        timer = current.getReactor().callLater(grace, self._cancel) if grace > 0 else None
        try:
            await self._idle
        except BaseException:
            self._cancel()
            raise
        finally:
            if timer is not None and timer.active():
                timer.cancel()

    def _cancel(self) -> None:
        for stream, running in list(self.running.items()):
            stream.abort()  # so that one who does not listen to that cannot go on either
            if running is not None:
                running.cancel()


class _ServingProtocol(StreamProtocol):
    def __init__(self, factory: _ServingFactory, stream: Stream) -> None:
        super().__init__(stream)
        self.factory = factory

    def begun(self) -> None:
        self.factory.begin(self.stream)
