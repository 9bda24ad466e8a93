"""A span of the program's own, and a call in a thread, under the connection that has caused them."""

import asyncio

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from plait import Factory, LineReceiver, deferToThread
from plait.task import react
from plait.tracing import instrument

spans = InMemorySpanExporter()  # in earnest an exporter to a collector
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))
instrument()
tracer = trace.get_tracer("shop")


def save(order):
    """Takes its time."""


class Shop(LineReceiver):
    async def lineReceived(self, line):
        with tracer.start_as_current_span("order"):
            await deferToThread(save, line)
        self.transport.loseConnection()


async def main(reactor):
    port = reactor.listenTCP(0, Factory.forProtocol(Shop), interface="127.0.0.1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"two apples\r\n")
    await reader.read()
    writer.close()
    await port.stopListening()


def show():
    made = spans.get_finished_spans()
    names = {span.context.span_id: span.name for span in made}
    for span in sorted(made, key=lambda span: span.start_time):
        print(span.name, "under", names[span.parent.span_id] if span.parent else "none")


try:
    react(main)
finally:
    show()
