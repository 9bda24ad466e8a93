"""Spans of connections, calls in threads, and starts."""

import asyncio
import threading

import pytest

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from plait import Deferred, Factory, Protocol, deferToThread, reactor
from plait.instruments import instruments
from plait.service import MultiService, Service
from plait.tracing import instrument, uninstrument


class Spans:
    """What has been exported, and a tracer of the program's own."""

    def __init__(self):
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("program")

    def named(self, name):
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def one(self, name):
        (span,) = self.named(name)
        return span


@pytest.fixture
def spans():
    spans = Spans()
    instrument(spans.provider)
    yield spans
    uninstrument()


async def talk(factory, *parts):
    """Connect to a server of `factory`, send, and close when the server does; waits until its connection has ended."""
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"".join(parts))
    answer = await reader.read()
    writer.close()
    number = port.getHost().port
    await port.stopListening()
    return answer, number


async def until(condition):
    """Let the loop turn until something has happened that no event tells of."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_a_connection_is_a_span_with_all_that_happens_in_it(spans):
    class Shop(Protocol):
        def connectionMade(self):
            with spans.tracer.start_as_current_span("greeting"):
                pass

        def dataReceived(self, data):
            with spans.tracer.start_as_current_span("order"):
                pass
            reactor.callLater(0, self.later)

        def later(self):
            with spans.tracer.start_as_current_span("timer"):
                pass
            deferToThread(self.work).addCallback(lambda _: self.done())

        def work(self):
            assert threading.current_thread() is not threading.main_thread()
            with spans.tracer.start_as_current_span("in the thread"):
                pass

        def done(self):
            self.transport.write(b"thanks")
            self.transport.loseConnection()

        def connectionLost(self, reason):
            with spans.tracer.start_as_current_span("parting"):
                pass

    answer, port = await talk(Factory.forProtocol(Shop), b"order")
    assert answer == b"thanks"
    name = f"{test_a_connection_is_a_span_with_all_that_happens_in_it.__qualname__}.<locals>.Shop"
    await until(lambda: spans.named(name))
    connection = spans.one(name)
    assert connection.kind is trace.SpanKind.SERVER and connection.parent is None
    assert connection.attributes["network.transport"] == "tcp"
    assert connection.attributes["network.peer.address"] == "127.0.0.1"
    assert connection.attributes["server.port"] == port
    assert connection.attributes["plait.received_bytes"] == 5
    assert connection.attributes["plait.sent_bytes"] == 6
    assert connection.status.is_ok
    for inner in ("greeting", "order", "timer", "parting"):
        assert spans.one(inner).parent.span_id == connection.context.span_id, inner
    (call,) = [span for span in spans._exporter.get_finished_spans() if span.name.startswith("thread ")]
    assert call.name.endswith("Shop.work") and call.parent.span_id == connection.context.span_id
    assert call.attributes["plait.queued_seconds"] >= 0
    assert spans.one("in the thread").parent.span_id == call.context.span_id
    assert not trace.get_current_span().get_span_context().is_valid  # nothing of it is left behind


async def test_two_connections_are_two_traces_though_their_hooks_take_turns(spans):
    class Slow(Protocol):
        async def dataReceived(self, data):
            with spans.tracer.start_as_current_span(data.decode()):
                await asyncio.sleep(0)
            self.transport.loseConnection()

    factory = Factory.forProtocol(Slow)
    await asyncio.gather(talk(factory, b"one"), talk(factory, b"two"))
    kind = Slow.__qualname__
    await until(lambda: len(spans.named(kind)) == 2)
    parents = {spans.one(name).parent.span_id for name in ("one", "two")}
    assert parents == {span.context.span_id for span in spans.named(kind)}
    assert len({span.context.trace_id for span in spans.named(kind)}) == 2


async def test_a_hook_that_raises_is_the_spans_error(spans, flushLoggedErrors):
    class Broken(Protocol):
        def dataReceived(self, data):
            raise KeyError("oops")

    await talk(Factory.forProtocol(Broken), b"x")
    await until(lambda: spans.named(Broken.__qualname__))
    span = spans.one(Broken.__qualname__)
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "oops" in str([event.attributes for event in span.events])
    assert len(flushLoggedErrors(KeyError)) == 1


async def test_a_protocol_with_slots_works_without_a_span(spans):
    class Slotted:
        __slots__ = ("transport",)

        def makeConnection(self, transport):
            self.transport = transport

        def dataReceived(self, data):
            self.transport.write(data)
            self.transport.loseConnection()

        def connectionLost(self, reason):
            pass

    class Maker(Factory):
        def buildProtocol(self, address):
            return Slotted()

    answer, _ = await talk(Maker(), b"x")
    assert answer == b"x"


async def test_the_hooks_of_a_connection_that_has_ended_are_its_own_again(spans):
    made = []

    class Kept(Protocol):
        def connectionMade(self):
            made.append(self)
            self.transport.loseConnection()

    await talk(Factory.forProtocol(Kept))
    await until(lambda: spans.named(Kept.__qualname__))
    assert not any(name in vars(made[0]) for name in ("dataReceived", "makeConnection", "connectionLost"))


async def test_an_error_in_a_thread(spans):
    with pytest.raises(ZeroDivisionError):
        await deferToThread(divmod, 1, 0)
    assert spans.one("thread divmod").status.status_code is trace.StatusCode.ERROR


class Part(Service):
    def __init__(self, result=None):
        self.result = result

    def startService(self):
        super().startService()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


async def test_the_start_of_services(spans):
    slow = Deferred()
    root, inner = MultiService(), MultiService()
    inner.setServiceParent(root)
    quick, waits = Part(), Part(slow)
    quick.setName("quick")
    waits.setName("waits")
    quick.setServiceParent(inner)
    waits.setServiceParent(inner)
    started = root.startService()
    assert spans.named("start Part 'quick'") and not spans.named("start Part 'waits'")
    slow.callback(None)
    await started
    above = spans.one("start MultiService")
    for name in ("quick", "waits"):
        assert spans.one(f"start Part '{name}'").parent.span_id == above.context.span_id
    await root.stopService()


@pytest.mark.parametrize("late", [False, True])
async def test_a_start_that_fails(spans, late):
    result = Deferred() if late else KeyError("no")
    root = MultiService()
    Part(result).setServiceParent(root)
    with pytest.raises(KeyError):
        started = root.startService()
        reactor.callLater(0, result.errback, KeyError("no"))
        await started
    assert spans.one("start Part").status.status_code is trace.StatusCode.ERROR
    await root.stopService()


async def test_there_are_none_unless_asked_for(spans):
    with pytest.raises(RuntimeError, match="already"):
        instrument(spans.provider)
    uninstrument()
    assert instruments.accepted is instruments.threadCall is instruments.serviceStart is None
    await deferToThread(divmod, 1, 1)
    assert spans._exporter.get_finished_spans() == ()
