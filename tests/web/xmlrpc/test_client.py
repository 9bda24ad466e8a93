"""A server that is called: the standard library's, and one that sends exactly the bytes it is told to."""

from __future__ import annotations

import base64
import threading
import xmlrpc.client
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from plait.deferred import CancelledError
from plait.errors import ConnectionLost, ConnectionRefusedError
from plait.web.client import BrowserLikePolicyForHTTPS
from plait.web.error import InvalidURL, NoResponse, PageTooLarge
from plait.web.xmlrpc import Fault, InvalidXMLRPC, Proxy, QueryFactory
from tests.web.conftest import Certificate
from tests.web.raw_server import RawServer, response, wait_for_close


def refuse() -> None:
    raise xmlrpc.client.Fault(7, "not today")


@pytest.fixture(scope="module")
def peer() -> Iterator[bytes]:
    """The address of a server that is not ours."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True, use_builtin_types=True) as server:
        server.register_introspection_functions()
        server.register_function(lambda *args: list(args), "echo")
        server.register_function(refuse, "refuse")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        host, port = server.server_address[:2]
        assert isinstance(host, str)
        yield f"http://{host}:{port}/RPC2".encode()
        server.shutdown()
        thread.join()


async def test_results(peer: bytes) -> None:
    proxy = Proxy(peer)
    assert await proxy.callRemote("echo", 1, "ä☃<&>", [True, {"a": 2.5}]) == [1, "ä☃<&>", [True, {"a": 2.5}]]
    assert "echo" in await proxy.callRemote("system.listMethods")


async def test_none_and_times(peer: bytes) -> None:
    when = datetime(2020, 2, 29, 1, 2, 3)
    assert await Proxy(peer, allowNone=True, useDateTime=True).callRemote("echo", None, when) == [None, when]
    with pytest.raises(TypeError):
        await Proxy(peer).callRemote("echo", None)


async def test_a_fault(peer: bytes) -> None:
    with pytest.raises(Fault, match="not today") as caught:
        await Proxy(peer).callRemote("refuse")
    assert caught.value.faultCode == 7


RESULT = xmlrpc.client.dumps(("ok",), methodresponse=True).encode()


@pytest.mark.parametrize(
    ("front", "user", "password", "sent"),
    [
        ("me:p%40ss@", None, None, b"me:p@ss"),
        ("", b"me", b"x" * 200, b"me:" + b"x" * 200),
        ("wrong:one@", b"me", b"pass", b"me:pass"),
        ("", None, None, None),
    ],
)
async def test_who_calls(front: str, user: bytes | None, password: bytes | None, sent: bytes | None) -> None:
    async with RawServer(response(RESULT)) as server:
        url = server.url("/x?y=1").replace("//", "//" + front)
        assert await Proxy(url.encode(), user, password).callRemote("name<") == "ok"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /x?y=1 HTTP/1.0"
    assert b"Host: 127.0.0.1:%d" % server.port in lines
    assert b"Content-length: %d" % len(body) in lines
    assert xmlrpc.client.loads(body) == ((), "name<")
    authorization = [line for line in lines if line.startswith(b"Authorization")]
    assert authorization == ([] if sent is None else [b"Authorization: Basic " + base64.b64encode(sent)])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (response(b"no", status=b"404 Not Found"), ValueError),
        (response(b"This is no response."), InvalidXMLRPC),
        (response(RESULT.replace(b"<methodResponse>", b"<!DOCTYPE x []><methodResponse>")), InvalidXMLRPC),
        (response(b"<methodResponse><params><param></param></params></methodResponse>"), IndexError),
        (response(RESULT)[:-5], Exception),
        (b"", NoResponse),
        (b"nonsense\r\n\r\n", Exception),
    ],
)
async def test_what_is_no_answer(answer: bytes, error: type[Exception]) -> None:
    async with RawServer(answer) as server:
        with pytest.raises(error):
            await Proxy(server.url().encode()).callRemote("x")


async def test_a_response_without_end() -> None:
    class Small(QueryFactory):
        maxResponse = 1000

    async with RawServer(response(b"x" * 100000)) as server:
        proxy = Proxy(server.url().encode())
        proxy.queryFactory = Small
        with pytest.raises(PageTooLarge):
            await proxy.callRemote("x")


async def test_a_call_that_is_cancelled_closes_its_connection() -> None:
    async with RawServer(wait_for_close) as server:
        call = Proxy(server.url().encode()).callRemote("x")
        call.cancel()
        with pytest.raises(CancelledError):
            await call


async def test_nobody_there() -> None:
    async with RawServer(b"") as server:
        port = server.port
    with pytest.raises((ConnectionRefusedError, ConnectionLost)):
        await Proxy(b"http://127.0.0.1:%d/" % port).callRemote("x")


async def test_a_certificate_is_verified(certificate: Certificate) -> None:
    async with RawServer(response(RESULT), context=certificate.server) as server:
        with pytest.raises(Exception, match="certificate"):
            await Proxy(server.url().encode()).callRemote("x")
        trusting = BrowserLikePolicyForHTTPS(certificate.trust)
        assert await Proxy(server.url().encode(), contextFactory=trusting).callRemote("x") == "ok"


@pytest.mark.parametrize("url", [b"", b"ftp://h/", b"http:///x", b"/RPC2"])
def test_what_is_no_address(url: bytes) -> None:
    with pytest.raises(InvalidURL, match="not the address of a server"):
        Proxy(url)


def test_what_a_factory_hears_late_is_no_news() -> None:
    factory = QueryFactory(None, None, "x")
    results: list[Any] = []
    assert factory.deferred is not None
    factory.deferred.addCallback(results.append)
    factory.parseResponse(RESULT)
    factory.badStatus("status", "message")
    factory.parseResponse(RESULT)
    assert results == ["ok"]
