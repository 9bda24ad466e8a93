"""A server of one small dictionary, and a client that asks it."""

import asyncio

from plait import connect, serve

WORDS = {b"plait": b"three strands, one braid", b"engine": b"what turns the wheels"}


async def answer(stream):
    async for word in stream.lines():
        await stream.write(WORDS.get(word, b"never heard of it") + b"\n")


async def main():
    async with serve("tcp:0:interface=127.0.0.1", answer, maxLine=80) as server:
        async with connect(f"tcp:host=127.0.0.1:port={server.address.port}") as stream:
            await stream.write(b"plait\nloom\n")
            print(await stream.readUntil(b"\n"))
            print(await stream.readUntil(b"\n"))


asyncio.run(main())
