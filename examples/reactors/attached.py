"""A server of Plait in a program that asyncio runs: the reactor is that of the running loop."""

import asyncio

from plait import Factory, LineReceiver
from plait.current import getReactor


class Shout(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line.upper())


async def main() -> None:
    reactor = getReactor()
    port = reactor.listenTCP(0, Factory.forProtocol(Shout), interface="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"hello\r\n")
    print((await reader.readline()).decode().rstrip())
    writer.close()
    await writer.wait_closed()
    await port.stopListening()


asyncio.run(main())
