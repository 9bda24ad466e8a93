"""HTTP and WebSocket libraries of asyncio's world, as client and as server, in a program that Plait runs."""

from __future__ import annotations

import asyncio

import pytest

from plait import ClientFactory, Deferred, Factory, LineReceiver, Protocol, ensureDeferred, inlineCallbacks
from plait.current import getReactor
from plait.task import deferLater


class Answers:
    """What a handler of the test site waits for: Plait's ways and asyncio's."""

    async def hello(self, request):
        return self.web.Response(text=f"hello {request.query.get('name', '')}")

    async def deferred(self, request):
        # aiohttp runs a handler in a Task of its own
        value = await deferLater(getReactor(), 0.001, lambda: "from a Deferred")
        return self.web.json_response({"value": value})

    async def stream(self, request):
        response = self.web.StreamResponse()
        await response.prepare(request)
        async for part in request.content.iter_chunked(1000):
            await response.write(part.upper())
        return response

    async def slow(self, request):
        never = Deferred(lambda _: self.cancelled.callback("the work was cancelled"))
        await never

    async def socket(self, request):
        ws = self.web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.data == "close":
                break
            await ws.send_str(await deferLater(getReactor(), 0, message.data.upper))
        await ws.close()
        return ws

    def __init__(self):
        self.web = pytest.importorskip("aiohttp.web")
        self.cancelled = Deferred()

    async def __aenter__(self):
        app = self.web.Application()
        for path in ("hello", "deferred", "slow", "socket"):
            app.router.add_get(f"/{path}", getattr(self, path))
        app.router.add_post("/stream", self.stream)
        self._runner = self.web.AppRunner(app, handler_cancellation=True)
        await self._runner.setup()
        await self.web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()


def test_aiohttp(plait):
    aiohttp = pytest.importorskip("aiohttp")

    async def main():
        async with Answers() as site, aiohttp.ClientSession(site.url) as session:

            async def get(path):
                async with session.get(path) as response:
                    assert response.status == 200
                    return await response.text()

            assert await get("/hello?name=you") == "hello you"
            assert await get("/deferred") == '{"value": "from a Deferred"}'
            # in coroutines that Plait drives, and in Tasks, at once
            driven = [ensureDeferred(get(f"/hello?name={n}")) for n in range(20)]
            assert await asyncio.gather(*(get(f"/hello?name={n}") for n in range(20))) == [
                f"hello {n}" for n in range(20)
            ]
            assert [await d for d in driven] == [f"hello {n}" for n in range(20)]

            async def parts():
                for n in range(50):
                    yield b"part %04d " % n * 50
                    await asyncio.sleep(0)

            async with session.post("/stream", data=parts()) as response:
                text = await response.read()
            assert text == b"".join(b"PART %04d " % n * 50 for n in range(50))

            with pytest.raises(TimeoutError):
                await session.get("/slow", timeout=aiohttp.ClientTimeout(total=0.05))
            # the server sees the client go, cancels the handler, and that the Deferred
            assert await site.cancelled == "the work was cancelled"
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get("http://127.0.0.1:1/")

    plait(main)


def test_cancelling_the_deferred_of_a_request(plait):
    aiohttp = pytest.importorskip("aiohttp")

    async def main():
        async with Answers() as site, aiohttp.ClientSession(site.url) as session:
            request = ensureDeferred(session._request("GET", "/slow"))
            await deferLater(getReactor(), 0.02)
            request.addErrback(lambda failure: failure.type.__name__)
            request.cancel()
            assert request.called and request.result == "CancelledError"
            assert await site.cancelled == "the work was cancelled"

    plait(main)


def test_websockets_of_aiohttp(plait):
    aiohttp = pytest.importorskip("aiohttp")

    async def main():
        async with Answers() as site, aiohttp.ClientSession(site.url) as session:
            async with session.ws_connect("/socket") as ws:
                for word in ("one", "two"):
                    await ws.send_str(word)
                    assert await ws.receive_str() == word.upper()
                with pytest.raises(TimeoutError):
                    await ws.receive(timeout=0.01)
                await ws.send_str("close")
                assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE

    plait(main)


def test_websockets(plait):
    client = pytest.importorskip("websockets.asyncio.client")
    server = pytest.importorskip("websockets.asyncio.server")

    async def echo(connection):
        async for message in connection:
            await connection.send(await deferLater(getReactor(), 0, message.upper))

    async def main():
        async with server.serve(echo, "127.0.0.1", 0) as serving:
            port = serving.sockets[0].getsockname()[1]
            async with client.connect(f"ws://127.0.0.1:{port}") as connection:
                for word in ("one", "x" * 100_000):
                    await connection.send(word)
                    assert await connection.recv() == word.upper()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await connection.recv()
                await connection.send("after")
                assert await connection.recv() == "AFTER"

    plait(main)


