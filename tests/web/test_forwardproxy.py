"""A proxy for whole URLs and tunnels."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from plait import reactor
from plait.deferred import Deferred
from plait.endpoints import connect
from plait.errors import ConnectionLost
from plait.interfaces import IHalfCloseableProtocol, implementer
from plait.protocol import Factory, Protocol
from plait.transport.address import IPv4Address, IPv6Address
from plait.web.forwardproxy import ForwardProxyResource, _is_public
from tests.web.serving import Serving
from tests.web.test_proxy import Told

ROOT = Path(__file__).parents[2]


def proxy(**options: Any) -> Serving:
    return Serving(ForwardProxyResource(**{"private": True, "connectPorts": (), **options}))


@implementer(IHalfCloseableProtocol)
class Shouting(Protocol):
    """Answers at the end of what it is told."""

    def connectionMade(self) -> None:
        self.got = b""

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def readConnectionLost(self) -> None:
        self.transport.write(self.got.upper())
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """Nothing to do."""


class Port:
    def __init__(self, protocol: type[Protocol]) -> None:
        self.factory = Factory.forProtocol(protocol)

    async def __aenter__(self) -> int:
        self._port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        return int(self._port.getHost().port)

    async def __aexit__(self, *error: object) -> None:
        await self._port.stopListening()


async def ask(port: int, head: bytes) -> bytes:
    async with connect(f"tcp:127.0.0.1:{port}") as stream:
        await stream.write(head)
        return await stream.readAll()


async def test_a_whole_url() -> None:
    async with Serving(Told()) as upstream, proxy() as server:
        url = b"http://127.0.0.1:%d/a%%20b?c=d" % upstream.port
        head = b"POST %b HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\n" % url
        answer = await ask(server.port, head + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi")
        assert answer.startswith(b"HTTP/1.1 299 Odd\r\n") and b"\r\nVia: 1.1 plait-" in answer
        told = answer.partition(b"\r\n\r\n")[2]
        assert b'"uri": "/a%20b?c=d"' in told and b'"body": "hi"' in told and b'"via": "1.1 plait-' in told
        assert b'"host": "127.0.0.1:%d"' % upstream.port in told  # that of the URL counts
        assert b"proxy-" not in told


async def test_a_tunnel_carries_both_ways_and_each_half_ends_by_itself() -> None:
    async with Port(Shouting) as port, proxy() as server:
        # what comes behind the request at once is not lost
        head = b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\nearly " % port
        async with connect(f"tcp:127.0.0.1:{server.port}") as stream:
            await stream.write(head)
            assert await stream.readUntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
            await stream.write(b"and late" * 100_000)
            stream.loseWriteConnection()
            assert await stream.readAll() == b"EARLY " + b"AND LATE" * 100_000


class Pouring(Protocol):
    """Sends without end."""

    made: Deferred[Pouring]

    def connectionMade(self) -> None:
        self.paused = Deferred[None]()
        self.lost = Deferred[None]()
        self.transport.registerProducer(self, True)
        self.made.callback(self)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self._pour(self.paused)

    def _pour(self, until: Deferred[None]) -> None:
        if not until.called:
            self.transport.write(bytes(65536))
            reactor.callLater(0, self._pour, until)

    def pauseProducing(self) -> None:
        if not self.paused.called:
            self.paused.callback(None)

    def stopProducing(self) -> None:
        self.pauseProducing()

    def connectionLost(self, reason: Any) -> None:
        self.lost.callback(None)


async def test_a_client_that_does_not_read_stops_the_other_end_and_takes_it_along() -> None:
    Pouring.made = Deferred()
    async with Port(Pouring) as port, proxy() as server:
        async with connect(f"tcp:127.0.0.1:{server.port}") as stream:
            await stream.write(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n" % port)
            pouring = await Pouring.made
            await pouring.paused  # nobody reads, so that it has to wait
        await pouring.lost


async def test_a_tunnel_that_carries_nothing_is_closed() -> None:
    async with Port(Protocol) as port, proxy(idleTimeout=0.05) as server:
        head = b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n" % port
        with contextlib.suppress(ConnectionLost):
            assert b" 200 " in await ask(server.port, head)  # which reads up to the end


@pytest.mark.parametrize(
    ("request_line", "code", "why"),
    [
        (b"GET / HTTP/1.1", 400, b"whole URL"),
        (b"GET https://example.org/ HTTP/1.1", 400, b"whole URL"),
        (b"GET http://[::1/ HTTP/1.1", 400, b""),
        (b"GET http://h:99999/ HTTP/1.1", 400, b""),
        (b"CONNECT example.org:22 HTTP/1.1", 403, b"no tunnels are made to port 22"),
        (b"CONNECT example.org:0 HTTP/1.1", 400, b""),
        (b"GET http://127.0.0.1/ HTTP/1.1", 403, b"no public address"),
        (b"CONNECT localhost:443 HTTP/1.1", 403, b"no public address"),
        (b"GET http://10.1.2.3/ HTTP/1.1", 403, b"no public address"),
        (b"GET http://[::ffff:10.1.2.3]/ HTTP/1.1", 403, b"no public address"),
        (b"GET http://elsewhere.invalid/ HTTP/1.1", 502, b"cannot be reached"),
    ],
)
async def test_what_is_refused(request_line: bytes, code: int, why: bytes) -> None:
    async with Serving(ForwardProxyResource()) as server:
        answer = await ask(server.port, request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % code) and why in answer


async def test_hosts_that_are_named() -> None:
    async with Serving(Told()) as upstream, proxy(hosts=["127.0.0.1", "Example.org"]) as server:
        head = b"GET http://%b/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert b" 299 " in await ask(server.port, head % b"127.0.0.1:%d" % upstream.port)
        assert b" 403 " in await ask(server.port, head % b"notexample.org")
    known = ForwardProxyResource(hosts=["Example.org"])._is_known
    assert known("example.org") and known("www.example.org") and not known("notexample.org")


async def test_one_that_refuses_and_a_request_that_comes_back() -> None:
    async with proxy() as server:
        unused = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        port = unused.getHost().port
        await unused.stopListening()
        answer = await ask(server.port, b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: x\r\n\r\n" % port)
        assert answer.startswith(b"HTTP/1.1 502 ") and b"cannot be reached" in answer
        url = b"http://127.0.0.1:%d/" % server.port
        answer = await ask(server.port, b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % url)
        assert b" 400 " in answer  # by itself, which gets a path: it is no server
        via = server.site.resource._name
        answer = await ask(
            server.port, b"GET %b HTTP/1.1\r\nHost: x\r\nVia: 1.1 %b\r\nConnection: close\r\n\r\n" % (url, via)
        )
        assert b" 508 " in answer.partition(b"\r\n")[0] + b" "


async def test_a_client_that_goes_while_we_connect() -> None:
    async with proxy() as server:
        resource = server.site.resource
        begun: Deferred[None] = Deferred()
        cancelled: Deferred[None] = Deferred()

        async def never(*_: object) -> None:
            begun.callback(None)
            try:
                await Deferred()
            finally:
                cancelled.callback(None)

        resource._connect = never
        async with connect(f"tcp:127.0.0.1:{server.port}") as stream:
            await stream.write(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n")
            await begun
        await cancelled


def test_public_addresses() -> None:
    for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "0.0.0.0", "192.0.2.1"):
        assert not _is_public(IPv4Address("TCP", host, 80)), host
    for host in ("::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "ff02::1"):
        assert not _is_public(IPv6Address("TCP", host, 80)), host
    assert _is_public(IPv4Address("TCP", "8.8.8.8", 80)) and _is_public(IPv6Address("TCP", "2606:4700::1", 80))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl() -> None:
    async with Serving(Told()) as upstream, proxy() as server:
        for more in ([], ["--proxytunnel"]):
            argv = ["curl", "-sS", *more, "-x", f"http://127.0.0.1:{server.port}", "--noproxy", ""]
            url = f"http://127.0.0.1:{upstream.port}/x?y"
            run = await server.call(lambda a=argv, u=url: subprocess.run([*a, u], capture_output=True, timeout=30))
            assert b'"uri": "/x?y"' in run.stdout, run.stderr


async def test_the_example() -> None:
    async with Serving(Told()) as upstream:
        argv = [sys.executable, "examples/website/filtering_proxy.py", "0", "127.0.0.1"]

        def talk() -> tuple[str, str]:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
            assert process.stdout is not None
            too_late = threading.Timer(60, process.kill)
            too_late.start()
            port = int(process.stdout.readline())
            too_late.cancel()
            answers = ""
            for host in (f"127.0.0.1:{upstream.port}", "elsewhere.invalid"):
                with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                    client.sendall(f"GET http://{host}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                    with client.makefile() as file:
                        answers += file.readline()
            process.terminate()
            return answers, process.communicate(timeout=30)[1]

        answers, log = await upstream.call(talk)
        # it goes to no private address
        assert answers == "HTTP/1.1 403 Forbidden\n" * 2
        assert (
            f"127.0.0.1 wanted http://127.0.0.1:{upstream.port}/" in log and "wanted http://elsewhere.invalid/" in log
        )
