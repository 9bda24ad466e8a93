"""Requests that are the last of their connections, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from plait.current import getReactor
from plait.engine import deferToThread
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource
from plait.web.site import Site


class Echo(Resource):
    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        return bytes(request.content.read())

    def render_GET(self, request: Any) -> int:
        request.write(b"written")
        request.finish()
        return NOT_DONE_YET


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listening = getReactor().listenTCP(0, Site(Echo()), interface="127.0.0.1")
    yield listening.getHost().port
    await listening.stopListening()


def exchange(port: int, *pieces: bytes) -> bytes:
    """All that the server answers, up to the end of the connection; a piece is sent when the one before it has been taken."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces[:-1]:
            conn.sendall(piece)
            # the server has it: a second connection, opened later, has been answered
            assert exchange(port, b"GET / HTTP/1.0\r\n\r\n").endswith(b"written")
        conn.sendall(pieces[-1])
        answer = b""
        while data := conn.recv(65536):
            answer += data
    return answer


VERSIONS = [b"HTTP/1.0\r\n", b"HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_connection_is_answered(port: int, version: bytes) -> None:
    for _ in range(3):
        answer = await deferToThread(exchange, port, b"GET / " + version + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"written" in answer


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_body_may_come_after_its_head(port: int, version: bytes) -> None:
    head = b"POST / " + version + b"Content-Length: 6\r\n\r\n"
    answer = await deferToThread(exchange, port, head, b"abc", b"def")
    assert answer.endswith(b"\r\n\r\nabcdef")


async def test_what_comes_after_the_last_request_is_not_looked_at(port: int) -> None:
    request = b"POST / " + VERSIONS[1] + b"Content-Length: 3\r\n\r\nabc"
    answer = await deferToThread(exchange, port, request + request)
    assert answer.count(b"HTTP/1.1 200") == 1
