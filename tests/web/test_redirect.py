"""Redirects: where they lead, what goes along, and when they end."""

from __future__ import annotations

import pytest

from plait.interfaces import IAddress
from plait.web import error
from plait.web.client import HTTPClientFactory, HTTPPageGetter, getPage

from .raw_server import RawServer, redirection, response


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary", b"308 Permanent"])
@pytest.mark.parametrize("location", ["/new?x", "new?x", "{}new?x", "{}new?x#part"])
async def test_followed(status: bytes, location: str) -> None:
    async with RawServer(response(b"hello")) as server:
        server.answers.insert(0, redirection(location.format(server.url()), status))
        factory = HTTPClientFactory(server.url("/old"))
        factory.connect()
        assert await factory.deferred == b"hello"
    assert server.requests[0].startswith(b"GET /old ")
    assert server.requests[1].startswith(b"GET /new?x ")
    assert factory.url == server.url("/new?x").encode()
    assert factory.status == b"200"


@pytest.mark.parametrize(
    ("method", "status", "found_get", "then"),
    [
        (b"POST", b"301 Moved", False, b"POST"),
        (b"POST", b"302 Found", False, b"POST"),
        (b"POST", b"301 Moved", True, b"GET"),
        (b"POST", b"302 Found", True, b"GET"),
        (b"PUT", b"302 Found", True, b"PUT"),
        (b"POST", b"303 See Other", False, b"GET"),
        (b"PUT", b"303 See Other", False, b"GET"),
        (b"HEAD", b"303 See Other", False, b"HEAD"),
        (b"POST", b"307 Temporary", True, b"POST"),
        (b"POST", b"308 Permanent", True, b"POST"),
    ],
)
async def test_method(method: bytes, status: bytes, found_get: bool, then: bytes) -> None:
    body = None if method == b"HEAD" else b"data"
    async with RawServer(redirection("/new", status), response()) as server:
        await getPage(
            server.url(),
            method=method,
            postdata=body,
            headers={"Content-Type": "text/plain"},
            afterFoundGet=found_get,
        )
    first, second = server.requests
    assert first.startswith(method + b" / ")
    assert second.startswith(then + b" /new ")
    kept = then == method and body is not None
    assert second.endswith(b"\r\n\r\ndata") == kept
    assert (b"Content-Length: 4" in second) == kept
    assert (b"Content-Type" in second) == (then == method)


async def test_not_followed() -> None:
    async with RawServer(redirection("/new")) as server:
        with pytest.raises(error.PageRedirect) as caught:
            await getPage(server.url(), followRedirect=False)
    assert (caught.value.status, caught.value.location) == (b"302", b"/new")
    assert str(caught.value) == "302 Found to /new"
    assert len(server.requests) == 1


@pytest.mark.parametrize("limit", [0, 1, 5])
async def test_a_loop_ends(limit: int) -> None:
    async with RawServer(redirection("/loop")) as server:
        with pytest.raises(error.InfiniteRedirection, match="302 ") as caught:
            await getPage(server.url("/loop"), redirectLimit=limit)
    assert len(server.requests) == limit + 1
    assert caught.value.location == server.url("/loop").encode()


async def test_no_location() -> None:
    async with RawServer(response(status=b"302 Found")) as server:
        with pytest.raises(error.RedirectWithNoLocation) as caught:
            await getPage(server.url("/x"))
    assert caught.value.uri == server.url("/x").encode()


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://user:password@127.0.0.1/", "http://:1/"])
async def test_a_location_that_cannot_be_fetched(location: str) -> None:
    async with RawServer(redirection(location)) as server:
        with pytest.raises(error.InvalidURL):
            await getPage(server.url())


async def test_what_is_private_stays_with_its_origin() -> None:
    secrets = {"Authorization": "secret", "Cookie": "h=secret", "Proxy-Authorization": "secret", "Host": "secret"}
    async with RawServer(response(b"hello")) as other:
        async with RawServer(redirection("/again"), redirection(other.url())) as first:
            page = await getPage(first.url(), headers={**secrets, "X-Other": "public"}, cookies={"c": "secret"})
    assert page == b"hello"
    for request in first.requests:
        assert request.count(b"secret") == 5
    (request,) = other.requests
    assert b"secret" not in request and b"Cookie" not in request
    assert b"X-Other: public" in request
    assert b"Host: 127.0.0.1:%d\r\n" % other.port in request


async def test_cookies_go_back_where_they_came_from() -> None:
    async with RawServer() as other, RawServer() as first:
        first.answers = [
            redirection(other.url(), b"302 Found", b"Set-Cookie: mine=1; Path=/; Secure"),
            response(b"hello"),
        ]
        other.answers = [
            redirection("/again", b"302 Found", b"Set-Cookie: theirs=2", b"Set-Cookie: nonsense"),
            redirection(first.url()),
        ]
        cookies: dict[object, object] = {"mine": "0"}
        assert await getPage(first.url(), cookies=cookies) == b"hello"
    assert b"Cookie: mine=0\r\n" in first.requests[0]
    assert b"Cookie" not in other.requests[0]
    assert b"Cookie: theirs=2\r\n" in other.requests[1]
    assert b"Cookie: mine=1\r\n" in first.requests[1]
    assert cookies == {b"mine": b"1"}


@pytest.mark.parametrize(
    ("first", "then", "sent"),
    [
        ("http://h/", "http://h/x", True),
        ("http://h/", "https://h/", True),
        ("http://H:80/", "https://h:443/", True),
        ("https://h/", "http://h/", False),
        ("http://h:81/", "https://h/", False),
        ("http://h/", "http://h:81/", False),
        ("http://h/", "http://www.h/", False),
    ],
)
def test_origin(first: str, then: str, sent: bool) -> None:
    factory = HTTPClientFactory(first, headers={"Authorization": "secret"}, cookies={"a": "secret"})
    factory.connect = lambda: None  # type: ignore[method-assign]
    factory.redirect(b"302", b"Found", then.encode(), False)
    assert (factory.buildRequest().count(b"secret") == 2) == sent
    assert (b"secret" in factory.buildRequest()) == sent


async def test_one_timer_counts_for_all_redirects() -> None:
    timers = []

    class Factory(HTTPClientFactory):
        def buildProtocol(self, addr: IAddress) -> HTTPPageGetter:
            timers.append(self._timer)
            return super().buildProtocol(addr)

    async with RawServer(redirection("/a"), redirection("/b"), response(b"hello")) as server:
        factory = Factory(server.url(), timeout=1000)
        factory.connect()
        assert await factory.deferred == b"hello"
    assert len(timers) == 3
    assert timers[0] is timers[1] is timers[2] is not None


async def test_a_body_that_never_ends_is_not_waited_for() -> None:
    def flood(conn: object) -> None:
        conn.sendall(b"HTTP/1.1 302 Found\r\nLocation: /new\r\n\r\n")  # type: ignore[attr-defined]
        while True:
            conn.sendall(b"x" * 65536)  # type: ignore[attr-defined]

    async with RawServer(flood, response(b"hello")) as server:
        assert await getPage(server.url()) == b"hello"
