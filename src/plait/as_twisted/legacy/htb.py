"""Token buckets in a tree: how much may be written now, by one, by its group, and by all together.

``ShapedProtocolFactory(protoClass, bucketFilter)`` makes protocols whose writing is held to a bucket's `rate`.
"""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

from plait import current
from plait.as_twisted.legacy import pcp
from plait.interfaces import Interface

if TYPE_CHECKING:
    from collections.abc import Callable


class Bucket:
    """Holds at most `maxburst` tokens (None: any number), and loses `rate` of them in a second (None: all at once).

    What is written is put in, as far as it fits, here and in the bucket above.
    """

    maxburst: float | None = None
    rate: float | None = None
    _refcount = 0

    def __init__(self, parentBucket: Bucket | None = None) -> None:
        self.content: float = 0
        self.parentBucket = parentBucket
        self.lastDrip = time()

    def add(self, amount: int) -> int:
        """Put tokens in; returns how many did fit."""
        self.drip()
        fits: float = amount if self.maxburst is None else min(amount, self.maxburst - self.content)
        allowable = int(max(0, fits))
        if self.parentBucket is not None:
            allowable = self.parentBucket.add(allowable)
        self.content += allowable
        return allowable

    def drip(self) -> bool:
        """Lose what has run out since the last time; returns whether the bucket is empty, with those above."""
        above_is_empty = self.parentBucket is None or self.parentBucket.drip()
        now = time()
        if self.rate is None:
            self.content = 0
        else:
            self.content = max(0, self.content - (now - self.lastDrip) * self.rate)
        self.lastDrip = now
        return self.content == 0 and above_is_empty


class IBucketFilter(Interface):
    """Says which bucket somebody's writing goes into."""

    def getBucketFor(self, *somethings: Any, **some_kw: Any) -> Bucket:
        """The bucket."""

    def sweep(self) -> None:
        """Forget the buckets that nobody needs."""


class HierarchicalBucketFilter:
    """A bucket for each key (`getBucketKey`), below the one that `parentFilter` gives."""

    bucketFactory: Callable[[Bucket | None], Bucket] = Bucket
    sweepInterval: float | None = None

    def __init__(self, parentFilter: Any = None) -> None:
        self.buckets: dict[Any, Bucket] = {}
        self.parentFilter = parentFilter
        self.lastSweep = time()

    def getBucketFor(self, *a: Any, **kw: Any) -> Bucket:
        """The bucket for these arguments, made if it is not there."""
        if self.sweepInterval is not None and time() - self.lastSweep > self.sweepInterval:
            self.sweep()
        key = self.getBucketKey(*a, **kw)
        bucket = self.buckets.get(key)
        if bucket is None:
            above = None if self.parentFilter is None else self.parentFilter.getBucketFor(*a, **kw)
            bucket = self.buckets[key] = self.bucketFactory(above)
        return bucket

    def getBucketKey(self, *a: Any, **kw: Any) -> Any:
        """What is the same for all that share a bucket. Override it."""
        raise NotImplementedError(f"{type(self).__name__} must override getBucketKey")

    def sweep(self) -> None:
        """Forget the buckets that are empty and in nobody's use."""
        for key, bucket in list(self.buckets.items()):
            if bucket.drip() and not bucket._refcount:
                del self.buckets[key]
        self.lastSweep = time()


class FilterByHost(HierarchicalBucketFilter):
    """A bucket for each host."""

    sweepInterval = 60 * 20

    def getBucketKey(self, transport: Any) -> Any:
        """The peer's host."""
        return transport.getPeer().host


class FilterByServer(HierarchicalBucketFilter):
    """A bucket for each port of ours."""

    sweepInterval = None

    def getBucketKey(self, transport: Any) -> Any:
        """Our port."""
        return transport.getHost().port


class ShapedConsumer(pcp.ProducerConsumerProxy):
    """Writes to a consumer as much as its bucket takes."""

    iAmStreaming = False

    def __init__(self, consumer: Any, bucket: Bucket) -> None:
        super().__init__(consumer)
        self.bucket = bucket
        bucket._refcount += 1

    def _writeSomeData(self, data: Any) -> int:
        return super()._writeSomeData(data[: self.bucket.add(len(data))])

    def stopProducing(self) -> None:
        """The bucket is used no more."""
        super().stopProducing()
        self.bucket._refcount -= 1


class ShapedTransport(ShapedConsumer):
    """A transport in front of a transport, which writes as much as its bucket takes."""

    iAmStreaming = False

    def __getattr__(self, name: str) -> Any:
        if name == "consumer":
            raise AttributeError(name)
        return getattr(self.consumer, name)

    def write(self, data: bytes) -> None:
        """Write, or hold what does not fit until it does."""
        super().write(data)
        self._later()

    def _later(self) -> None:
        if self._buffer and not self.stopped and self.bucket.rate:
            current.getReactor().callLater(1 / self.bucket.rate, self.resumeProducing)

    def loseConnection(self) -> None:
        """Close the connection, with what is held handed over first: that is no longer shaped."""
        if self._buffer:
            self.consumer.write(self._take())
        self.consumer.loseConnection()


class ShapedProtocolFactory:
    """In the place of a protocol's class: makes it, and puts a `ShapedTransport` in front of its transport."""

    def __init__(self, protoClass: Callable[..., Any], bucketFilter: Any) -> None:
        self.protocol = protoClass
        self.bucketFilter = bucketFilter

    def __call__(self, *a: Any, **kw: Any) -> Any:
        """A protocol."""
        proto = self.protocol(*a, **kw)
        make_connection = proto.makeConnection

        def makeConnection(transport: Any) -> Any:
            return make_connection(ShapedTransport(transport, self.bucketFilter.getBucketFor(transport)))

        proto.makeConnection = makeConnection
        return proto
