"""Whose turn it is on a connection: requests sent ahead, bodies that wait for leave, and who is too slow."""

from __future__ import annotations

from typing import Any

import pytest

from plait import Deferred
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.task import Clock
from plait.testing import StringTransport
from plait.web import reading
from plait.web.later import NOT_DONE_YET
from plait.web.limits import Limits
from plait.web.resource import Resource
from plait.web.site import Site

GET = b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Page(Resource):
    isLeaf = True

    def __init__(self, answer: Any, streams: bool = False) -> None:
        super().__init__()
        self.streamsBody = streams  # type: ignore[misc]
        self.render_GET = self.render_POST = answer  # type: ignore[method-assign]


class Connection:
    """A connection in memory whose time goes as the test says."""

    def __init__(self, answer: Any, streams: bool = False, timeout: float | None = 60.0, **limits: Any) -> None:
        self.clock = Clock()
        self.site = Site(Page(answer, streams), reactor=self.clock, timeout=timeout, limits=Limits(**limits))
        self.channel = self.site.buildProtocol(None)
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.channel.dataReceived(piece)

    def wait(self, seconds: int = 0) -> None:
        for step in [0] + [1] * seconds:
            self.clock.advance(step)

    @property
    def answers(self) -> list[bytes]:
        """The bodies of the answers so far."""
        return [part.partition(b"\r\n\r\n")[2] for part in self.transport.value().split(b"HTTP/1.1 200 OK\r\n")[1:]]

    @property
    def over(self) -> bool:
        return bool(self.transport.disconnecting or self.transport.disconnected)


@pytest.mark.parametrize("cut", range(1, len(GET % b"/2")))
def test_the_next_request_may_be_cut_anywhere_while_the_first_is_answered(cut: int) -> None:
    first: Deferred[bytes] = Deferred()
    connection = Connection(lambda request: first if request.uri == b"/1" else request.uri)
    second = GET % b"/2"
    connection.say(GET % b"/1" + second[:cut], second[cut:])
    first.callback(b"/1")
    connection.wait()
    assert connection.answers == [b"/1", b"/2"]


def test_what_comes_behind_held_bytes_stays_behind_them() -> None:
    first: Deferred[bytes] = Deferred()
    connection = Connection(lambda request: first if request.uri == b"/1" else request.uri)
    connection.say(GET % b"/1", b"GET /2 HTT")
    first.callback(b"/1")
    connection.say(b"P/1.1\r\nHost: h\r\n\r\n" + GET % b"/3")
    connection.wait()
    assert connection.answers == [b"/1", b"/2", b"/3"]


def test_half_a_request_sent_ahead_is_given_no_more_time_than_another() -> None:
    first: Deferred[bytes] = Deferred()
    connection = Connection(lambda request: first, headerTimeout=10)
    connection.say(GET % b"/1" + b"GET /2")
    connection.wait(100)
    assert not connection.over
    first.callback(b"/1")
    connection.wait(12)
    assert connection.over


@pytest.mark.parametrize("pause", [5, 8])
def test_empty_lines_gain_no_time(pause: int) -> None:
    connection = Connection(lambda request: b"", timeout=20, headerTimeout=10)
    for _ in range(5):
        connection.say(b"\r\n")
        connection.wait(pause)
    assert connection.over
    served = Connection(lambda request: b"", timeout=20, headerTimeout=10)
    served.say(GET % b"/")
    for _ in range(5):
        served.say(b"\r\n\r\n")
        served.wait(pause)
    assert served.over


def test_what_one_client_sends_does_not_count_against_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_pool", [])
    for _ in range(10):
        Connection(lambda request: b"", maxHeaderBytes=100).say(b"\r\n" * 45)
    connection = Connection(lambda request: b"here", maxHeaderBytes=100)
    connection.say(b"GET / HTTP/1.1\r\n", b"Host: h\r\n\r\n")
    assert connection.answers == [b"here"]


@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_a_head_behind_another_request_is_limited_as_well(end: bytes) -> None:
    connection = Connection(lambda request: request.uri, maxHeaderBytes=1000)
    long = b"GET /2 HTTP/1.1\r\nHost: h\r\n" + b"A: 12345678\r\n" * 80
    connection.say(GET % b"/1" + long + end)
    said = connection.transport.value()
    assert b"\r\n\r\n/1" in said and (b" 431 " in said or not end) and b"/2" not in said and connection.over


