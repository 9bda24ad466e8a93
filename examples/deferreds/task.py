"""An asyncio program that awaits Deferreds; the reactor attaches to the loop that runs."""

import asyncio

from plait import Deferred
from plait.current import getReactor
from plait.task import deferLater


async def main() -> None:
    reactor = getReactor()
    print(await deferLater(reactor, 0.01, lambda: "from a Deferred"))

    never: Deferred[None] = Deferred(lambda deferred: print("cancelled, as the time was up"))
    try:
        async with asyncio.timeout(0.05):
            await never
    except TimeoutError:
        print("nothing came")


asyncio.run(main())
