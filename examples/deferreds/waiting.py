"""A callback may return another Deferred: the chain waits for it. Several Deferreds are waited for together."""

from plait import Deferred, gatherResults, reactor
from plait.task import deferLater


def price(fruit: str) -> Deferred[int]:
    """What a server might answer after a while; here it is the length of the name."""
    return deferLater(reactor, 0.01, len, fruit)


def compare(prices: list[int]) -> Deferred[int]:
    print(f"prices: {prices}")
    return price("kiwi")


waiting = gatherResults([price("apple"), price("banana")])
waiting.addCallback(compare)
waiting.addCallback(lambda cheaper: print(f"a kiwi is {cheaper}"))
waiting.addBoth(lambda _: reactor.stop())
reactor.run()
