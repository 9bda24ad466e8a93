"""Ready-made ends of a connection: a protocol that sends lines, a producer that is asked for data, and waiting for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from plait.deferred import Deferred
from plait.failure import Failure
from plait.interfaces import IConsumer, IPullProducer, implementer
from plait.protocol import LineReceiver
from plait.task import LoopingCall

# How many pieces a NonStreamingProducer has to give.
_PIECES = 10

# Seconds between two looks at the connections that are to close.
_PERIOD = 0.01


class LineSendingProtocol(LineReceiver):
    """Sends `lines` and keeps the lines that it gets in `response`. `lostConn` says that the connection is lost.

    :param start: send when the connection is made; otherwise, when the first line has come.
    """

    def __init__(self, lines: Sequence[bytes], start: bool = True) -> None:
        self.lines = list(lines)
        self.start = start
        self.response: list[bytes] = []
        self.lostConn = False

    def connectionMade(self) -> None:
        """Send the lines, if it is on us to start."""
        if self.start:
            self._send_lines()

    def lineReceived(self, line: bytes) -> None:
        """Keep it, and answer the first one with our lines if the peer was to start."""
        self._send_lines()
        self.response.append(line)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Note it."""
        self.lostConn = True

    def _send_lines(self) -> None:
        lines, self.lines = self.lines, []
        for line in lines:
            self.sendLine(line)


@implementer(IPullProducer)
class NonStreamingProducer:
    """A pull producer that gives its consumer ``0`` to ``9``, one each time that it is asked, and then is done.

    `result` fires with None when it is done or was stopped; `stopped` says that one of these has happened.
    """

    stopped = False

    def __init__(self, consumer: IConsumer) -> None:
        self.consumer: IConsumer | None = consumer
        self.counter = 0
        self.result: Deferred[None] = Deferred()

    def resumeProducing(self) -> None:
        """Write the next piece; with the last one, leave the consumer. RuntimeError if there is none left."""
        if self.consumer is None:
            raise RuntimeError("this producer was asked for more after it was done")
        self.consumer.write(b"%d" % self.counter)
        self.counter += 1
        if self.counter == _PIECES:
            self.consumer.unregisterProducer()
            self.stopProducing()

    def pauseProducing(self) -> None:
        """RuntimeError: only a push producer is paused."""
        raise RuntimeError("a pull producer writes when it is asked, and cannot be paused")

    def stopProducing(self) -> None:
        """Write nothing more."""
        self.stopped = True
        if self.consumer is not None:
            self.consumer = None
            self.result.callback(None)


def waitUntilAllDisconnected(reactor: Any, protocols: Iterable[Any]) -> Deferred[None]:
    """A Deferred that fires when the transport of none of these protocols is connected any more."""
    waiting = list(protocols)

    def look() -> None:
        waiting[:] = [protocol for protocol in waiting if getattr(protocol.transport, "connected", False)]
        if not waiting:
            loop.stop()

    loop = LoopingCall(look)
    loop.clock = reactor
    done: Deferred[None] = loop.start(_PERIOD).addCallback(lambda _: None)
    return done
