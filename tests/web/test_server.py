"""The web server over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
from typing import Any

import pytest

from plait import Deferred
from plait.deferred import CancelledError, ensureDeferred
from plait.task import Clock
from plait.testing import StringTransport
from plait.web.later import NOT_DONE_YET
from plait.web.limits import Limits
from plait.web.resource import Resource
from plait.web.site import Site
from tests.web.serving import Serving

GET = b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


class Page(Resource):
    """Answers with what the functions that it is given say."""

    isLeaf = True

    def __init__(self, **methods: Any) -> None:
        super().__init__()
        for name, method in methods.items():
            setattr(self, f"render_{name}", method)


def page(function: Any) -> Page:
    return Page(GET=function, POST=function)


def raw(port: int, data: bytes) -> bytes:
    """What the server says to these bytes, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(data)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer


async def test_keep_alive() -> None:
    async with Serving(page(lambda request: request.uri)) as server:
        answers = await server.talk(*[("GET", f"/{number}", None, {}) for number in range(5)])
        assert [answer.body for answer in answers] == [b"/%d" % number for number in range(5)]
        assert answers[0].headers.keys() == {"date", "content-type", "content-length"}
        data = b"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n"
        answer = await server.call(lambda: raw(server.port, data))
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert b"Connection: keep-alive\r\n\r\n/1" in answer and b"Connection: close\r\n\r\n/2" in answer