def test_empty_lines_before_a_request_are_no_part_of_it() -> None:
    connection = Connection(lambda request: b"here", maxHeaderBytes=100)
    connection.say(*[b"\r\n" * 45] * 10, b"GET / HTTP/1.1\r\n", b"Host: h\r\n\r\n")
    assert connection.answers == [b"here"]


@pytest.mark.parametrize("timeout", [60.0, None])
def test_an_idle_connection_lends_its_parser_to_others(monkeypatch: pytest.MonkeyPatch, timeout: float | None) -> None:
    pool: list[reading.Reader] = []
    monkeypatch.setattr(reading, "_pool", pool)
    connection = Connection(lambda request: b"here", timeout=timeout)
    connection.say(GET % b"/")
    assert len(pool) == 1
    connection.say(GET % b"/")
    assert not pool  # there may be a third one at once
    connection.wait(3)
    assert len(pool) == 1
    connection.say(GET % b"/")
    assert not pool and connection.answers == [b"here"] * 3
    connection.channel.connectionLost(Failure(ConnectionDone()))
    assert len(pool) == 1


def test_a_request_in_part_keeps_its_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    pool: list[reading.Reader] = []
    monkeypatch.setattr(reading, "_pool", pool)
    connection = Connection(lambda request: b"here")
    connection.say(b"GE")
    connection.wait(5)
    assert not pool
    connection.say(b"T / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert connection.answers == [b"here"]
    connection.say(b"GE")
    connection.channel.connectionLost(Failure(ConnectionDone()))
    assert not pool  # what was read of a request is not put before somebody else's


def test_a_connection_that_ends_while_it_is_read_keeps_its_parser_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pool: list[reading.Reader] = []
    monkeypatch.setattr(reading, "_pool", pool)

    def answer(request: Any) -> bytes:
        connection.channel.connectionLost(Failure(ConnectionDone()))
        return b"nobody gets this"

    connection = Connection(answer)
    connection.say(GET % b"/")
    assert not pool and not connection.transport.value()


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_what_fails_in_the_clean_up_behind_a_client_is_logged(flushLoggedErrors: Any, error: Any) -> None:
    async def answer(request: Any) -> bytes:
        try:
            await Deferred()
        finally:
            if error is not None:
                raise error
        return b""

    connection = Connection(answer)
    connection.say(GET % b"/")
    connection.channel.connectionLost(Failure(ConnectionDone()))
    assert len(flushLoggedErrors()) == (error is not None)


def test_a_body_that_never_came_whole_is_no_error_of_the_resources(flushLoggedErrors: Any) -> None:
    read: list[bytes] = []

    async def answer(request: Any) -> bytes:
        read.extend([piece async for piece in request.stream()])
        return b""

    connection = Connection(answer, streams=True)
    connection.say(POST % (4, b"") + b"bo")
    connection.channel.connectionLost(Failure(ConnectionDone()))
    assert not read and not flushLoggedErrors()


def test_an_answer_to_head_has_no_last_chunk_either() -> None:
    def answer(request: Any) -> int:
        request.write(b"piece")
        request.finish()
        return NOT_DONE_YET

    connection = Connection(answer)
    connection.say(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert connection.answers == [b""]


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_request_for_another_protocol_is_answered_and_is_the_last(method: bytes) -> None:
    connection = Connection(lambda request: request.method)
    connection.say(method + b" / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert connection.answers == [method] and b"\r\nConnection: close\r\n" in connection.transport.value()
    assert connection.over


POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n%b\r\n"
EXPECT = b"Expect: 100-continue\r\n"


def test_one_that_waits_for_leave_behind_another_gets_it_when_it_is_its_turn() -> None:
    first: Deferred[bytes] = Deferred()
    connection = Connection(
        lambda request: first if request.method == b"GET" else request.content.read(), bodyTimeout=10
    )
    connection.say(GET % b"/1" + POST % (4, EXPECT))
    connection.wait(100)
    assert not connection.over and CONTINUE not in connection.transport.value()
    first.callback(b"one")
    assert connection.transport.value().endswith(b"one" + CONTINUE)
    connection.say(b"body")
    assert connection.answers == [b"one" + CONTINUE, b"body"]


def test_a_resource_may_take_its_time_before_it_wants_the_body() -> None:
    go: Deferred[None] = Deferred()

    async def answer(request: Any) -> bytes:
        await go
        return b"".join([piece async for piece in request.stream()])

    connection = Connection(answer, streams=True, bodyTimeout=10)
    connection.say(POST % (4, EXPECT))
    connection.wait(100)
    assert connection.transport.value() == b"" and not connection.over
    go.callback(None)
    assert connection.transport.value() == CONTINUE
    connection.wait(9)
    connection.say(b"body")
    assert connection.answers == [b"body"]


def test_leave_is_not_given_in_the_middle_of_an_answer() -> None:
    async def answer(request: Any) -> None:
        request.setHeader(b"content-length", b"9")
        request.write(b"five ")
        request.write(await request.readBody())

    connection = Connection(answer, streams=True, bodyTimeout=10)
    connection.say(POST % (4, EXPECT))
    connection.say(b"body")
    assert connection.answers == [b"five body"] and CONTINUE not in connection.transport.value()
    silent = Connection(answer, streams=True, bodyTimeout=10)
    silent.say(POST % (4, EXPECT))
    silent.wait(12)
    assert silent.over


def test_a_body_that_must_wait_to_be_streamed_is_limited() -> None:
    connection = Connection(lambda request: NOT_DONE_YET, streams=True, maxBody=100)
    connection.say(GET % b"/1" + POST % (101, b""))
    assert len(connection.channel.requests) == 1 and not connection.channel.requests[0].persistent
    chunks = Connection(lambda request: NOT_DONE_YET, streams=True, maxBody=100)
    chunks.say(GET % b"/1" + b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunks.say(*[b"20\r\n%b\r\n" % (b"x" * 32)] * 4)
    assert len(chunks.channel.requests) == 1


def test_a_resource_that_takes_a_body_slowly_is_not_the_clients_fault() -> None:
    go: Deferred[None] = Deferred()
    answer_now: Deferred[None] = Deferred()

    async def answer(request: Any) -> bytes:
        size = len(await request.readBody())
        await go
        async for piece in request.stream():
            size += len(piece)
        await answer_now
        return b"%d" % size

    connection = Connection(answer, streams=True, bodyTimeout=10, minBodyRate=10_000)
    connection.say(POST % (300_000, b""), *[b"x" * 50_000] * 5)
    assert connection.transport.producerState == "paused"
    connection.wait(100)
    assert not connection.over
    connection.say(b"x" * 50_000)  # what was on its way
    go.callback(None)
    assert connection.transport.producerState == "producing"
    connection.wait(100)  # all is there now: the resource may take as long as it likes
    assert not connection.over
    answer_now.callback(None)
    assert connection.answers == [b"300000"]


def test_a_refusal_before_the_body_says_that_the_connection_ends() -> None:
    connection = Connection(lambda request: b"no", streams=True)
    connection.say(POST % (100, b""))
    assert connection.answers == [b"no"] and b"\r\nConnection: close\r\n" in connection.transport.value()
    assert connection.over


def test_a_log_that_cannot_be_written_keeps_no_answer_back(flushLoggedErrors: Any) -> None:
    def formatter(time: str, request: Any) -> str:
        raise OSError("the disk is full")

    connection = Connection(lambda request: request.uri)
    connection.site.logFile = open("/dev/null", "w")  # noqa: SIM115
    connection.site._formatter = formatter
    connection.say(GET % b"/1", GET % b"/2")
    connection.site.logFile.close()
    assert connection.answers == [b"/1", b"/2"]
    assert len(flushLoggedErrors(OSError)) == 2


def test_who_answers_at_the_last_byte_does_not_have_to_ask_for_the_end() -> None:
    async def answer(request: Any) -> bytes:
        data: bytes = await request.readBody()
        return data

    connection = Connection(answer, streams=True)
    connection.say(POST % (4, b""), b"body", GET % b"/")
    assert connection.answers == [b"body"] and connection.over
