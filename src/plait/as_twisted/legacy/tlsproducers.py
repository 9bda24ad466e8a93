"""What stands between a producer and a TLS transport: pull producers that push, and pauses that are told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from plait.interfaces import IPushProducer, implementer
from plait.log.legacy import err
from plait.task import cooperate

__all__ = ["AggregateSmallWrites", "ProducerMembrane", "PullToPush"]


@implementer(IPushProducer)
class PullToPush:
    """A push producer made of a pull producer: asks it for more in each turn of the reactor, unless it is paused.

    `startStreaming` begins. If the producer raises, that is logged, and `consumer` is told that there is no more.
    """

    _finished = False
    _coopTask: Any = None

    def __init__(self, pullProducer: Any, consumer: Any) -> None:
        self._producer = pullProducer
        self._consumer = consumer

    def startStreaming(self) -> None:
        """Begin to ask."""
        self._coopTask = cooperate(self._pull())

    def stopStreaming(self) -> None:
        """Ask no more. Doing it twice does no harm."""
        if not self._finished:
            self._finished = True
            if self._coopTask is not None:
                self._coopTask.stop()

    def pauseProducing(self) -> None:
        """Ask no more until `resumeProducing`."""
        self._coopTask.pause()

    def resumeProducing(self) -> None:
        """Go on."""
        self._coopTask.resume()

    def stopProducing(self) -> None:
        """Nobody wants more."""
        self.stopStreaming()
        self._producer.stopProducing()

    def _pull(self) -> Iterator[None]:
        while True:
            try:
                self._producer.resumeProducing()
            except Exception:
                err(None, f"an error while calling resumeProducing on {self._producer!r}: it will produce no more")
                try:
                    self._consumer.unregisterProducer()
                except Exception:
                    err(None, f"an error while calling unregisterProducer on {self._consumer!r}")
                self._finished = True
                return
            yield None


@implementer(IPushProducer)
class ProducerMembrane:
    """Tells a push producer to pause when it runs and to go on when it is paused, and else nothing.

    Both the transport below and TLS, which may have to wait for the peer, tell it so.
    """

    _producerPaused = False

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def pauseProducing(self) -> None:
        """Produce no more, for now."""
        if not self._producerPaused:
            self._producerPaused = True
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Go on."""
        if self._producerPaused:
            self._producerPaused = False
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Produce no more at all."""
        self._producer.stopProducing()


class AggregateSmallWrites:
    """Collects what is written in one turn of the reactor, so that it is one record of TLS and not many.

    :param write: takes what was collected.
    :param clock: what has `callLater`.
    """

    MAX_BUFFER_SIZE = 64_000
    """Bytes above which what is collected goes on at once."""

    def __init__(self, write: Callable[[bytes], object], clock: Any) -> None:
        self._write = write
        self._clock = clock
        self._collected: list[bytes] = []
        self._size = 0
        self._flush_later: Any = None

    def write(self, data: bytes) -> None:
        """Collect `data`."""
        self._collected.append(data)
        self._size += len(data)
        if self._size > self.MAX_BUFFER_SIZE:
            self.flush()
        elif self._flush_later is None:
            self._flush_later = self._clock.callLater(0, self._its_time)

    def flush(self) -> None:
        """Let go of what was collected, now."""
        if self._collected:
            data = b"".join(self._collected)
            self._collected.clear()
            self._size = 0
            self._write(data)

    def drop(self) -> None:
        """Forget what was collected, and be done."""
        self._collected.clear()
        self._size = 0
        if self._flush_later is not None:
            self._flush_later.cancel()
            self._flush_later = None

    def _its_time(self) -> None:
        self._flush_later = None
        self.flush()
