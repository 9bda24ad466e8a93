"""Programs that answer requests, run for real."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plait.deferred import Deferred
from plait.errors import ProcessDone, ProcessTerminated
from plait.failure import Failure
from plait.log import capturedLogs, formatEvent
from plait.web.cgi import CGIDirectory, CGIProcessProtocol, CGIScript, FilteredScript
from plait.web.static import File
from tests.web.requests import FakeRequest
from tests.web.serving import Serving

Write = Callable[..., Path]


@pytest.fixture
def script(tmp_path: Path) -> Write:
    """Writes a program of the shell's lines."""

    def write(*lines: str, name: str = "script.cgi") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Deferred[None]:
    """Fires when a program has ended, and all that it wrote is read."""
    over: Deferred[None] = Deferred()
    before = CGIProcessProtocol.processEnded

    def after(self: CGIProcessProtocol, reason: Any) -> None:
        before(self, reason)
        over.callback(None)

    monkeypatch.setattr(CGIProcessProtocol, "processEnded", after)
    return over


ENVIRONMENT = "printf 'Content-Type: text/plain\\n\\n'; env; pwd"


async def told(
    resource: Any, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str
) -> dict[str, str]:
    async with Serving(resource) as server:
        answer = await server.ask(path, method, body, headers)
    assert answer.status == 200
    *lines, folder = os.fsdecode(answer.body).splitlines()
    return {"folder": folder, "port": str(server.port), **dict(line.split("=", 1) for line in lines if "=" in line)}


