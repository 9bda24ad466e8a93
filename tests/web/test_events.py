"""Server-sent events: their format, and the streams that they are sent in."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import Deferred, reactor
from plait.deferred import CancelledError, ensureDeferred
from plait.engine import drain
from plait.task import Clock, deferLater
from plait.testing import StringTransport
from plait.web.encoding import CompressedResource, EncodingResourceWrapper, GzipEncoderFactory
from plait.web.error import HTTPError
from plait.web.events import Event, EventResource, EventStream, StreamEnded, formatEvent, sendEvents
from plait.web.later import NOT_DONE_YET
from plait.web.request import Request
from plait.web.resource import Resource
from plait.web.routing import App
from plait.web.site import Site
from tests.web.serving import Serving

# -- the format


class Seen(NamedTuple):
    """What a browser's script would be told."""

    type: str
    data: str
    lastEventId: str


class Browser:
    """Interprets a stream as the HTML standard says it (section 9.2.6), step by step."""

    def __init__(self) -> None:
        self.events: list[Seen] = []
        self.comments = 0
        self.lastEventId = ""
        self.reconnectionTime: int | None = None
        self._id = self._data = self._type = ""

    def interpret(self, stream: bytes) -> Browser:
        text = stream.decode("utf-8").removeprefix("\ufeff")
        lines = re.split(r"\r\n|\n|\r", text)
        assert lines.pop() == "", "the stream ends within a line"
        for line in lines:
            self._line(line)
        return self

    def _line(self, line: str) -> None:
        if not line:
            self._dispatch()
        elif line.startswith(":"):
            self.comments += 1
        else:
            name, _, value = line.partition(":")
            self._field(name, value.removeprefix(" "))

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.reconnectionTime = int(value)

    def _dispatch(self) -> None:
        self.lastEventId = self._id
        data, type = self._data, self._type
        self._data = self._type = ""
        if data:
            self.events.append(Seen(type or "message", data.removesuffix("\n"), self.lastEventId))


text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n: \0\ufeff\u2028\x85"))
a_line = text.map(lambda t: re.sub("[\r\n]", "", t))
events = st.builds(
    Event,
    data=text,
    event=st.none() | a_line,
    id=st.none() | a_line.map(lambda t: t.replace("\0", "")) | st.integers(),
    retry=st.none() | st.integers(min_value=0),
) | st.builds(Event, id=a_line.map(lambda t: t.replace("\0", "")), retry=st.integers(min_value=0))


@given(st.lists(events))
def test_a_browser_gets_what_was_sent(sent: list[Event]) -> None:
    browser = Browser().interpret(b"".join(formatEvent(event) for event in sent))
    expected = []
    last, retry = "", None
    for event in sent:
        last = last if event.id is None else str(event.id)
        retry = retry if event.retry is None else event.retry
        if event.data is not None:
            expected.append(Seen(event.event or "message", re.sub("\r\n|\r", "\n", event.data), last))
    assert browser.events == expected
    assert (browser.lastEventId, browser.reconnectionTime) == (last, retry)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=5,
)


@given(st.lists(values, min_size=1) | st.dictionaries(text, values) | st.integers() | st.booleans())
def test_what_is_no_text_is_sent_as_json(value: Any) -> None:
    [seen] = Browser().interpret(formatEvent(Event(value))).events
    assert json.loads(seen.data) == value and "\n" not in seen.data


