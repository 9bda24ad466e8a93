"""The server of one page, against clients of all kinds."""

import asyncio
import socket

import pytest

from plait import Deferred, reactor
from plait.metrics import page as module
from plait.metrics.page import LONGEST, PageFactory, PageProtocol
from plait.task import Clock
from plait.testing import StringTransport

PAGE = b"some 1\n"


async def render():
    return PAGE


def answered(request, factory=None, pieces=1):
    """What is answered to a request that comes in pieces; closed or not."""
    protocol = (factory or PageFactory(render)).buildProtocol(None)
    clock = Clock()
    protocol.callLater = clock.callLater
    transport = StringTransport()
    protocol.makeConnection(transport)
    size = max(1, len(request) // pieces)
    for i in range(0, len(request), size):
        protocol.dataReceived(request[i : i + size])
    return transport, clock, protocol


def get(line=b"GET /metrics HTTP/1.1", *fields):
    return b"\r\n".join([line, b"Host: here", *fields, b"", b""])


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_the_page(pieces):
    transport, _, _ = answered(get(b"GET /metrics HTTP/1.1", b"Accept: */*"), pieces=pieces)
    head, _, body = transport.value().partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain; version=0.0.4; charset=utf-8",
        b"Content-Length: 7",
        b"Connection: close",
    ]
    assert body == PAGE
    assert transport.disconnecting


def test_its_head_alone():
    transport, _, _ = answered(get(b"HEAD /metrics HTTP/1.0"))
    head, _, body = transport.value().partition(b"\r\n\r\n")
    assert b"Content-Length: 7" in head and body == b""


@pytest.mark.parametrize(
    "request_, status",
    [
        (get(b"GET /metrics?name[]=x HTTP/1.1"), 200),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 200),
        (get(b"GET / HTTP/1.1"), 404),
        (get(b"GET /metrics/ HTTP/1.1"), 404),
        (get(b"GET /../metrics HTTP/1.1"), 404),
        (get(b"GET http://here/metrics HTTP/1.1"), 404),
        (get(b"POST /metrics HTTP/1.1"), 405),
        (get(b"get /metrics HTTP/1.1"), 405),
        (get(b"GET /metrics HTTP/2.0"), 400),
        (get(b"GET /metrics"), 400),
        (get(b"GET  /metrics HTTP/1.1"), 400),
        (get(b"GET /metrics HTTP/1.1 "), 400),
        (get(b"GET /metr\x00ics HTTP/1.1"), 400),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (get(b"GET /metrics HTTP/1.1", b"Host: there"), 400),
        (get(b"GET /metrics HTTP/1.1", b"Accept : x"), 400),
        (get(b"GET /metrics HTTP/1.1", b" folded"), 400),
        (get(b"GET /metrics HTTP/1.1", b"A: b\nC: d"), 400),
        (get(b"GET /metrics HTTP/1.1", b"Transfer-Encoding: chunked"), 400),
        (get(b"GET /metrics HTTP/1.1", b"Content-Length: 0"), 200),
        (get(b"GET /metrics HTTP/1.1", b"Content-Length: 5"), 413),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (get(b"GET /metrics HTTP/1.1", b"A: " + b"x" * LONGEST), 431),
        (b"G" * (LONGEST + 1), 431),
    ],
)
def test_what_is_answered(request_, status):
    transport, _, _ = answered(request_)
    assert transport.value().startswith(b"HTTP/1.1 %d " % status)
    assert transport.value().count(b"HTTP/1.1 ") == 1
    assert transport.disconnecting


def test_405_names_the_methods():
    transport, _, _ = answered(get(b"DELETE /metrics HTTP/1.1"))
    assert b"\r\nAllow: GET, HEAD\r\n" in transport.value()


def test_there_is_one_answer_to_a_connection():
    transport, _, protocol = answered(get() + get())
    protocol.dataReceived(get())
    assert transport.value().count(b"HTTP/1.1 200") == 1


def test_who_says_nothing_is_cut_off():
    transport, clock, _ = answered(b"GET /met")
    clock.advance(module.PATIENCE - 0.1)
    assert not transport.aborting
    clock.advance(0.2)
    assert transport.aborting and transport.value() == b""


def test_who_drips_is_cut_off_too():
    transport, clock, protocol = answered(b"GET /met")
    for _ in range(int(module.PATIENCE) + 1):
        clock.advance(1)
        if not transport.aborting:
            protocol.dataReceived(b"r")
    assert transport.aborting


def test_who_does_not_take_the_answer_is_cut_off():
    transport, clock, _ = answered(get())
    assert not transport.aborting  # it would be by a real transport once all has gone
    clock.advance(module.PATIENCE + 0.1)
    assert transport.aborting


def test_too_many_at_once_are_cut_off():
    factory = PageFactory(render)
    held = [answered(b"", factory) for _ in range(module.MOST)]
    transport, _, protocol = answered(get(), factory)
    assert transport.aborting and transport.value() == b""
    protocol.connectionLost(None)
    held[0][2].connectionLost(None)
    assert factory.open == module.MOST - 1
    assert answered(get(), factory)[0].value().startswith(b"HTTP/1.1 200")


def test_a_page_that_cannot_be_made_is_a_500(flushLoggedErrors):
    async def broken():
        raise KeyError("secret")

    transport, _, _ = answered(get(), PageFactory(broken))
    assert transport.value().startswith(b"HTTP/1.1 500 ") and b"secret" not in transport.value()
    assert transport.disconnecting
    assert len(flushLoggedErrors(KeyError)) == 1


def test_who_has_gone_is_not_answered():
    waiting = Deferred()

    async def later():
        return await waiting

    transport, clock, protocol = answered(get(), PageFactory(later))
    protocol.connectionLost(None)
    assert waiting.called  # cancelled
    assert transport.value() == b"" and clock.getDelayedCalls() == []


async def test_over_a_real_connection():
    port = reactor.listenTCP(0, PageFactory(render), interface="127.0.0.1")
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
        writer.write(get())
        assert (await reader.read()).endswith(b"\r\n\r\n" + PAGE)
        writer.close()
        # a client that is gone at once, with a reset
        with socket.create_connection(("127.0.0.1", port.getHost().port)) as rude:
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            rude.send(get())
        reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
        writer.write(get(b"GET /favicon.ico HTTP/1.1"))
        assert (await reader.read()).startswith(b"HTTP/1.1 404 Not Found\r\n")
        writer.close()
    finally:
        await port.stopListening()


def test_its_protocol_is_found_by_the_factory():
    assert isinstance(PageFactory(render).buildProtocol(None), PageProtocol)
