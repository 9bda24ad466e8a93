"""Two protocols joined in one process, for tests: over queues (`loopbackAsync`), TCP or a UNIX socket.

For new tests, `plait.testing.connectedServerAndClient` joins them without a reactor, step by step.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

from plait import current
from plait.deferred import Deferred, DeferredList
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.interfaces import IAddress, IConsumer, ITransport, implementer
from plait.protocol import ClientFactory, ServerFactory
from plait.protocol.policies import ProtocolWrapper, WrappingFactory
from plait.task import deferLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    _Policy: TypeAlias = "Callable[[_LoopbackQueue, Any], object]"


class _LoopbackQueue:
    """What one end has written and the other has not received. None in it stands for the end of the connection."""

    disconnect = False
    _notificationDeferred: Deferred[None] | None = None

    def __init__(self) -> None:
        self._queue: deque[bytes | None] = deque()

    def put(self, v: bytes | None) -> None:
        self._queue.append(v)
        if self._notificationDeferred is not None:
            d, self._notificationDeferred = self._notificationDeferred, None
            d.callback(None)

    def __bool__(self) -> bool:
        return bool(self._queue)

    def get(self) -> bytes | None:
        return self._queue.popleft()


@implementer(IAddress)
class _LoopbackAddress:
    """Either end."""


@implementer(ITransport, IConsumer)
class _LoopbackTransport:
    """One end, which writes to a queue."""

    disconnecting = False
    producer: Any = None
    streamingProducer = False

    def __init__(self, q: _LoopbackQueue) -> None:
        self.q = q

    def write(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"a transport writes bytes, not {type(data).__name__}")
        self.q.put(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        self.q.put(b"".join(iovec))

    def loseConnection(self) -> None:
        self.q.disconnect = True
        self.disconnecting = True
        self.q.put(None)

    def abortConnection(self) -> None:
        self.loseConnection()

    def getPeer(self) -> IAddress:
        return _LoopbackAddress()

    def getHost(self) -> IAddress:
        return _LoopbackAddress()

    def pauseProducing(self) -> None:
        """Nothing: what is written is delivered."""

    def resumeProducing(self) -> None:
        """Nothing."""

    def stopProducing(self) -> None:
        self.loseConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.producer is not None:
            raise RuntimeError("Cannot register two producers")
        self.producer = producer
        self.streamingProducer = streaming
        self._pollProducer()

    def unregisterProducer(self) -> None:
        if self.producer is None:
            raise RuntimeError("Cannot unregister a producer unless one is registered")
        self.producer = None

    def _pollProducer(self) -> None:
        """Ask a pull producer for more: what it has given is delivered."""
        if self.producer is not None and not self.streamingProducer:
            self.producer.resumeProducing()


def identityPumpPolicy(queue: _LoopbackQueue, target: Any) -> None:
    """Deliver each piece as it was written."""
    while queue:
        data = queue.get()
        if data is None:
            break
        target.dataReceived(data)


def collapsingPumpPolicy(queue: _LoopbackQueue, target: Any) -> None:
    """Deliver all that there is in one piece."""
    pieces = []
    while queue:
        data = queue.get()
        if data is None:
            break
        pieces.append(data)
    if pieces:
        target.dataReceived(b"".join(pieces))


def loopbackAsync(server: Any, client: Any, pumpPolicy: _Policy = identityPumpPolicy) -> Deferred[None]:
    """Join two protocols by queues, without a network. The Deferred fires when the connection is over.

    Nothing is delivered from within a `write`. `pumpPolicy` is called with a queue and the protocol that its bytes are for.
    """
    server_to_client, client_to_server = _LoopbackQueue(), _LoopbackQueue()
    server.makeConnection(_LoopbackTransport(server_to_client))
    client.makeConnection(_LoopbackTransport(client_to_server))
    return _loopbackAsyncBody(server, server_to_client, client, client_to_server, pumpPolicy)


def _loopbackAsyncBody(
    server: Any, serverToClient: _LoopbackQueue, client: Any, clientToServer: _LoopbackQueue, pumpPolicy: _Policy
) -> Deferred[None]:
    """Deliver what there is, and go on when there is more."""
    ways = ((server, serverToClient, client), (client, clientToServer, server))
    moved = True
    while moved:
        moved = over = False
        for source, queue, target in ways:
            if queue:
                moved = True
                pumpPolicy(queue, target)
                if not queue:
                    source.transport._pollProducer()
        for _, queue, target in ways:
            if queue.disconnect:
                over = True
                if queue:
                    pumpPolicy(queue, target)
        if over:
            # what the other one has said before it learnt of the end
            for _, queue, target in ways:
                if queue:
                    pumpPolicy(queue, target)
            client.connectionLost(Failure(ConnectionDone()))
            server.connectionLost(Failure(ConnectionDone()))
            done: Deferred[None] = Deferred()
            done.callback(None)
            return done
    d: Deferred[None] = Deferred()
    serverToClient._notificationDeferred = clientToServer._notificationDeferred = d
    d.addCallback(_loopbackAsyncContinue, server, serverToClient, client, clientToServer, pumpPolicy)
    return d


def _loopbackAsyncContinue(
    ignored: object,
    server: Any,
    serverToClient: _LoopbackQueue,
    client: Any,
    clientToServer: _LoopbackQueue,
    pumpPolicy: _Policy,
) -> Deferred[None]:
    """Something has been written: deliver it on the reactor's next turn, as we are within `write`."""
    serverToClient._notificationDeferred = clientToServer._notificationDeferred = None
    return deferLater(
        current.getReactor(), 0, _loopbackAsyncBody, server, serverToClient, client, clientToServer, pumpPolicy
    )


