"""A hook that is a coroutine: the next line waits until this one is answered, and the peer with it."""

import asyncio

from plait import Factory, LineReceiver
from plait.current import getReactor


class Clerk(LineReceiver):
    async def lineReceived(self, line: bytes) -> None:
        await asyncio.sleep(0.05 if line == b"hard" else 0)  # a database, another server
        self.sendLine(b"answer to the " + line + b" question")


async def main() -> None:
    port = getReactor().listenTCP(0, Factory.forProtocol(Clerk), interface="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"hard\r\neasy\r\n")
    for _ in range(2):
        print((await reader.readline()).decode().rstrip())
    writer.close()
    await writer.wait_closed()
    await port.stopListening()


asyncio.run(main())