def test_httpx(plait):
    httpx = pytest.importorskip("httpx")

    async def main():
        async with Answers() as site, httpx.AsyncClient(base_url=site.url) as client:
            assert (await client.get("/hello", params={"name": "you"})).text == "hello you"
            assert (await client.get("/deferred")).json() == {"value": "from a Deferred"}
            async with client.stream("POST", "/stream", content=b"abc" * 10_000) as response:
                assert b"".join([part async for part in response.aiter_bytes()]) == b"ABC" * 10_000
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/slow", timeout=0.05)
            assert await site.cancelled == "the work was cancelled"
            with pytest.raises(httpx.ConnectError):
                await client.get("http://127.0.0.1:1/")
            driven = [ensureDeferred(client.get(f"/hello?name={n}")) for n in range(10)]
            assert [(await d).text for d in driven] == [f"hello {n}" for n in range(10)]

    plait(main)


class HTTP2(Protocol):
    """Answers each request over HTTP/2 with its path."""

    def connectionMade(self):
        from h2.config import H2Configuration
        from h2.connection import H2Connection

        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.initiate_connection()
        self.transport.write(self.h2.data_to_send())

    async def dataReceived(self, data):
        from h2.events import RequestReceived

        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                await asyncio.sleep(0)
                self.h2.send_headers(event.stream_id, [(":status", "200")])
                self.h2.send_data(event.stream_id, dict(event.headers)[b":path"], end_stream=True)
        self.transport.write(self.h2.data_to_send())


def test_httpx_speaks_http2_with_a_server_of_plait(either, certificate):
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("h2")
    server_context, client_context = certificate
    server_context.set_alpn_protocols(["h2"])

    async def main():
        port = getReactor().listenSSL(0, Factory.forProtocol(HTTP2), server_context, interface="127.0.0.1")
        async with httpx.AsyncClient(
            http2=True, verify=client_context, base_url=f"https://localhost:{port.getHost().port}"
        ) as client:
            # many streams of one connection
            answers = [ensureDeferred(client.get(f"/{n}")) for n in range(10)]
            for n, answer in enumerate(answers):
                response = await answer
                assert (response.http_version, response.text) == ("HTTP/2", f"/{n}")
        await port.stopListening()

    either(main)


class Gateway(LineReceiver):
    """A protocol of Plait that fetches each line's answer with a library of asyncio's."""

    async def lineReceived(self, line):
        async with asyncio.timeout(30):
            async with self.factory.session.get(f"/hello?name={line.decode()}") as response:
                self.sendLine(await response.read())


class Asking(LineReceiver):
    def connectionMade(self):
        self.answers = asyncio.Queue()
        for word in (b"one", b"two", b"three"):
            self.sendLine(word)

    def lineReceived(self, line):
        self.answers.put_nowait(line)


class AskingFactory(ClientFactory):
    protocol = Asking

    def __init__(self):
        self.connected = Deferred()

    def buildProtocol(self, addr):
        protocol = super().buildProtocol(addr)
        getReactor().callLater(0, self.connected.callback, protocol)
        return protocol


def test_a_hook_that_is_a_coroutine_uses_aiohttp(either):
    aiohttp = pytest.importorskip("aiohttp")

    async def main():
        async with Answers() as site, aiohttp.ClientSession(site.url) as session:
            factory, asking = Factory.forProtocol(Gateway), AskingFactory()
            factory.session = session
            port = getReactor().listenTCP(0, factory, interface="127.0.0.1")
            getReactor().connectTCP("127.0.0.1", port.getHost().port, asking)
            client = await asking.connected
            # in their order, though each is waited for
            assert [await client.answers.get() for _ in range(3)] == [b"hello one", b"hello two", b"hello three"]
            client.transport.loseConnection()
            await port.stopListening()

    either(main)


def test_inlineCallbacks_wait_for_futures_and_coroutines(either):
    aiohttp = pytest.importorskip("aiohttp")

    @inlineCallbacks
    def fetch(session):
        response = yield ensureDeferred(session._request("GET", "/hello?name=you"))
        text = yield Deferred.fromFuture(asyncio.ensure_future(response.text()))
        try:
            yield Deferred.fromFuture(asyncio.ensure_future(asyncio.wait_for(asyncio.sleep(60), 0.01)))
        except TimeoutError:
            return text
        raise AssertionError("it did not time out")

    async def main():
        async with Answers() as site, aiohttp.ClientSession(site.url) as session:
            assert await fetch(session) == "hello you"

    either(main)
