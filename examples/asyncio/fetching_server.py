"""A line server of Plait's that answers with pages, which it fetches with aiohttp's client."""

import asyncio

from aiohttp import ClientSession, web

from plait import Factory, LineReceiver, ensureDeferred, reactor


class Pages(LineReceiver):
    async def lineReceived(self, line):
        # Until this is done, nothing more is read from this connection; the others go on.
        async with self.factory.session.get("/hello", params={"name": line.decode()}) as page:
            self.sendLine(await page.read())


async def hello(request):
    return web.Response(text=f"hello {request.query['name']}")


async def main():
    # A site to fetch from: aiohttp's server, in the same loop.
    site = web.Application()
    site.router.add_get("/hello", hello)
    runner = web.AppRunner(site)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        factory = Factory.forProtocol(Pages)
        factory.session = session
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")

        # Two visitors, with asyncio's streams.
        async with asyncio.TaskGroup() as group:
            visits = [group.create_task(visit(port, *names)) for names in (("Ann", "Bob"), ("Eve",))]
        for visit_ in visits:
            print(visit_.result())
        await port.stopListening()
    await runner.cleanup()


async def visit(port, *names):
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    for name in names:
        writer.write(name.encode() + b"\r\n")
    answers = [(await reader.readline()).decode().strip() for _ in names]
    writer.close()
    return answers


# An error goes on behind the stop, and is logged.
reactor.callWhenRunning(lambda: ensureDeferred(main()).addBoth(lambda result: reactor.stop() or result))
reactor.run()
