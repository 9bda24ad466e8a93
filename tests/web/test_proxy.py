"""Passing requests on."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from plait import reactor
from plait.log import capturedLogs
from plait.protocol import Factory, Protocol
from plait.web.proxy import ReverseProxyResource
from plait.web.resource import Resource
from tests.web.serving import Serving


class Told(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        request.setHeader(b"x-mine", b"yes")
        request.setResponseCode(299, b"Odd")
        headers = {
            name.decode().lower(): value[0].decode() for name, value in request.requestHeaders.getAllRawHeaders()
        }
        return json.dumps({"uri": request.uri.decode(), **headers, "body": request.content.read().decode()}).encode()

    render_POST = render_GET


async def test_what_is_passed_on() -> None:
    async with Serving(Told()) as upstream, Serving(ReverseProxyResource("127.0.0.1", upstream.port, b"/up")) as server:
        headers = {"X-Forwarded-For": "9.9.9.9", "Connection": "x-secret", "X-Secret": "1", "X-Kept": "2"}
        answer = await server.ask("/a%20b/%2e%2e/c?d=e", "POST", b"sent", headers)
        assert (answer.status, answer.headers["x-mine"]) == (299, "yes")
        told = json.loads(answer.body)
        assert (told["uri"], told["body"]) == ("/up/a%20b/../c?d=e", "sent")
        assert told["host"] == f"127.0.0.1:{upstream.port}"
        assert (told["x-forwarded-for"], told["x-forwarded-host"]) == ("127.0.0.1", f"127.0.0.1:{server.port}")
        assert told["x-kept"] == "2" and "x-secret" not in told
        assert (await server.ask("/", "HEAD")).body == b""


async def test_an_empty_body_has_its_length() -> None:
    async with Serving(Told()) as upstream, Serving(ReverseProxyResource("127.0.0.1", upstream.port, b"")) as server:
        assert json.loads((await server.ask("/", "POST", b"")).body)["content-length"] == "0"
        assert "content-length" not in json.loads((await server.ask("/", "GET")).body)


@pytest.mark.parametrize(
    "target",
    [
        "/../x",
        "/%2e%2e/x",
        "/a/../../x",
        "/./..",
        "/..%2fx",
        "/a/..%2F..%2Fx",
        "/..%5cx",
        "/..;/x",
        "/..;a=b",
        "//../x",
    ],
)
async def test_no_path_leads_out_of_what_is_passed_on(target: str) -> None:
    async with Serving(Told()) as upstream:
        async with Serving(ReverseProxyResource("127.0.0.1", upstream.port, b"/up")) as server:
            assert (await server.ask(target)).status == 400
        # where all of the server is passed on there is nothing to get out of
        async with Serving(ReverseProxyResource("127.0.0.1", upstream.port, b"")) as server:
            assert (await server.ask(target)).status == 299


@pytest.mark.parametrize("target", ["/a/..", "/...", "/..a/", "/%252e%252e/x", "/a/b/../../c", "/;/x"])
async def test_dots_that_lead_nowhere_else(target: str) -> None:
    async with Serving(Told()) as upstream, Serving(ReverseProxyResource("127.0.0.1", upstream.port, b"/up")) as server:
        answer = await server.ask(target)
        assert (answer.status, json.loads(answer.body)["uri"]) == (299, f"/up{target}")


async def test_a_long_answer() -> None:
    class Long(Resource):
        isLeaf = True

        async def render_GET(self, request: Any) -> None:
            for number in range(100):
                request.write(b"%d " % number * 10_000)
                await request.drained()

    async with Serving(Long()) as upstream, Serving(ReverseProxyResource("127.0.0.1", upstream.port, b"")) as server:
        assert (await server.ask()).body == b"".join(b"%d " % n * 10_000 for n in range(100))


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with Serving(ReverseProxyResource("127.0.0.1", port, b"")) as server:
        with capturedLogs():
            assert (await server.ask()).status == 502


async def test_a_server_that_speaks_something_else() -> None:
    class Odd(Protocol):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(b"220 mail\r\n")  # type: ignore[union-attr]
            self.transport.loseConnection()  # type: ignore[union-attr]

    port = reactor.listenTCP(0, Factory.forProtocol(Odd), interface="127.0.0.1")
    async with Serving(ReverseProxyResource("127.0.0.1", port.getHost().port, b"")) as server:
        with capturedLogs():
            assert (await server.ask()).status == 502
    await port.stopListening()