async def test_what_a_program_is_told(script: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    path = script(ENVIRONMENT)
    headers = {"Content-Type": "text/x", "X-Y": "z", "X_Y": "forged", "Cookie": "a=b"}
    got = await told(CGIDirectory(path.parent), "/script.cgi/a%20b/%C3%A9%FF/?c=%20d", "POST", b"sent", **headers)
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("/script.cgi", os.fsdecode(b"/a b/\xc3\xa9\xff/"))
    assert (got["QUERY_STRING"], got["REQUEST_METHOD"]) == ("c=%20d", "POST")
    assert (got["CONTENT_TYPE"], got["CONTENT_LENGTH"]) == ("text/x", "4")
    assert (got["HTTP_X_Y"], got["HTTP_COOKIE"]) == ("z", "a=b")
    assert (got["REMOTE_ADDR"], got["SERVER_NAME"], got["SERVER_PORT"]) == ("127.0.0.1", "127.0.0.1", got["port"])
    assert (got["GATEWAY_INTERFACE"], got["SERVER_PROTOCOL"]) == ("CGI/1.1", "HTTP/1.1")
    assert (got["SCRIPT_FILENAME"], got["folder"]) == (str(path), str(path.parent))
    assert "SECRET_OF_THE_SERVER" not in got


async def test_what_a_program_is_not_told(script: Write) -> None:
    headers = {"Proxy": "http://evil.example/", "Authorization": "Basic eDp5", "Content-Length": "0"}
    got = await told(CGIScript(script(ENVIRONMENT)), "/?-d+allow_url_include", **headers)
    assert not {"HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_CONTENT_LENGTH", "CONTENT_TYPE"} & set(got)
    assert got["CONTENT_LENGTH"] == "0"


async def test_words_of_a_query_are_no_arguments(script: Write) -> None:
    async with Serving(CGIScript(script("printf '\\n%s' $#"))) as server:
        assert (await server.ask("/?-s+x")).body == b"0"


async def test_a_subclass_says_what_of_our_environment_is_passed(
    script: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Open(CGIScript):
        passes = ("PATH", "FOR_PROGRAMS")

    monkeypatch.setenv("FOR_PROGRAMS", "1")
    monkeypatch.setenv("FOR_NOBODY", "2")
    got = await told(Open(script(ENVIRONMENT)))
    assert got["FOR_PROGRAMS"] == "1" and "FOR_NOBODY" not in got
    monkeypatch.setattr(Open, "passes", None)
    assert (await told(Open(script(ENVIRONMENT))))["FOR_NOBODY"] == "2"


async def test_a_body_and_an_answer_of_any_size(script: Write) -> None:
    body = os.urandom(1_000_000)
    async with Serving(CGIScript(script("printf '\\r\\n'", "cat"))) as server:
        assert (await server.ask("/", "POST", body)).body == body
        assert (await server.ask("/", "POST", b"")).body == b""


async def test_a_program_need_not_read_its_input(script: Write) -> None:
    async with Serving(CGIScript(script("exec 0<&-", "printf '\\nall'"))) as server:
        assert (await server.ask("/", "POST", bytes(1_000_000))).body == b"all"


@pytest.mark.parametrize(
    ("head", "status", "headers"),
    [
        ("", 200, {"content-type": "text/html"}),
        ("content-type: text/x\nX-A: b\r\n", 200, {"content-type": "text/x", "x-a": "b"}),
        ("Status: 404 Not Here\nX-A: b\n", 404, {"x-a": "b"}),
        ("Location: http://example.com/\n", 302, {"location": "http://example.com/"}),
        ("Status: 301 Moved\nLocation: /x\n", 301, {"location": "/x"}),
        ("Location: /x\nStatus: 303 Look\n", 303, {"location": "/x"}),
        ("Set-Cookie: a=b\nSet-Cookie: c=d\n", 200, {}),
    ],
)
async def test_the_head_of_an_answer(script: Write, head: str, status: int, headers: dict[str, str]) -> None:
    path = script("cat <<'END'", f"{head}", "body", "END")
    async with Serving(CGIScript(path)) as server:
        answer = await server.ask()
    assert (answer.status, answer.body) == (status, b"body\n")
    assert headers.items() <= answer.headers.items()


async def test_headers_that_a_program_has_no_say_in(script: Write) -> None:
    mine = "Server: monkeys\\nDate: last year\\nConnection: x\\nTransfer-Encoding: x\\n"
    async with Serving(CGIScript(script(f"printf '{mine}\\nbody'"))) as server:
        answer = await server.ask()
    assert answer.body == b"body"
    assert not {"monkeys", "last year", "x"} & set(answer.headers.values())


@pytest.mark.parametrize("header", ["XYZ", "X Y: z", ": z", "Status: 99", "Status: OK", "Status: 100 x"])
async def test_a_header_that_is_malformed_is_left_out_and_told_of_in_the_log(script: Write, header: str) -> None:
    with capturedLogs() as events:
        async with Serving(CGIScript(script(f"printf '{header}\\n\\nbody'"))) as server:
            answer = await server.ask()
    assert (answer.status, answer.body) == (200, b"body")
    assert f"ignoring malformed CGI header: {header.encode()!r}" in map(formatEvent, events)


@pytest.mark.parametrize(
    "lines",
    [
        ("exit 3",),
        ("printf 'Content-Length: 100\\n'",),
        ("kill -9 $$",),
        ("yes 'X: y'",),
        ("yes | tr -d '\\n'",),
        ("sed 's/^/x/' no-such-file",),
    ],
)
async def test_a_program_that_has_no_headers(script: Write, lines: tuple[str, ...]) -> None:
    with capturedLogs() as events:
        async with Serving(CGIScript(script(*lines))) as server:
            answer = await server.ask()
    assert answer.status == 500
    assert b"The program that was to answer did not." in answer.body
    assert any(formatEvent(event).startswith("Cannot answer") for event in events)


async def test_what_cannot_be_run_is_told_of_in_the_log(tmp_path: Path, ended: Deferred[None]) -> None:
    with capturedLogs() as events:
        async with Serving(CGIScript(tmp_path / "none")) as server:
            assert (await server.ask()).status == 500
            await ended
    assert any("none" in formatEvent(event) for event in events)


async def test_an_answer_that_a_signal_ends_is_not_taken_for_all(script: Write, flushLoggedErrors: Any) -> None:
    async with Serving(CGIScript(script("printf '\\nhalf'", "kill -9 $$"))) as server:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            await server.ask()
    assert len(flushLoggedErrors(ProcessTerminated)) == 1


async def test_error_output_goes_into_the_log(script: Write, ended: Deferred[None]) -> None:
    with capturedLogs() as events:
        async with Serving(CGIScript(script("echo 'a word' >&2", "printf '\\nbody'", "exit 1"))) as server:
            assert (await server.ask()).body == b"body"
            await ended
    texts = list(map(formatEvent, events))
    assert "a word" in texts
    assert any("exit code 1" in text for text in texts)


async def test_a_process_that_is_left_behind_is_not_waited_for(
    script: Write, tmp_path: Path, ended: Deferred[None]
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # it keeps the error output, and waits until somebody opens the pipe
    path = script(f"(exec >/dev/null; cat {fifo}) &", "printf '\\nbody'")
    async with Serving(CGIScript(path)) as server:
        assert (await server.ask()).body == b"body"
        assert not ended.called
        await server.call(lambda: os.close(os.open(fifo, os.O_WRONLY)))
        await ended


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_program_ends_when_its_client_goes(
    script: Write, monkeypatch: pytest.MonkeyPatch, ended: Deferred[None], stubborn: bool
) -> None:
    if stubborn:
        monkeypatch.setattr(CGIProcessProtocol, "patience", 0.0)
    path = script("trap '' TERM PIPE" if stubborn else "", "printf '\\nhere'", "while :; do echo x; done 2>&1")
    async with Serving(CGIScript(path)) as server:

        def visit() -> None:
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.recv(10)

        await server.call(visit)
        await ended
    assert CGIProcessProtocol.running == 0


async def test_there_is_an_end_to_how_many_run(script: Write) -> None:
    class Few(CGIScript):
        maxProcesses = 0

    async with Serving(Few(script("printf '\\nbody'"))) as server:
        answer = await server.ask()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert CGIProcessProtocol.running == 0


async def test_a_path_that_no_program_can_be_told(script: Write) -> None:
    async with Serving(CGIScript(script("printf '\\nbody'"))) as server:
        assert (await server.ask("/a%00b")).status == 400


async def test_a_folder_of_programs(script: Write, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    script("printf '\\nbody'", name="inner/program")
    (inner / "data").write_text("secret")
    script("printf '\\noutside'", name="outside")
    async with Serving(CGIDirectory(tmp_path / "inner")) as server:
        assert (await server.ask("/program")).body == b"body"
        assert [
            (await server.ask(path)).status for path in ("/", "/none", "/..", "/..%2foutside", "/%00", "/data")
        ] == [404, 404, 404, 404, 404, 403]
    async with Serving(CGIDirectory(str(tmp_path))) as server:
        assert (await server.ask("/inner/program")).body == b"body"


async def test_a_file_for_an_interpreter(tmp_path: Path) -> None:
    class Python(FilteredScript):
        filter = sys.executable

    (tmp_path / "page.py").write_text("import os\nprint()\nprint(os.environ['QUERY_STRING'])")
    folder = File(tmp_path)
    folder.processors = {".py": Python}
    async with Serving(folder) as server:
        assert (await server.ask("/page.py?a=b")).body.split() == [b"a=b"]


def test_an_answer_comes_as_fast_as_the_client_takes_it() -> None:
    class Taking(FakeRequest):
        producer: Any = None

        def registerProducer(self, producer: Any, streaming: bool) -> None:
            self.producer = (producer, streaming)

        def unregisterProducer(self) -> None:
            self.producer = None

    request = Taking()
    run = CGIProcessProtocol(request)
    run.transport = object()
    run.outReceived(b"X: y\n\nbo")
    assert request.producer == (run.transport, True)
    run.outReceived(b"dy")
    run.processEnded(Failure(ProcessDone(0)))
    assert (request.producer, request.written, request.finished) == (None, b"body", True)
