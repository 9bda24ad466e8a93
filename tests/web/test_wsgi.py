"""WSGI applications."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any, cast
from wsgiref.validate import validator

import flask
import pytest

from plait import reactor
from plait.log import capturedLogs, formatEvent
from plait.web.resource import Resource
from plait.web.wsgi import WSGIResource
from tests.web.requests import FakeRequest
from tests.web.serving import Serving


def hosting(application: Any) -> Serving:
    return Serving(WSGIResource(reactor, reactor.getThreadPool(), application))


async def test_what_the_application_is_told() -> None:
    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 Fine", [("Content-Type", "application/json")])
        told = {key: value for key, value in environ.items() if isinstance(value, str)}
        return [json.dumps({**told, "body": environ["wsgi.input"].read(100).decode()}).encode()]

    root = Resource()
    root.putChild(b"app", WSGIResource(reactor, reactor.getThreadPool(), validator(application)))
    async with Serving(root) as server:
        headers = {"X-Y": "z", "X_Y": "forged", "Content-Type": "text/x", "Cookie": "a=b"}
        answer = await server.ask("/app/a%20b/?c=d", "POST", b"sent", headers)
    told = json.loads(answer.body)
    assert (told["SCRIPT_NAME"], told["PATH_INFO"], told["QUERY_STRING"]) == ("/app", "/a b/", "c=d")
    assert (told["REQUEST_METHOD"], told["CONTENT_TYPE"], told["CONTENT_LENGTH"]) == ("POST", "text/x", "4")
    assert (told["HTTP_X_Y"], told["HTTP_COOKIE"], told["body"]) == ("z", "a=b", "sent")
    assert told["REMOTE_ADDR"] == "127.0.0.1" and told["SERVER_PORT"] == str(server.port)


async def test_an_answer_in_pieces() -> None:
    threads: list[Any] = []

    def application(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"first ")
        for number in range(200):
            yield b"%d " % number * 1000
        threads.append(threading.current_thread())

    async with hosting(application) as server:
        answer = await server.ask()
        assert answer.body == b"first " + b"".join(b"%d " % n * 1000 for n in range(200))
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize("when", ["before", "between", "no start", "no header", "nothing"])
async def test_an_application_that_breaks(when: str, flushLoggedErrors: Any) -> None:
    closed = []

    class Result:
        def __iter__(self) -> Any:
            if when == "between":
                yield b"half"
            if when in ("before", "between"):
                raise ValueError("of mine")

        def close(self) -> None:
            closed.append(True)

    def application(environ: Any, start_response: Any) -> Any:
        environ["wsgi.errors"].write("a word\n")
        if when != "no start":
            start_response("200 OK", [("no header", "x")] if when == "no header" else [])
        return Result()

    async with hosting(application) as server:
        with capturedLogs() as events:
            if when == "between":
                with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                    await server.ask()
            else:
                assert (await server.ask()).status == (200 if when == "nothing" else 500)
    assert closed == [True]
    assert "a word" in map(formatEvent, events)
    assert len(flushLoggedErrors(ValueError, RuntimeError)) == (0 if when == "nothing" else 1)


async def test_a_client_that_goes_ends_the_iteration() -> None:
    ended = threading.Event()

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.set()

    async with hosting(application) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await server.call(lambda: client.recv(10))
        client.close()
        assert await server.call(lambda: ended.wait(30))


async def test_a_framework() -> None:
    app = flask.Flask("tested")

    @app.route("/users/<int:number>", methods=["GET", "POST"])
    def user(number: int) -> Any:
        return {"id": number, "sent": flask.request.get_data(as_text=True), "form": flask.request.args.get("q")}

    async with hosting(app) as server:
        answer = await server.ask("/users/7?q=%C3%A9", "POST", b"hello")
        assert answer.headers["content-length"] == str(len(answer.body))
        assert json.loads(answer.body) == {"id": 7, "sent": "hello", "form": "é"}
        assert (await server.ask("/none")).status == 404


class InOneThread:
    """Does at once what is to be done in another thread."""

    def callFromThread(self, function: Any, *args: Any) -> None:
        function(*args)

    callInThread = callFromThread


def rendered(application: Any) -> FakeRequest:
    request = AnyRequest()
    WSGIResource(InOneThread(), InOneThread(), application).render(cast(Any, request))
    return request


class AnyRequest(FakeRequest):
    """What an application is told of, and what it answers with."""

    clientproto = b"HTTP/1.1"
    _body = None
    defaultContentType = b"text/html"
    goes = False

    def getClientIP(self) -> str:
        return "192.0.2.1"

    def getRequestHostname(self) -> bytes:
        return b"example.com"

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.goes:
            self.connectionLost(ConnectionError())

    async def drained(self) -> None:
        """There is room."""


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (b"200 OK", [], r"status must be str, not b'200 OK' \(bytes\)"),
        ("200 OK", {}, r"headers must be a list, not {} \(dict\)"),
        ("200 OK", [{"a", "b"}], r"header must be a \(str, str\) tuple, not {'.', '.'} \(set\)"),
        ("200 OK", [("a", "b", "c")], r"header must be a \(str, str\) tuple, not \('a', 'b', 'c'\)"),
        ("200 OK", [("a", b"b")], r"header must be \(str, str\) tuple, not \('a', b'b'\)"),
        ("200 OK", [(b"a", "b")], r"header must be \(str, str\) tuple, not \(b'a', 'b'\)"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told(status: Any, headers: Any, message: str) -> None:
    def application(environ: Any, start_response: Any) -> Any:
        with pytest.raises(TypeError, match=message):
            start_response(status, headers)
        write = start_response("200 OK", [])
        with pytest.raises(TypeError, match="Can only write bytes to a transport, not 'text'"):
            write("text")
        with pytest.raises(TypeError, match=r"write\(\) argument must be str, not b'x' \(bytes\)"):
            environ["wsgi.errors"].write(b"x")
        yield b"all"

    request = rendered(application)
    assert request.failed is None and request.code == 200


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ((("a", "b"),), r"headers should be a list, not \(\('a', 'b'\),\) \(tuple\)"),
        ([["a", "b"]], r"header should be a \(str, str\) tuple, not \['a', 'b'\] \(list\)"),
    ],
)
def test_headers_in_another_type_are_taken_with_a_warning(headers: Any, message: str) -> None:
    def application(environ: Any, start_response: Any) -> Any:
        with pytest.warns(RuntimeWarning, match=message) as warned:
            start_response("200 OK", headers)
        assert warned[0].filename == __file__
        yield b"all"

    request = rendered(application)
    assert request.failed is None
    assert (request.responseHeaders.getRawHeaders("a"), request.written) == (["b"], b"all")


def test_nothing_is_asked_of_an_application_whose_client_goes_while_it_writes() -> None:
    asked = []

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"first"
        asked.append("more")

    request = AnyRequest()
    request.goes = True
    WSGIResource(InOneThread(), InOneThread(), application).render(cast(Any, request))
    assert (request.written, asked) == (b"first", [])


def test_nothing_is_below_an_application() -> None:
    resource = WSGIResource(InOneThread(), InOneThread(), lambda *_: [])
    with pytest.raises(RuntimeError, match="no children"):
        resource.putChild(b"x", Resource())
    with pytest.raises(RuntimeError, match="no children"):
        resource.getChildWithDefault(b"x", None)


async def test_an_application_that_cannot_close_is_told_of_in_the_log(flushLoggedErrors: Any) -> None:
    class Result:
        def __iter__(self) -> Any:
            yield b"all"

        def close(self) -> None:
            raise ValueError("of mine")

    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return Result()

    async with hosting(application) as server:
        first, second = await server.talk(("GET", "/", None, {}), ("GET", "/", None, {}))
    assert first.body == second.body == b"all"
    assert len(flushLoggedErrors(ValueError)) == 2
