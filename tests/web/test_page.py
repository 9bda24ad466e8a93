"""Pages into memory, over real sockets."""

from __future__ import annotations

import socket
import threading

import pytest

from plait import deferred, errors
from plait.current import getReactor
from plait.deferred import CancelledError
from plait.web import error
from plait.web.client import HTTPClientFactory, HTTPPageGetter, getPage

from .raw_server import RawServer, reset, response, wait_for_close


async def test_page() -> None:
    async with RawServer(response(b"hello", b"X-Name: value", b"Set-Cookie: a=1; Path=/")) as server:
        factory = HTTPClientFactory(server.url("/x?y"))
        getReactor().connectTCP("127.0.0.1", server.port, factory)
        assert await factory.deferred == b"hello"
    assert (factory.version, factory.status, factory.message) == (b"HTTP/1.1", b"200", b"OK")
    assert factory.response_headers is not None
    assert factory.response_headers[b"x-name"] == [b"value"]
    assert factory.cookies == {b"a": b"1"}
    assert (factory.scheme, factory.host, factory.port, factory.path) == (b"http", b"127.0.0.1", server.port, b"/x?y")
    (request,) = server.requests
    assert request.startswith(b"GET /x?y HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % server.port)
    assert b"\r\nConnection: close\r\n" in request


async def test_arguments_go_into_the_request() -> None:
    async with RawServer(response()) as server:
        page = await getPage(
            server.url().encode(),
            None,
            b"PUT",
            postdata=b"data",
            headers={"X-Name": "value"},
            agent="me/1",
            cookies={"a": "1", b"b": b"2"},
        )
    assert page == b""
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"PUT / HTTP/1.1"
    assert {b"X-Name: value", b"User-Agent: me/1", b"Cookie: a=1; b=2", b"Content-Length: 4"} <= set(lines)
    assert body == b"data"


@pytest.mark.parametrize("status", [b"200 OK", b"201 Created", b"204 No Content", b"299 Odd"])
async def test_every_2xx_is_a_page(status: bytes) -> None:
    async with RawServer(response(b"", status=status)) as server:
        assert await getPage(server.url()) == b""


async def test_head_gives_an_empty_page() -> None:
    async with RawServer(response(b"hello")[:-5]) as server:
        assert await getPage(server.url(), method="HEAD") == b""


async def test_chunked_page() -> None:
    body = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
    async with RawServer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body) as server:
        assert await getPage(server.url()) == b"hello world"


async def test_page_until_close() -> None:
    async with RawServer(b"HTTP/1.0 200 OK\r\n\r\nhello") as server:
        assert await getPage(server.url()) == b"hello"


async def test_byte_by_byte_from_the_wire() -> None:
    def drip(conn: socket.socket) -> None:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in response(b"hello"):
            conn.sendall(bytes([byte]))
        wait_for_close(conn)

    async with RawServer(drip) as server:
        assert await getPage(server.url()) == b"hello"


async def test_the_client_closes_a_connection_that_the_server_keeps() -> None:
    def keep(conn: socket.socket) -> None:
        conn.sendall(response(b"hello"))
        wait_for_close(conn)

    async with RawServer(keep) as server:  # leaving waits for the server's thread
        assert await getPage(server.url()) == b"hello"


# What is not a page.


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Oops", b"304 Not Modified", b"416 X", b"600 What"])
async def test_status_is_an_error(status: bytes) -> None:
    async with RawServer(response(b"sorry", status=status)) as server:
        with pytest.raises(error.Error) as caught:
            await getPage(server.url())
    code, _, phrase = status.partition(b" ")
    assert (caught.value.status, caught.value.message) == (code, phrase)
    assert caught.value.response == (b"" if code == b"304" else b"sorry")
    assert str(caught.value) == status.decode()