def test_the_bytes_of_an_event() -> None:
    event = Event({"n": 1}, event="tick", id="7", retry=3000)
    assert formatEvent(event) == b'event: tick\nid: 7\nretry: 3000\ndata: {"n":1}\n\n'
    assert formatEvent(Event("")) == b"data: \n\n"


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Event("x", event="a\nb"), ValueError),
        (Event("x", event="a\r"), ValueError),
        (Event("x", id="\n"), ValueError),
        (Event("x", id="a\rdata: b"), ValueError),
        (Event("x", id="\0"), ValueError),
        (Event("x", retry=-1), ValueError),
        (Event(None), ValueError),
        (Event(None, event="x", id="7"), ValueError),
        (Event(float("nan")), ValueError),
        (Event("\ud800"), ValueError),
        (Event("x", retry=True), TypeError),
        (Event("x", retry=1.5), TypeError),  # type: ignore[arg-type]
        (Event("x", id=b"7"), TypeError),  # type: ignore[arg-type]
        (Event("x", event=7), TypeError),  # type: ignore[arg-type]
        (Event(b"x"), TypeError),
    ],
)
def test_an_event_that_cannot_be_sent(event: Event, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        formatEvent(event)
    assert "\n" not in str(caught.value)


# -- streams over sockets


class Client:
    """Takes a stream, in calls that wait in a thread."""

    def __init__(self, server: Serving, path: str = "/", method: str = "GET", **headers: str) -> None:
        self._server = server
        self._request = (method, path, None, {name.replace("_", "-"): value for name, value in headers.items()})
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    async def __aenter__(self) -> Client:
        self.response = await self._server.call(self._ask)
        self.headers = {name.lower(): value for name, value in self.response.getheaders()}
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    def _ask(self) -> http.client.HTTPResponse:
        self.connection.request(*self._request)
        return self.connection.getresponse()

    def close(self) -> None:
        self.response.close()
        self.connection.close()

    async def event(self) -> Seen:
        """The next one."""
        [seen] = Browser().interpret(await self._server.call(self._one)).events
        return seen

    def _one(self) -> bytes:
        lines = [self.response.readline()]
        while lines[-1].strip():
            lines.append(self.response.readline())
        return b"".join(lines)

    async def rest(self) -> bytes:
        return bytes(await self._server.call(self.response.read))


def route(handler: Callable[..., Any]) -> App:
    app = App()
    app.get("/")(handler)
    return app


class Gate:
    """A generator that yields what it is told, and tells of its end."""

    def __init__(self, *items: Any) -> None:
        self.items = items
        self.over: Deferred[str] = Deferred()

    async def __call__(self, request: Request) -> AsyncIterator[Any]:
        try:
            for item in self.items:
                yield item
            await Deferred()
        finally:
            self.over.callback("over")


async def test_a_handler_that_sends() -> None:
    last: list[str] = []

    async def handler(request: Request) -> None:
        stream = EventStream(request)
        last.append(stream.lastEventID)
        await stream.send({"n": 1}, event="tick", id="7", retry=3000)
        await stream.send("two\nlines")
        await stream.send(Event("three", id="ü"))

    async with Serving(route(handler)) as server, Client(server, last_event_id="6") as client:
        assert client.response.status == 200
        assert client.headers["content-type"] == "text/event-stream"
        assert client.headers["cache-control"] == "no-cache"
        assert client.headers["x-accel-buffering"] == "no"
        assert await client.event() == Seen("tick", '{"n":1}', "7")
        assert await client.event() == Seen("message", "two\nlines", "")
        assert await client.event() == Seen("message", "three", "ü")
        assert await client.rest() == b""
    assert last == ["6"]


async def ticks(request: Request) -> AsyncIterator[Any]:
    yield {"n": 1}
    await deferLater(reactor, 0)
    yield Event("two", id="2")


async def ticks_later(request: Request) -> AsyncIterator[Any]:
    await deferLater(reactor, 0)
    return ticks(request)


@pytest.mark.parametrize(
    "root",
    [
        route(ticks),
        route(ticks_later),
        route(lambda request: sendEvents(request, ticks(request), keepAlive=None)),
        EventResource(ticks),
        EventResource(ticks_later, keepAlive=None),
    ],
)
async def test_a_generator(root: Resource) -> None:
    async with Serving(root) as server:
        for answer in await server.talk(("GET", "/", None, {}), ("GET", "/", None, {})):
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.body == b'data: {"n":1}\n\nid: 2\ndata: two\n\n'


async def test_a_stream_that_others_send_to() -> None:
    streams: list[EventStream] = []

    def handler(request: Request) -> EventStream:
        streams.append(EventStream(request))
        return streams[-1]

    async with Serving(route(handler)) as server, Client(server) as one, Client(server) as two:
        for number in range(3):
            for stream in streams:
                await stream.send(number)
            assert (await one.event()).data == (await two.event()).data == str(number)
        streams[0].end()
        assert await one.rest() == b""
        assert not streams[0].isOpen and streams[1].isOpen
        await streams[0].ended()
        with pytest.raises(StreamEnded):
            await streams[0].send("x")


class Old(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> int:
        self.stream = EventStream(request)
        reactor.callLater(0, lambda: ensureDeferred(self._go_on()))
        return NOT_DONE_YET

    async def _go_on(self) -> None:
        if self.stream.isOpen:
            await self.stream.send("x")
            self.stream.end()


async def test_a_resource_that_sends_later() -> None:
    async with Serving(Old()) as server:
        assert (await server.ask()).body == b"data: x\n\n"


async def test_the_head_is_there_before_an_event_is() -> None:
    gate = Gate()
    async with Serving(route(gate)) as server, Client(server) as client:
        assert client.headers["content-type"] == "text/event-stream"
    assert await gate.over == "over"


@pytest.mark.parametrize("root", [route(ticks), EventResource(ticks), Old()])
async def test_head_has_no_events(root: Resource) -> None:
    async with Serving(root) as server:
        answers = await server.talk(("HEAD", "/", None, {}), ("HEAD", "/", None, {}))
    for answer in answers:
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/event-stream", b"")


async def test_a_handler_may_refuse_before() -> None:
    async def handler(request: Request) -> Any:
        raise HTTPError(403, "not for you")

    async with Serving(EventResource(handler)) as server:
        assert (await server.ask()).body == b"not for you\n"


async def test_an_error_of_a_generator_cuts_the_stream(flushLoggedErrors: Any) -> None:
    async def broken(request: Request) -> AsyncIterator[str]:
        yield "x"
        await deferLater(reactor, 0)
        raise ZeroDivisionError

    async with Serving(route(broken)) as server, Client(server) as client:
        assert (await client.event()).data == "x"
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            await client.rest()
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


# -- coding


@pytest.mark.parametrize(
    "wrap", [CompressedResource, lambda root: EncodingResourceWrapper(root, [GzipEncoderFactory()])]
)
async def test_events_are_not_held_back_by_compression(wrap: Callable[[Resource], Any]) -> None:
    gate = Gate("x")
    async with Serving(wrap(EventResource(gate))) as server, Client(server, accept_encoding="gzip") as client:
        assert "content-encoding" not in client.headers
        assert (await client.event()).data == "x"
    assert await gate.over == "over"


# -- the end


async def test_a_generator_that_waits_ends_when_the_client_goes() -> None:
    gate = Gate("x")
    async with Serving(route(gate)) as server, Client(server) as client:
        await client.event()
        assert not gate.over.called
        client.close()
        assert await gate.over == "over"


async def test_a_generator_whose_event_waits_ends_when_the_client_goes() -> None:
    over: Deferred[BaseException] = Deferred()
    requests: list[Request] = []
    generators: list[Any] = []  # one that nobody has any more would be closed for that

    async def many(request: Request) -> AsyncIterator[str]:
        requests.append(request)
        try:
            while True:
                yield "x" * 65536
        except BaseException as error:
            over.callback(error)
            raise

    def handler(request: Request) -> AsyncIterator[str]:
        generators.append(many(request))
        return generators[0]  # type: ignore[no-any-return]

    async with Serving(route(handler)) as server, Client(server) as client:
        while requests[0].channel.transport.producer is None:
            await deferLater(reactor, 0)
        assert not over.called
        client.close()
        assert isinstance(await over, GeneratorExit)


async def test_a_handler_is_cancelled_when_the_client_goes() -> None:
    seen: Deferred[list[object]] = Deferred()

    async def handler(request: Request) -> None:
        stream = EventStream(request)
        await stream.send("x")
        try:
            await asyncio.sleep(3600)
        except CancelledError:
            seen.callback([stream.isOpen, stream.ended().called])

    async with Serving(route(handler)) as server, Client(server) as client:
        await client.event()
        client.close()
        assert await seen == [False, True]


@pytest.mark.parametrize("root", [route, EventResource])
async def test_the_end_of_the_server_ends_the_stream(root: Any) -> None:
    gate = Gate("x")
    async with Serving(root(gate)) as server, Client(server) as client:
        assert (await client.event()).data == "x"
        assert await drain(reactor, 30) == 0
        assert await gate.over == "over"
        assert await client.rest() == b""


async def test_the_end_of_the_server_ends_a_stream_that_others_send_to() -> None:
    streams: list[EventStream] = []

    async def handler(request: Request) -> None:
        streams.append(EventStream(request))
        await streams[0].ended()

    async with Serving(route(handler)) as server, Client(server) as client:
        assert await drain(reactor, 30) == 0
        assert not streams[0].isOpen
        assert await client.rest() == b""


async def test_a_handler_that_goes_on_after_the_end_is_no_error() -> None:
    over: Deferred[str] = Deferred()

    async def handler(request: Request) -> None:
        stream = EventStream(request)
        stream.end()
        try:
            await stream.send("x")
        finally:
            over.callback("over")

    async with Serving(route(handler)) as server:
        assert (await server.ask()).body == b""
        assert await over == "over"


# -- in memory, with a clock


class Connection:
    def __init__(self, root: Resource) -> None:
        self.clock = Clock()
        self.channel = Site(root, reactor=self.clock).buildProtocol(None)
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    def ask(self) -> None:
        self.channel.dataReceived(b"GET / HTTP/1.0\r\n\r\n")

    @property
    def body(self) -> bytes:
        """What has come since the last time."""
        body = self.transport.value().rpartition(b"\r\n\r\n")[2]
        self.transport.clear()
        return body

    def wait(self, *seconds: float) -> bytes:
        for step in seconds:
            self.clock.advance(step)
        return self.body


def test_comments_keep_it_alive() -> None:
    streams: list[EventStream] = []

    def handler(request: Request) -> EventStream:
        streams.append(EventStream(request, keepAlive=10))
        return streams[0]

    connection = Connection(route(handler))
    connection.ask()
    assert connection.wait(9) == b""
    assert connection.wait(1) == b":\n\n"
    assert connection.wait(9) == b""
    ensureDeferred(streams[0].send("x"))
    assert connection.wait() == b"data: x\n\n"
    assert connection.wait(9) == b""
    assert connection.wait(1, 10) == b":\n\n:\n\n"
    streams[0].end()
    assert connection.wait(30) == b""


def test_a_stream_that_begins_when_the_server_ends() -> None:
    gate = Gate("x")
    connection = Connection(route(gate))
    connection.channel.dataReceived(b"GET / HTTP/1.1\r\n")
    connection.channel.drain()
    connection.channel.dataReceived(b"Host: h\r\n\r\n")
    assert not connection.transport.disconnecting
    connection.clock.advance(0)
    assert gate.over.called and connection.transport.disconnecting
    assert connection.transport.value().endswith(b"data: x\n\n\r\n0\r\n\r\n")


# -- a client that reads slowly


class Full:
    """A stream whose client takes nothing for now."""

    async def begin(self) -> Full:
        self._made: Deferred[EventStream] = Deferred()
        self.server = await Serving(route(self._handler)).__aenter__()
        self.client = await Client(self.server).__aenter__()
        self.stream = await self._made
        for _ in range(1000):
            first = ensureDeferred(self.stream.send("x" * 65536))
            await deferLater(reactor, 0)
            if not first.called:
                break
        self.first = first
        return self

    def _handler(self, request: Request) -> EventStream:
        self.request = request
        stream = EventStream(request, keepAlive=None)
        self._made.callback(stream)
        return stream

    async def end(self) -> None:
        await self.client.__aexit__()
        await self.server.__aexit__()


@pytest.fixture
async def full() -> AsyncIterator[Full]:
    made = await Full().begin()
    yield made
    await made.end()


async def test_send_waits_for_a_slow_client(full: Full) -> None:
    assert not full.first.called
    assert full.request.channel.transport.bufferedBytes < 3 * 65536
    later = [ensureDeferred(full.stream.send(f"{number}")) for number in range(3)]
    later[1].addErrback(lambda failure: failure.trap(CancelledError)).cancel()
    task = asyncio.ensure_future(full.stream.send("task"))
    later.append(ensureDeferred(full.stream.send("last")))
    await deferLater(reactor, 0)
    task.cancel()
    assert not any(deferred.called for deferred in (later[0], later[2], later[3]))
    data = []
    while data[-1:] != ["last"]:
        data.append((await full.client.event()).data)
    assert full.first.called and all(deferred.called for deferred in later)
    assert [one for one in data if len(one) < 10] == ["0", "2", "last"]


@pytest.mark.parametrize("granted", [False, True])
async def test_a_turn_that_is_cancelled_is_passed_on(full: Full, granted: bool) -> None:
    turns = full.stream._waiting
    task = asyncio.ensure_future(full.stream.send("task"))
    await deferLater(reactor, 0)
    last = ensureDeferred(full.stream.send("last"))
    full.first.addErrback(lambda failure: failure.trap(CancelledError))
    # in one turn of the loop, so that the task hears of both at once
    if granted:
        full.first.cancel()
        task.cancel()
    else:
        task.cancel()
        full.first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not last.called:
        await full.client.event()
    assert not turns.taken


async def test_who_waits_hears_of_the_end(full: Full) -> None:
    waiting = [full.first, ensureDeferred(full.stream.send("a")), ensureDeferred(full.stream.send("b"))]
    full.stream.end()
    for deferred in waiting:
        with pytest.raises(StreamEnded):
            await deferred


async def test_who_waits_hears_that_the_client_has_gone(full: Full) -> None:
    waiting = [full.first, ensureDeferred(full.stream.send("a"))]
    full.client.close()
    for deferred in waiting:
        with pytest.raises(StreamEnded):
            await deferred
