"""Programs written for Twisted's web server: over real sockets, and by the parts that they call."""

from __future__ import annotations

import socket
import threading
from io import BytesIO
from typing import Any

import pytest

from plait.as_twisted.legacy import webchunks, webdates, webfiles
from plait.as_twisted.legacy.webhttp import HTTPChannel, HTTPFactory, Request
from plait.as_twisted.legacy.webserver import Site
from plait.testing import StringTransport
from plait.web.resource import Resource


class Echo(Request):
    """Answers with what it was sent."""

    def process(self) -> None:
        data = self.content.read()
        self.setHeader(b"content-length", b"%d" % len(data))
        self.write(data)
        self.finish()


def channel_with(kind: Any) -> tuple[HTTPChannel, StringTransport]:
    channel, transport = HTTPChannel(), StringTransport()
    channel.requestFactory = kind
    channel.makeConnection(transport)
    return channel, transport


def test_an_answer_has_the_headers_that_were_set_and_no_others() -> None:
    channel, transport = channel_with(Echo)
    channel.dataReceived(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
    assert transport.value() == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def test_a_request_gets_the_pieces_of_its_body_by_methods_that_can_be_overridden() -> None:
    seen: list[Any] = []

    class Watching(Echo):
        def gotLength(self, length: int | None) -> None:
            seen.append(length)
            super().gotLength(length)

        def handleContentChunk(self, data: bytes) -> None:
            seen.append(data)
            super().handleContentChunk(data)

        def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
            seen.append((command, path, version))
            super().requestReceived(command, path, version)

    channel, _ = channel_with(Watching)
    channel.dataReceived(b"PUT /x HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
    channel.dataReceived(b"cd")
    assert seen == [4, b"ab", b"cd", (b"PUT", b"/x", b"HTTP/1.1")]


@pytest.mark.parametrize(("parse", "args"), [(True, {b"a": [b"1"], b"b": [b"2"]}), (False, {b"a": [b"1"]})])
def test_a_form_in_the_body_is_read_if_it_is_wanted(parse: bool, args: object) -> None:
    seen: list[Any] = []

    class Watching(Echo):
        def process(self) -> None:
            seen.append(self.args)
            super().process()

    channel, transport = channel_with(lambda channel, queued: Watching(channel, queued, parsePOSTFormSubmission=parse))
    head = b"POST /?a=1 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n"
    channel.dataReceived(head + b"b=2")
    assert seen == [args]
    assert transport.value().endswith(b"\r\n\r\nb=2")


def test_a_body_that_is_longer_than_the_limit_is_refused() -> None:
    channel, transport = channel_with(Echo)
    channel.dataReceived(b"PUT / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
    assert transport.value().startswith(b"HTTP/1.1 413 ")
    assert transport.disconnecting


def test_a_request_that_is_malformed_is_refused() -> None:
    channel, transport = channel_with(Echo)
    channel.dataReceived(b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert transport.value() == b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert transport.disconnecting


def test_the_client_learns_that_the_connection_ends_if_it_asks_for_that() -> None:
    channel, transport = channel_with(Echo)
    channel.dataReceived(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in transport.value()
    assert transport.disconnecting


def test_a_factory_serves_over_a_real_socket(reactor: Any) -> None:
    factory = HTTPFactory(reactor=reactor)
    factory.requestFactory = Echo
    answers: list[bytes] = []
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port.getHost().port), timeout=20) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
            answers.append(b"".join(iter(lambda: connection.recv(1000), b"")))
        reactor.callFromThread(reactor.stop)

    thread = threading.Thread(target=client)
    reactor.callWhenRunning(thread.start)
    reactor.run()
    thread.join()
    assert answers[0].endswith(b"\r\n\r\nhi")


def test_a_connection_may_name_its_requests_if_the_factory_does_not() -> None:
    class Own(HTTPChannel):
        requestFactory = Echo

    factory = HTTPFactory()
    assert factory.buildProtocol(None).requestFactory is Request
    factory.protocol = Own
    assert factory.buildProtocol(None).requestFactory is Echo


def test_a_subclass_of_site_may_name_its_requests() -> None:
    class Own(Site):
        requestFactory = Echo

    assert Own(Resource()).buildProtocol(None).requestFactory is Echo


@pytest.mark.parametrize(
    "text",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ],
)
def test_dates_are_read_in_all_forms(text: bytes) -> None:
    assert webdates.stringToDatetime(text) == 784111777
    assert webdates.datetimeToString(784111777) == b"Sun, 06 Nov 1994 08:49:37 GMT"


def test_what_is_no_date_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="date"):
        webdates.stringToDatetime(b"yesterday")


def test_a_log_line_cannot_be_forged() -> None:
    request = Request(None)
    request.client = None
    request.uri = b'/" 200 -\n'
    request.requestHeaders.setRawHeaders(b"user-agent", [b"\\\x1b"])
    line = webdates.combinedLogFormatter("[now]", request)
    assert "\n" not in line
    assert r"/\" 200 -\x0a" in line
    assert r'"\\\x1b"' in line


def test_chunks_are_taken_apart_and_put_together() -> None:
    taken, rest = BytesIO(), BytesIO()
    decoder = webchunks.ChunkedTransferDecoder(taken.write, rest.write)
    whole = b"".join(webchunks.toChunk(b"hello")) + b"0\r\n\r\nmore"
    for at in range(len(whole) - 4):
        decoder.dataReceived(whole[at : at + 1])
    assert taken.getvalue() == b"hello"
    decoder.noMoreData()
    with pytest.raises(RuntimeError):
        decoder.dataReceived(b"x")


@pytest.mark.parametrize("data", [b"0x3\r\nabc\r\n", b"-1\r\n", b"3\r\nabcd\r\n", b"3;\\\r\nabc\r\n", b"1" * 1100])
def test_chunks_that_are_malformed_are_refused(data: bytes) -> None:
    decoder = webchunks.ChunkedTransferDecoder(lambda _: None, lambda _: None)
    with pytest.raises(webchunks.MalformedChunkedDataError):
        decoder.dataReceived(data)


def test_a_body_that_ends_early_is_told() -> None:
    decoder = webchunks.IdentityTransferDecoder(3, lambda _: None, lambda _: None)
    decoder.dataReceived(b"ab")
    with pytest.raises(webchunks.DataLoss):
        decoder.noMoreData()


def test_ranges_that_were_sent() -> None:
    assert webchunks.parseContentRange(b"bytes 0-4/10") == (0, 4, 10)
    assert webchunks.parseContentRange(b"bytes 0-4/*") == (0, 4, None)
    with pytest.raises(ValueError, match="type"):
        webchunks.parseContentRange(b"lines 0-4/10")


@pytest.mark.parametrize(("size", "text"), [(0, "0B"), (2048, "2K"), (3 << 20, "3M"), (5 << 30, "5G")])
def test_sizes_of_files_for_readers(size: int, text: str) -> None:
    assert webfiles.formatFileSize(size) == text
