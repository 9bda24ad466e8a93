"""inlineCallbacks: a generator that yields Deferreds, as programs did before there was await."""

from collections.abc import Generator
from typing import Any

from plait import Deferred, inlineCallbacks, reactor
from plait.task import deferLater


@inlineCallbacks
def work() -> Generator[Deferred[Any], Any, str]:
    first = yield deferLater(reactor, 0.01, lambda: 20)
    second = yield deferLater(reactor, 0.01, lambda: 22)
    return f"the sum is {first + second}"


def start() -> None:
    work().addCallback(print).addBoth(lambda _: reactor.stop())


reactor.callWhenRunning(start)
reactor.run()
