"""A coroutine that Plait drives: it awaits Deferreds and what asyncio has."""

import asyncio

from plait import ensureDeferred, reactor
from plait.task import deferLater


async def count() -> str:
    for number in range(3):
        await deferLater(reactor, 0.01, print, number)
    async with asyncio.timeout(5):
        await asyncio.sleep(0.01)
    return "done"


def start() -> None:
    deferred = ensureDeferred(count())
    deferred.addCallback(print)
    deferred.addBoth(lambda _: reactor.stop())


reactor.callWhenRunning(start)
reactor.run()