@implementer(ITransport, IConsumer)
class LoopbackRelay:
    """A transport whose bytes reach `target` when `clearBuffer` is called. `logFile` gets them too, if given."""

    disconnecting = False
    producer: Any = None
    streamingProducer = False

    def __init__(self, target: Any, logFile: Any = None) -> None:
        self.target = target
        self.buffer = b""
        self.logFile = logFile
        self.shouldLose = 0  # 1: when the buffer is empty; -1: done

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.buffer += data

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Keep all parts."""
        self.write(b"".join(iovec))

    def clearBuffer(self) -> None:
        """Deliver what was kept, and then the end of the connection, if it was closed."""
        if self.shouldLose == -1:
            return
        if self.producer is not None and not self.streamingProducer:
            self.producer.resumeProducing()
        if self.buffer:
            data, self.buffer = self.buffer, b""
            if self.logFile is not None:
                self.logFile.write(data)
            self.target.dataReceived(data)
        if self.shouldLose == 1:
            self.shouldLose = -1
            self.target.connectionLost(Failure(ConnectionDone()))

    def loseConnection(self) -> None:
        """Close, when all is delivered."""
        if self.shouldLose != -1:
            self.shouldLose = 1
            self.disconnecting = True

    def getPeer(self) -> IAddress:
        """An address that says nothing."""
        return _LoopbackAddress()

    def getHost(self) -> IAddress:
        """An address that says nothing."""
        return _LoopbackAddress()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Keep it."""
        self.producer = producer
        self.streamingProducer = streaming

    def unregisterProducer(self) -> None:
        """Forget it."""
        self.producer = None


class _Ending(ProtocolWrapper):
    """Tells its factory when the connection is over."""

    def connectionLost(self, reason: Any = None) -> Any:
        result = super().connectionLost(reason)
        self.factory.over.callback(None)
        return result


class _One(WrappingFactory):
    """Gives out one protocol, and fires `over` when its connection is over, or fails when none can be made."""

    protocol = _Ending

    def __init__(self, protocol: Any, factory: type[Any], noisy: bool) -> None:
        inner = factory()
        inner.noisy = self.noisy = noisy
        inner.protocol = lambda: protocol
        super().__init__(inner)
        self.over: Deferred[None] = Deferred()

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self.over.errback(reason)


def _join(server: Any, client: Any, noisy: bool, listen: Any, connect: Any) -> Deferred[Any]:
    server_factory, client_factory = _One(server, ServerFactory, noisy), _One(client, ClientFactory, noisy)
    port = listen(server_factory)
    connect(port, client_factory)
    both = DeferredList([server_factory.over, client_factory.over], fireOnOneErrback=True, consumeErrors=True)
    return both.addBoth(lambda result: _stop(port, result))


def _stop(port: Any, result: Any) -> Any:
    stopped = port.stopListening()
    return result if stopped is None else stopped.addCallback(lambda _: result)


def loopbackTCP(server: Any, client: Any, port: int = 0, noisy: bool = True) -> Deferred[Any]:
    """Join two protocols over TCP. The Deferred fires when the connection is over."""
    reactor = current.getReactor()
    return _join(
        server,
        client,
        noisy,
        lambda factory: reactor.listenTCP(port, factory, interface="127.0.0.1"),
        lambda listening, factory: reactor.connectTCP("127.0.0.1", listening.getHost().port, factory),
    )


def loopbackUNIX(server: Any, client: Any, noisy: bool = True) -> Deferred[Any]:
    """Join two protocols over a UNIX socket. The Deferred fires when the connection is over."""
    reactor = current.getReactor()
    path = os.path.join(tempfile.mkdtemp(), "socket")
    return _join(
        server,
        client,
        noisy,
        lambda factory: reactor.listenUNIX(path, factory),
        lambda _, factory: reactor.connectUNIX(path, factory),
    )


__all__ = [
    "LoopbackRelay",
    "collapsingPumpPolicy",
    "identityPumpPolicy",
    "loopbackAsync",
    "loopbackTCP",
    "loopbackUNIX",
]
