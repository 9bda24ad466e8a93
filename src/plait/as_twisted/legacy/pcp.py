"""Between a producer and a consumer: one thing that is a consumer to the one and a producer to the other, and may hold data."""

from __future__ import annotations

from typing import Any

from plait.interfaces import IConsumer, IPushProducer, implementer


@implementer(IConsumer, IPushProducer)
class BasicProducerConsumerProxy:
    """Holds what is written while it is paused, and hands it on when it may. How much, it does not care.

    Attributes: `consumer`, `producer`, `iAmStreaming` (false: hand on only when asked, once for each time).
    """

    consumer: Any = None
    producer: Any = None
    producerIsStreaming: bool | None = None
    iAmStreaming = True
    outstandingPull = False
    paused = False
    stopped = False

    def __init__(self, consumer: Any) -> None:
        self._buffer: list[Any] = []
        if consumer is not None:
            self.consumer = consumer
            consumer.registerProducer(self, self.iAmStreaming)

    # -- as a producer

    def pauseProducing(self) -> None:
        """The consumer wants no more for now; the producer is told too."""
        self.paused = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def resumeProducing(self) -> None:
        """The consumer wants more: hand on what was held, and let the producer go on."""
        self.paused = False
        if self._buffer:
            # one piece, or a pull would be answered twice
            self.consumer.write(self._take())
        elif not self.iAmStreaming:
            self.outstandingPull = True
        if self.producer is not None:
            self.producer.resumeProducing()

    def stopProducing(self) -> None:
        """The consumer wants no more, for good."""
        if self.producer is not None:
            self.producer.stopProducing()
            self.producer = None
        self.consumer = None
        self.stopped = True
        self._buffer.clear()

    def _take(self) -> Any:
        whole = self._buffer[0][:0].join(self._buffer)
        self._buffer.clear()
        return whole

    # -- as a consumer

    def write(self, data: Any) -> None:
        """Hand it on, or hold it."""
        if self.stopped:
            return
        if self.paused or (not self.iAmStreaming and not self.outstandingPull):
            self._buffer.append(data)
        elif self.consumer is not None:
            self.consumer.write(data)
            self.outstandingPull = False

    def finish(self) -> None:
        """All is written."""
        if self.consumer is not None:
            self.consumer.finish()
        self.unregisterProducer()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """From now on `producer` writes to us."""
        self.producer = producer
        self.producerIsStreaming = streaming

    def unregisterProducer(self) -> None:
        """It writes no more."""
        if self.producer is not None:
            self.producer = None
            self.producerIsStreaming = None
        if self.consumer is not None:
            self.consumer.unregisterProducer()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} around {self.consumer!r}>"


class ProducerConsumerProxy(BasicProducerConsumerProxy):
    """Holds some, and pauses the producer when that is more than `bufferSize` bytes (64 KiB; None: any).

    Override `_writeSomeData` to write less than all of what is there; it returns how much that was.
    """

    bufferSize: int | None = 2**16
    producerPaused = False
    unregistered = False

    def pauseProducing(self) -> None:
        """The consumer wants no more for now. The producer may go on, until too much is held."""
        self.paused = True

    def resumeProducing(self) -> None:
        """The consumer wants more."""
        self.paused = False
        if self._buffer:
            data = self._take()
            written = self._writeSomeData(data)
            if written < len(data):
                self._buffer.append(data[written:])
            elif self.unregistered:
                self.consumer.unregisterProducer()
        elif not self.iAmStreaming:
            self.outstandingPull = True
        held = self._size()
        if self.producer is None:
            return
        if self.producerIsStreaming:
            if self.producerPaused and (self.bufferSize is None or held < self.bufferSize):
                self.producerPaused = False
                self.producer.resumeProducing()
        elif not held:
            self.producer.resumeProducing()

    def _size(self) -> int:
        return sum(map(len, self._buffer))

    def write(self, data: Any) -> None:
        """Hand it on, or hold it."""
        if self.stopped:
            return
        if self.paused or (not self.iAmStreaming and not self.outstandingPull):
            self._buffer.append(data)
        elif self.consumer is not None:
            written = self._writeSomeData(data)
            self.outstandingPull = False
            if written < len(data):
                self._buffer.append(data[written:])
        if (
            self.producer is not None
            and self.producerIsStreaming
            and self.bufferSize is not None
            and self._size() > self.bufferSize
        ):
            self.producerPaused = True
            self.producer.pauseProducing()

    def _writeSomeData(self, data: Any) -> int:
        """Write some of `data` to the consumer; returns how much."""
        if self.consumer is None:
            return 0
        self.consumer.write(data)
        return len(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """From now on `producer` writes to us; one that is to be pulled is asked for its first piece."""
        self.unregistered = False
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """It writes no more; the consumer is told when what is held has been handed on."""
        self.producer = None
        self.producerIsStreaming = None
        self.unregistered = True
        if self.consumer is not None and not self._buffer:
            self.consumer.unregisterProducer()
