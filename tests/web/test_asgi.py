"""ASGI applications."""

from __future__ import annotations

import asyncio
import http.client
import socket
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from plait import Deferred
from plait.web.asgi import ASGIResource, LifespanError
from plait.web.resource import Resource
from tests.web.serving import Serving

PLAIN = [(b"content-type", b"text/plain")]


async def start(send: Any, status: int = 200, headers: Any = PLAIN) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def test_the_scope() -> None:
    scopes: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await start(send)
        await send({"type": "http.response.body", "body": b"hi"})

    async with Serving(ASGIResource(application)) as server:
        answer = await server.ask("/a%20b/c?d=%20e", headers={"X-Y": "z"})
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hi", "text/plain")
        assert answer.headers["content-length"] == "2"
    [scope] = scopes
    assert (scope["type"], scope["method"], scope["http_version"], scope["scheme"]) == ("http", "GET", "1.1", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b/c", b"/a%20b/c", b"d=%20e")
    assert (b"x-y", b"z") in scope["headers"]
    assert scope["server"] == ("127.0.0.1", server.port) and scope["client"][0] == "127.0.0.1"
    assert scope["root_path"] == ""


async def test_below_another_resource() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        assert not message["more_body"]
        await start(send)
        await send({"type": "http.response.body", "body": f"{scope['root_path']} {len(message['body'])}".encode()})

    root = Resource()
    root.putChild(b"app", ASGIResource(application))
    async with Serving(root) as server:
        assert (await server.ask("/app/x", "POST", b"x" * 200_000)).body == b"/app 200000"


async def test_a_body_comes_in_pieces_and_the_answer_goes_in_pieces() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": True})
        await send({"type": "http.response.body"})

    body = bytes(range(256)) * 20_000
    async with Serving(ASGIResource(application)) as server:
        first, second = await server.talk(("POST", "/", body, {}), ("POST", "/", b"again", {}))
        assert first.body == body and first.headers["transfer-encoding"] == "chunked"
        assert second.body == b"again"


async def test_headers_of_the_application_cannot_split_the_answer() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await start(send, headers=[(b"x", b"a\r\nSet-Cookie: b=c"), (b"transfer-encoding", b"chunked")])
        await send({"type": "http.response.body", "body": b"hi"})

    async with Serving(ASGIResource(application)) as server:
        answer = await server.ask()
        assert (answer.headers["x"], answer.body) == ("a Set-Cookie: b=c", b"hi")
        assert "set-cookie" not in answer.headers and "transfer-encoding" not in answer.headers


@pytest.mark.parametrize("when", ["before", "between", "never answers", "wrong order", "no header"])
async def test_an_application_that_breaks(when: str, flushLoggedErrors: Any) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if when == "before":
            raise ValueError("of mine")
        if when == "no header":
            await start(send, headers=[(b"no header", b"x")])
            await send({"type": "http.response.body", "body": b"all"})
        if when == "wrong order":
            await send({"type": "http.response.body"})
        if when == "between":
            await start(send)
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise ValueError("of mine")

    async with Serving(ASGIResource(application)) as server:
        if when == "between":
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                await server.ask()
        else:
            answer = await server.ask()
            assert answer.status == 500 and b"of mine" not in answer.body
    assert len(flushLoggedErrors(ValueError, RuntimeError)) == 1


async def test_a_client_that_goes() -> None:
    begun: Deferred[None] = Deferred()
    told: Deferred[dict[str, Any]] = Deferred()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.request"
        begun.callback(None)
        told.callback(await receive())
        await start(send)
        await send({"type": "http.response.body", "body": b"to nobody"})

    async with Serving(ASGIResource(application)) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun
        client.close()
        assert (await told)["type"] == "http.disconnect"


async def test_a_framework() -> None:
    async def page(request: Any) -> Any:
        await asyncio.sleep(0)
        return JSONResponse({"id": request.path_params["id"], "sent": (await request.body()).decode()})

    async def stream(request: Any) -> Any:
        async def pieces() -> Any:
            for number in range(1000):
                yield f"{number}\n" * 100

        return StreamingResponse(pieces())

    routes = [Route("/users/{id:int}", page, methods=["GET", "POST"]), Route("/stream", stream)]
    async with Serving(ASGIResource(Starlette(routes=routes))) as server:
        answer = await server.ask("/users/7", "POST", b"hello")
        assert (answer.status, answer.body) == (200, b'{"id":7,"sent":"hello"}')
        assert (await server.ask("/users/x")).status == 404
        assert (await server.ask("/stream")).body == b"".join(b"%d\n" % n * 100 for n in range(1000))
        assert (await server.ask("/users/7", "HEAD")).body == b""


async def test_lifespan() -> None:
    said: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["db"] = "open"
            while True:
                message = await receive()
                said.append(message["type"])
                await asyncio.sleep(0)
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await start(send)
        await send({"type": "http.response.body", "body": scope["state"]["db"].encode()})

    resource = ASGIResource(application)
    async with Serving(resource) as server:
        starting = asyncio.ensure_future(resource.startup())
        assert (await server.ask()).body == b"open"  # however early it was asked
        await starting
        await resource.shutdown()
        await resource.shutdown()
    assert said == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_application_that_cannot_start_and_one_that_knows_no_lifespan() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def ignorant(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    with pytest.raises(LifespanError, match=r"lifespan\.startup has failed: no database"):
        await ASGIResource(failing).startup()
    resource = ASGIResource(ignorant)
    await resource.startup()
    await resource.shutdown()