async def test_requests_behind_one_that_takes_its_time_wait_their_turn() -> None:
    first: Deferred[bytes] = Deferred()
    seen: list[bytes] = []
    begun: Deferred[None] = Deferred()

    def answer(request: Any) -> Any:
        seen.append(request.uri)
        if not begun.called:
            begun.callback(None)
        return first if request.uri == b"/slow" else request.uri

    async with Serving(page(answer)) as server:
        data = GET % b"/slow" + GET % b"/2"
        waiting = asyncio.ensure_future(
            server.call(
                lambda: raw(server.port, data + (GET % b"/3").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            )
        )
        await begun
        await server.ask("/other")  # somebody else is served meanwhile
        assert seen == [b"/slow", b"/other"]
        first.callback(b"/first")
        got = await waiting
        assert [part for part in (b"/first", b"/2", b"/3") if part in got] == [b"/first", b"/2", b"/3"]
        assert got.index(b"/first") < got.index(b"/2") < got.index(b"/3")


async def test_what_is_sent_ahead_is_bounded() -> None:
    begun: Deferred[Any] = Deferred()

    def answer(request: Any) -> Any:
        if not begun.called:
            begun.callback(request)
        return NOT_DONE_YET

    async with Serving(page(answer), limits=Limits(maxHeld=1000)) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setblocking(False)
        client.sendall(GET % b"/")
        request = await begun
        sent = 0
        with pytest.raises(BlockingIOError):
            while sent < 100_000_000:
                sent += client.send(b"x" * 100_000)
                await asyncio.sleep(0)
        assert len(request.channel._held) < 1_000_000
        client.close()


@pytest.mark.parametrize("at_once", [True, False])
async def test_answers_that_are_not_taken_do_not_pile_up(at_once: bool) -> None:
    rendered = 0

    def answer(request: Any) -> bytes:
        nonlocal rendered
        rendered += 1
        return b"%b." % request.uri + bytes(1_000_000)

    async with Serving(Page(GET=answer, PUT=lambda request: b"put")) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            requests = [GET % b"/%d" % number for number in range(40)]
            for part in [b"".join(requests)] if at_once else requests:
                client.sendall(part)
                await server.ask(method="PUT")
            for _ in range(10):
                await server.ask(method="PUT")
            assert 0 < rendered < 20

            def read() -> list[bytes]:
                with client.makefile("rb") as file:
                    bodies = []
                    for _ in requests:
                        length = 0
                        while line := file.readline().strip():
                            if line.lower().startswith(b"content-length:"):
                                length = int(line[15:])
                        bodies.append(file.read(length).partition(b".")[0])
                    return bodies

            assert await server.call(read) == [b"/%d" % number for number in range(40)]


async def test_a_long_queue_of_requests_is_no_heap_of_calls() -> None:
    first: Deferred[bytes] = Deferred()

    def answer(request: Any) -> Any:
        if request.uri == b"/first":
            return first
        return b""

    async with Serving(page(answer)) as server:
        reading = ensureDeferred(server.call(lambda: raw(server.port, GET % b"/first" + GET % b"/" * 5000 + LAST)))
        while not any(len(channel.requests) > 1000 for channel in server.site.channels):
            await server.ask()
        first.callback(b"")
        assert (await reading).count(b"HTTP/1.1 200") == 5002


async def test_a_client_that_goes_is_noticed_while_it_waits() -> None:
    gone: Deferred[None] = Deferred()
    cancelled: Deferred[str] = Deferred()
    begun: Deferred[None] = Deferred()

    async def answer(request: Any) -> bytes:
        request.notifyFinish().addErrback(lambda _: gone.callback(None))
        begun.callback(None)
        try:
            await Deferred()
        except (asyncio.CancelledError, CancelledError):
            cancelled.callback("cancelled")
            raise
        return b""

    async with Serving(page(answer)) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(GET % b"/")
        await begun
        client.close()
        await gone
        assert await cancelled == "cancelled"


async def test_head_and_answers_without_a_body() -> None:
    def answer(request: Any) -> bytes:
        request.setResponseCode(int(request.args[b"code"][0]))
        return b"body"

    async with Serving(page(answer)) as server:
        got = await server.talk(
            ("HEAD", "/?code=200", None, {}),
            ("GET", "/?code=204", None, {}),
            ("GET", "/?code=304", None, {}),
            ("GET", "/?code=200", None, {}),
        )
        assert [(answer.status, answer.body) for answer in got] == [(200, b""), (204, b""), (304, b""), (200, b"body")]
        assert got[0].headers["content-length"] == "4"
        assert "content-length" not in got[1].headers


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 3_000_000])
async def test_bodies_and_forms(body: bytes) -> None:
    def answer(request: Any) -> bytes:
        content: bytes = request.content.read()
        return b"%d %d" % (len(content), len(request.args))

    async with Serving(page(answer)) as server:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        first, second = await server.talk(("POST", "/", body, {}), ("POST", "/?q=1", b"a=1&b=%20&a=2", kind))
        assert (first.body, second.body) == (b"%d 0" % len(body), b"13 3")


async def test_a_body_that_is_too_long() -> None:
    async with Serving(page(lambda request: b"taken"), limits=Limits(maxBody=100)) as server:
        assert (await server.ask("/", "POST", b"x" * 100)).body == b"taken"
        assert (await server.ask("/", "POST", b"x" * 101)).status == 413
        chunked = (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"20\r\n%b\r\n" % (b"x" * 32) * 9
        )
        assert (await server.call(lambda: raw(server.port, chunked))).startswith(b"HTTP/1.1 413 ")


async def test_a_compressed_body_is_not_unpacked() -> None:
    # That is up to the resource, which knows how large it may become.
    bomb = gzip.compress(bytes(30_000_000))
    resource = page(lambda request: b"%d of %b" % (len(request.content.read()), request.getHeader(b"content-encoding")))
    async with Serving(resource, limits=Limits(maxBody=len(bomb))) as server:
        for kind in ("application/octet-stream", "application/json"):
            headers = {"Content-Encoding": "gzip", "Content-Type": kind}
            answer = await server.ask("/", "POST", bomb, headers)
            assert answer.body == b"%d of gzip" % len(bomb)


