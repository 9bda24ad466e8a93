"""A server and a timer of Plait's in a program that asyncio runs."""

import asyncio

from plait import Factory, LineReceiver
from plait.current import getReactor
from plait.task import deferLater


class Shout(LineReceiver):
    async def lineReceived(self, line):
        self.sendLine(await deferLater(getReactor(), 0.01, line.upper))


async def main() -> None:
    reactor = getReactor()  # the running loop's
    port = reactor.listenTCP(0, Factory.forProtocol(Shout), interface="127.0.0.1")

    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"hello\r\n")
    print((await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()

    try:
        async with asyncio.timeout(0.05):
            await deferLater(reactor, 60, print, "this never comes")
    except TimeoutError:
        print("the timer is cancelled:", reactor.getDelayedCalls() == [])
    await port.stopListening()


asyncio.run(main())