async def test_error_body_is_bounded() -> None:
    def flood(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")
        while True:  # until the client closes the connection
            conn.sendall(b"x" * 65536)

    async with RawServer(flood) as server:
        with pytest.raises(error.Error) as caught:
            await getPage(server.url())
    assert caught.value.response == b"x" * HTTPPageGetter.maxErrorBody


async def test_error_whose_body_is_cut_is_still_that_error() -> None:
    async with RawServer(response(b"sorry", status=b"404 Not Found")[:-2]) as server:
        with pytest.raises(error.Error, match="404 Not Found") as caught:
            await getPage(server.url())
    assert caught.value.response == b"sor"


@pytest.mark.parametrize("cut", [reset, lambda conn: None], ids=["reset", "closed"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (response(b"x" * 100)[:-40], 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 60, None),
    ],
    ids=["length", "chunked"],
)
async def test_cut_in_the_middle(sent: bytes, expected: int | None, cut: object) -> None:
    go = threading.Event()

    class Factory(HTTPClientFactory):
        class protocol(HTTPPageGetter):
            def handleResponsePart(self, data: bytes) -> None:
                super().handleResponsePart(data)
                if self._body.tell() == 60:
                    go.set()

    def send(conn: socket.socket) -> None:
        conn.sendall(sent)
        assert go.wait(10)  # an RST may overtake the data
        cut(conn)  # type: ignore[operator]

    async with RawServer(send) as server:
        factory = Factory(server.url())
        factory.connect()
        with pytest.raises(error.PartialDownloadError) as caught:
            await factory.deferred
    assert (caught.value.received, caught.value.expected) == (60, expected)
    assert caught.value.response == b"x" * 60
    assert caught.value.status == b"200"
    assert isinstance(caught.value.__cause__, errors.ConnectionLost if cut is reset else errors.ConnectionDone)


async def test_reset_is_no_end_of_a_page_without_length() -> None:
    class Factory(HTTPClientFactory):
        def gotHeaders(self, headers: dict[bytes, list[bytes]]) -> None:
            super().gotHeaders(headers)
            go.set()

    go = threading.Event()

    def send(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert go.wait(10)
        reset(conn)

    async with RawServer(send) as server:
        factory = Factory(server.url())
        factory.connect()
        with pytest.raises(error.PartialDownloadError):
            await factory.deferred


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-"])
async def test_no_response(sent: bytes) -> None:
    async with RawServer(sent) as server:
        with pytest.raises(error.NoResponse) as caught:
            await getPage(server.url())
    assert caught.value.received == len(sent)
    assert isinstance(caught.value, errors.ConnectionLost)


async def test_not_http() -> None:
    async with RawServer(b"220 mail.example.com ESMTP\r\n") as server:
        with pytest.raises(error.BadResponse, match="not HTTP/1"):
            await getPage(server.url())


async def test_endless_headers() -> None:
    def flood(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            conn.sendall(b"X-Name: " + b"x" * 1000 + b"\r\n")

    async with RawServer(flood) as server:
        with pytest.raises(error.HeadersTooLarge):
            await getPage(server.url())


async def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(errors.ConnectionRefusedError):
        await getPage(f"http://127.0.0.1:{port}/")


def test_a_wrong_argument_is_said_at_once() -> None:
    for wrong in ({"headers": {"X": "a\r\nb"}}, {"method": "GE T"}, {"cookies": {"a": "b;c"}}, {"agent": "a\nb"}):
        with pytest.raises(ValueError):
            getPage("http://127.0.0.1/", **wrong)
    with pytest.raises(error.InvalidURL):
        getPage("127.0.0.1")
    with pytest.raises(TypeError, match="must be bytes"):
        getPage("http://127.0.0.1/", postdata="text")


# Bounds that the caller sets.


async def test_max_size() -> None:
    async with RawServer(response(b"x" * 100)) as server:
        assert await getPage(server.url(), maxSize=100) == b"x" * 100
        with pytest.raises(error.PageTooLarge, match="maxSize, 99 bytes"):
            await getPage(server.url(), maxSize=99)


async def test_timeout() -> None:
    async with RawServer(wait_for_close) as server:
        with pytest.raises(deferred.TimeoutError) as caught:
            await getPage(server.url(), timeout=0.05)
    assert str(caught.value) == f"Getting {server.url()} took longer than 0.05 seconds."
    assert isinstance(caught.value, errors.TimeoutError)


async def test_timeout_is_for_the_whole_of_it() -> None:
    def drip(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:  # until the client closes the connection
            conn.sendall(b"x")

    async with RawServer(drip) as server:
        with pytest.raises(error.PageTimeout):
            await getPage(server.url(), timeout=0.05)


async def test_no_timer_is_left() -> None:
    async with RawServer(response(b"hello")) as server:
        factory = HTTPClientFactory(server.url(), timeout=1000)
        factory.connect()
        timer = factory._timer
        assert timer is not None and timer.active()
        await factory.deferred
        assert not timer.active()


async def test_cancel_aborts_the_connection() -> None:
    connected = deferred.Deferred[None]()

    class Factory(HTTPClientFactory):
        def gotHeaders(self, headers: dict[bytes, list[bytes]]) -> None:
            super().gotHeaders(headers)
            connected.callback(None)

    def stall(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        wait_for_close(conn)

    async with RawServer(stall) as server:
        factory = Factory(server.url())
        factory.connect()
        await connected
        factory.deferred.cancel()
        with pytest.raises(CancelledError):
            await factory.deferred


async def test_cancel_while_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = getPage(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        page.cancel()
        with pytest.raises(CancelledError):
            await page


@pytest.mark.parametrize("hook", ["gotStatus", "gotHeaders", "page", "buildRequest"])
async def test_what_a_hook_raises_is_the_failure(hook: str) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("mine")

    async with RawServer(wait_for_close if hook == "buildRequest" else response(b"hello")) as server:
        factory = HTTPClientFactory(server.url())
        setattr(factory, hook, fail)
        factory.connect()
        with pytest.raises(ZeroDivisionError, match="mine"):
            await factory.deferred


async def test_a_status_can_have_a_method_of_its_own() -> None:
    class Getter(HTTPPageGetter):
        def handleStatus_404(self) -> None:
            pass

    class Factory(HTTPClientFactory):
        protocol = Getter

    async with RawServer(response(b"sorry", status=b"404 Not Found")) as server:
        factory = Factory(server.url())
        factory.connect()
        assert await factory.deferred == b"sorry"
        assert factory.status == b"404"