async def test_a_client_that_asks_first() -> None:
    expecting = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"

    def talk(port: int, length: int) -> tuple[bytes, bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            client.sendall(expecting % length)
            first = client.recv(1000)
            if b"100 Continue" in first:
                client.sendall(b"x" * length)
            rest = b""
            while piece := client.recv(1000):
                rest += piece
        return first, rest

    async with Serving(page(lambda request: b"taken"), limits=Limits(maxBody=100)) as server:
        first, rest = await server.call(lambda: talk(server.port, 50))
        assert first == b"HTTP/1.1 100 Continue\r\n\r\n" and rest.endswith(b"\r\n\r\ntaken")
        first, _ = await server.call(lambda: talk(server.port, 5000))
        assert first.startswith(b"HTTP/1.1 413 ")


class Streaming(Page):
    streamsBody = True


async def test_a_body_as_it_comes() -> None:
    async def answer(request: Any) -> bytes:
        sizes = [len(piece) async for piece in request.stream()]
        return b"%d in %d" % (sum(sizes), min(len(sizes), 3))

    async with Serving(Streaming(POST=answer)) as server:
        first, second = await server.talk(("POST", "/", b"x" * 5_000_000, {}), ("POST", "/", b"", {}))
        assert (first.body, second.body) == (b"5000000 in 3", b"0 in 0")


async def test_a_body_that_nobody_takes_makes_the_client_wait_and_one_that_is_refused_is_not_read() -> None:
    begun: Deferred[Any] = Deferred()
    go: Deferred[bytes] = Deferred()

    async def answer(request: Any) -> bytes:
        begun.callback(request)
        return await go

    async with Serving(Streaming(POST=answer)) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setblocking(False)
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
        request = await begun
        sent = 0
        with pytest.raises(BlockingIOError):
            while sent < 100_000_000:
                sent += client.send(b"x" * 100_000)
                await asyncio.sleep(0)
        assert request._stream._size < 1_000_000
        go.callback(b"no, thank you")
        client.setblocking(True)
        assert b"no, thank you" in await server.call(lambda: client.recv(1000))
        client.close()


async def test_answers_in_pieces_and_wrong_lengths(flushLoggedErrors: Any) -> None:
    async def pieces(request: Any) -> None:
        if b"length" in request.args:
            request.setHeader(b"content-length", request.args[b"length"][0])
        request.write(b"one ")
        await asyncio.sleep(0)
        request.write(b"two")

    async with Serving(page(pieces)) as server:
        chunked, right, long = await server.talk(
            ("GET", "/", None, {}), ("GET", "/?length=7", None, {}), ("GET", "/?length=5", None, {})
        )
        assert (chunked.body, chunked.headers["transfer-encoding"]) == (b"one two", "chunked")
        assert (right.body, long.body) == (b"one two", b"one t")
        with pytest.raises(http.client.IncompleteRead):
            await server.ask("/?length=9")


async def test_nothing_in_an_answer_begins_another_header() -> None:
    evil = b"a\r\nX-Evil: 1\r\n\r\n<b>"

    def answer(request: Any) -> bytes:
        request.setHeader(b"x-good", evil)
        request.responseHeaders.addRawHeader(b"x-more", evil)
        request.addCookie(b"c", evil + b"; Domain=evil", path=evil)
        request.setResponseCode(302, evil)
        request.redirect(evil)
        return b"body"

    async with Serving(page(answer)) as server:
        got = await server.ask()
        assert "x-evil" not in got.headers and got.body == b"body"
        assert got.headers["set-cookie"].count(";") == 1
        with pytest.raises(ValueError, match="cannot be the name of a header"):
            Site(Resource()).buildProtocol(None).requestFactory(None).setHeader(b"a: b\r\nc", b"d")


async def test_errors_of_a_resource(flushLoggedErrors: Any) -> None:
    def broken(request: Any) -> Any:
        if request.uri == b"/late":
            request.write(b"half")
        if request.uri == b"/strange":
            return 3.5
        raise ValueError("of mine")

    async with Serving(page(broken)) as server:
        got = await server.ask()
        assert got.status == 500 and b"of mine" not in got.body
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            await server.ask("/late")
        server.site.displayTracebacks = True
        assert b"of mine" in (await server.ask()).body
        assert (await server.ask("/strange")).status == 500
        assert (await server.ask("/", "PUT")).status == 405
    assert len(flushLoggedErrors(ValueError, TypeError)) == 4


async def test_what_is_written_too_late() -> None:
    kept: list[Any] = []

    def answer(request: Any) -> bytes:
        kept.append(request)
        return b"answer"

    async with Serving(page(answer)) as server:
        await server.ask()
        for call in (kept[0].finish, lambda: kept[0].write(b"more")):
            with pytest.raises(RuntimeError, match="after"):
                call()


async def test_sessions() -> None:
    def answer(request: Any) -> bytes:
        session = request.getSession()
        session.count = getattr(session, "count", 0) + 1
        return b"%d" % session.count

    async with Serving(page(answer)) as server:
        first = await server.ask()
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        second = await server.ask(headers={"Cookie": cookie.partition(";")[0]})
        assert (first.body, second.body) == (b"1", b"2")
        assert (await server.ask(headers={"Cookie": "TWISTED_SESSION=guessed"})).body == b"1"
        for session in list(server.site.sessions.values()):
            session.expire()


async def test_the_access_log(tmp_path: Any) -> None:
    path = tmp_path / "log"
    async with Serving(page(lambda request: b"body"), logPath=str(path)) as server:
        await server.ask("/x?y", headers={"User-Agent": 'a"b', "Referer": "r"})
        await server.call(lambda: raw(server.port, b'GET /" HTTP/1.0\r\nUser-Agent: \xff\\\r\n\r\n'))
    first, second = path.read_text().splitlines()
    assert first.startswith('"127.0.0.1" - - [') and first.endswith('] "GET /x?y HTTP/1.1" 200 4 "r" "a\\"b"')
    assert '"GET /\\" HTTP/1.0" 200 4 "-" ' in second


# -- those who are too slow, by a clock of ours


class Slow:
    """A connection whose time goes as the test says."""

    def __init__(self, resource: Any, **options: Any) -> None:
        self.clock = Clock()
        self.site = Site(resource, reactor=self.clock, **options)
        self.channel = self.site.buildProtocol(None)
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)


