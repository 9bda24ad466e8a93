"""What stands in for requests and connections where the tests of other programs look at their resources."""

from __future__ import annotations

from typing import Any

import pytest

from plait.as_twisted.legacy.webhttp import Request
from plait.as_twisted.legacy.webtesting import DummyChannel, DummyRequest, NullAddress
from plait.failure import Failure
from plait.transport.address import IPv4Address
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource


class Greeting(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        request.setHeader(b"content-type", b"text/plain")
        return b"hello " + request.args[b"name"][0]


def test_a_resource_is_rendered() -> None:
    request = DummyRequest([b"path"])
    request.addArg(b"name", b"you")
    done = request.notifyFinish()
    request.render(Greeting())
    assert request.written == [b"hello you"] and request.finished == 1 and done.called
    assert request.responseHeaders.getRawHeaders(b"content-type") == [b"text/plain"]
    assert request.responseCode is None and request.postpath == [b"path"]
    with pytest.raises(AssertionError, match="hello you"):
        request.setResponseCode(404)


def test_one_that_takes_its_time_and_fails() -> None:
    class Late(Resource):
        def render_GET(self, request: Any) -> int:
            return NOT_DONE_YET

    request = DummyRequest([])
    request.render(Late())
    assert not request.finished
    failures: list[Failure] = []
    request.notifyFinish().addErrback(failures.append)
    request.processingFailed(Failure(ValueError("gone")))
    assert failures[0].check(ValueError)


def test_what_is_asked() -> None:
    client = IPv4Address("TCP", "192.0.2.1", 5)
    request = DummyRequest([], client=client)
    request.requestHeaders.setRawHeaders(b"Host", [b"example.com:80"])
    assert request.getHeader(b"host") == b"example.com:80" and request.getRequestHostname() == b"example.com"
    assert request.getHeader(b"cookie") is None and request.getAllHeaders() == {b"host": b"example.com:80"}
    assert request.getClientAddress() is client and request.getClientIP() == "192.0.2.1"
    assert isinstance(DummyRequest([]).getClientAddress(), NullAddress)
    assert request.getSession() is request.getSession()
    request.redirect(b"/there")
    assert request.responseCode == 302
    with pytest.raises(TypeError):
        request.write("text")  # type: ignore[arg-type]


def test_a_pull_producer_runs_to_its_end() -> None:
    request = DummyRequest([])

    class Producer:
        def __init__(self) -> None:
            self.left = [b"a", b"b"]

        def resumeProducing(self) -> None:
            request.write(self.left.pop(0))
            if not self.left:
                request.unregisterProducer()

    request.registerProducer(Producer(), False)
    assert request.written == [b"a", b"b"]


def test_a_request_on_a_dummy_channel() -> None:
    channel = DummyChannel()
    request = Request(channel)  # type: ignore[no-untyped-call]
    request.gotLength(0)
    request.requestReceived(b"GET", b"/x?y=1", b"HTTP/1.1")
    request.setHeader(b"x-thing", b"1")
    request.setHeader(b"content-length", b"2")
    request.write(b"ok")
    request.finish()
    answer = channel.transport.getvalue()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\nok")
    assert channel.requestIsDone and request.args == {b"y": [b"1"]}
    assert not request.isSecure() and request.getClientAddress().host == "192.168.1.1"
