"""Proxies as programs written for Twisted make them, between real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import pytest

from plait import reactor
from plait.as_twisted.legacy.webhttp import HTTPFactory
from plait.as_twisted.legacy.webproxy import (
    Proxy,
    ProxyClient,
    ProxyClientFactory,
    ProxyRequest,
    ReverseProxy,
    ReverseProxyResource,
)
from plait.as_twisted.legacy.webserver import Site
from plait.engine import deferToThread
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.testing import StringTransport
from tests.web.raw_server import RawServer, response
from tests.web.serving import Serving

Answered = tuple[int, dict[str, str], bytes]


@asynccontextmanager
async def listening(factory: Any) -> AsyncIterator[int]:
    factory.noisy = False
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    yield port.getHost().port
    await port.stopListening()


async def ask(port: int, target: str, method: str = "GET", body: Any = None, **headers: str) -> Answered:
    def talk() -> Answered:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, named, encode_chunked="Transfer-Encoding" in named)
        answer = connection.getresponse()
        got = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return got

    return await deferToThread(talk)


def proxy(channel: type[Proxy] = Proxy) -> HTTPFactory:
    factory = HTTPFactory()
    factory.protocol = channel
    return factory


async def test_a_proxy_passes_a_request_on_to_the_server_that_its_url_names() -> None:
    there = response(b"here", b"X-Kept: 1", b"Keep-Alive: 9", b"Server: theirs")
    async with RawServer(there) as server, listening(proxy()) as port:
        named = {"Connection": "x-secret", "X_Secret": "1", "X_Kept": "2", "Host": "other", "Proxy_Authorization": "s"}
        status, headers, body = await ask(port, server.url("/a?b=c"), "POST", b"sent", **named)
        assert (status, body) == (200, b"here")
        assert (headers["x-kept"], headers["server"]) == ("1", "theirs")
        assert "keep-alive" not in headers
    (request,) = server.requests
    first, *lines = request.lower().partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert first == b"post /a?b=c http/1.0"
    assert request.endswith(b"\r\n\r\nsent")
    told = dict(line.split(b": ") for line in lines)
    assert told[b"host"] == b"127.0.0.1:%d" % server.port
    assert (told[b"connection"], told[b"x-kept"]) == (b"close", b"2")
    assert not {b"x-secret", b"proxy-authorization"} & set(told)


async def test_a_body_in_chunks_is_passed_on_with_its_length() -> None:
    async with RawServer(response()) as server, listening(proxy()) as port:
        await ask(port, server.url(), "POST", iter([b"in ", b"pieces"]), Transfer_Encoding="chunked")
    head, _, body = server.requests[0].lower().partition(b"\r\n\r\n")
    assert body == b"in pieces"
    assert b"content-length: 9" in head and b"transfer-encoding" not in head


async def test_a_subclass_changes_what_passes_through() -> None:
    class Loud(ProxyClient):
        def handleResponsePart(self, data: bytes) -> None:
            super().handleResponsePart(data.upper())

        def handleHeader(self, key: bytes, val: bytes) -> None:
            super().handleHeader(key, b"changed" if key == b"x-kept" else val)

    class LoudFactory(ProxyClientFactory):
        protocol = Loud

    class LoudRequest(ProxyRequest):
        protocols = {b"http": LoudFactory}

    class LoudProxy(Proxy):
        requestFactory = LoudRequest

    async with RawServer(response(b"quiet", b"X-Kept: 1")) as server, listening(proxy(LoudProxy)) as port:
        status, headers, body = await ask(port, server.url())
        assert (status, headers["x-kept"], body) == (200, "changed", b"QUIET")


@pytest.mark.parametrize("target", ["/path", "ftp://127.0.0.1/", "http:///x", "http://a:99999/", "http://a:port/"])
async def test_what_is_no_url_of_another_server(target: str) -> None:
    async with listening(proxy()) as port:
        assert (await ask(port, target))[0] == 400


async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    async with listening(proxy()) as port:
        status, _, body = await ask(port, f"http://127.0.0.1:{free}/")
        assert (status, body) == (501, b"<H1>Could not connect</H1>")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"HTTP/1.1 \xb2\xb2\xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: %b\r\n" % (b"x" * 10000) * 10 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: x\r\n" + b" %b\r\n" % (b"x" * 10000) * 10 + b"\r\n",
    ],
)
async def test_what_does_not_speak_http(answer: bytes) -> None:
    async with RawServer(answer) as server, listening(proxy()) as port:
        status, _, body = await ask(port, server.url())
        assert status == 502 and body.startswith(b"<H1>The other server ")


async def test_an_answer_that_is_cut_off_is_not_taken_for_all() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    async with RawServer(cut) as server, listening(proxy()) as port:
        with pytest.raises(IncompleteRead):
            await ask(port, server.url())


async def test_the_connection_to_the_server_ends_with_that_of_the_client() -> None:
    asked, seen = threading.Event(), []

    def wait(connection: socket.socket) -> None:
        asked.set()
        seen.append(connection.recv(1))

    async with RawServer(wait) as server, listening(proxy()) as port:

        def leave() -> bool:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                connection.sendall(b"GET %b HTTP/1.1\r\n\r\n" % server.url().encode())
                return asked.wait(20)

        assert await deferToThread(leave)
    assert seen in ([], [b""])  # reset, or closed: RawServer fails if its connection is left open


def test_an_answer_comes_as_fast_as_the_client_takes_it() -> None:
    channel, client, server = Proxy(), StringTransport(), StringTransport()
    asked: list[Any] = []

    class Reactor:
        def connectTCP(self, host: str, port: int, factory: Any) -> None:
            asked.append(factory)

    channel.requestFactory = lambda channel, queued: ProxyRequest(channel, queued, Reactor())
    channel.makeConnection(client)
    channel.dataReceived(b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n")
    asking = asked[0].buildProtocol(None)
    asking.makeConnection(server)
    asking.dataReceived(b"HTTP/1.0 200 OK\r\n\r\n")
    assert client.producer is server
    asking.dataReceived(b"all")
    asking.connectionLost(Failure(ConnectionDone()))
    assert client.producer is None
    assert client.value().startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_resource_that_another_server_has() -> None:
    async with RawServer(response(b"here")) as server:
        resource = ReverseProxyResource("127.0.0.1", server.port, b"/up")
        async with Serving(resource) as here:
            assert (await here.ask("/a%20b/c?d=e")).body == b"here"
            assert (await here.ask("/")).body == b"here"
        async with listening(Site(resource)) as port:
            assert (await ask(port, "/", "POST", iter([b"x"]), Transfer_Encoding="chunked"))[2] == b"here"
    firsts = [request.partition(b"\r\n")[0] for request in server.requests]
    assert firsts == [b"GET /up/a%20b/c?d=e HTTP/1.0", b"GET /up/ HTTP/1.0", b"POST /up/ HTTP/1.0"]
    assert b"host: 127.0.0.1:%d\r\n" % server.port in server.requests[0].lower()
    assert server.requests[2].endswith(b"\r\n\r\nx")


@pytest.mark.parametrize("target", ["/..", "/a/../b", "/%2e%2e", "/..%2fx", "/..%5cx", "/a%5c..%5c..", "/..;/x"])
async def test_no_dots_lead_out_of_what_is_passed_on(target: str) -> None:
    async with Serving(ReverseProxyResource("127.0.0.1", 9, b"/up")) as here:
        assert (await here.ask(target)).status == 400


async def test_a_connection_to_one_server() -> None:
    async with RawServer(response(b"here")) as server:
        factory: Any = proxy(ReverseProxy)  # type: ignore[arg-type]
        factory.host, factory.port = "127.0.0.1", server.port
        async with listening(factory) as port:
            assert (await ask(port, "/a?b"))[2] == b"here"
    assert server.requests[0].startswith(b"GET /a?b HTTP/1.0\r\n")