def test_headers_that_trickle_in() -> None:
    slow = Slow(page(lambda request: b""), limits=Limits(headerTimeout=10))
    for byte in b"GET / HT":
        slow.channel.dataReceived(bytes([byte]))
        slow.wait(1)
    assert not slow.transport.disconnecting
    slow.channel.dataReceived(b"T")
    slow.wait(4)
    assert slow.transport.value().startswith(b"HTTP/1.1 408 ") and slow.transport.disconnecting


def test_one_that_says_nothing_and_one_that_has_said_enough() -> None:
    slow = Slow(page(lambda request: b""), timeout=30, limits=Limits(headerTimeout=10))
    slow.wait(12)
    assert slow.transport.disconnecting
    idle = Slow(page(lambda request: b""), timeout=30, limits=Limits(headerTimeout=10))
    idle.channel.dataReceived(GET % b"/")
    idle.wait(28)
    idle.channel.dataReceived(GET % b"/")
    idle.wait(28)
    assert not idle.transport.disconnecting
    idle.wait(4)
    assert idle.transport.disconnecting and idle.transport.value().count(b"200 OK") == 2


def test_a_body_that_drips() -> None:
    slow = Slow(page(lambda request: b""), limits=Limits(bodyTimeout=10, minBodyRate=10))
    slow.channel.dataReceived(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(9):
        slow.channel.dataReceived(b"xx")
        slow.wait(1)
    assert not slow.transport.disconnecting
    for _ in range(4):
        slow.channel.dataReceived(b"xx")
        slow.wait(1)
    assert slow.transport.value().startswith(b"HTTP/1.1 408 ") and slow.transport.disconnecting


def test_a_resource_may_take_its_time() -> None:
    slow = Slow(page(lambda request: NOT_DONE_YET), timeout=10, limits=Limits(headerTimeout=10, bodyTimeout=10))
    slow.channel.dataReceived(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
    slow.wait(1000)
    assert not slow.transport.disconnecting


def test_a_client_that_does_not_read_its_answer() -> None:
    slow = Slow(page(lambda request: NOT_DONE_YET), limits=Limits(writeTimeout=20))
    transport: Any = slow.transport
    transport.bytesSent, transport.bufferedBytes = 100, 50
    slow.channel.dataReceived(GET % b"/")
    slow.wait(15)
    transport.bufferedBytes = 49
    slow.wait(15)
    assert not transport.disconnected and not transport.disconnecting
    slow.wait(10)
    assert transport.disconnecting or transport.disconnected


class Taking(Resource):
    isLeaf = True
    streamsBody = True
    own: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self.ended: BaseException | None = None

    async def render_POST(self, request: Any) -> bytes:
        request.bodyLimit = self.own or request.bodyLimit
        try:
            async for piece in request.stream():
                self.taken += len(piece)
        except Exception as error:
            self.ended = error
            raise
        return b"%d" % self.taken


CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("own", [None, 1000])
def test_a_body_that_is_taken_as_it_comes_may_have_a_limit(own: int | None) -> None:
    resource = Taking()
    resource.own = own
    slow = Slow(resource, limits=Limits(maxStreamedBody=5000 if own else 1000))
    slow.channel.dataReceived(CHUNKED + b"3E8\r\n%b\r\n" % (b"x" * 1000))
    assert (resource.taken, slow.transport.value()) == (1000, b"")
    slow.channel.dataReceived(b"1\r\nx\r\n")
    assert slow.transport.value().startswith(b"HTTP/1.1 413 ") and slow.transport.disconnecting
    assert resource.taken == 1000 and "longer than 1000" in str(resource.ended)


def test_a_length_beyond_the_limit_of_one_that_takes_it_as_it_comes() -> None:
    slow = Slow(Taking(), limits=Limits(maxStreamedBody=1000))
    slow.channel.dataReceived(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")
    assert slow.transport.value().startswith(b"HTTP/1.1 413 ") and slow.transport.disconnecting


def test_the_last_request_of_a_connection() -> None:
    slow = Slow(page(lambda request: b"x"), limits=Limits(requestsPerConnection=2))
    slow.channel.dataReceived(GET % b"/" * 3)
    assert slow.transport.value().count(b"200 OK") == 2
    assert slow.transport.disconnecting


def test_drained() -> None:
    idle = Slow(page(lambda request: b"x"))
    idle.channel.dataReceived(GET % b"/")
    idle.channel.drain()
    assert idle.transport.disconnecting
    answer: Deferred[bytes] = Deferred()
    busy = Slow(page(lambda request: answer))
    busy.channel.dataReceived(GET % b"/")
    busy.channel.drain()
    assert not busy.transport.disconnecting
    answer.callback(b"the answer")
    assert busy.transport.disconnecting and b"Connection: close" in busy.transport.value()


async def test_many_slow_ones_do_not_keep_others_waiting() -> None:
    def connect(port: int) -> list[socket.socket]:
        clients = []
        for _ in range(500):
            client = socket.create_connection(("127.0.0.1", port), timeout=30)
            client.sendall(b"GET / HTTP/1.1\r\nX: ")
            clients.append(client)
        return clients

    async with Serving(page(lambda request: b"here")) as server:
        slow = await server.call(lambda: connect(server.port))
        assert (await server.ask()).body == b"here"
        assert len(server.site.channels) >= 500
        for client in slow:
            client.close()
