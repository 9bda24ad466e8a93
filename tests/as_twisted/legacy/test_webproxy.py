"""Proxies of Twisted's parts, over real sockets."""

from __future__ import annotations

from typing import Any

from plait import reactor
from plait.as_twisted.legacy.webhttp import HTTPFactory
from plait.as_twisted.legacy.webproxy import Proxy, ReverseProxy, ReverseProxyResource
from plait.protocol import Protocol
from plait.web.resource import Resource
from tests.web.serving import Serving
from tests.web.test_forwardproxy import Port, ask
from tests.web.test_proxy import Told


class Listening:
    def __init__(self, factory: Any) -> None:
        self._factory = factory

    async def __aenter__(self) -> int:
        self._port = reactor.listenTCP(0, self._factory, interface="127.0.0.1")
        return int(self._port.getHost().port)

    async def __aexit__(self, *error: object) -> None:
        await self._port.stopListening()


def factory_of(protocol: type[Protocol], **attributes: Any) -> Any:
    factory = HTTPFactory()
    factory.protocol = protocol
    for name, value in attributes.items():
        setattr(factory, name, value)
    return factory


GET = b"GET %b HTTP/1.0\r\nKeep-Alive: 3\r\n\r\n"


async def test_forwards() -> None:
    async with Serving(Told()) as upstream, Listening(factory_of(Proxy)) as port:
        answer = await ask(port, GET % (b"http://127.0.0.1:%d/x?y" % upstream.port))
        assert answer.split(b"\r\n")[0].endswith(b" 299 Odd") and b'"uri": "/x?y"' in answer
        assert b"keep-alive" not in answer
        assert b" 400 " in (await ask(port, GET % b"/x")).split(b"\r\n")[0] + b" "
        answer = await ask(port, GET % b"http://127.0.0.1:1/")
        assert answer.split(b"\r\n")[0].endswith(b" 501 Gateway error")


async def test_reverse() -> None:
    async with Serving(Told()) as upstream:
        factory = factory_of(ReverseProxy, host="127.0.0.1", port=upstream.port)
        async with Listening(factory) as port:
            assert b'"uri": "/x"' in await ask(port, GET % b"/x")
        root = Resource()
        root.putChild(b"there", ReverseProxyResource("127.0.0.1", upstream.port, b"/base"))
        async with Serving(root) as server:
            assert b'"uri": "/base/a%20b?c"' in (await server.ask("/there/a%20b?c")).body
            assert (await server.ask("/there/%2e%2e/%2e%2e/c")).status == 400


class Cutting(Protocol):
    """Promises more than it sends."""

    said = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(self.said)
        self.transport.loseConnection()


class Babbling(Cutting):
    said = b"no HTTP at all\r\n\r\n"


async def test_answers_that_are_none() -> None:
    async with Port(Cutting) as cutting, Port(Babbling) as babbling, Listening(factory_of(Proxy)) as port:
        answer = await ask(port, GET % (b"http://127.0.0.1:%d/" % cutting))
        assert answer.endswith(b"\r\n\r\nhalf")  # and its length says that this is not all
        assert b"Content-Length: 10\r\n" in answer
        answer = await ask(port, GET % (b"http://127.0.0.1:%d/" % babbling))
        assert b" 502 " in answer.split(b"\r\n")[0] + b" "
